// Sounds that were picked on the map, in a list that plays through.
window.passt = window.passt || {};

// `element` is the list's place; `map()` the map that its rows are of; `cleared()` is called when it was emptied.
passt.playlist = (element, map, cleared) => {
  const LISTED = 100;
  const part = (name) => element.querySelector(`[data-part=${name}]`);
  const list = element.querySelector("ol");
  const count = element.querySelector(".count");
  let rows = [];
  let at = -1; // which of `rows` is in turn; -1: none yet
  let through = false; // whether the next one follows when this one ends

  const page = () => LISTED * Math.floor(Math.max(0, at) / LISTED);
  const current = () => at >= 0 && passt.player.key === map().sign(rows[at]);

  function set(picked) {
    if (current()) passt.player.stop();
    rows = [...picked];
    at = -1;
    through = false;
    show();
  }

  function play(place) {
    if (place < 0 || place >= rows.length) return finish();
    at = place;
    through = true;
    const row = rows[at];
    passt.player.begin(map().sound(row), map().sign(row));
    show();
  }

  function finish() {
    through = false;
    at = -1;
    show();
  }

  function toggle() {
    if (!current()) return play(Math.max(0, at));
    if (passt.player.audio.paused) passt.player.resume(); else passt.player.audio.pause();
  }

  function item(row, place) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.place = place;
    button.dataset.id = map().id[row];
    button.append(
      Object.assign(document.createElement("b"), { textContent: map().named(row, "label").name }),
      Object.assign(document.createElement("span"), { textContent: map().title[row] }),
    );
    const entry = document.createElement("li");
    entry.append(button);
    return entry;
  }

  let shown = null;
  function show() {
    element.hidden = !rows.length;
    const first = page();
    if (shown?.rows !== rows || shown.first !== first) {
      shown = { rows, first };
      list.start = first + 1;
      list.replaceChildren(...rows.slice(first, first + LISTED).map((row, place) => item(row, first + place)));
    }
    mark();
  }

  function mark() {
    const playing = current() && !passt.player.audio.paused;
    for (const button of list.querySelectorAll("button")) {
      const here = Number(button.dataset.place) === at;
      if (here) button.setAttribute("aria-current", "true"); else button.removeAttribute("aria-current");
      // Only the list scrolls: the page stays where it is.
      if (here) list.scrollTop = button.offsetTop - list.offsetTop - list.clientHeight / 2;
    }
    part("toggle").setAttribute("aria-pressed", String(playing));
    part("back").disabled = at <= 0;
    part("next").disabled = at + 1 >= rows.length;
    const last = Math.min(shown?.first + LISTED, rows.length);
    const range = rows.length > LISTED ? `, ${shown.first + 1} to ${last} are listed` : "";
    const sounds = `${rows.length.toLocaleString("en")} sound${rows.length === 1 ? "" : "s"} picked`;
    count.textContent = at < 0 ? `${sounds}${range}` : `${at + 1} of ${sounds}${range}`;
  }

  const follow = () => { if (through && current()) play(at + 1); };
  passt.player.audio.addEventListener("passt:finished", follow);
  passt.player.audio.addEventListener("error", follow); // a sound that is gone does not stop the rest
  for (const name of ["play", "pause"]) passt.player.audio.addEventListener(name, () => rows.length && mark());

  part("back").addEventListener("click", () => play(at - 1));
  part("next").addEventListener("click", () => play(at + 1));
  part("toggle").addEventListener("click", toggle);
  part("clear").addEventListener("click", () => { set([]); cleared(); });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) play(Number(button.dataset.place));
  });

  return { set, get rows() { return rows; } };
};
