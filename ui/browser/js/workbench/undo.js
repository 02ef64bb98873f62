// Ctrl+Z in one field. The browser's own goes through all that was typed on the page, and would
// change a field that is out of sight; this one knows each input's own texts.
const MAX_STEPS = 100;

function makeUndo() {
  const histories = new WeakMap();
  const isText = (input) => input?.tagName === "TEXTAREA" || (input?.tagName === "INPUT" && input.type === "text");
  const stateOf = (input) => ({ text: input.value, at: input.selectionStart ?? input.value.length });

  // What was written by the program, or by a key of the bench, is a step too.
  function historyOf(input) {
    const history = histories.get(input) ?? { steps: [stateOf(input)], place: 0, kind: "" };
    histories.set(input, history);
    if (history.steps[history.place].text !== input.value) add(history, stateOf(input), "");
    return history;
  }

  // Letters typed after one another are one step, up to the next blank.
  function add(history, state, kind) {
    const isSame = kind !== "" && kind === history.kind && history.place > 0;
    history.steps.splice(history.place + (isSame ? 0 : 1), Infinity, state);
    if (history.steps.length > MAX_STEPS) history.steps.shift();
    history.place = history.steps.length - 1;
    history.kind = kind;
  }

  return {
    // Before a text changes, and after it has.
    begin(input) { if (isText(input)) historyOf(input); },
    note(input, { inputType, data }) {
      const history = isText(input) && histories.get(input);
      if (!history || history.steps[history.place].text === input.value) return;
      const isLetter = inputType === "insertText" && /^\S$/.test(data ?? "");
      add(history, stateOf(input), isLetter || inputType === "deleteContentBackward" ? inputType : "");
    },
    // One step back (-1) or forward (1). The input reports it as if it had been typed.
    step(input, by) {
      if (!isText(input) || input.readOnly || input.disabled) return;
      const history = historyOf(input);
      const state = history.steps[history.place + by];
      if (!state) return;
      history.place += by;
      history.kind = "";
      input.value = state.text;
      input.setSelectionRange(state.at, state.at);
      input.dispatchEvent(new Event("input", { bubbles: true }));
    },
  };
}
