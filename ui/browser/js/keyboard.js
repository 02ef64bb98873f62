// The keys of the review form that the form itself does not have. Field text travels in events only, never into HTML.
const SETTLE_MS = 1200;
// The server answers a draft within a tenth of a second, unless it is busy; what waits for that goes on without it when the server has rested for so long.
const PATIENCE_MS = 2000;
// Streamlit may forget to tell that a run has ended: nothing waits longer than this.
const BUSY_MS = 8000;
// A screen that is not drawn to its end by now will not be.
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

export default function ({ parentElement, data: given, setTriggerValue }) {
  let data = given;
  // This runs anew with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efStop?.abort();
  const stop = (parentElement.efStop = new AbortController());
  const on = (type, run) => document.addEventListener(type, run, { capture: true, signal: stop.signal });
  const keyOf = (element) => data.fields.find((key) => holder(key)?.contains(element));
  const waiting = (parentElement.efWaiting ??= new Set());
  // What has come up a moment ago nobody has looked at, however long ago a busy server began to draw it.
  const comesUp = () => parentElement.efUp !== data.turn && Object.assign(parentElement, { efUp: data.turn, efUpAt: performance.now() });
  const upFor = () => performance.now() - parentElement.efUpAt;
  comesUp();
  parentElement.efSend = sendDraft;

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

  // A field whose part of Streamlit is still on its way to the browser says nothing: no text would mean that the paper says nothing.
  const held = () => Object.fromEntries(data.fields.filter((key) => inputs(key).length).map((key) => [key, valueOf(key)]));

  const isUnheard = () => (parentElement.efNumber ?? 0) > data.heard;
  const isOut = () => isUnheard() && performance.now() - parentElement.efSentAt < (isRunning() ? BUSY_MS : PATIENCE_MS);

  // Answers whether the server has yet to hear of a draft.
  function sendDraft() {
    clearTimeout(parentElement.efSettle);
    if (!data.drafts) return false;
    const values = held();
    const text = JSON.stringify(values);
    if (text === parentElement.efSent && (isOut() || !isUnheard())) return isOut();
    parentElement.efSent = text;
    parentElement.efSentAt = performance.now();
    parentElement.efNumber = Math.max(parentElement.efNumber ?? 0, data.heard) + 1;
    setTriggerValue("draft", { number: parentElement.efNumber, held: values });
    return true;
  }

  // What takes the form away, or runs another part of the screen, waits until the server has the draft. In one message only one part would be run; and
  // a busy server hears both at once: the form would be gone before the draft is kept.
  function afterDraft(go) {
    const one = { number: parentElement.efNumber, go: () => waiting.delete(one) && go() };
    waiting.add(one);
    const since = performance.now();
    const goAnyhow = () => (isRunning() && performance.now() - since < BUSY_MS ? setTimeout(goAnyhow, PATIENCE_MS) : one.go());
    setTimeout(goAnyhow, PATIENCE_MS);
  }

  // What it was pressed in may have been drawn anew: nobody would hear it there.
  function pressKeyAgain(event) {
    const target = event.target?.isConnected ? event.target : document.activeElement ?? document.body;
    ["keydown", "keyup"].forEach((type) => target.dispatchEvent(new KeyboardEvent(type, event)));
  }

  // Alt+S and the like take what was typed since the last pause with the form: the key is pressed anew behind the draft.
  function draftBeforeKey(event) {
    if (!event.isTrusted || !sendDraft()) return false;
    afterDraft(() => pressKeyAgain(event));
    return true;
  }

  // A tap leaves the field and presses something in one moment. A draft that is late would bring Streamlit back to a screen that is gone.
  function draftFirst(event) {
    const pressed = event.target.closest?.("a[href], button, label, input");
    if (!pressed || keyOf(pressed) || !event.isTrusted || !sendDraft()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const found = finder(pressed);
    afterDraft(() => pressAgain(found));
  }

  // Streamlit would go back at once. It is held up once only.
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

  // The buttons on the screen are of the entry before until the new ones are drawn.
  const isReady = () => !data.early && (!data.ready || holder(data.ready));
  const isSave = (event) => event.ctrlKey && event.key === "Enter";
  const isHalfDrawn = () => !isReady() && isRunning() && upFor() < DRAWN_MS;
  // Another form is there already, and this script has yet to hear of it.
  const isOther = () => data.save && !holder(data.save);
  const isTooSoon = (event) => (isHalfDrawn() && (isSave(event) || pressesButton(event))) || (isSave(event) && (upFor() < data.look || isOther()));

  // A tap that waits for its draft comes first: what it chose belongs to what is saved.
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
      // A radio keeps Enter to itself, as does a button of a segmented control, so that Streamlit's own shortcut never hears of it.
      const deaf = ["radio", "checkbox"].includes(event.target.type) || event.target.getAttribute?.("role") === "radio";
      if (deaf && !event.repeat) holder(data.save)?.querySelector("button")?.click();
      taken = deaf || event.repeat;
    }
    if (taken) { event.preventDefault(); event.stopPropagation(); }
  }

  // The form may be drawn already and come into sight only now: what is not seen cannot have the focus.
  function focusFirst(left = 600) {
    if (stop.signal.aborted) return;
    const first = inputs(data.focus)[0];
    if (!first || !isSeen(holder(data.focus)) || !data.fields.every(holder)) return left > 0 && requestAnimationFrame(() => focusFirst(left - 1));
    parentElement.efFocused = data.turn;
    if (parentElement.efTyped !== data.turn) parentElement.efSent = JSON.stringify(held());
    if (isBegun() && keyOf(document.activeElement)) return keepFocus();
    const checked = inputs(data.focus).find((input) => input.checked) ?? first;
    // Whoever has the guide before them reads it first; the field comes into sight with the first key.
    checked.focus({ preventScroll: document.querySelector(".st-key-guide")?.getBoundingClientRect().top >= 0 });
    checked.select?.();
    selectAgain(checked, checked.value);
    keepFocus();
  }

  const isBegun = () => parentElement.efBegun === data.turn;

  // What is drawn to its end may be drawn anew and lose the focus: the field that had it gets it back, unless the person has pointed elsewhere.
  function keepFocus(left = 600) {
    if (stop.signal.aborted || parentElement.efPointed === data.turn) return;
    if (document.activeElement === document.body && document.hasFocus()) {
      if (!isBegun()) return focusFirst();
      const again = inputs(parentElement.efLast ?? "");
      (again.find((input) => input.checked) ?? again[0])?.focus();
    }
    if (left > 0) requestAnimationFrame(() => keepFocus(left - 1));
  }

  // A draft may come into the field only now, and leaves nothing selected: what is typed would stand behind it.
  function selectAgain(input, before, left = 30) {
    if (stop.signal.aborted || isBegun() || document.activeElement !== input || !input.select) return;
    if (input.value !== before || input.selectionStart === input.selectionEnd) input.select();
    if (left > 0) requestAnimationFrame(() => selectAgain(input, input.value, left - 1));
  }

  // Drawn anew before the person has begun: the first field stays selected.
  function selectStill() {
    const now = document.activeElement;
    if (now && keyOf(now) === data.focus) selectAgain(now, now.value);
  }

  // The next form has come into sight and the server is still drawing the rest (coming_entry.js): nothing is sent of it before that is done.
  function turnEarly({ detail }) {
    if (!data.drafts || detail.keys.turn === data.turn) return;
    data = { ...data, ...detail.keys, save: "", drafts: false, early: true };
    comesUp();
    focusFirst();
  }

  on("ef-turn", turnEarly);
  on("keydown", onKey);
  on("click", draftFirst);
  // Ctrl+Enter held from the entry before is heard in this one too, and begins nothing.
  on("keydown", (event) => { if (keyOf(event.target) && !event.ctrlKey && event.key !== "Control") parentElement.efBegun = data.turn; });
  on("pointerdown", () => { parentElement.efBegun = parentElement.efPointed = data.turn; });
  on("focusin", (event) => { parentElement.efLast = keyOf(event.target); });
  // A form that went out of sight takes the focus with it; what it held has been decided or put aside.
  on("focusout", (event) => keyOf(event.target) && isSeen(holder(keyOf(event.target))) && sendDraft());
  window.navigation?.addEventListener("navigate", draftBeforeBack, { signal: stop.signal });
  // Who loads anew or closes before what was typed is kept is asked by the browser whether that is meant.
  window.addEventListener("beforeunload", (event) => { if (sendDraft()) event.preventDefault(); }, { signal: stop.signal });
  on("input", (event) => {
    if (!keyOf(event.target)) return;
    // Dictation and the like press no keys.
    parentElement.efBegun = parentElement.efTyped = data.turn;
    event.efDrafted = data.drafts; // for activity.py
    clearTimeout(parentElement.efSettle);
    parentElement.efSettle = setTimeout(() => parentElement.efSend(), SETTLE_MS);
  });
  [...waiting].filter((one) => one.number <= data.heard).forEach((one) => requestAnimationFrame(one.go));
  delete document.documentElement.dataset.efTurning;
  if (parentElement.efFocused !== data.turn) focusFirst();
  else { keepFocus(); selectStill(); }
  return () => { clearTimeout(parentElement.efSettle); stop.abort(); };
}
