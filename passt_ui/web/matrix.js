// The confusion matrix: click a cell, or reach it with the arrow keys and press Enter.
window.passt = window.passt || {};

passt.matrix = (element, props, watch, trigger) => {
  const grid = element.querySelector(".passt-grid");
  const plot = element.querySelector(".passt-plot");
  const empty = element.querySelector(".passt-empty");
  const readout = element.querySelector(".passt-readout");
  const hint = grid.getAttribute("aria-label");
  const NARROW = 480;
  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  let cursor = null;
  let value = null;

  const size = () => value?.labels.length ?? 0;
  const take = () => { value = props.value ? JSON.parse(props.value) : null; };

  function read(cell) {
    if (!cell) { readout.textContent = ""; return; }
    const [row, column] = cell;
    const { labels, counts } = value;
    const all = counts[row].reduce((sum, count) => sum + count, 0);
    const said = row === column ? "called so" : `called ${labels[column]}`;
    readout.textContent = `${labels[row]}, ${said}: ${counts[row][column]} of ${all}`;
  }

  // The height follows the number of classes, so that every cell can be hit.
  function layout() {
    const narrow = plot.offsetWidth < NARROW;
    const figure = value.figure;
    const layout = passt.plots.themed({ ...figure.layout, dragmode: false, hovermode: "closest" });
    const font = { size: size() > 24 ? 10 : 12 };
    const most = narrow ? 12 : 60;
    for (const name of ["xaxis", "yaxis"]) {
      const every = Math.ceil(size() / most);
      const kept = (_, index) => index % every === 0;
      const axis = { ...layout[name], tickfont: font, fixedrange: true };
      axis.tickvals = axis.tickvals.filter(kept);
      axis.ticktext = axis.ticktext.filter(kept).map((text) => (narrow ? text.slice(0, 12) : text));
      layout[name] = axis;
    }
    if (cursor) {
      const [row, column] = cursor;
      layout.shapes = [{
        type: "rect", x0: column - .5, x1: column + .5, y0: row - .5, y1: row + .5,
        line: { color: "#6ecdff", width: 3 },
      }];
    }
    return layout;
  }

  function draw() {
    const drawn = Boolean(value);
    plot.hidden = !drawn;
    empty.hidden = drawn;
    grid.tabIndex = drawn ? 0 : -1;
    grid.setAttribute("aria-label", value?.summary ?? hint);
    if (!drawn || !plot.offsetWidth) return;
    const side = Math.min(plot.offsetWidth, 170 + size() * (size() > 24 ? 14 : 30));
    plot.style.height = `${Math.max(300, side)}px`;
    const [trace] = value.figure.data;
    const narrow = plot.offsetWidth < NARROW;
    Plotly.react(plot, [{ ...trace, showscale: !narrow }], layout(), passt.plots.config).then(bind);
  }

  let bound = false;
  function bind() {
    if (bound) return;
    bound = true;
    plot.on("plotly_hover", (event) => read([event.points[0].y, event.points[0].x]));
    plot.on("plotly_unhover", () => read(cursor));
    plot.on("plotly_click", (event) => choose([event.points[0].y, event.points[0].x]));
  }

  function choose(cell) {
    point(cell);
    trigger("select", { id: cell.join(":") });
  }

  function point(cell) {
    cursor = cell;
    read(cell);
    draw();
  }

  grid.addEventListener("keydown", (event) => {
    if (!size()) return;
    const step = STEPS[event.key];
    const last = size() - 1;
    if (step) {
      const from = cursor ?? [0, 0];
      const bounded = (value) => Math.min(last, Math.max(0, value));
      point(cursor ? from.map((at, axis) => bounded(at + step[axis])) : from);
    } else if ((event.key === "Enter" || event.key === " ") && cursor) {
      choose(cursor);
    } else {
      return;
    }
    event.preventDefault();
  });

  watch("value", () => { take(); cursor = null; read(null); draw(); });
  watch("chosen", () => { if (size()) point(props.chosen ?? null); });
  passt.plots.keep(plot.parentElement, draw);
  take();
  draw();
};
