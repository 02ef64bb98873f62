// The keys of the review form that Streamlit does not have. Field text is in events only, never in HTML.
const SETTLE_MS = 1200;
// The server answers a draft within a tenth of a second, unless it is busy; what waits for the answer
// goes on without it when the server has been idle for this long.
const REST_MS = 2000;
// Streamlit may not report the end of a run: nothing waits longer than this.
const BUSY_MS = 8000;
// A screen that is not completely drawn by now will not be.
const DRAWN_MS = 10000;

function setText(input, text) {
  const kind = input.tagName === "TEXTAREA" ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(input, text);
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

const inputs = (key) => [...(holder(key)?.querySelectorAll("input, textarea") ?? [])];

function valueOf(key) {
  const all = inputs(key);
  const radios = all.filter((input) => input.type === "radio");
  if (radios.length) return radios.findIndex((input) => input.checked);
  return all[0]?.value ?? "";
}

export default function ({ parentElement, data: initialData, setTriggerValue }) {
  let data = initialData;
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efStop?.abort();
  const stop = (parentElement.efStop = new AbortController());
  const on = (type, run) => document.addEventListener(type, run, { capture: true, signal: stop.signal });
  const keyOf = (element) => data.fields.find((key) => holder(key)?.contains(element));
  const waiting = (parentElement.efWaiting ??= new Set());
  // The time since the form became visible, however long ago a busy server began to draw it.
  const noteShown = () => parentElement.efUp !== data.turn && Object.assign(parentElement, { efUp: data.turn, efUpAt: performance.now() });
  const shownFor = () => performance.now() - parentElement.efUpAt;
  noteShown();
  parentElement.efSend = sendDraft;
  keepInSight(stop.signal);

  function choose(key, index) {
    const radio = inputs(key)[index];
    if (!radio) return false;
    radio.click();
    radio.focus();
    return true;
  }

  function answer(key, sign) {
    const last = inputs(key).length - 1;
    if (inputs(key)[0]?.type !== "radio") { setText(inputs(key)[0], sign); return true; }
    return choose(key, sign === "?" ? last : last - 1);
  }

  // A field whose widget is not drawn yet is left out: an empty text would mean an empty field.
  const fieldValues = () => Object.fromEntries(data.fields.filter((key) => inputs(key).length).map((key) => [key, valueOf(key)]));

  const isUnreceived = () => (parentElement.efNumber ?? 0) > data.heard;
  const isOutstanding = () => isUnreceived() && performance.now() - parentElement.efSentAt < (isRunning() ? BUSY_MS : REST_MS);

  // Send a draft; return whether the server has yet to receive one.
  function sendDraft() {
    clearTimeout(parentElement.efSettle);
    if (!data.drafts) return false;
    const values = fieldValues();
    const text = JSON.stringify(values);
    if (text === parentElement.efSent && (isOutstanding() || !isUnreceived())) return isOutstanding();
    parentElement.efSent = text;
    parentElement.efSentAt = performance.now();
    parentElement.efNumber = Math.max(parentElement.efNumber ?? 0, data.heard) + 1;
    setTriggerValue("draft", { number: parentElement.efNumber, held: values });
    return true;
  }

  // What takes the form away, or runs another fragment, waits until the server has the draft. Of one
  // message only one fragment would be run; and a busy server receives both at once: the form would
  // be gone before the draft is saved.
  function afterDraft(go) {
    const action = { number: parentElement.efNumber, go: () => waiting.delete(action) && go() };
    waiting.add(action);
    const since = performance.now();
    const goAnyhow = () => (isRunning() && performance.now() - since < BUSY_MS ? setTimeout(goAnyhow, REST_MS) : action.go());
    setTimeout(goAnyhow, REST_MS);
  }

  // The element that had the focus may have been drawn again: the old one has no listeners.
  function pressKeyAgain(event) {
    const target = event.target?.isConnected ? event.target : document.activeElement ?? document.body;
    ["keydown", "keyup"].forEach((type) => target.dispatchEvent(new KeyboardEvent(type, event)));
  }

  // Alt+S and the like remove the form with what was typed last: the key is repeated after the draft.
  function draftBeforeKey(event) {
    if (!event.isTrusted || !sendDraft()) return false;
    afterDraft(() => pressKeyAgain(event));
    return true;
  }

  // A click leaves the field and presses something at the same moment. A late draft would bring
  // Streamlit back to a screen that is gone.
  function draftFirst(event) {
    const pressed = event.target.closest?.("a[href], button, label, input");
    if (!pressed || keyOf(pressed) || !event.isTrusted || !sendDraft()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const find = findAgain(pressed);
    afterDraft(() => pressAgain(find));
  }

  // Streamlit would go back at once. The browser's back button is delayed once only.
  function draftBeforeBack(event) {
    const isAgain = parentElement.efGoesBack;
    parentElement.efGoesBack = false;
    if (isAgain || event.navigationType !== "traverse" || !event.cancelable || !sendDraft()) return;
    event.preventDefault();
    afterDraft(() => {
      parentElement.efGoesBack = true;
      window.navigation.traverseTo(event.destination.key);
    });
  }

  // The buttons on the screen belong to the entry before until the new ones are drawn.
  const isReady = () => !data.early && (!data.ready || holder(data.ready));
  const isSave = (event) => event.ctrlKey && event.key === "Enter";
  const isPartlyDrawn = () => !isReady() && isRunning() && shownFor() < DRAWN_MS;
  // Another form is drawn already, and this script does not have its data yet.
  const isOther = () => data.save && !holder(data.save);
  const isTooSoon = (event) => (isPartlyDrawn() && (isSave(event) || pressesButton(event))) || (isSave(event) && (shownFor() < data.look || isOther()));

  // A click that waits for its draft comes first: its choice belongs to what is saved.
  function isHeldBack(event) {
    if (!isSave(event) || !event.isTrusted || !waiting.size) return false;
    afterDraft(() => pressKeyAgain(event));
    return true;
  }

  function onKey(event) {
    const isTooEarly = isTooSoon(event);
    if (isTooEarly) document.dispatchEvent(new Event("ef-let-go")); // nothing was pressed
    if (isTooEarly || isHeldBack(event)) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    const key = keyOf(event.target);
    const plain = !event.ctrlKey && !event.altKey && !event.metaKey;
    let taken = false;
    if (event.altKey && !event.ctrlKey && event.key.toLowerCase() === "i" && key) taken = answer(key, "?");
    else if (event.altKey && !event.ctrlKey && event.key.toLowerCase() === "t" && key) taken = answer(key, "-");
    else if (plain && key && event.target.type === "radio") {
      if (event.key === "?" || event.key === "-") taken = answer(key, event.key);
      else if (/^[1-9]$/.test(event.key)) taken = choose(key, Number(event.key) - 1);
    } else if ((plain && event.key === "?" && !event.target.matches?.("input, textarea")) || (event.altKey && event.key.toLowerCase() === "h")) {
      const button = holder(data.help)?.querySelector("button");
      button?.click();
      taken = Boolean(button);
    } else if (event.altKey && !event.ctrlKey && /^[a-z]$/i.test(event.key) && draftBeforeKey(event)) {
      event.stopImmediatePropagation();
      taken = true;
    }
    if (isSave(event)) {
      // Radios and segmented controls do not let Enter through to Streamlit's shortcut.
      const blocksEnter = ["radio", "checkbox"].includes(event.target.type) || event.target.getAttribute?.("role") === "radio";
      if (blocksEnter && !event.repeat) holder(data.save)?.querySelector("button")?.click();
      taken = blocksEnter || event.repeat;
    }
    if (taken) { event.preventDefault(); event.stopPropagation(); }
  }

  // The form may be drawn already and become visible only now: a hidden field cannot have the focus.
  function focusFirst(left = 600) {
    if (stop.signal.aborted) return;
    const first = inputs(data.focus)[0];
    if (!first || !isVisible(holder(data.focus)) || !data.fields.every(holder)) return left > 0 && requestAnimationFrame(() => focusFirst(left - 1));
    parentElement.efFocused = data.turn;
    if (parentElement.efTyped !== data.turn) parentElement.efSent = JSON.stringify(fieldValues());
    if (isBegun() && keyOf(document.activeElement)) return keepFocus();
    const checked = inputs(data.focus).find((input) => input.checked) ?? first;
    // A user who sees the guide reads it first; the field scrolls into view with the first key.
    checked.focus({ preventScroll: document.querySelector(".st-key-guide")?.getBoundingClientRect().top >= 0 });
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
    const isTabbed = performance.now() - (parentElement.efTabbedAt ?? -Infinity) < REST_MS;
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

  // A draft may be filled in only now, and leaves nothing selected: typed text would be appended.
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

  // The next form is visible and the server is still drawing the rest (prefetch.js): no drafts of it
  // are sent before that is done.
  function showEarly({ detail }) {
    if (!data.drafts || detail.keys.turn === data.turn) return;
    data = { ...data, ...detail.keys, save: "", drafts: false, early: true };
    noteShown();
    focusFirst();
  }

  on("ef-turn", showEarly);
  on("keydown", onKey);
  on("click", draftFirst);
  // Ctrl+Enter still held from the entry before arrives here too, and does not begin the entry.
  on("keydown", (event) => { if (keyOf(event.target) && !event.ctrlKey && event.key !== "Control") parentElement.efBegun = data.turn; });
  on("keydown", (event) => { if (event.key === "Tab") parentElement.efTabbedAt = performance.now(); });
  on("pointerdown", () => { parentElement.efBegun = parentElement.efPointed = data.turn; });
  on("focusin", (event) => { if (!isSection(event.target)) parentElement.efLast = keyOf(event.target); });
  on("focusout", (event) => { if (isSection(event.target)) keepFocus(); });
  // A form that was hidden loses the focus; its entry has been decided or rejected.
  on("focusout", (event) => keyOf(event.target) && isVisible(holder(keyOf(event.target))) && sendDraft());
  window.navigation?.addEventListener("navigate", draftBeforeBack, { signal: stop.signal });
  // The browser asks before a reload or close that would lose typed text.
  window.addEventListener("beforeunload", (event) => { if (sendDraft()) event.preventDefault(); }, { signal: stop.signal });
  on("input", (event) => {
    if (!keyOf(event.target)) return;
    // Dictation and the like press no keys.
    parentElement.efBegun = parentElement.efTyped = data.turn;
    event.efDrafted = data.drafts; // for activity.py
    clearTimeout(parentElement.efSettle);
    parentElement.efSettle = setTimeout(() => parentElement.efSend(), SETTLE_MS);
  });
  [...waiting]
    .filter((action) => action.number <= data.heard)
    .forEach((action) => requestAnimationFrame(action.go));
  delete document.documentElement.dataset.efTurning;
  if (parentElement.efFocused !== data.turn) focusFirst();
  else { keepFocus(); keepSelected(); }
  return () => { clearTimeout(parentElement.efSettle); stop.abort(); };
}
