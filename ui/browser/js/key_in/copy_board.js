// The clipboard, as far as Skriv in has put something there. It outlives the part of the screen that
// copied: what could not be emptied then is emptied as soon as the window may write there again.
const board = (window.efBoard ??= makeBoard());

function makeBoard() {
  const state = { writes: Promise.resolve(), number: 0, holds: false, due: false, timer: 0 };
  // Only the window that has the focus may write: this one, or the small one.
  const clipboard = () => {
    const small = window.documentPictureInPicture?.window;
    return (small?.document.hasFocus() ? small : window).navigator.clipboard;
  };
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
      await clipboard().writeText(text);
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
      await clipboard().writeText("");
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

  function watch(view) {
    for (const type of ["focus", "pointerdown", "keydown"])
      view.addEventListener(type, () => { if (state.due) empty(); }, { capture: true });
  }

  watch(window);
  return { write, empty, noteCopied, watch };
}

