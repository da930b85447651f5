// How alike the library's sounds are to what was asked: a histogram, and in it the card that is looked at.
window.passt = window.passt || {};

passt.likeness = (element, props, watch) => {
  const plot = element.querySelector(".passt-plot");
  const figure = element.querySelector(".passt-figure");
  const told = element.querySelector(".passt-told");
  let shown = null;
  let at = null; // the similarity of the card that is looked at

  function mark() {
    if (at === null) return [];
    const line = { color: passt.plots.colour("--passt-ink"), width: 2 };
    return [{ type: "line", xref: "x", yref: "paper", x0: at, x1: at, y0: 0, y1: 1, line }];
  }

  function draw() {
    if (!plot.offsetWidth) return;
    if (!shown) return passt.plots.clear(plot);
    const [bars] = shown.figure.data;
    const [found, others] = ["--passt-all", "--passt-idle"].map(passt.plots.colour);
    const color = shown.figure.marked.map((hit) => (hit ? found : others));
    const layout = passt.plots.themed({
      ...shown.figure.layout, dragmode: false, hovermode: "x", bargap: 0, showlegend: false,
      margin: { l: 4, r: 4, t: 4, b: 4 }, shapes: mark(),
    });
    Plotly.react(plot, [{ ...bars, marker: { color, line: { width: 0 } } }], layout, passt.plots.config);
  }

  function renew() {
    shown = props.value ? JSON.parse(props.value) : null;
    at = null;
    figure.setAttribute("aria-label", shown?.summary ?? "How alike the library's sounds are");
    told.textContent = shown?.told ?? "";
    element.querySelector(".passt-likeness").classList.toggle("empty", !shown);
    draw();
  }

  // The card that the mouse or the keyboard is at says where it lies.
  function look(event) {
    const card = event.target.closest?.("#hits [data-alike], #chosen [data-alike]");
    const next = card ? Number(card.dataset.alike) : null;
    if (!shown || next === at) return;
    at = next;
    told.textContent = card ? `${card.querySelector("b").textContent}: ${card.dataset.told}.` : shown.told;
    if (plot.data?.length) Plotly.relayout(plot, { shapes: mark() });
  }

  document.addEventListener("mouseover", look);
  document.addEventListener("focusin", look);
  watch("value", renew);
  passt.plots.keep(plot, draw);
  renew();
};
