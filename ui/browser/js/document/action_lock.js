// One click at a time. A click starts a run of the server that ends the run before, even one that
// has yet to save. So until the server has done what a button asked for, other clicks wait, and
// nothing is typed: the form has been sent, and text typed ahead would be in it.
const IDLE_MS = 1000; // an idle server has not received the click after this time
const MAX_LOCK_MS = 20000; // a longer run does not block the user
const TYPE_AHEAD_MS = 300; // keys closer than this belong together: half a number must not get into the next form
const MAX_MARKS = 3; // marks of one run, see document.py
const MIXED_MS = 600; // after this time without a run, more marks belong to two runs
const ACT_MS = 3000; // an act of the workbench has begun to run after this time, or its screen is gone
const FORM_LINES = ".stForm input:not([type='checkbox'], [type='radio'], [role='combobox'])";
const BUTTONS = ".stButton button, .stFormSubmitButton button";

function lockActions({ parentElement, data, setTriggerValue }, stop) {
  const state = (parentElement.efState ??= { later: null, pressed: null, ahead: -TYPE_AHEAD_MS, since: 0, busy: 0 });
  const on = (target, type, run) => target.addEventListener(type, run, { capture: true, signal: stop });
  const root = document.documentElement;
  const isLocked = () => "efOut" in root.dataset;
  const isAhead = () => performance.now() - state.ahead < TYPE_AHEAD_MS;

  function lock(pressed) {
    root.dataset.efOut = "";
    Object.assign(state, { pressed, since: performance.now(), busy: performance.now() });
    watch();
  }

  // Unlock when the server is idle, or after the longest time.
  function watch() {
    if (!isLocked()) return;
    const now = performance.now();
    if (isRunning()) state.busy = now;
    if (now - state.busy > IDLE_MS || now - state.since > MAX_LOCK_MS) unlock();
    else requestAnimationFrame(watch);
  }

  function unlock() {
    delete root.dataset.efOut;
    const later = state.later;
    state.later = null;
    if (later) requestAnimationFrame(() => pressAgain(later));
  }

  function onClick(event) {
    const pressed = event.target.closest?.("a[href], button, label, input");
    if (!isLocked()) {
      const button = event.target.closest?.(BUTTONS);
      if (button && !button.disabled) lock(button);
      return;
    }
    if (!event.isTrusted || !pressed) return;
    swallow(event);
    // A double click counts once, and a form that was sent is not changed.
    if (pressed !== state.pressed && !pressed.closest(".stForm")) state.later = findAgain(pressed);
  }

  function swallow(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  function discard(event) {
    state.ahead = performance.now();
    swallow(event);
  }

  // Enter in a text field sends some forms: once, unless the text was changed.
  function isEnteredAgain(event) {
    if (event.key !== "Enter" || event.ctrlKey || event.altKey || event.metaKey || !event.target.matches?.(FORM_LINES)) return false;
    const now = performance.now();
    const again = state.line === event.target && (isRunning() || now - state.entered < IDLE_MS);
    Object.assign(state, { line: event.target, entered: again ? state.entered : now });
    return again;
  }

  function onKey(event) {
    if (!event.isTrusted) return;
    const isForBrowser = /^F\d|^(Control|Alt|Shift|Meta)/.test(event.key) || ((event.ctrlKey || event.metaKey) && event.key !== "Enter");
    if (isLocked() || isAhead()) { if (!isForBrowser) discard(event); }
    else if (isEnteredAgain(event)) swallow(event);
    else if (!event.repeat && buttonOfKey(event)) lock(null);
  }

  // What was pressed is on its way. A run asked for now would end the one that does it, even one that
  // has yet to save.
  function isActing(now) {
    const act = document.querySelector(".wb")?.dataset.underWay ?? "";
    if (state.act !== act) Object.assign(state, { act, actSince: now });
    return isLocked() || (act !== "" && now - state.actSince < ACT_MS);
  }

  // Ask for another run if what is drawn belongs to two runs.
  function watchMarks() {
    const now = performance.now();
    if (isActing(now) || isRunning() || document.querySelectorAll(".ef-run").length <= MAX_MARKS) state.clean = now;
    if (now - state.clean > MIXED_MS) {
      state.clean = now;
      setTriggerValue("mixed", now);
    }
    parentElement.efLook = setTimeout(watchMarks, MIXED_MS / 2);
  }

  on(window, "click", onClick);
  on(window, "keydown", onKey);
  on(window, "beforeinput", (event) => { if (event.isTrusted && (isLocked() || isAhead())) discard(event); });
  on(window, "input", () => { state.line = null; });
  on(document, "ef-press", () => lock(null)); // from a component, which is no button of Streamlit's
  on(document, "ef-let-go", unlock);
  root.style.setProperty("--ef-wait", JSON.stringify(data.wait));
  unlock(); // this is drawn first in every run: the last click is done
  state.clean = performance.now();
  watchMarks();
  stop.addEventListener("abort", () => clearTimeout(parentElement.efLook));
}
