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
      margin: { l: 8, r: 8, t: 10, b: 8 },
      autosize: true,
      hoverlabel: { font: { family: "inherit" } },
    };
    const merged = { ...base, ...layout };
    merged.xaxis = { ...axis, ...layout.xaxis };
    merged.yaxis = { ...axis, ...layout.yaxis };
    return merged;
  }

  // Draw when the place becomes visible, when its size changes, and when the theme does.
  function keep(place, draw) {
    redraws.set(place, draw);
    new ResizeObserver(() => { if (place.offsetWidth) draw(); }).observe(place);
  }

  // An empty place; purging would break a hover that is under way.
  function clear(place) {
    const none = { visible: false };
    Plotly.react(place, [], themed({ xaxis: none, yaxis: none }), config);
  }

  const config = { displayModeBar: false, responsive: false, scrollZoom: false };
  const changed = new MutationObserver(() => {
    for (const [place, draw] of redraws) if (place.isConnected) draw(); else redraws.delete(place);
  });
  changed.observe(document.body, { attributes: true, attributeFilter: ["class"] });

  return { colour, themed, keep, clear, config };
})();
