// The map of a library: every point a sound. Click plays it and opens it; the clip in hand is a star.
window.passt = window.passt || {};

passt.soundmap = (element, props, watch, trigger) => {
  const plot = element.querySelector(".passt-plot");
  const legend = element.querySelector(".passt-legend");
  const hidden = new Set();
  const SHAPES = {
    circle: "M5 0A5 5 0 1 1 -5 0A5 5 0 1 1 5 0",
    square: "M-4.5 -4.5H4.5V4.5H-4.5Z",
    diamond: "M0 -5.8L5.8 0L0 5.8L-5.8 0Z",
    "triangle-up": "M0 -5.5L5.5 4.5H-5.5Z",
    cross: "M-1.8 -5.5H1.8V-1.8H5.5V1.8H1.8V5.5H-1.8V1.8H-5.5V-1.8H-1.8Z",
    x: "M-5 -2.8L-2.8 -5L0 -2.2L2.8 -5L5 -2.8L2.2 0L5 2.8L2.8 5L0 2.2L-2.8 5L-5 2.8L-2.2 0Z",
    "triangle-down": "M0 5.5L5.5 -4.5H-5.5Z",
    pentagon: "M0 -5.5L5.2 -1.7L3.2 4.5H-3.2L-5.2 -1.7Z",
  };

  function queryTraces() {
    const query = props.query;
    if (!query) return [];
    const ink = passt.plots.colour("--passt-ink");
    const line = { x: [], y: [] };
    for (const hit of query.hits) {
      line.x.push(query.x, hit.x, null);
      line.y.push(query.y, hit.y, null);
    }
    const common = { showlegend: false, legendgroup: "query" };
    return [
      { ...common, type: "scatter", mode: "lines", ...line, hoverinfo: "skip",
        line: { color: ink, width: 1, dash: "dot" } },
      { ...common, type: "scatter", mode: "markers", hoverinfo: "skip",
        x: query.hits.map((hit) => hit.x), y: query.hits.map((hit) => hit.y),
        marker: { size: 15, color: "rgba(0,0,0,0)", line: { color: ink, width: 2 } } },
      { ...common, type: "scatter", mode: "markers", showlegend: true, name: "your clip",
        x: [query.x], y: [query.y], hovertemplate: `${query.title}<extra>your clip</extra>`,
        marker: { symbol: "star", size: 24, color: passt.plots.colour("--passt-mask"),
          line: { color: passt.plots.colour("--passt-ink"), width: 1.5 } } },
    ];
  }

  function draw() {
    if (!plot.offsetWidth) return;
    const figure = props.value?.figure;
    if (!figure) return passt.plots.clear(plot);
    const layout = passt.plots.themed({
      ...figure.layout, dragmode: "pan", hovermode: "closest", showlegend: false, uirevision: "map",
    });
    const line = { color: passt.plots.colour("--passt-ink-soft"), width: 0.7 };
    const sounds = figure.data.map((trace) => (
      { ...trace, visible: !hidden.has(trace.name), marker: { ...trace.marker, line } }
    ));
    Plotly.react(plot, [...sounds, ...queryTraces()], layout,
      { ...passt.plots.config, scrollZoom: true }).then(bind);
  }

  // The legend is the page's own: families with their labels, each a button that hides its sounds.
  function name() {
    const families = new Map();
    for (const trace of props.value?.figure?.data ?? []) {
      if (!families.has(trace.legendgroup)) families.set(trace.legendgroup, []);
      families.get(trace.legendgroup).push(trace);
    }
    legend.replaceChildren(...[...families].map(([family, traces]) => {
      const row = document.createElement("p");
      row.append(Object.assign(document.createElement("b"), { textContent: family }));
      for (const trace of traces) row.append(entry(trace));
      return row;
    }));
  }

  function entry(trace) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(!hidden.has(trace.name)));
    button.innerHTML = `<svg viewBox="-6 -6 12 12" aria-hidden="true"><path d="${SHAPES[trace.marker.symbol]}" fill="${trace.marker.color}"/></svg>`;
    button.append(trace.name);
    button.addEventListener("click", () => {
      if (!hidden.delete(trace.name)) hidden.add(trace.name);
      button.setAttribute("aria-pressed", String(!hidden.has(trace.name)));
      draw();
    });
    return button;
  }

  let bound = false;
  function bind() {
    if (bound) return;
    bound = true;
    plot.on("plotly_click", (event) => {
      const [id, , url] = event.points[0].customdata ?? [];
      if (!id) return;
      passt.player.toggle(url, `library:${id}`);
      trigger("select", { id });
    });
  }

  watch("value", () => { hidden.clear(); name(); draw(); });
  watch("query", draw);
  passt.plots.keep(plot, draw);
  name();
};
