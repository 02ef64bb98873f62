// One press at a time. What is pressed begins a run of the server that ends the run before, even one that has yet to save. So until the server has done
// what a button asked for, other presses wait, and nothing is typed: the form has been sent, and what is typed ahead would stand in it.
const STILL_MS = 1000; // the server has stood still for so long: it has not heard of the press
const LONGEST_MS = 20000; // what takes longer does not hold the person up
const AHEAD_MS = 300; // keys that follow each other closer than this are one: half a number must not come into the next form
const MARKS = 3; // of a run, see one_press.py
const MIXED_MS = 600; // so long no run has gone on and still there are marks of two
const LINES = ".stForm input:not([type='checkbox'], [type='radio'], [role='combobox'])";
const BUTTONS = ".stButton button, .stFormSubmitButton button";

export default function ({ parentElement, data, setTriggerValue }) {
  // This runs anew with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efStop?.abort();
  const stop = (parentElement.efStop = new AbortController());
  const state = (parentElement.efState ??= { later: null, pressed: null, ahead: -AHEAD_MS, since: 0, busy: 0 });
  const on = (target, type, run) => target.addEventListener(type, run, { capture: true, signal: stop.signal });
  const root = document.documentElement;
  const isOut = () => "efOut" in root.dataset;
  const isAhead = () => performance.now() - state.ahead < AHEAD_MS;

  function begin(pressed) {
    root.dataset.efOut = "";
    Object.assign(state, { pressed, since: performance.now(), busy: performance.now() });
    watch();
  }

  function watch() {
    if (!isOut()) return;
    const now = performance.now();
    if (isRunning()) state.busy = now;
    if (now - state.busy > STILL_MS || now - state.since > LONGEST_MS) end();
    else requestAnimationFrame(watch);
  }

  function end() {
    delete root.dataset.efOut;
    const later = state.later;
    state.later = null;
    if (later) requestAnimationFrame(() => pressAgain(later));
  }

  function onClick(event) {
    const pressed = event.target.closest?.("a[href], button, label, input");
    if (!isOut()) {
      const button = event.target.closest?.(BUTTONS);
      if (button && !button.disabled) begin(button);
      return;
    }
    if (!event.isTrusted || !pressed) return;
    swallow(event);
    // A button pressed twice is pressed once, and a form that was sent is not changed.
    if (pressed !== state.pressed && !pressed.closest(".stForm")) state.later = finder(pressed);
  }

  function swallow(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  function letGo(event) {
    state.ahead = performance.now();
    swallow(event);
  }

  // Enter in a line of a form sends it, where a form is sent so: once, unless something else was written.
  function isEnteredAgain(event) {
    if (event.key !== "Enter" || event.ctrlKey || event.altKey || event.metaKey || !event.target.matches?.(LINES)) return false;
    const now = performance.now();
    const again = state.line === event.target && (isRunning() || now - state.entered < STILL_MS);
    Object.assign(state, { line: event.target, entered: again ? state.entered : now });
    return again;
  }

  function onKey(event) {
    if (!event.isTrusted) return;
    const browsers = /^F\d|^(Control|Alt|Shift|Meta)/.test(event.key) || ((event.ctrlKey || event.metaKey) && event.key !== "Enter");
    if (isOut() || isAhead()) { if (!browsers) letGo(event); }
    else if (isEnteredAgain(event)) swallow(event);
    else if (!event.repeat && pressesButton(event)) begin(null);
  }

  function lookForTwo() {
    const now = performance.now();
    if (isRunning() || document.querySelectorAll(".ef-run").length <= MARKS) state.clean = now;
    if (now - state.clean > MIXED_MS) {
      state.clean = now;
      setTriggerValue("mixed", now);
    }
    parentElement.efLook = setTimeout(lookForTwo, MIXED_MS / 2);
  }

  on(window, "click", onClick);
  on(window, "keydown", onKey);
  on(window, "beforeinput", (event) => { if (event.isTrusted && (isOut() || isAhead())) letGo(event); });
  on(window, "input", () => { state.line = null; });
  on(document, "ef-press", () => begin(null)); // by a part of the screen that is no button of Streamlit's
  on(document, "ef-turn", end);
  on(document, "ef-let-go", end);
  root.style.setProperty("--ef-wait", JSON.stringify(data.wait));
  end();  // drawn first in every run: what was pressed is done
  clearTimeout(parentElement.efLook);
  state.clean = performance.now();
  lookForTwo();
  return () => { stop.abort(); clearTimeout(parentElement.efLook); delete root.dataset.efOut; };
}
