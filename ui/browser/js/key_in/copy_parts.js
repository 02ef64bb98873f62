// What is to be keyed in, copied part by part: each press copies the next part and marks it, without
// the server, which is told afterwards. Text is inserted as text, never as HTML.
const IDLE_FOCUS = new Set([document.body, document.documentElement, null]);
const TELL_MS = 600; // presses closer than this are told together
const UNHEARD_MS = 2000; // an idle server has not received the tick after this time
const TYPED_IN = "input, textarea, select, [contenteditable=''], [contenteditable='true'], [role='combobox'], [role='textbox']";
const OVERLAYS = "[role='dialog'], [role='menu'], [role='listbox'], [data-testid='stDialog'], [data-testid='stPopoverBody']";
const PRESSABLE = "button, summary, [role='button'], [role='tab'], a[href]";
const LIST = "key_in_list", TICK = "key_in_done";
const LEAVING = [TICK, "key_in_skip", "key_in_undo", "key_in_alone"]; // what ends the client's turn

function addElement(parent, tag, text, attributes = {}) {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export default function draw(given) {
  const { parentElement, data, setTriggerValue } = given;
  const root = (parentElement.efRoot ??= parentElement.querySelector(".parts"));
  const texts = data.texts;
  root.efAgain = () => draw(given);
  moveToSmall(root, () => root.efAgain());
  const page = root.ownerDocument; // that of the small window, if the parts are there
  const pages = new Set([document, page]);
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  root.efStop?.abort();
  const stop = (root.efStop = new AbortController());
  const on = (target, type, run, capture = false) => target.addEventListener(type, run, { capture, signal: stop.signal });
  const isNew = root.efTurn !== data.turn;
  if (isNew) board.empty();
  if (isNew) {
    clearTimeout(root.efTell);
    Object.assign(root, { efTurn: data.turn, efNext: null, efCopied: new Set(), efLast: null, efUntil: null, efSaid: "", efFailed: false });
  }
  const isAnswered = root.efBlocked !== undefined && root.efBlocked !== data.answers;
  if (isNew || isAnswered) root.efBlocked = undefined;
  const hadFocus = root.contains(root.getRootNode().activeElement);

  // Draw client, buttons and notes again.
  root.replaceChildren();
  root.classList.toggle("small", page !== document);
  parentElement.querySelector(".away").textContent = page === document ? "" : texts.away;
  const parts = [];
  const addPart = (parent, part, note) => {
    const box = addElement(parent, "div", "", { class: `part ${part.kind}`, role: "button", tabindex: "-1" });
    addElement(box, "span", part.label, { class: "label" });
    addElement(box, "span", part.text, { class: "text" });
    const made = { ...part, note, box, number: parts.length };
    if (part.copied) root.efCopied.add(made.number);
    parts.push(made);
    on(box, "click", () => { if (page.getSelection().isCollapsed) { copyPart(made); next.focus({ preventScroll: true }); } });
  };
  for (const warning of page === document ? [] : data.warnings) addElement(root, "p", warning, { class: "warning" });
  const head = addElement(root, "div", "", { class: "head" });
  const client = addElement(head, "div", "", { class: "client" });
  for (const part of data.client) addPart(client, part, null);
  const bar = addElement(head, "div", "", { class: "bar" });
  const next = addButton("next", "", texts.next_key, copyNext);
  const whole = addButton("whole", texts.whole, "H", copyWhole);
  const back = addButton("back", texts.back, "B", goBack);
  if (page === document) addButton("open", texts.small, "L", moveOut);
  else addButton("tick", data.tick, "Ctrl+Enter", () => leavesBy(TICK)?.click());
  addElement(bar, "span", "", { class: "said", role: "status" });
  for (const note of data.notes) {
    const section = addElement(root, "section", "");
    addElement(section, "h3", note.title);
    for (const part of note.parts) addPart(section, part, note);
    for (const line of note.lines) addElement(section, "p", line);
  }
  // The name is looked at and not asked for: it has no turn of its own.
  const turns = parts.filter((part) => part.kind !== "name");
  root.efNext ??= turns[0]?.note ? firstLeft() : 0;
  if (isAnswered && !isNew) say(root.efPressedBy === TICK ? texts.not_ticked : "");
  else say(root.efSaid, root.efFailed);
  showPlace();
  if (isNew && page.hasFocus()) takeFocus(true);
  else if (hadFocus) next.focus({ preventScroll: true });

  function addButton(name, text, key, run) {
    const button = addElement(bar, "button", "", { class: name, type: "button" });
    addElement(button, "span", text);
    addElement(button, "kbd", key);
    on(button, "click", () => { press(run); next.focus({ preventScroll: true }); });
    return button;
  }

  // The list that was chosen is on the screen: what follows are keys for its client.
  function takeFocus(isDrawn = false) {
    if (page !== document) return next.focus({ preventScroll: true });
    const active = document.activeElement;
    const isChosen = isDrawn && active?.closest(`.st-key-${LIST}`) && !document.querySelector("[role='listbox']");
    if (IDLE_FOCUS.has(active) || isChosen || root.contains(root.getRootNode().activeElement) || !active.matches(TYPED_IN))
      next.focus({ preventScroll: true });
  }

  async function moveOut() {
    const isOpen = await openSmall(root, texts.title, () => root.efAgain());
    if (!isOpen) say(texts.stopped, true);
  }

  function say(text, isFailed = false) {
    const line = root.querySelector(".said"); // it may have been drawn again since
    root.efSaid = line.textContent = text;
    root.efFailed = isFailed;
    line.classList.toggle("failed", Boolean(isFailed));
  }

  function isBlocked() { return root.efBlocked !== undefined; }
  function isCopied(part) { return root.efCopied.has(part.number); }
  function isStale() { return root.efTurn !== data.turn || isBlocked(); }

  // Mark what was copied last, and say what the next press copies.
  function showPlace() {
    for (const part of parts) {
      part.box.classList.toggle("copied", isCopied(part));
      part.box.setAttribute("aria-current", String(root.efLast === part.number && isCopied(part)));
    }
    const part = turns[root.efNext];
    next.firstChild.textContent = part ? `${texts.next}: ${part.label}` : texts.all;
    whole.hidden = !data.notes.some((note) => note.whole);
    back.disabled = root.efNext === 0 && (root.efUntil !== null || !parts[root.efLast]);
    root.classList.toggle("blocked", isBlocked());
  }

  // The first part of a note that was not copied, or else the client's number, which may not be
  // needed once the client is open; behind the last if all were copied.
  function firstLeft() {
    const left = turns.filter((part) => !isCopied(part));
    const at = turns.indexOf(left.find((part) => part.note) ?? left[0]);
    return at < 0 ? turns.length : at;
  }

  // What comes next: what B went back over is copied once more, then what is left.
  function place(after) {
    if (after < root.efUntil) return after;
    root.efUntil = null;
    return firstLeft();
  }

  // Copy a text that stands for some parts. They count as copied at once, and no longer if the
  // browser refuses: then the text is selected, and counts once it is copied by Ctrl+C.
  function copy(own, text, label) {
    if (isBlocked()) return;
    const last = own.at(-1);
    const known = new Set(root.efCopied);
    const at = turns.indexOf(last);
    root.efLast = last.number;
    root.efByHand = null;
    for (const part of own) root.efCopied.add(part.number);
    if (at >= 0) root.efNext = place(at + 1);
    showPlace();
    last.box.scrollIntoView({ block: "nearest" });
    board.write(text, data.clear_ms).then((isThere) => { if (isThere && !isStale()) noteCopied(label); }, () => fail(own, known, at, label));
  }

  function noteCopied(label) {
    say(`${texts.copied}: ${label}`);
    clearTimeout(root.efTell);
    root.efTell = setTimeout(tell, TELL_MS);
  }

  function fail(own, known, at, label) {
    if (isStale()) return;
    for (const part of own) if (!known.has(part.number)) root.efCopied.delete(part.number);
    root.efNext = Math.max(0, turns.indexOf(own[0]));
    showPlace();
    say(texts.failed, true);
    const box = own.at(-1).box.querySelector(".text");
    page.getSelection().selectAllChildren(box);
    root.efByHand = { own, at, label };
  }

  function copyPart(part) { copy([part], part.text, part.label); }

  function copyNext() {
    if (root.efNext < turns.length) copyPart(turns[root.efNext]);
  }

  // The whole of the first note that is not copied, or of the one that B went back to.
  // A void entry is keyed in nowhere.
  function copyWhole() {
    const copied = turns.filter((part) => part.note?.whole);
    const left = copied.filter((part) => root.efUntil === null || turns.indexOf(part) >= root.efNext);
    const from = left.find((part) => root.efUntil !== null || !isCopied(part)) ?? copied.at(-1);
    if (from) copy(turns.filter((part) => part.note === from.note), from.note.whole, texts.whole);
  }

  // To what was copied last, then to what stands before it.
  function goBack() {
    const last = turns.indexOf(parts[root.efLast]);
    const at = root.efUntil === null && last >= 0 ? last : root.efNext - 1;
    root.efUntil ??= root.efNext;
    root.efNext = Math.max(0, at);
    showPlace();
  }

  // Tell the server which parts were copied, by their names, never their values.
  function tell() {
    clearTimeout(root.efTell);
    const fresh = parts.filter((part) => part.note && isCopied(part) && !part.copied);
    if (!fresh.length) return;
    const told = Object.fromEntries(data.entries.map((entry) => [entry, []]));
    for (const part of fresh) told[part.note.entry].push(part.name);
    setTriggerValue("copied", { run: data.run, parts: told });
  }

  // The client's turn ends: nothing of the client is copied any more, and nothing stays copied.
  function block(key) {
    tell();
    root.efPressedBy = key;
    root.efBlocked = data.answers;
    page.getSelection().removeAllRanges();
    board.empty();
    say(texts.ticking);
    showPlace();
    awaitAnswer(performance.now());
  }

  // A press that the server did not hear can be repeated, or taken back by B.
  function awaitAnswer(since) {
    if (stop.signal.aborted || !isBlocked()) return;
    const now = performance.now();
    if (isRunning()) since = now;
    root.efUnheard = now - since > UNHEARD_MS;
    if (root.efUnheard) say(texts.unheard, true);
    else setTimeout(() => awaitAnswer(since), 100);
  }

  function release() {
    if (!root.efUnheard) return;
    root.efBlocked = undefined;
    say("");
    showPlace();
  }

  const leavesBy = (key) => holder(key)?.querySelector("button:not([disabled])");

  // The button that ends the turn and has this shortcut; action_lock.js has let it through.
  function leavingKey({ key, ctrlKey, altKey, metaKey, repeat }) {
    if (repeat || metaKey || (ctrlKey && altKey)) return undefined;
    const name = ctrlKey ? key === "Enter" && TICK : altKey && { s: "key_in_skip", z: "key_in_undo" }[key.toLowerCase()];
    return name && leavesBy(name) ? name : undefined;
  }

  // A key is for this screen wherever the focus is, except where it is typed, or presses what a
  // person has come to by Tab.
  function isElsewhere(event, target) {
    if (target?.matches?.(TYPED_IN) || document.querySelector(OVERLAYS)) return true;
    const isPress = event.key === " " || event.key === "Enter";
    const pressed = isPress && target?.closest?.(PRESSABLE);
    return Boolean(pressed && pressed !== next && pressed.matches(":focus-visible"));
  }

  const runs = { " ": copyNext, enter: copyNext, n: copyNext, h: copyWhole, b: goBack };
  if (page === document) runs.l = moveOut;

  function onKey(event) {
    const target = event.composedPath()[0];
    // Ctrl+Enter ticks the client and must not press the button that has the focus.
    if (event.ctrlKey && event.key === "Enter" && root.contains(target)) event.preventDefault();
    const leaving = leavingKey(event);
    // In the small window nobody else hears the key.
    if (leaving && event.currentTarget !== document) leavesBy(leaving).click();
    else if (leaving) block(leaving);
    if (leaving) return;
    if (event.altKey || event.metaKey || event.ctrlKey) return;
    const run = runs[event.key.toLowerCase()];
    if (!run || isElsewhere(event, target)) return;
    event.preventDefault();
    root.efPressed = event.key;
    if (event.repeat) return;
    press(run);
  }

  function onCopy() {
    const { efByHand } = root;
    if (!efByHand || isBlocked()) return;
    root.efByHand = null;
    for (const part of efByHand.own) root.efCopied.add(part.number);
    if (efByHand.at >= 0) root.efNext = place(efByHand.at + 1);
    board.noteCopied(data.clear_ms);
    showPlace();
    noteCopied(efByHand.label);
  }

  function press(run) {
    if (!isBlocked()) run();
    else if (run === goBack) release();
  }

  for (const each of pages) {
    on(each, "keydown", onKey, true);
    // A button is also pressed when the space bar is let go.
    on(each, "keyup", (event) => {
      if (event.key === root.efPressed) event.preventDefault();
      root.efPressed = null;
    }, true);
    on(each, "copy", onCopy, true);
    // The person goes to the other system, or to another screen: what was copied is told before.
    on(each.defaultView, "blur", tell);
    on(each.defaultView, "focus", () => takeFocus());
  }
  on(document, "click", (event) => {
    const button = event.target.closest?.("button");
    const leaving = button && LEAVING.find((key) => leavesBy(key) === button);
    if (leaving) block(leaving);
    if (event.target.closest?.("a[href]")) clearTimeout(root.efTell);
  }, true);
  on(document, "visibilitychange", () => { if (document.hidden) tell(); });
  on(document, "pointerdown", (event) => { if (event.target.closest?.("a[href]")) tell(); }, true);
  on(window, "pagehide", () => { tell(); board.empty(); });
  if (isBlocked()) awaitAnswer(performance.now());
  return () => {
    root.efAgain = () => {};
    clearTimeout(root.efTell);
    root.efStop.abort();
    board.empty();
    leaveSmall(root);
  };
}
