// Loss and accuracy of a training, by epoch, drawn while it runs.
window.passt = window.passt || {};

passt.curves = (element, props, watch) => {
  const empty = element.querySelector(".passt-empty");
  const key = element.querySelector(".passt-key");
  const pair = element.querySelector(".passt-pair");
  const INKS = { training: "--passt-train", "held out": "--passt-held" };

  let value = null;
  const take = () => { value = props.value ? JSON.parse(props.value) : null; };

  function draw() {
    const drawn = Boolean(value);
    empty.hidden = drawn;
    key.hidden = pair.hidden = !drawn;
    if (!drawn) return;
    for (const place of element.querySelectorAll("[data-plot]")) one(place);
  }

  function one(place) {
    const plot = place.querySelector(".passt-plot");
    if (!plot.offsetWidth) return;
    const figure = value[place.dataset.plot];
    const line = passt.plots.colour("--passt-line");
    const layout = passt.plots.themed({ ...figure.layout, showlegend: false, hovermode: "x unified" });
    layout.yaxis = { ...layout.yaxis, gridcolor: line, fixedrange: true };
    layout.xaxis = { ...layout.xaxis, fixedrange: true };
    layout.hoverlabel = { bgcolor: passt.plots.colour("--passt-paper") };
    const traces = figure.data.map((trace) => (
      { ...trace, line: { ...trace.line, color: passt.plots.colour(INKS[trace.name]) } }
    ));
    Plotly.react(plot, traces, layout, passt.plots.config);
  }

  watch("value", () => { take(); draw(); });
  passt.plots.keep(element.querySelector(".passt-curves"), draw);
  take();
  draw();
};
