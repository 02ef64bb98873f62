// The clipboard, as far as Skriv in has put something there. It outlives the part of the screen that
// copied: what could not be emptied then is emptied as soon as the window may write there again.
const board = (window.efBoard ??= makeBoard());

function makeBoard() {
  const state = { writes: Promise.resolve(), number: 0, holds: false, due: false, timer: 0 };
  const inTurn = (run) => (state.writes = state.writes.then(run, run));

  // Write a value, unless it was emptied since. Answers whether the value is there.
  function write(text, clearMs) {
    const number = ++state.number;
    clearTimeout(state.timer);
    state.timer = setTimeout(empty, clearMs);
    state.due = false;
    return inTurn(async () => {
      if (state.emptied >= number) return false;
      if (!navigator.clipboard) throw new Error("no clipboard");
      state.holds = true;
      await navigator.clipboard.writeText(text);
      return true;
    });
  }

  // Empty it of what is there and of what is on its way there. Only a window that has the focus may
  // write: else it is done on the return, whatever is on the screen then.
  function empty() {
    state.emptied = state.number;
    clearTimeout(state.timer);
    state.due = true;
    inTurn(async () => {
      if (!state.due || state.emptied < state.number) return;
      if (!state.holds) { state.due = false; return; }
      await navigator.clipboard.writeText("");
      if (state.emptied === state.number) state.holds = state.due = false;
    }).catch(() => {});
  }

  // A person copies the selected text where the browser refuses to.
  function noteCopied(clearMs) {
    state.number++;
    state.holds = true;
    state.due = false;
    clearTimeout(state.timer);
    state.timer = setTimeout(empty, clearMs);
  }

  for (const type of ["focus", "pointerdown", "keydown"])
    window.addEventListener(type, () => { if (state.due) empty(); }, { capture: true });
  return { write, empty, noteCopied };
}

