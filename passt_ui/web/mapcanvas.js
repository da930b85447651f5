// The points of a map, painted pixel by pixel. Plotly's WebGL points took seconds a frame where there is no
// GPU; this takes milliseconds with 50,000 points, on any machine.
window.passt = window.passt || {};

passt.mapshapes = {
  circle: "M5 0A5 5 0 1 1 -5 0A5 5 0 1 1 5 0",
  square: "M-4.5 -4.5H4.5V4.5H-4.5Z",
  diamond: "M0 -5.8L5.8 0L0 5.8L-5.8 0Z",
  "triangle-up": "M0 -5.5L5.5 4.5H-5.5Z",
  cross: "M-1.8 -5.5H1.8V-1.8H5.5V1.8H1.8V5.5H-1.8V1.8H-5.5V-1.8H-1.8Z",
  x: "M-5 -2.8L-2.8 -5L0 -2.2L2.8 -5L5 -2.8L2.2 0L5 2.8L2.8 5L0 2.2L-2.8 5L-5 2.8L-2.2 0Z",
  "triangle-down": "M0 5.5L5.5 -4.5H-5.5Z",
  pentagon: "M0 -5.5L5.2 -1.7L3.2 4.5H-3.2L-5.2 -1.7Z",
};

passt.mapcanvas = (canvas) => {
  const SHAPE = 11.6; // the widest of the shapes, in its own units
  const SMOOTH = 20_000; // more points than these have hard edges
  const MOST_RATIO = 2; // device pixels to a CSS pixel
  const context = canvas.getContext("2d", { alpha: false });
  const ratio = () => Math.min(MOST_RATIO, window.devicePixelRatio || 1);
  const packed = (r, g, b) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

  let points = null; // { x, y, sprite }, in the order in which they are painted
  let sprites = []; // for each: where its pixels lie from its middle, and their colours
  let reach = 0; // pixels from a sprite's middle to its edge
  let paper = 0;
  let image = null;

  function rgb(colour) {
    const probe = new OffscreenCanvas(1, 1).getContext("2d");
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    return probe.getImageData(0, 0, 1, 1).data;
  }

  // Each style twice, strong and faint, drawn by the browser on one sheet and read back once.
  function sheet(styles, size, faint, ground, edge, width) {
    const scale = (ratio() * size) / SHAPE;
    reach = Math.ceil(ratio() * (size / 2 + width));
    const side = 2 * reach + 1;
    const across = Math.ceil(Math.sqrt(2 * styles.length));
    const place = new OffscreenCanvas(side * across, side * Math.ceil((2 * styles.length) / across));
    const pen = place.getContext("2d", { willReadFrequently: true });
    const paths = new Map();
    for (let index = 0; index < 2 * styles.length; index += 1) {
      const { colour, symbol } = styles[index >> 1];
      if (!paths.has(symbol)) paths.set(symbol, new Path2D(passt.mapshapes[symbol]));
      pen.setTransform(scale, 0, 0, scale, side * (index % across) + reach + 0.5, side * Math.floor(index / across) + reach + 0.5);
      pen.globalAlpha = 1;
      for (const ink of index % 2 ? [ground, colour] : [colour]) {
        pen.fillStyle = pen.strokeStyle = ink;
        pen.fill(paths.get(symbol));
        if (width) {
          pen.lineWidth = (ratio() * width) / scale;
          pen.strokeStyle = ink === ground ? ground : edge;
          pen.stroke(paths.get(symbol));
        }
        pen.globalAlpha = faint;
      }
    }
    const { data } = pen.getImageData(0, 0, place.width, place.height);
    return (index) => cut(data, place.width, side * (index % across), side * Math.floor(index / across), side);
  }

  // A sprite's pixels: full ones are stored as they are, those of a smooth edge are mixed.
  function cut(data, stride, left, top, side) {
    const full = [];
    const soft = [];
    for (let v = 0; v < side; v += 1) {
      for (let u = 0; u < side; u += 1) {
        const at = 4 * ((top + v) * stride + left + u);
        const [r, g, b, alpha] = data.subarray(at, at + 4);
        if (alpha > 250 || (!smooth() && alpha > 110)) full.push([u - reach, v - reach, packed(r, g, b)]);
        else if (alpha > 8 && smooth()) soft.push([u - reach, v - reach, packed(r, g, b), alpha]);
      }
    }
    return { full, soft };
  }

  const smooth = () => points.x.length <= SMOOTH;

  // `strong(row)` says which points are not faint; `look` gives `styles` and, by row, which `of` them.
  function set(map, rows, look, { size, strong, faint, ground, edge }) {
    const order = faint < 1 ? [...rows.filter((row) => !strong(row)), ...rows.filter(strong)] : rows;
    points = {
      x: Float32Array.from(order, (row) => map.x[row]),
      y: Float32Array.from(order, (row) => map.y[row]),
      sprite: Uint32Array.from(order, (row) => 2 * look.of[row] + (faint < 1 && !strong(row) ? 1 : 0)),
    };
    const drawn = sheet(look.styles, size, faint, ground, edge, smooth() ? 0.7 : 0);
    sprites = Array.from({ length: 2 * look.styles.length }, (_, index) => drawn(index));
    paper = packed(...rgb(ground));
    image = null;
  }

  // Room for the picture and, around it, for points that lie half in it.
  function room(width, height) {
    if (image?.width === width + 2 * reach && image.height === height + 2 * reach) return;
    canvas.width = width;
    canvas.height = height;
    image = context.createImageData(width + 2 * reach, height + 2 * reach);
    image.pixels = new Uint32Array(image.data.buffer);
    for (const sprite of sprites) {
      sprite.places = Int32Array.from(sprite.full, ([u, v]) => v * image.width + u);
      sprite.colours = Uint32Array.from(sprite.full, ([, , colour]) => colour);
      sprite.edges = sprite.soft.map(([u, v, colour, alpha]) => [v * image.width + u, colour, alpha]);
    }
  }

  function mixed(under, over, alpha) {
    let result = 0xff000000;
    for (const shift of [0, 8, 16]) {
      const below = (under >>> shift) & 255;
      result |= (below + ((((over >>> shift) & 255) - below) * alpha) / 255) << shift;
    }
    return result >>> 0;
  }

  // `view`: left, right, bottom and top edges of the map, and the field's width and height in CSS pixels.
  function paint({ left, right, bottom, top, width, height }) {
    const [across, down] = [Math.round(width * ratio()), Math.round(height * ratio())];
    if (!points || !across || !down) return;
    room(across, down);
    const { pixels, width: stride } = image;
    pixels.fill(paper);
    const { x, y, sprite } = points;
    const [kx, ky] = [across / (right - left), down / (bottom - top)];
    for (let index = 0; index < x.length; index += 1) {
      const u = Math.floor((x[index] - left) * kx);
      const v = Math.floor((y[index] - top) * ky);
      if (u < 0 || v < 0 || u >= across || v >= down) continue;
      const middle = (v + reach) * stride + u + reach;
      const { places, colours, edges } = sprites[sprite[index]];
      for (let k = 0; k < places.length; k += 1) pixels[middle + places[k]] = colours[k];
      for (let k = 0; k < edges.length; k += 1) {
        const at = middle + edges[k][0];
        pixels[at] = mixed(pixels[at], edges[k][1], edges[k][2]);
      }
    }
    context.putImageData(image, -reach, -reach);
  }

  function clear() {
    points = null;
    canvas.width = canvas.height = 0;
  }

  return { set, paint, clear };
};
