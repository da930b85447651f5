// What a model hears along a sound: two pictures over one time axis that follow the sound as it plays.
window.passt = window.passt || {};

passt.timeline = (element, props, watch) => {
  const root = element.querySelector(".passt-timeline");
  const field = element.querySelector(".passt-line-field");
  const plot = element.querySelector(".passt-plot");
  const head = element.querySelector(".passt-playhead");
  const readout = element.querySelector(".passt-readout");
  const times = element.querySelector(".times");
  const button = element.querySelector("[data-part=sound]");
  const views = element.querySelectorAll("[data-view]");
  const player = passt.player;
  const CLICK_PX = 4;
  const STEP_S = 5;
  const REST = "Move over the picture to read it.";
  let value = null;
  let from = null; // where the pointer went down
  let panning = 0; // the next picture while a finger moves it
  let cursor = 0; // where the sound goes on, in seconds, while it is not ours that plays

  const picture = passt.timeplot(plot, follow);
  const mine = () => Boolean(value) && (player.key ?? "").startsWith(value.key);
  const now = () => (mine() ? player.audio.currentTime : cursor);

  function take() {
    const before = value?.key;
    value = props.value ? JSON.parse(props.value) : null;
    const other = value?.key !== before;
    if (other && before && (player.key ?? "").startsWith(before)) player.stop();
    if (other) cursor = 0;
    root.classList.toggle("empty", !value);
    for (const one of [button, ...views]) one.disabled = !value;
    button.dataset.sound = value?.sound ?? "";
    button.dataset.key = value ? `${value.key}:all` : "";
    field.setAttribute("aria-label", value?.summary ?? "Timeline: nothing was heard yet");
    readout.textContent = value ? REST : "";
    picture.set(value);
  }

  function hear(time) {
    cursor = Math.min(value.end, Math.max(0, time));
    player.start(value.sound, `${value.key}:all`, cursor);
  }

  let seen = ""; // what the line of times says
  function follow() {
    const there = picture.ready();
    const time = there ? now() : 0;
    const [start, end] = picture.range ?? [0, 0];
    const playing = there && mine() && !player.audio.paused;
    if (playing && time > end && time - end < (end - start) / 2 && end < value.end) picture.look(end, 2 * end - start);
    const inside = there && (mine() || cursor > 0) && time >= start && time <= end;
    head.hidden = !inside;
    if (inside) {
      const { top, bottom } = picture.frame();
      head.style.transform = `translateX(${picture.pixel(time)}px)`;
      head.style.top = `${top}px`;
      head.style.height = `${bottom - top}px`;
    }
    const said = there ? `${picture.clock(time, 1)} of ${picture.clock(value.end, 1)}` : "";
    if (said !== seen) times.textContent = seen = said;
  }

  function tick() {
    if (!element.isConnected) return;
    follow();
    requestAnimationFrame(tick);
  }

  plot.addEventListener("pointerdown", (event) => {
    const inside = event.button === 0 && picture.at(event);
    from = inside ? { x: event.clientX, y: event.clientY, range: [...picture.range], finger: event.pointerType === "touch" } : null;
    if (inside) field.focus({ preventScroll: true }); // Plotly keeps the press to itself, and the keys would go elsewhere
  });
  // A finger moves what is near; a mouse draws the stretch to come nearer to.
  window.addEventListener("pointermove", (event) => {
    if (!from?.finger || !picture.ready() || Math.abs(event.clientX - from.x) < CLICK_PX) return;
    const [start, end] = from.range.map((time) => time - picture.seconds(event.clientX - from.x));
    cancelAnimationFrame(panning);
    panning = requestAnimationFrame(() => picture.look(start, end));
  });
  window.addEventListener("pointerup", (event) => {
    const still = from && Math.hypot(event.clientX - from.x, event.clientY - from.y) < CLICK_PX;
    from = null;
    const place = still && value ? picture.at(event) : null;
    if (place) hear(place.time);
  });
  window.addEventListener("pointercancel", () => { from = null; });
  plot.addEventListener("dblclick", () => picture.whole());
  plot.addEventListener("pointermove", (event) => { readout.textContent = picture.told(picture.at(event)) || REST; });
  plot.addEventListener("pointerleave", () => { readout.textContent = value ? REST : ""; });

  // A change of the view is a change of what is in the middle of it, or of where the sound is.
  const near = () => (now() >= picture.range[0] && now() <= picture.range[1] && now() > 0 ? now() : undefined);
  element.addEventListener("click", (event) => {
    const { view } = event.target.closest("[data-view]")?.dataset ?? {};
    if (!view || !value) return;
    if (view === "whole") picture.whole(); else picture.zoom(Number(view), near());
  });

  function step(seconds) {
    const time = Math.min(value.end - 0.01, Math.max(0, now() + seconds));
    cursor = time;
    if (mine()) player.audio.currentTime = time;
    const [start, end] = picture.range;
    if (time < start || time > end) picture.look(time - (end - start) / 2, time + (end - start) / 2);
  }

  const keys = {
    ArrowRight: () => step(STEP_S),
    ArrowLeft: () => step(-STEP_S),
    Home: () => step(-Infinity),
    End: () => step(Infinity),
    " ": () => { if (mine() && !player.audio.paused) player.audio.pause(); else hear(now()); },
    "+": () => picture.zoom(0.5, near()),
    "=": () => picture.zoom(0.5, near()),
    "-": () => picture.zoom(2, near()),
    0: () => picture.whole(),
  };
  field.addEventListener("keydown", (event) => {
    const does = !event.ctrlKey && !event.metaKey && !event.altKey && keys[event.key];
    if (!does || !value) return;
    event.preventDefault();
    if (event.key !== " " || !event.repeat) does();
  });

  // A row of the table was pressed: what it tells of comes into view.
  document.addEventListener("click", (event) => {
    const row = event.target.closest?.("[data-event-start]");
    if (!row || !value || !picture.ready()) return;
    const [start, end] = [Number(row.dataset.eventStart), Number(row.dataset.eventEnd)];
    const [first, last] = picture.range;
    if (start >= first && end <= last) return;
    const span = Math.max(last - first, 1.2 * (end - start));
    picture.look((start + end - span) / 2, (start + end + span) / 2);
  });

  watch("value", take);
  passt.plots.keep(plot, picture.draw);
  take();
  tick();
};

// The table of events is sent anew while a sound is heard: where one is in it, and what plays, stays.
passt.events = (element, props, watch) => {
  let top = 0;
  let focused = "";
  element.addEventListener("scroll", (event) => { if (event.target.matches(".passt-events")) top = event.target.scrollTop; }, true);
  element.addEventListener("focusin", (event) => { focused = event.target.dataset.key ?? ""; });
  element.addEventListener("focusout", (event) => { if (event.target.isConnected) focused = ""; });

  watch("value", () => {
    const table = element.querySelector(".passt-events");
    const kept = focused && [...element.querySelectorAll("[data-key]")].find((button) => button.dataset.key === focused);
    if (kept) kept.focus({ preventScroll: true });
    if (table) table.scrollTop = top;
    passt.player.refresh();
  });
};
