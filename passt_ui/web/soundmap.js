// The map of a library: every point a sound that can be heard. The clip in hand is a star.
window.passt = window.passt || {};

// `select` is triggered with the id of a sound that was chosen, `pick` with the ids of those in the list.
passt.soundmap = (element, props, watch, trigger, pickEvent) => {
  const find = (selector) => element.querySelector(selector);
  const [plot, field, tip, here, now, empty] =
    [".passt-plot", ".passt-field", ".passt-tip", ".passt-here", ".passt-now", ".passt-empty"].map(find);
  const [colouring, hovers, dims] = ["colouring", "hovers", "dims"].map((name) => find(`[name=${name}]`));
  const legend = find(".passt-legend");
  const { LIKENESS } = passt.maptraces;
  const DWELL_MS = 180;
  const STEPS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
  const hidden = { label: new Set(), family: new Set(), cluster: new Set(), [LIKENESS]: new Set() };
  const FIT = { "xaxis.autorange": true, "yaxis.autorange": true };

  let map = null; // as mapdata.js gives it
  let query = null; // the clip in hand on this map
  let rows = []; // those that are shown, in the order of their points
  let current = -1; // the row that the keyboard or the mouse is at
  let pointed = null; // where the words stand that say what lies there, as x and y of the map
  let drawnSize = "";
  let outlines = null; // of lassos and boxes, where they are not to stay as they are
  let calls = null; // stops the fetch of a map that is not wanted any more

  const list = passt.playlist(find(".passt-picked"), () => map, () => marked([]));
  const text = (row) => `${map.title[row]}, ${map.named(row, "label").name}`;

  // --- what is drawn -----------------------------------------------------------------------------

  const size = () => `${plot.offsetWidth} ${plot.offsetHeight}`;

  function draw() {
    if (!plot.offsetWidth) return;
    drawnSize = size();
    if (!map) return passt.plots.clear(plot);
    const mode = colouring.value;
    rows = passt.maptraces.visible(map, mode, hidden[mode]);
    const state = { map, rows, colouring: mode, query, picked: new Set(list.rows), dimmed: dimmed() };
    const axis = { visible: false };
    const layout = passt.plots.themed({
      xaxis: axis, yaxis: axis, dragmode: plot.layout?.dragmode ?? "pan", hovermode: "closest", showlegend: false,
      uirevision: map.url, selectionrevision: list.rows.length, hoverdistance: 14,
      selections: outlines ?? plot.layout?.selections ?? [],
      newselection: { line: { color: passt.plots.colour("--passt-all"), width: 2, dash: "solid" } },
    });
    outlines = null;
    Plotly.react(plot, passt.maptraces.traces(state), layout, { ...passt.plots.config, scrollZoom: true }).then(bind);
  }

  const dimmed = () => Boolean(query) && dims.checked && colouring.value !== LIKENESS;

  function drawAgain() {
    // A change of size alone needs no new traces; else the theme has changed.
    if (map && drawnSize && drawnSize !== size() && plot.offsetWidth) {
      drawnSize = size();
      Plotly.Plots.resize(plot);
    } else draw();
  }

  function name() {
    const mode = colouring.value;
    dims.disabled = !query || mode === LIKENESS;
    if (!map) legend.replaceChildren();
    else if (mode === LIKENESS) passt.maplegend.scale(legend, passt.maptraces.scale(map), query);
    else passt.maplegend.groups(legend, map.groups[mode].groups, hidden[mode], draw);
  }

  // --- what comes from the server ----------------------------------------------------------------

  async function open() {
    const where = props.value;
    if (map && where?.url === map.url) return ask();
    calls?.abort();
    calls = new AbortController();
    list.set([]);
    outlines = [];
    for (const groups of Object.values(hidden)) groups.clear();
    [map, query, current] = [null, null, -1];
    tell(where?.url ? "Fetching the map…" : "There is no map: no library was made by this model.");
    if (where?.url) {
      try {
        map = await passt.mapdata.fetched({ ...where }, calls.signal);
        tell("");
      } catch (error) {
        if (error.name === "AbortError") return;
        tell(`The map cannot be fetched. ${error.message}`);
      }
    }
    field.setAttribute("aria-label", map ? `Map of ${map.name}, ${map.rows.toLocaleString("en")} sounds` : "Map of the library");
    ask();
  }

  function tell(sentence) {
    empty.textContent = sentence;
    empty.hidden = !sentence;
    leave();
  }

  const known = (numbers) => numbers.map((number) => map.rowOf.get(number)).filter((row) => row !== undefined);

  function ask() {
    const sent = props.query ? JSON.parse(props.query) : null;
    query = sent && map && sent.key === map.key
      ? { ...sent, alike: passt.mapdata.unpacked(sent.alike), hits: known(sent.hits), linked: known(sent.linked) }
      : null;
    const [likeness] = [...colouring.options].filter((option) => option.value === LIKENESS);
    likeness.disabled = !query;
    if (!query && colouring.value === LIKENESS) colouring.value = "label";
    for (const option of colouring.options) {
      const group = map?.groups[option.value];
      if (group) option.disabled = !group.groups.length;
    }
    name();
    draw();
  }

  // --- the sound that is looked at, and the one that plays ------------------------------------------

  // Where a place of the map lies in the field, in pixels.
  function screen([x, y]) {
    const { xaxis, yaxis } = plot._fullLayout;
    return [xaxis._offset + xaxis.l2p(x), yaxis._offset + yaxis.l2p(y)];
  }

  const place = (row) => [map.x[row], map.y[row]];
  const at = (row) => screen(place(row));

  function put(mark, spot) {
    const there = map && spot && plot._fullLayout?.xaxis;
    mark.hidden = !there;
    if (!there) return;
    const [x, y] = screen(spot);
    mark.hidden = x < 0 || y < 0 || x > plot.offsetWidth || y > plot.offsetHeight;
    mark.style.transform = `translate(${x}px, ${y}px)`;
    mark.classList.toggle("left", x > plot.offsetWidth / 2);
    mark.classList.toggle("under", y < 70);
  }

  function follow() {
    const playing = map && !passt.player.audio.paused ? map.rowOfSign(passt.player.key) : undefined;
    put(here, current < 0 ? null : place(current));
    put(tip, pointed);
    put(now, playing === undefined ? null : place(playing));
  }

  function say(spot, lines) {
    pointed = spot;
    const spans = lines.filter(Boolean).map((line) => Object.assign(document.createElement("span"), { textContent: line }));
    tip.firstElementChild.replaceChildren(...spans);
    follow();
  }

  function look(row) {
    current = row;
    const alike = query ? `similarity ${(query.lo + (query.alike[row] / 255) * (query.hi - query.lo)).toFixed(2)}` : "";
    const { name: label, parent } = map.named(row, "label");
    say(place(row), [map.title[row], parent && parent !== label ? `${label} · ${parent}` : label, alike]);
  }

  function leave() {
    current = -1;
    pointed = null;
    follow();
  }

  const play = (row) => passt.player.begin(map.sound(row), map.sign(row));

  function choose(row) {
    look(row);
    // What began to play as the mouse came near goes on when it is clicked.
    if (!hovers.checked || passt.player.key !== map.sign(row) || passt.player.audio.paused) {
      passt.player.toggle(map.sound(row), map.sign(row));
    }
    trigger("select", { id: map.id[row] });
  }

  // --- mouse and touch -----------------------------------------------------------------------------

  let dwell = 0;
  let bound = false;
  function bind() {
    follow();
    if (bound) return;
    bound = true;
    const row = (event) => (event.points[0]?.data.name === "sounds" ? rows[event.points[0].pointIndex] : -1);
    plot.on("plotly_hover", (event) => {
      clearTimeout(dwell);
      if (row(event) < 0) {
        current = -1;
        return say([query.x, query.y], [query.title, "your clip"]);
      }
      look(row(event));
      if (!hovers.checked || passt.player.key === map.sign(current)) return;
      dwell = setTimeout(() => play(current), DWELL_MS);
    });
    plot.on("plotly_unhover", () => { clearTimeout(dwell); leave(); });
    plot.on("plotly_click", (event) => { if (row(event) >= 0) choose(row(event)); });
    plot.on("plotly_selected", (event) => {
      if (!event?.lassoPoints && !event?.range) return; // Plotly's own, as it draws anew
      const inside = event.points.filter((point) => point.data.name === "sounds");
      picked(inside.map((point) => rows[point.pointIndex]));
    });
    plot.on("plotly_deselect", () => picked([]));
    for (const moved of ["plotly_relayouting", "plotly_relayout", "plotly_afterplot"]) plot.on(moved, follow);
  }

  // The list has these sounds now: those in a lasso or a box, which Plotly marks, or others.
  function picked(chosen) {
    list.set(chosen);
    trigger(pickEvent, { ids: chosen.map((row) => map.id[row]) });
  }

  function marked(chosen) {
    picked(chosen);
    outlines = [];
    draw();
  }

  // --- keyboard ------------------------------------------------------------------------------------

  function middle() {
    return passt.mapdata.nearest(rows, plot.offsetWidth / 2, plot.offsetHeight / 2, at);
  }

  function step(direction) {
    const next = current < 0 ? middle() : passt.mapdata.onward(rows, current, direction, at);
    if (next < 0) return passt.say("There is no sound further this way.");
    look(next);
    centre(next);
    passt.say(text(next));
  }

  // A point outside of what is shown is brought to the middle.
  function centre(row) {
    const [x, y] = at(row);
    if (x >= 0 && y >= 0 && x <= plot.offsetWidth && y <= plot.offsetHeight) return;
    const around = (axis, value) => {
      const half = (axis.range[1] - axis.range[0]) / 2;
      return [value - half, value + half];
    };
    const { xaxis, yaxis } = plot._fullLayout;
    Plotly.relayout(plot, { "xaxis.range": around(xaxis, map.x[row]), "yaxis.range": around(yaxis, map.y[row]) });
  }

  function enlist(row) {
    const there = list.rows.includes(row);
    marked(there ? list.rows.filter((other) => other !== row) : [...list.rows, row]);
    passt.say(`${text(row)}: ${there ? "taken out of" : "put into"} the list.`);
  }

  const KEYS = {
    " ": () => passt.player.toggle(map.sound(current), map.sign(current)),
    Enter: () => trigger("select", { id: map.id[current] }),
    l: () => enlist(current),
  };

  field.addEventListener("keydown", (event) => {
    if (!map || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") field.blur();
    else if (STEPS[event.key]) step(STEPS[event.key]);
    else if (KEYS[event.key]) {
      if (current < 0) step([0, 0]);
      if (current >= 0) KEYS[event.key]();
    } else return;
    event.preventDefault();
  });
  field.addEventListener("blur", leave);

  // --- the bar above -------------------------------------------------------------------------------

  function zoom(factor) {
    const { xaxis, yaxis } = plot._fullLayout;
    const scaled = ({ range: [low, high] }) => [low, high].map((end) => (low + high) / 2 + factor * (end - (low + high) / 2));
    Plotly.relayout(plot, { "xaxis.range": scaled(xaxis), "yaxis.range": scaled(yaxis) });
  }

  element.addEventListener("click", (event) => {
    const { drag, zoom: way } = event.target.closest("button")?.dataset ?? {};
    if (!map || !(drag || way)) return;
    if (way) return way === "whole" ? Plotly.relayout(plot, FIT) : zoom(Number(way));
    Plotly.relayout(plot, { dragmode: drag });
    for (const button of element.querySelectorAll("[data-drag]")) {
      button.setAttribute("aria-pressed", String(button.dataset.drag === drag));
    }
  });
  colouring.addEventListener("change", () => { name(); draw(); });
  dims.addEventListener("change", draw);
  for (const happened of ["play", "pause", "emptied"]) passt.player.audio.addEventListener(happened, follow);

  find("details").open = matchMedia("(min-width: 641px)").matches;
  watch("value", open);
  watch("query", ask);
  passt.plots.keep(plot, drawAgain);
  open();
};
