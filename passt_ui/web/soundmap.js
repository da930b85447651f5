// The map of a library: every point a sound. Click plays it and opens it; the clip in hand is a star.
window.passt = window.passt || {};

passt.soundmap = (element, props, watch, trigger) => {
  const plot = element.querySelector(".passt-plot");

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
        marker: { symbol: "star", size: 20, color: passt.plots.colour("--passt-mask"),
          line: { color: passt.plots.colour("--passt-paper"), width: 1.5 } } },
    ];
  }

  function draw() {
    if (!props.value?.figure || !plot.offsetWidth) return;
    const narrow = plot.offsetWidth < 640;
    const layout = passt.plots.themed({
      ...props.value.figure.layout,
      dragmode: "pan",
      hovermode: "closest",
      legend: narrow
        ? { orientation: "h", y: -0.02, yanchor: "top", font: { size: 10 } }
        : { font: { size: 11 }, tracegroupgap: 4, groupclick: "toggleitem" },
    });
    Plotly.react(plot, [...props.value.figure.data, ...queryTraces()], layout,
      { ...passt.plots.config, scrollZoom: true }).then(bind);
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

  watch(["value", "query"], draw);
  passt.plots.keep(plot, draw);
};
