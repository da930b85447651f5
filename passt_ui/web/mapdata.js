// A library's map as the server sends it → typed arrays, and the ways across it.
window.passt = window.passt || {};

passt.mapdata = (() => {
  const ARRAYS = { x: Float32Array, y: Float32Array, start: Float32Array, end: Float32Array, number: Int32Array };

  function unpacked(text, Kind = Uint8Array) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Kind(bytes.buffer);
  }

  function decoded(sent, where) {
    const map = { ...sent, ...where, rows: sent.id.length };
    for (const [name, Kind] of Object.entries(ARRAYS)) map[name] = unpacked(sent[name], Kind);
    for (const group of Object.values(map.groups)) group.of = unpacked(group.of, Int32Array);
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
  // `at(row)` gives a point's place on the screen in pixels, down positive.
  function onward(rows, from, direction, at) {
    const [x, y] = at(from);
    let best = -1;
    let least = Infinity;
    for (const row of rows) {
      if (row === from) continue;
      const [dx, dy] = at(row).map((value, axis) => value - [x, y][axis]);
      const along = dx * direction[0] + dy * direction[1];
      const across = Math.abs(dx * direction[1] - dy * direction[0]);
      const distance = dx * dx + dy * dy;
      if (along <= 0 || across > along || distance >= least) continue;
      best = row;
      least = distance;
    }
    return best;
  }

  function nearest(rows, x, y, at) {
    let best = -1;
    let least = Infinity;
    for (const row of rows) {
      const [px, py] = at(row);
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < least) [best, least] = [row, distance];
    }
    return best;
  }

  return { fetched, unpacked, onward, nearest };
})();
