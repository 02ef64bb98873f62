// A list whose rows are dragged, or moved with Alt+arrows or buttons. One of them is a line: what stands
// above it is `own`. Text is inserted as text, never as HTML.
function addElement(parent, tag, text, attributes = {}) {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".order");
  const texts = data.texts;
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  root.efStop?.abort();
  const stop = (root.efStop = new AbortController());
  const on = (target, type, run) => target.addEventListener(type, run, { signal: stop.signal });
  const given = JSON.stringify([data.place, data.fields]);
  if (root.efGiven !== given) {
    const isOwn = (field) => field.own;
    const line = { name: "", label: texts.line };
    root.efRows = [...data.fields.filter(isOwn), line, ...data.fields.filter((field) => !isOwn(field))];
    root.efGiven = given;
  }
  let dragged = null;

  root.replaceChildren();
  addElement(root, "p", texts.keys, { id: "keys" });
  const list = addElement(root, "ol", "", { "aria-describedby": "keys" });
  const said = addElement(root, "span", "", { class: "said", role: "status" });
  const save = addElement(root, "button", texts.save, { class: "save", type: "button" });
  on(save, "click", () => {
    const at = root.efRows.findIndex((row) => !row.name);
    const fields = root.efRows.map((row, place) => ({ name: row.name, own: place < at })).filter((row) => row.name);
    setTriggerValue("order", { place: data.place, fields });
  });
  draw();

  function draw(focusAt = -1) {
    list.replaceChildren();
    root.efRows.forEach((row, place) => {
      const line = addElement(list, "li", "", { class: row.name ? "field" : "line", draggable: "true", tabindex: "0" });
      addElement(line, "span", "⠿", { class: "grip", "aria-hidden": "true" });
      addElement(line, "span", row.label, { class: "label" });
      for (const [step, sign, name] of [[-1, "↑", texts.up], [1, "↓", texts.down]]) {
        const button = addElement(line, "button", sign, { type: "button", tabindex: "-1", "aria-label": `${name}: ${row.label}` });
        button.disabled = !(place + step in root.efRows);
        on(button, "click", () => move(place, place + step));
      }
      on(line, "keydown", (event) => onKey(event, place));
      on(line, "dragstart", (event) => { dragged = place; line.classList.add("dragged"); event.dataTransfer.effectAllowed = "move"; });
      on(line, "dragend", () => { dragged = null; draw(); });
      on(line, "dragover", (event) => { if (dragged !== null) { event.preventDefault(); line.classList.add("over"); } });
      on(line, "dragleave", () => line.classList.remove("over"));
      on(line, "drop", (event) => { event.preventDefault(); if (dragged !== null) move(dragged, place); });
    });
    list.children[focusAt]?.focus();
  }

  function move(from, to) {
    if (!(to in root.efRows)) return;
    const [row] = root.efRows.splice(from, 1);
    root.efRows.splice(to, 0, row);
    dragged = null;
    draw(to);
    said.textContent = texts.moved.replace("{label}", row.label).replace("{place}", root.efRows.slice(0, to + 1).filter((each) => each.name).length);
  }

  function onKey(event, place) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    if (event.altKey) move(place, place + step);
    else list.children[place + step]?.focus();
  }
  return () => root.efStop.abort();
}
