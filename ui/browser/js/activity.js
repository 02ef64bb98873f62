// Sends only that something is typed, at most once a minute; the text stays in the browser. The attribute
// `data-ef-in` of the document remembers that a user was logged in.
const QUIET_MS = 60000;
// Of several events that leave the browser at the same moment only one fragment is run: what the
// user does goes first, and the report of activity once no key is pressed.
const REST_MS = 150;

export default function ({ parentElement, setTriggerValue }) {
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  const marks = document.documentElement.dataset;
  marks.efIn = "";
  parentElement.efStop?.abort();
  const stop = (parentElement.efStop = new AbortController());
  parentElement.efTold ??= performance.now(); // what brought the screen here was activity
  let typed = null, rest = 0;
  const report = () => {
    // While the server does what a button asked for (action_lock.js) nothing is sent; the next
    // key reports.
    if (!typed || "efOut" in marks) return;
    const { efDrafted } = typed;
    typed = null;
    if (efDrafted) return; // a draft is activity, and is sent by the workbench
    parentElement.efTold = performance.now();
    setTriggerValue("typing", true);
  };
  // Going to another screen is activity too; reported from there, it would bring Streamlit back
  // to the old screen, and nothing would be shown.
  const leaves = ({ type, target }) =>
    type === "navigate" || (type === "click" && target.closest?.("a[href]"));
  const handle = (event) => {
    if (leaves(event)) typed = null;
    const isDue = performance.now() - parentElement.efTold >= QUIET_MS;
    if (event.type === "input" && isDue) typed ??= event;
    clearTimeout(rest);
    if (typed) rest = setTimeout(report, REST_MS);
  };
  const options = { capture: true, signal: stop.signal };
  const types = ["input", "keydown", "pointerdown", "click", "focusin", "focusout"];
  types.forEach((type) => document.addEventListener(type, handle, options));
  window.navigation?.addEventListener("navigate", handle, { signal: stop.signal });
  return () => { clearTimeout(rest); stop.abort(); };
}
