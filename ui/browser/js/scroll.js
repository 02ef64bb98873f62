// Scrolls to the top, or to a part of the screen, once for each turn.
export default function ({ parentElement, data }) {
  if (!data.part) {
    const isNew = parentElement.efTurn !== undefined && parentElement.efTurn !== data.turn;
    parentElement.efTurn = data.turn;
    if (isNew) document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
    return;
  }
  // The document remembers it: who comes back to the screen has not asked again.
  const turns = (document.efPartTurns ??= {});
  if (turns[data.part] === data.turn) return;
  turns[data.part] = data.turn;
  // The list is drawn in a part of its own, which may come a little later.
  const part = `.st-key-${CSS.escape(data.part)}`, until = performance.now() + 3000;
  const find = () => {
    const found = document.querySelector(`${part} ${data.button}`);
    if (!found && performance.now() < until) return requestAnimationFrame(find);
    const list = document.querySelector(part);
    // Without a button it is enough that the beginning is in sight.
    if (data.button || list?.getBoundingClientRect().top > innerHeight * 0.6) {
      list?.scrollIntoView({ block: "start", behavior: "instant" });
    }
    if (data.button) found?.focus({ preventScroll: true });
  };
  find();
}
