// The keys of a form that Streamlit does not have. Field text is in events only, never in HTML.
// The focus that a person has moved by Tab stays where it is for this long.
const TABBED_MS = 2000;

const inputs = (key) => [...(holder(key)?.querySelectorAll("input, textarea") ?? [])];

export default function ({ parentElement, data }) {
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efStop?.abort();
  const stop = (parentElement.efStop = new AbortController());
  const on = (type, run) => document.addEventListener(type, run, { capture: true, signal: stop.signal });
  const keyOf = (element) => data.fields.find((key) => holder(key)?.contains(element));
  // The time since the form became visible, however long ago a busy server began to draw it.
  if (parentElement.efUp !== data.turn) Object.assign(parentElement, { efUp: data.turn, efUpAt: performance.now() });
  const shownFor = () => performance.now() - parentElement.efUpAt;

  const isSave = (event) => event.ctrlKey && event.key === "Enter";
  // Another form is drawn already, and this script does not have its data yet.
  const isOther = () => data.save && !holder(data.save);

  function onKey(event) {
    if (isSave(event) && (shownFor() < data.look || isOther() || scrollOn())) {
      document.dispatchEvent(new Event("ef-let-go")); // nothing was pressed
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    const key = keyOf(event.target);
    const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey;
    const radio = isPlain && key && event.target.type === "radio" && /^[1-9]$/.test(event.key) && inputs(key)[event.key - 1];
    if (radio) { radio.click(); radio.focus(); event.preventDefault(); event.stopPropagation(); }
    // What is typed in no form counts when the focus leaves the field.
    if ((isSave(event) || event.key === "Escape") && key && !event.target.closest("[data-testid=stForm]")) {
      event.target.blur();
      event.target.focus({ preventScroll: true });
    }
    if (!isSave(event)) return;
    // Radios and segmented controls do not let Enter through to Streamlit's shortcut.
    const blocksEnter = ["radio", "checkbox"].includes(event.target.type) || event.target.getAttribute?.("role") === "radio";
    if (blocksEnter && !event.repeat) holder(data.save)?.querySelector("button")?.click();
    if (blocksEnter || event.repeat) { event.preventDefault(); event.stopPropagation(); }
  }

  // What is signed has to be read: scroll on if its end is below the window, or behind the form that
  // stays at the lower edge. Return whether it was.
  function scrollOn() {
    const text = data.read ? holder(data.read) : null;
    if (!text) return false;
    const form = holder(data.save)?.closest("[data-testid='stForm']")?.getBoundingClientRect();
    const edge = Math.min(window.innerHeight, form?.top ?? Infinity);
    const left = text.getBoundingClientRect().bottom - edge;
    if (left <= 4) return false;
    main()?.scrollBy({ top: Math.min(left + 12, Math.max(edge - 160, 80)), behavior: "instant" });
    return true;
  }

  const main = () => document.querySelector("[data-testid='stMain']");

  // A field that is not drawn yet, or hidden, cannot have the focus.
  function focusFirst(left = 600) {
    if (stop.signal.aborted) return;
    const first = inputs(data.focus)[0];
    if (!first || !isVisible(holder(data.focus)) || !data.fields.every(holder)) return left > 0 && requestAnimationFrame(() => focusFirst(left - 1));
    parentElement.efFocused = data.turn;
    if (isBegun() && keyOf(document.activeElement)) return keepFocus();
    const checked = inputs(data.focus).find((input) => input.checked) ?? first;
    // A user who sees the guide or has a note to sign reads that first; the field scrolls into view
    // with the first key.
    checked.focus({ preventScroll: Boolean(data.read) || document.querySelector(".st-key-guide")?.getBoundingClientRect().top >= 0 });
    checked.select?.();
    selectAgain(checked, checked.value);
    keepFocus();
  }

  const isBegun = () => parentElement.efBegun === data.turn;

  // A lost connection opens a dialog, which gives the focus to its own section and to the page's: the
  // user goes on in the same field afterwards. A user comes to the page's section by Tab only.
  const isSection = (element) => element?.tagName === "SECTION";
  function isFocusLost() {
    const active = document.activeElement;
    const isTabbed = performance.now() - (parentElement.efTabbedAt ?? -Infinity) < TABBED_MS;
    const isLost = active === document.body || (isSection(active) && !isTabbed);
    return isLost && document.hasFocus() && !document.querySelector("[data-testid='stDialog']");
  }

  // A complete form may be drawn again and lose the focus: the field gets it back, unless the user
  // has clicked elsewhere.
  function keepFocus(left = 600) {
    if (stop.signal.aborted || parentElement.efPointed === data.turn) return;
    if (isFocusLost()) {
      if (!isBegun()) return focusFirst();
      const again = inputs(parentElement.efLast ?? "");
      (again.find((input) => input.checked) ?? again[0])?.focus();
    }
    if (left > 0) requestAnimationFrame(() => keepFocus(left - 1));
  }

  // A value may be filled in only now, and leaves nothing selected: typed text would be appended.
  function selectAgain(input, before, left = 30) {
    if (stop.signal.aborted || isBegun() || document.activeElement !== input || !input.select) return;
    if (input.value !== before || input.selectionStart === input.selectionEnd) input.select();
    if (left > 0) requestAnimationFrame(() => selectAgain(input, input.value, left - 1));
  }

  // If the form is drawn again before the user has begun, the first field stays selected.
  function keepSelected() {
    const active = document.activeElement;
    if (active && keyOf(active) === data.focus) selectAgain(active, active.value);
  }

  on("keydown", onKey);
  // Ctrl+Enter still held from the entry before arrives here too, and does not begin the entry.
  on("keydown", (event) => { if (keyOf(event.target) && !event.ctrlKey && event.key !== "Control") parentElement.efBegun = data.turn; });
  on("keydown", (event) => { if (event.key === "Tab") parentElement.efTabbedAt = performance.now(); });
  on("pointerdown", () => { parentElement.efBegun = parentElement.efPointed = data.turn; });
  on("focusin", (event) => { if (!isSection(event.target)) parentElement.efLast = keyOf(event.target); });
  on("focusout", (event) => { if (isSection(event.target)) keepFocus(); });
  // Dictation and the like press no keys.
  on("input", (event) => { if (keyOf(event.target)) parentElement.efBegun = data.turn; });
  if (data.read && parentElement.efTop !== data.turn) {
    parentElement.efTop = data.turn;
    main()?.scrollTo({ top: 0, behavior: "instant" });
  }
  if (parentElement.efFocused !== data.turn) focusFirst();
  else { keepFocus(); keepSelected(); }
  return () => stop.abort();
}
