// Plotly in the page's own colours: they are read from the stylesheet, so both themes fit.
window.passt = window.passt || {};

passt.plots = (() => {
  const redraws = new Map();

  function colour(name) {
    return getComputedStyle(document.body).getPropertyValue(name).trim();
  }

  function themed(layout) {
    const ink = colour("--passt-ink-soft");
    const axis = {
      color: ink,
      linecolor: colour("--passt-line"),
      tickcolor: colour("--passt-line"),
      automargin: true,
      fixedrange: false,
    };
    const base = {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "inherit", size: 12, color: ink },
      margin: { l: 8, r: 8, t: 8, b: 8 },
      hoverlabel: { font: { family: "inherit" } },
    };
    const merged = { ...base, ...layout };
    merged.xaxis = { ...axis, ...layout.xaxis };
    merged.yaxis = { ...axis, ...layout.yaxis };
    return merged;
  }

  // Draw now, when the theme changes, and when the place first becomes visible.
  function keep(place, draw) {
    redraws.set(place, draw);
    new ResizeObserver(() => {
      if (place.offsetWidth && place.classList.contains("js-plotly-plot")) Plotly.Plots.resize(place);
      else if (place.offsetWidth) draw();
    }).observe(place);
    draw();
  }

  new MutationObserver(() => {
    for (const [place, draw] of redraws) if (place.isConnected) draw(); else redraws.delete(place);
  }).observe(document.documentElement, { attributes: true, attributeFilter: ["class"], subtree: false });

  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(() => {
      for (const draw of redraws.values()) draw();
    }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  });

  return { colour, themed, keep, config: { displayModeBar: false, responsive: false, scrollZoom: false } };
})();
