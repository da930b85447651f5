// A library's map as the server sends it → typed arrays, and the ways across it.
window.passt = window.passt || {};

passt.mapdata = (() => {
  const ARRAYS = { x: Float32Array, y: Float32Array, start: Float32Array, end: Float32Array, number: Int32Array };

  function decoded(sent, where) {
    const map = { ...sent, ...where, rows: sent.id.length };
    for (const [name, Kind] of Object.entries(ARRAYS)) map[name] = passt.unpacked(sent[name], Kind);
    for (const group of Object.values(map.groups)) group.of = passt.unpacked(group.of, Int32Array);
    map.rowOf = new Map(Array.from(map.number, (number, row) => [number, row]));
    map.sound = (row) => `${map.sounds}${map.number[row]}#t=${map.start[row]},${map.end[row]}`;
    map.sign = (row) => `library:${map.key}:${map.number[row]}`;
    map.rowOfSign = (sign) => (
      sign?.startsWith(`library:${map.key}:`) ? map.rowOf.get(Number(sign.split(":").pop())) : undefined
    );
    map.named = (row, group) => map.groups[group].groups[map.groups[group].of[row]];
    return map;
  }

  async function fetched(where, signal) {
    const answer = await fetch(where.url, { signal });
    if (!answer.ok) throw new Error(await answer.text());
    return decoded(await answer.json(), where);
  }

  // Of the points in a cone of ±45° around a direction on the screen, the nearest; -1: there is none.
  // `scale` is pixels to one of the map's units, right and down; `direction` is [1, 0] for right.
  function onward(map, rows, from, direction, scale) {
    let best = -1;
    let least = Infinity;
    for (const row of rows) {
      const dx = (map.x[row] - map.x[from]) * scale[0];
      const dy = (map.y[row] - map.y[from]) * scale[1];
      const along = dx * direction[0] + dy * direction[1];
      const across = Math.abs(dx * direction[1] - dy * direction[0]);
      const distance = dx * dx + dy * dy;
      if (row === from || along <= 0 || across > along || distance >= least) continue;
      best = row;
      least = distance;
    }
    return best;
  }

  // The row of the point that is nearest to a place of the map, and how far it is in pixels.
  function nearest(map, rows, [x, y], scale) {
    let best = -1;
    let least = Infinity;
    for (const row of rows) {
      const distance = ((map.x[row] - x) * scale[0]) ** 2 + ((map.y[row] - y) * scale[1]) ** 2;
      if (distance < least) [best, least] = [row, distance];
    }
    return [best, Math.sqrt(least)];
  }

  // Whether a place lies in an outline, corner by corner (the even-odd rule).
  function within(x, y, xs, ys) {
    let inside = false;
    for (let i = 0, j = xs.length - 1; i < xs.length; j = i, i += 1) {
      const crosses = ys[i] > y !== ys[j] > y && x < xs[i] + ((xs[j] - xs[i]) * (y - ys[i])) / (ys[j] - ys[i]);
      if (crosses) inside = !inside;
    }
    return inside;
  }

  // Plotly's selections: boxes from corner to corner, and lassos as SVG paths in the map's own numbers.
  function corners({ type, path, x0, x1, y0, y1 }) {
    if (type === "rect") return [[x0, x1, x1, x0], [y0, y0, y1, y1]];
    const numbers = path.match(/-?\d+(\.\d+)?(e[-+]?\d+)?/gi).map(Number);
    return [numbers.filter((_, index) => index % 2 === 0), numbers.filter((_, index) => index % 2)];
  }

  function selected(map, rows, selections) {
    const outlines = selections.map(corners);
    return rows.filter((row) => outlines.some(([xs, ys]) => within(map.x[row], map.y[row], xs, ys)));
  }

  // The map's edges, with some room around the points.
  function edges(values) {
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
    const around = 0.06 * (high - low) || 1;
    return [low - around, high + around];
  }

  return { fetched, onward, nearest, selected, edges };
})();
