// Cards: examples to choose from, and neighbours to hear. Arrows step through them.
window.passt = window.passt || {};

passt.cards = (element, props, watch, trigger) => {
  element.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-choose]");
    if (choice) trigger("select", { id: choice.dataset.choose });
  });

  element.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const cards = [...element.querySelectorAll("button")].filter((button) => !button.disabled);
    const at = cards.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = cards[(at + step + cards.length) % cards.length];
    next.focus();
    if (next.dataset.sound) next.click();
  });

  watch("value", () => passt.player.refresh());
};
