"""How the HTML report looks, light and dark, and the few lines of script that draw its pictures."""

from __future__ import annotations

CSS = """
:root {
  --paper: #ffffff; --raised: #f6f7f9; --ink: #1c2127; --quiet: #5c6670; --line: #d9dee3;
  --first: #0072b2; --second: #e69f00; --note: #fff4dd; --note-ink: #5a4000;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --raised: #1b2027; --ink: #e6e9ec; --quiet: #9aa5b0; --line: #313942;
    --first: #56b4e9; --second: #f0b840; --note: #33290f; --note-ink: #f2dca6;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 .8rem; }
section {
  margin-top: 1.5rem; padding: 1.25rem; background: var(--raised);
  border: 1px solid var(--line); border-radius: 10px;
}
dl { display: flex; flex-wrap: wrap; gap: .75rem 2rem; margin: 0; }
dt { color: var(--quiet); font-size: .85rem; }
dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.note {
  margin: 1rem 0 0; padding: .6rem .9rem; border-radius: 8px;
  background: var(--note); color: var(--note-ink);
}
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem 1.1rem .3rem 0; text-align: left; border-bottom: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 600; font-size: .85rem; white-space: nowrap; }
tbody tr:last-child td { border-bottom: 0; }
.number { text-align: right; white-space: nowrap; }
.picture + .scroll, details { margin-top: 1rem; }
summary { cursor: pointer; color: var(--quiet); }
summary:focus-visible { outline: 2px solid var(--first); outline-offset: 3px; }
p { margin: 0 0 .8rem; }
ul { margin: 0; padding-left: 1.2rem; }
@media print { section { break-inside: avoid; } }
"""

BEHAVIOUR = """
"use strict";
const pictures = JSON.parse(document.getElementById("pictures").textContent);
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
function template() {
  const axis = {gridcolor: colour("--line"), linecolor: colour("--line"),
    zerolinecolor: colour("--line"), tickcolor: colour("--line")};
  return {
    data: {heatmap: [{colorscale: [[0, colour("--paper")], [1, colour("--first")]]}]},
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      colorway: [colour("--first"), colour("--second"), colour("--quiet")],
      font: {color: colour("--ink"), family: "system-ui, sans-serif", size: 13},
      margin: {l: 60, r: 24, t: 28, b: 56}, xaxis: axis, yaxis: axis,
      hoverlabel: {bgcolor: colour("--paper"), font: {color: colour("--ink")}},
      shapedefaults: {line: {color: colour("--ink")}},
    },
  };
}
function draw() {
  for (const [id, {data, layout}] of Object.entries(pictures)) {
    // Plotly writes into what it is given: hand it copies.
    const own = structuredClone({data, layout});
    Plotly.react(id, own.data, {...own.layout, template: template()},
      {responsive: true, displaylogo: false});
  }
}
draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
"""
