// What the map draws: its points in one trace, whatever their colours mean, and the search over them.
window.passt = window.passt || {};

passt.maptraces = (() => {
  const LIKENESS = "likeness";
  const SIZES = [[20_000, 4], [5_000, 5.5], [1_000, 7], [0, 9]]; // more points, smaller ones

  let kind = null;
  function canvasKind() {
    const probe = document.createElement("canvas");
    const context = probe.getContext("webgl2") ?? probe.getContext("webgl");
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    return context ? "scattergl" : "scatter";
  }

  const pick = (values, rows) => values.constructor.from(rows, (row) => values[row]);

  // The rows that are shown: all but those of the groups that were hidden.
  function visible(map, colouring, hidden) {
    const groups = map.groups[colouring];
    const rows = Array.from({ length: map.rows }, (_, row) => row);
    return groups && hidden.size ? rows.filter((row) => !hidden.has(groups.of[row])) : rows;
  }

  // What is most alike stands out most: from the page's own tone to the other end of the scale.
  const scale = (map) => (document.body.classList.contains("dark") ? map.scale : map.scale.toReversed());

  function look(map, rows, colouring, query) {
    if (colouring === LIKENESS) {
      const stops = scale(map).map((colour, index, all) => [index / (all.length - 1), colour]);
      return { color: pick(query.alike, rows), cmin: 0, cmax: 255, colorscale: stops, symbol: "circle" };
    }
    const { of, groups } = map.groups[colouring];
    return { color: rows.map((row) => groups[of[row]].colour), symbol: rows.map((row) => groups[of[row]].symbol) };
  }

  const size = (map) => SIZES.find(([least]) => map.rows >= least)[1];

  function points(map, rows, colouring, query, picked, dimmed) {
    const many = rows.length > SIZES[1][0];
    const edge = { color: passt.plots.colour("--passt-ink-soft"), width: many ? 0 : 0.7 };
    const places = picked.size ? rows.flatMap((row, place) => (picked.has(row) ? [place] : [])) : null;
    return {
      ...still, name: "sounds", mode: "markers", hoverinfo: "none", x: pick(map.x, rows), y: pick(map.y, rows),
      marker: { ...look(map, rows, colouring, query), size: size(map), line: edge, opacity: dimmed ? 0.55 : 1 },
      selectedpoints: places, unselected: { marker: { opacity: 0.2 } },
      selected: { marker: { opacity: 1 } },
    };
  }

  const still = { showlegend: false };
  const aside = { ...still, hoverinfo: "skip", unselected: { marker: { opacity: 1 } } };

  // The clip in hand, the sounds that were found for it, and lines to those that give it its place.
  function search(map, rows, colouring, query) {
    if (!query) return [];
    const ink = passt.plots.colour("--passt-ink");
    const shown = new Set(rows);
    const { linked } = query;
    const found = query.hits.filter((row) => shown.has(row));
    const line = { x: linked.flatMap((row) => [query.x, map.x[row], null]), y: linked.flatMap((row) => [query.y, map.y[row], null]) };
    const rim = { color: ink, width: 2 };
    return [
      { ...aside, name: "links", mode: "lines", ...line, line: { color: ink, width: 1, dash: "dot" } },
      { ...aside, name: "hits", mode: "markers", x: pick(map.x, found), y: pick(map.y, found),
        marker: { ...look(map, found, colouring, query), size: size(map) + 4, line: rim } },
      { ...still, name: "your clip", mode: "markers", hoverinfo: "none", x: [query.x], y: [query.y],
        unselected: { marker: { opacity: 1 } },
        marker: { symbol: "star", size: 24, color: passt.plots.colour("--passt-mask"), line: { color: ink, width: 1.5 } } },
    ];
  }

  function traces(state) {
    kind = kind ?? canvasKind();
    const { map, rows, colouring, query, picked, dimmed } = state;
    const all = [points(map, rows, colouring, query, picked, dimmed), ...search(map, rows, colouring, query)];
    return all.map((trace) => ({ ...trace, type: kind }));
  }

  return { traces, visible, scale, LIKENESS };
})();
