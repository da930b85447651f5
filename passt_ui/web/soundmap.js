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
  const NEAR_PX = 14; // from the mouse to the point that it is at

  let map = null; // as mapdata.js gives it
  let query = null; // the clip in hand on this map
  let rows = []; // those that are shown, in the order of their points
  let current = -1; // the row that the keyboard or the mouse is at
  let chosen = -1; // the row that was opened last
  let pointed = null; // where the words stand that say what lies there, as x and y of the map
  const canvas = passt.mapcanvas(find("canvas"));
  let drawnSize = "";
  let seen = null; // the map whose part is shown that the visitor chose
  let outlines = null; // of lassos and boxes, where they are not to stay as they are
  let calls = null; // stops the fetch of a map that is not wanted any more

  const list = passt.playlist(find(".passt-picked"), () => map, () => marked([]));
  const text = (row) => `${map.title[row]}, ${map.named(row, "label").name}`;

  // --- what is drawn -----------------------------------------------------------------------------

  const size = () => `${plot.offsetWidth} ${plot.offsetHeight}`;
  const axes = { xaxis: { visible: false, automargin: false }, yaxis: { visible: false, automargin: false } };

  function draw() {
    if (!plot.offsetWidth) return;
    drawnSize = size();
    if (!map) {
      canvas.clear();
      return passt.plots.clear(plot);
    }
    rows = passt.maptraces.visible(map, colouring.value, hidden[colouring.value]);
    field.dataset.shown = rows.length;
    const look = passt.maptraces.look(map, colouring.value, query);
    points(look);
    const layout = passt.plots.themed({
      ...axes, dragmode: plot.layout?.dragmode ?? "pan", hovermode: "closest", showlegend: false,
      margin: { l: 0, r: 0, t: 0, b: 0 }, hoveranywhere: true, clickanywhere: true, selections: outlines ?? plot.layout?.selections ?? [],
      newselection: { line: { color: passt.plots.colour("--passt-all"), width: 2, dash: "solid" } },
    });
    const { left, right, bottom, top } = view();
    layout.xaxis.range = [left, right];
    layout.yaxis.range = [bottom, top];
    [seen, outlines] = [map, null];
    const config = { ...passt.plots.config, scrollZoom: true, doubleClick: false };
    Plotly.react(plot, passt.maptraces.traces(map, rows, look, query), layout, config).then(bind);
  }

  // Sounds in the list stand out from all others; without a list, so do those that were found.
  function points(look) {
    const picks = new Set(list.rows);
    const hits = new Set(dimmed() ? query.hits : []);
    const faint = picks.size ? 0.2 : hits.size ? 0.55 : 1;
    const strong = (row) => (picks.size ? picks : hits).has(row);
    const [ground, edge] = ["--passt-wash", "--passt-ink-soft"].map(passt.plots.colour);
    canvas.set(map, rows, look, { size: passt.maptraces.size(map), strong, faint, ground, edge });
    paint();
  }

  function view() {
    const { xaxis, yaxis } = seen === map ? plot._fullLayout : {};
    const [left, right] = xaxis?.range ?? passt.mapdata.edges(map.x);
    const [bottom, top] = yaxis?.range ?? passt.mapdata.edges(map.y);
    return { left, right, bottom, top, width: plot.offsetWidth, height: plot.offsetHeight };
  }

  // Once a frame at most, however often the view moves.
  let painting = 0;
  function paint() {
    painting = painting || requestAnimationFrame(() => {
      painting = 0;
      if (!map || !plot.offsetWidth) return;
      canvas.paint(view());
      follow();
    });
  }

  const dimmed = () => Boolean(query) && dims.checked && colouring.value !== LIKENESS;

  function drawAgain() {
    // A change of size alone needs no new traces; else the theme has changed.
    if (map && drawnSize && drawnSize !== size() && plot.offsetWidth) {
      drawnSize = size();
      Plotly.Plots.resize(plot).then(paint);
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
    [map, query, current, chosen] = [null, null, -1, -1];
    tell(where?.url ? "Fetching the map…" : "There is no map: the library in hand was not made by this model.");
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
    const sent = props.value?.query ? JSON.parse(props.value.query) : null;
    query = sent && map && sent.key === map.key
      ? { ...sent, alike: passt.unpacked(sent.alike), hits: known(sent.hits), linked: known(sent.linked) }
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

  // Pixels to one of the map's units, right and down.
  function scale() {
    const { left, right, bottom, top, width, height } = view();
    return [width / (right - left), height / (bottom - top)];
  }

  // Where a place of the map lies in the field, in pixels.
  function screen([x, y]) {
    const [kx, ky] = scale();
    return [(x - view().left) * kx, (y - view().top) * ky];
  }

  const place = (row) => [map.x[row], map.y[row]];

  function put(mark, spot) {
    const there = map && spot;
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
    const at = current < 0 ? chosen : current;
    put(here, at < 0 ? null : place(at));
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
    chosen = row;
    follow();
    trigger("select", { id: map.id[row] });
  }

  // --- mouse and touch -----------------------------------------------------------------------------

  // The star, or the row of the point, that is near to a place of the map; null: neither is.
  function near([x, y]) {
    const [kx, ky] = scale();
    const [row, distance] = passt.mapdata.nearest(map, rows, [x, y], [kx, ky]);
    const star = query ? Math.hypot((query.x - x) * kx, (query.y - y) * ky) : Infinity;
    if (Math.min(star, distance) > NEAR_PX) return null;
    return star < distance ? "star" : row;
  }

  let dwell = 0;
  function hover(at) {
    const what = at ? near(at) : null;
    plot.classList.toggle("over", what !== null);
    if (what === current) return;
    clearTimeout(dwell);
    if (what === null) return leave();
    if (what === "star") {
      current = -1;
      return say([query.x, query.y], [query.title, "what is asked"]);
    }
    look(what);
    if (!hovers.checked || passt.player.key === map.sign(current)) return;
    dwell = setTimeout(() => play(what), DWELL_MS);
  }

  let bound = false;
  function bind() {
    paint();
    if (bound) return;
    bound = true;
    const spot = ({ xvals, yvals }) => (xvals && yvals ? [xvals[0], yvals[0]] : null);
    plot.on("plotly_hover", (event) => hover(spot(event)));
    plot.on("plotly_unhover", () => hover(null));
    plot.on("plotly_click", (event) => {
      const what = spot(event) && near(spot(event));
      field.focus({ preventScroll: true }); // so that arrow keys go on from here
      if (typeof what === "number") choose(what);
    });
    plot.on("plotly_doubleclick", () => { if (plot.layout.dragmode === "pan") show(map.x, map.y); });
    plot.on("plotly_relayouting", paint);
    plot.on("plotly_relayout", (change) => {
      paint();
      if (Object.keys(change).some((key) => key.startsWith("selections"))) outlined();
    });
  }

  // A lasso or a box was drawn, moved or taken away: what lies in them goes into the list.
  function outlined() {
    picked(passt.mapdata.selected(map, rows, plot.layout.selections ?? []));
    points(passt.maptraces.look(map, colouring.value, query));
  }

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
    const { left, right, bottom, top } = view();
    return passt.mapdata.nearest(map, rows, [(left + right) / 2, (bottom + top) / 2], scale())[0];
  }

  function step(direction) {
    const next = current < 0 ? middle() : passt.mapdata.onward(map, rows, current, direction, scale());
    if (next < 0) return passt.say("There is no sound further this way.");
    look(next);
    centre(next);
    passt.say(text(next));
  }

  // A point outside of what is shown is brought to the middle.
  function centre(row) {
    const [x, y] = screen(place(row));
    if (x >= 0 && y >= 0 && x <= plot.offsetWidth && y <= plot.offsetHeight) return;
    const around = (value, span) => [value - span / 2, value + span / 2];
    const { left, right, bottom, top } = view();
    Plotly.relayout(plot, { "xaxis.range": around(map.x[row], right - left), "yaxis.range": around(map.y[row], top - bottom) });
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

  const show = (x, y) => Plotly.relayout(plot, { "xaxis.range": passt.mapdata.edges(x), "yaxis.range": passt.mapdata.edges(y) });

  function zoom(factor) {
    const { left, right, bottom, top } = view();
    const scaled = (low, high) => [low, high].map((end) => (low + high) / 2 + factor * (end - (low + high) / 2));
    Plotly.relayout(plot, { "xaxis.range": scaled(left, right), "yaxis.range": scaled(bottom, top) });
  }

  element.addEventListener("click", (event) => {
    const { drag, zoom: way } = event.target.closest("button")?.dataset ?? {};
    if (!map || !(drag || way)) return;
    if (way) return way === "whole" ? show(map.x, map.y) : zoom(Number(way));
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
  passt.plots.keep(plot, drawAgain);
  open();
};
