// Cards: examples to choose from, and neighbours to hear and to ask with. Arrows step through them.
window.passt = window.passt || {};

passt.cards = (element, props, watch, trigger, askEvent) => {
  let asked = false; // whether a button in here asked for what comes next

  element.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-choose]");
    if (choice) trigger("select", { id: choice.dataset.choose });
    const question = event.target.closest("[data-ask]");
    if (!question) return;
    asked = true;
    trigger(askEvent, { ask: question.dataset.ask, id: question.dataset.id });
  });

  element.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const cards = [...element.querySelectorAll("button:not([data-ask])")].filter((button) => !button.disabled);
    const at = cards.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = cards[(at + step + cards.length) % cards.length];
    next.focus();
    if (next.dataset.sound) next.click();
  });

  // Where the button that was pressed is gone with its card, the keyboard goes on at the first that is left.
  function stay() {
    if (asked && document.activeElement === document.body) element.querySelector("button")?.focus({ preventScroll: true });
    asked = false;
  }

  watch("value", () => {
    passt.player.refresh();
    stay();
  });
};
