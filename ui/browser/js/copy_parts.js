// What is to be keyed in, copied part by part: each press copies the next part and marks it, without
// the server. Text is inserted as text, never as HTML.
const IDLE_FOCUS = new Set([document.body, document.documentElement, null]);

function addElement(parent, tag, text, attributes = {}) {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".parts");
  const texts = data.texts;
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  root.efStop?.abort();
  const stop = (root.efStop = new AbortController());
  const on = (target, type, run) => target.addEventListener(type, run, { signal: stop.signal });
  const isNew = root.efTurn !== data.turn;
  if (isNew) clearClipboard();
  if (isNew) Object.assign(root, { efTurn: data.turn, efNext: 0, efCopied: new Set() });
  const hadFocus = root.contains(root.getRootNode().activeElement);
  root.efWrites ??= Promise.resolve();

  // Draw client, buttons and notes again.
  root.replaceChildren();
  const parts = [];
  const addPart = (parent, part, note) => {
    const box = addElement(parent, "div", "", { class: `part ${part.kind}`, role: "button", tabindex: "-1" });
    addElement(box, "span", part.label, { class: "label" });
    addElement(box, "span", part.text, { class: "text" });
    const made = { ...part, note, box, number: parts.length };
    parts.push(made);
    on(box, "click", () => { if (getSelection().isCollapsed) copyPart(made); });
  };
  const head = addElement(root, "div", "", { class: "head" });
  const client = addElement(head, "div", "", { class: "client" });
  for (const part of data.client) addPart(client, part, null);
  const bar = addElement(head, "div", "", { class: "bar" });
  const next = addButton("next", "", texts.next_key, copyNext);
  const whole = addButton("whole", texts.whole, "H", copyWhole);
  const back = addButton("back", texts.back, "B", goBack);
  const said = addElement(bar, "span", "", { class: "said", role: "status" });
  for (const note of data.notes) {
    const section = addElement(root, "section", "");
    addElement(section, "h3", note.title);
    for (const part of note.parts) addPart(section, part, note);
    for (const line of note.lines) addElement(section, "p", line);
  }
  // The name is looked at and not asked for: it has no turn of its own.
  const turns = parts.filter((part) => part.kind !== "name");
  showPlace();
  if (isNew && document.hasFocus()) takeFocus();
  else if (hadFocus) next.focus();

  function addButton(name, text, key, run) {
    const button = addElement(bar, "button", "", { class: name, type: "button" });
    addElement(button, "span", text);
    addElement(button, "kbd", key);
    on(button, "click", run);
    return button;
  }

  function takeFocus() {
    if (IDLE_FOCUS.has(document.activeElement) || root.contains(root.getRootNode().activeElement) || !document.activeElement.matches("input, textarea, [role='combobox']"))
      next.focus({ preventScroll: true });
  }

  // Mark what was copied last, and say what the next press copies.
  function showPlace() {
    for (const part of parts) {
      part.box.classList.toggle("copied", root.efCopied.has(part.number));
      part.box.setAttribute("aria-current", String(root.efLast === part.number && !isUntouched()));
    }
    const part = turns[root.efNext];
    next.firstChild.textContent = part ? `${texts.next}: ${part.label}` : texts.all;
    whole.hidden = !data.notes.length;
    back.disabled = root.efNext === 0;
  }

  function isUntouched() { return root.efCopied.size === 0; }

  function write(text, done) {
    root.efWrites = root.efWrites.then(() => writeText(text)).then(done, () => fail());
  }

  async function writeText(text) {
    if (!navigator.clipboard) throw new Error("no clipboard");
    await navigator.clipboard.writeText(text);
  }

  // Without the right to the clipboard the text is selected, so that Ctrl+C copies it.
  function fail() {
    said.textContent = texts.failed;
    said.classList.add("failed");
    const box = parts[root.efLast]?.box.querySelector(".text");
    if (box) getSelection().selectAllChildren(box);
  }

  function note(part, label) {
    root.efLast = part.number;
    root.efCopied.add(part.number);
    showPlace();
    part.box.scrollIntoView({ block: "nearest" });
    return () => {
      said.classList.remove("failed");
      said.textContent = `${texts.copied}: ${label}`;
      root.efHolds = true;
      clearTimeout(root.efTimer);
      root.efTimer = setTimeout(clearWhenSeen, data.clear_ms);
    };
  }

  function copyPart(part) {
    const at = turns.indexOf(part);
    if (at >= 0) root.efNext = at + 1;
    write(part.text, note(part, part.label));
  }

  function copyNext() {
    if (root.efNext < turns.length) copyPart(turns[root.efNext]);
  }

  // The whole of the note whose turn it is; the next press goes on with the note after it.
  function copyWhole() {
    const from = turns.slice(root.efNext).find((part) => part.note) ?? turns.findLast((part) => part.note);
    if (!from) return;
    const own = turns.filter((part) => part.note === from.note);
    for (const part of own) root.efCopied.add(part.number);
    root.efNext = turns.indexOf(own.at(-1)) + 1;
    write(from.note.whole, note(own.at(-1), texts.whole));
  }

  function goBack() {
    root.efNext = Math.max(0, root.efNext - 1);
    showPlace();
  }

  // Only a window that has the focus may write to the clipboard.
  function clearWhenSeen() {
    if (document.hasFocus()) clearClipboard();
    else root.efDue = true;
  }

  function clearClipboard() {
    clearTimeout(root.efTimer);
    root.efDue = false;
    if (!root.efHolds) return;
    root.efHolds = false;
    root.efWrites = (root.efWrites ?? Promise.resolve()).then(() => navigator.clipboard?.writeText("")).catch(() => {});
  }

  function onKey(event) {
    if (event.altKey || event.metaKey) return;
    // Ctrl+Enter ticks the client and must not press the button that has the focus.
    if (event.ctrlKey) { if (event.key === "Enter") event.preventDefault(); return; }
    const run = { n: copyNext, h: copyWhole, b: goBack }[event.key.toLowerCase()];
    if (!run || event.repeat) return;
    event.preventDefault();
    run();
  }

  on(root, "keydown", onKey);
  on(window, "focus", () => {
    if (root.efDue) clearClipboard();
    takeFocus();
  });
  on(window, "pagehide", clearClipboard);
  return () => { stop.abort(); clearClipboard(); };
}
