// Two pictures over one time axis: a spectrogram above, rows of probabilities below, marks on the rows.
window.passt = window.passt || {};

passt.timeplot = (plot, moved) => {
  const SILENT = 255; // stands for digital silence among the values
  const GREY = [128, 134, 145];
  const NARROW = 560;
  const LEAST_SPAN_S = 0.05;
  const LEAST_OUTLINED_PX = 8;
  const LEAST_APART_PX = 15; // names of frequencies
  const ABOVE_PX = 200; // height of the spectrogram
  const ROW_PX = 26;
  const LEAST_ROWS_PX = 110;
  const APART_PX = 14; // between the two pictures
  const AROUND_PX = 70; // for the time axis
  const MARGIN = 1; // views to either side that are painted too, for when the picture is dragged
  const MOST_PIXELS = 6000;
  const STEPS_S = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  let shown = null; // { values, borders, table, … }: the value, unpacked
  let range = null; // [start, end] in seconds
  let whole = true; // whether all of it is in view

  function take(value) {
    const same = shown?.key === value?.key;
    shown = value && { ...value, values: passt.unpacked(value.values), table: passt.unpacked(value.table), borders: passt.unpacked(value.borders, Float32Array) };
    if (!shown) return;
    if (!same || whole || !range) { range = [0, shown.end]; whole = true; }
  }

  function clock(seconds, digits = 0) {
    const all = Number(Math.max(0, seconds).toFixed(digits));
    const rest = (all % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
    const minutes = Math.floor(all / 60);
    if (minutes < 60) return `${minutes}:${rest}`;
    return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
  }

  function ticks([start, end]) {
    const most = plot.offsetWidth < NARROW ? 4 : 9;
    const step = STEPS_S.find((one) => (end - start) / one <= most) ?? 3600;
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    const tickvals = [];
    for (let at = Math.ceil(start / step - 1e-6); at * step <= end + 1e-6; at += 1) tickvals.push(at * step);
    return { tickvals, ticktext: tickvals.map((time) => clock(time, digits)) };
  }

  // The window that speaks for a time: the last border at or before it.
  function windowAt(time) {
    const { borders } = shown;
    let low = 0;
    let high = borders.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (borders[middle] <= time) low = middle; else high = middle;
    }
    return low;
  }

  // The rows as pixels of a stretch of time: of the windows under one pixel the highest is painted.
  function rows(start, end) {
    const { values, borders, labels, table } = shown;
    const count = borders.length - 1;
    if (count < 1 || end <= start) return null;
    const width = Math.min(MOST_PIXELS, Math.max(1, Math.round((1 + 2 * MARGIN) * plot.offsetWidth * (window.devicePixelRatio || 1))));
    const canvas = Object.assign(document.createElement("canvas"), { width, height: labels.length });
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(width, labels.length);
    const step = (end - start) / width;
    let last = windowAt(start);
    for (let x = 0; x < width; x += 1) {
      const first = last;
      while (last < count - 1 && borders[last + 1] < start + (x + 1) * step) last += 1;
      for (let row = 0; row < labels.length; row += 1) {
        let most = SILENT;
        for (let at = first; at <= last; at += 1) {
          const value = values[row * count + at];
          if (value !== SILENT && (most === SILENT || value > most)) most = value;
        }
        const place = 4 * (row * width + x);
        image.data.set(most === SILENT ? GREY : table.subarray(3 * most, 3 * most + 3), place);
        image.data[place + 3] = 255;
      }
    }
    pen.putImageData(image, 0, 0);
    return canvas.toDataURL();
  }

  function images() {
    const span = range[1] - range[0];
    const start = Math.max(0, range[0] - MARGIN * span);
    const end = Math.min(shown.borders.at(-1), range[1] + MARGIN * span);
    const base = { xref: "x", xanchor: "left", yanchor: "top", sizing: "stretch", layer: "below" };
    const placed = (picture, yref, height) => ({ ...base, yref, source: picture.source, x: picture.start, sizex: picture.end - picture.start, y: height, sizey: height });
    const found = spectra.of(range, plot.offsetWidth).map((picture) => placed(picture, "y2", shown.bands));
    const painted = rows(start, end);
    if (painted) found.push(placed({ source: painted, start, end }, "y", shown.labels.length));
    return found;
  }

  // One broken line around all events: thousands of shapes would be slow. What an outline would hide is underlined.
  function marks() {
    const x = [];
    const y = [];
    const narrowest = (LEAST_OUTLINED_PX * (range[1] - range[0])) / plot.offsetWidth;
    for (const [row, start, end] of shown.events) {
      const top = shown.labels.length - row - 0.06;
      const low = top - 0.88;
      if (end - start < narrowest) {
        x.push(start, end, null);
        y.push(low, low, null);
      } else {
        x.push(start, end, end, start, start, null);
        y.push(low, low, top, top, low, null);
      }
    }
    return { x, y };
  }

  function traces() {
    const line = { type: "scatter", mode: "lines", hoverinfo: "skip", showlegend: false, ...marks() };
    const empty = { type: "scatter", mode: "markers", x: [null], y: [null], hoverinfo: "skip", showlegend: false, yaxis: "y2" };
    return [
      { ...line, line: { color: "#101828", width: 4 } },
      { ...line, line: { color: "#ffffff", width: 2 } },
      empty,
    ];
  }

  function layout() {
    const { labels, bands, octaves, end } = shown;
    const narrow = plot.offsetWidth < NARROW;
    const name = (text) => (narrow && text.length > 13 ? `${text.slice(0, 12)}…` : text.length > 26 ? `${text.slice(0, 25)}…` : text);
    const below = Math.max(LEAST_ROWS_PX, ROW_PX * labels.length);
    const share = below / (below + ABOVE_PX);
    const apart = []; // from the top
    for (const place of octaves.places) if (!apart.length || apart.at(-1) - place >= (LEAST_APART_PX * bands) / ABOVE_PX) apart.push(place);
    const plain = { showgrid: false, zeroline: false };
    const drawn = passt.plots.themed({
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      hovermode: false,
      images: images(),
      margin: { l: 8, r: 26, t: 8, b: 8 },
      xaxis: {
        ...plain, range: [...range], ...ticks(range), anchor: "y", ticklabeloverflow: "allow", title: { text: "time (min:s)", standoff: 6 },
        minallowed: 0, maxallowed: end, autorange: false, fixedrange: false,
      },
      yaxis: {
        ...plain, domain: [0, share], range: [0, labels.length], fixedrange: true, ticks: "",
        tickvals: labels.map((_, row) => labels.length - row - 0.5), ticktext: labels.map(name),
      },
    });
    drawn.yaxis2 = {
      ...drawn.yaxis, domain: [share + APART_PX / (below + ABOVE_PX), 1], anchor: "x", range: [0, bands], ticks: "outside",
      title: { text: narrow ? "Hz" : "frequency (Hz, mel)", standoff: 4 },
      tickvals: apart, ticktext: apart.map((place) => octaves.names[octaves.places.indexOf(place)]),
    };
    return drawn;
  }

  function draw() {
    if (!plot.offsetWidth) return;
    if (!shown) return passt.plots.clear(plot);
    plot.style.height = `${ABOVE_PX + Math.max(LEAST_ROWS_PX, ROW_PX * shown.labels.length) + AROUND_PX}px`;
    const config = { ...passt.plots.config, scrollZoom: true, doubleClick: false, showTips: false };
    Plotly.react(plot, traces(), layout(), config).then(bind);
  }

  const spectra = passt.timelinespectra(draw);
  function set(value) {
    take(value);
    spectra.follow(shown);
    if (shown) spectra.look(range, plot.offsetWidth);
    draw();
  }

  let bound = false;
  function bind() {
    moved();
    if (bound) return;
    bound = true;
    plot.on("plotly_relayout", (event) => {
      const next = event["xaxis.range"] ?? [event["xaxis.range[0]"], event["xaxis.range[1]"]];
      if (next[0] === undefined || !shown) return;
      const [start, end] = next.map(Number);
      if (range[0] !== start || range[1] !== end) look(start, end);
    });
  }

  // Show a stretch of time, as far as it lies within the sound.
  function look(start, end) {
    if (!shown) return;
    const span = Math.min(shown.end, Math.max(LEAST_SPAN_S, end - start));
    const from = Math.min(shown.end - span, Math.max(0, start + (end - start - span) / 2));
    range = [from, from + span];
    whole = span >= shown.end - 1e-6;
    draw();
    spectra.look(range, plot.offsetWidth);
  }

  function zoom(factor, middle) {
    if (!shown) return;
    const at = middle ?? (range[0] + range[1]) / 2;
    look(at - factor * (at - range[0]), at + factor * (range[1] - at));
  }

  const axis = () => plot._fullLayout?.xaxis;
  const rowsAxis = () => plot._fullLayout?.yaxis;
  const bandsAxis = () => plot._fullLayout?.yaxis2;

  // Where a place of the screen lies: its time, and its row or its band; null outside of the pictures.
  function at(event) {
    if (!shown || !axis()?._length) return null;
    const box = plot.getBoundingClientRect();
    const x = event.clientX - box.left - axis()._offset;
    if (x < 0 || x > axis()._length) return null;
    const time = Math.min(shown.end, Math.max(0, axis().p2l(x)));
    for (const [name, one] of [["row", rowsAxis()], ["band", bandsAxis()]]) {
      const y = event.clientY - box.top - one._offset;
      if (y >= 0 && y <= one._length) return { time, [name]: Math.floor(one.p2l(y)) };
    }
    return null;
  }

  function told(place) {
    if (!place) return "";
    const digits = range[1] - range[0] < 60 ? 2 : 1;
    const when = clock(place.time, digits);
    if (place.band !== undefined) {
      const band = Math.min(shown.bands - 1, Math.max(0, place.band));
      return `${when} · ${Math.round((shown.edges_hz[band] + shown.edges_hz[band + 1]) / 2)} Hz`;
    }
    const row = shown.labels.length - 1 - Math.min(shown.labels.length - 1, Math.max(0, place.row));
    if (place.time > shown.borders.at(-1) || shown.borders.length < 2) return `${when} · ${shown.labels[row]} · not heard yet`;
    const value = shown.values[row * (shown.borders.length - 1) + windowAt(place.time)];
    return `${when} · ${shown.labels[row]} · ${value === SILENT ? "digital silence" : `${Math.round((100 * value) / (SILENT - 1))} %`}`;
  }

  return {
    set, draw, look, zoom, at, told, clock,
    whole: () => shown && look(0, shown.end),
    seconds: (pixels) => (pixels * (range[1] - range[0])) / axis()._length,
    pixel: (time) => axis()._offset + axis().l2p(time),
    frame: () => ({ top: bandsAxis()._offset, bottom: rowsAxis()._offset + rowsAxis()._length }),
    ready: () => Boolean(shown && axis()?._length),
    get range() { return range; },
  };
};
