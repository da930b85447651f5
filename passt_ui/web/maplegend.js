// The map's legend: groups as buttons that hide their sounds, or the scale of a similarity.
window.passt = window.passt || {};

passt.maplegend = (() => {
  function drawn({ symbol, colour }) {
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("viewBox", "-6 -6 12 12");
    icon.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(icon.namespaceURI, "path");
    path.setAttribute("d", passt.mapshapes[symbol]);
    path.setAttribute("fill", colour);
    icon.append(path);
    return icon;
  }

  function entry(group, index, hidden, changed) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(drawn(group), group.name);
    const press = () => button.setAttribute("aria-pressed", String(!hidden.has(index)));
    button.addEventListener("click", () => {
      if (!hidden.delete(index)) hidden.add(index);
      press();
      changed();
    });
    press();
    return button;
  }

  // Rows of buttons, one for each family; one row where groups have none.
  function groups(place, members, hidden, changed) {
    const rows = new Map();
    members.forEach((group, index) => {
      const parent = group.parent ?? "";
      if (!rows.has(parent)) rows.set(parent, []);
      rows.get(parent).push(entry(group, index, hidden, changed));
    });
    place.replaceChildren(...[...rows].map(([parent, buttons]) => {
      const row = document.createElement("p");
      if (parent) row.append(Object.assign(document.createElement("b"), { textContent: parent }));
      row.append(...buttons);
      return row;
    }));
  }

  function scale(place, stops, query) {
    const bar = document.createElement("span");
    bar.className = "bar";
    bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
    const row = document.createElement("p");
    row.className = "passt-alike";
    row.append(query.lo.toFixed(2), bar, query.hi.toFixed(2), " similarity to what is asked (cosine)");
    place.replaceChildren(row);
  }

  return { groups, scale };
})();
