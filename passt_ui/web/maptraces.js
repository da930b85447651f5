// What the points of a map are drawn with, and what lies over them: the clip in hand and what was found for it.
window.passt = window.passt || {};

passt.maptraces = (() => {
  const LIKENESS = "likeness";
  const LEVELS = 256;
  const SIZES = [[20_000, 4], [5_000, 5.5], [1_000, 7], [0, 9]]; // more points, smaller ones

  const size = (map) => SIZES.find(([least]) => map.rows >= least)[1];

  // The rows that are shown: all but those of the groups that were hidden.
  function visible(map, colouring, hidden) {
    const groups = map.groups[colouring];
    const rows = Array.from({ length: map.rows }, (_, row) => row);
    return groups && hidden.size ? rows.filter((row) => !hidden.has(groups.of[row])) : rows;
  }

  // What is most alike stands out most: the scale runs from the page's own tone to the other.
  const scale = (map) => (document.body.classList.contains("dark") ? map.scale : map.scale.toReversed());

  const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

  function level(stops, share) {
    const place = share * (stops.length - 1);
    const first = Math.min(Math.floor(place), stops.length - 2);
    const [below, above] = [stops[first], stops[first + 1]].map(channels);
    return `rgb(${below.map((value, axis) => Math.round(value + (place - first) * (above[axis] - value))).join(", ")})`;
  }

  // `styles`, and which `of` them each row has.
  function look(map, colouring, query) {
    if (colouring !== LIKENESS) return { of: map.groups[colouring].of, styles: map.groups[colouring].groups };
    const stops = scale(map);
    const styles = Array.from({ length: LEVELS }, (_, index) => ({ colour: level(stops, index / (LEVELS - 1)), symbol: "circle" }));
    return { of: query.alike, styles };
  }

  const still = { type: "scatter", showlegend: false, hoverinfo: "skip" };
  const kept = { selected: { marker: { opacity: 1 } }, unselected: { marker: { opacity: 1 } } };

  function traces(map, rows, shown, query) {
    if (!query) return [];
    const ink = passt.plots.colour("--passt-ink");
    const there = new Set(rows);
    const found = query.hits.filter((row) => there.has(row));
    const styles = found.map((row) => shown.styles[shown.of[row]]);
    const place = (row) => [map.x[row], map.y[row]];
    const line = query.linked.flatMap((row) => [[query.x, query.y], place(row), [null, null]]);
    return [
      { ...still, name: "links", mode: "lines", x: line.map(([x]) => x), y: line.map(([, y]) => y),
        line: { color: ink, width: 1, dash: "dot" } },
      { ...still, ...kept, name: "hits", mode: "markers", x: found.map((row) => map.x[row]), y: found.map((row) => map.y[row]),
        marker: { color: styles.map((style) => style.colour), symbol: styles.map((style) => style.symbol), size: size(map) + 4,
          opacity: 1, line: { color: ink, width: 2 } } },
      { ...still, ...kept, name: "your clip", mode: "markers", x: [query.x], y: [query.y],
        marker: { symbol: "star", size: 24, color: passt.plots.colour("--passt-mask"), opacity: 1, line: { color: ink, width: 1.5 } } },
    ];
  }

  return { look, traces, visible, scale, size, LIKENESS };
})();
