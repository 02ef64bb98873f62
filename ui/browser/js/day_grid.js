// A table whose cells are buttons: one of them is in the Tab order, the arrow keys move the focus.
// Text is inserted as text, never as HTML.
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function addElement(parent, tag, text, attributes = {}) {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".wide");
  const at = root.efAt ?? data.chosen ?? [0, 0];
  const hadFocus = root.contains(root.getRootNode().activeElement);
  // Draw the whole table again.
  root.replaceChildren();
  const table = addElement(root, "table", "");
  addElement(table, "caption", data.caption);
  const head = addElement(addElement(table, "thead", ""), "tr", "");
  addElement(head, "td", "");
  for (const text of data.heads) addElement(head, "th", text, { scope: "col" });
  const body = addElement(table, "tbody", "");
  const cells = data.rows.map((row, y) => {
    const line = addElement(body, "tr", "");
    addElement(line, "th", row.head, { scope: "row" });
    return row.cells.map((cell, x) => {
      const pressed = String(data.chosen?.[0] === y && data.chosen?.[1] === x);
      const button = addElement(addElement(line, "td", ""), "button", cell.text, {
        class: cell.kind, "aria-label": cell.accessible_text, "aria-pressed": pressed, tabindex: "-1",
      });
      button.addEventListener("click", () => { root.efAt = [y, x]; setTriggerValue("cell", { row: y, column: x }); });
      return button;
    });
  });
  const current = cells[at[0]]?.[at[1]] ?? cells[0]?.[0];
  if (current) current.tabIndex = 0;
  if (hadFocus) current?.focus();

  function onKey(event) {
    const y = cells.findIndex((row) => row.includes(event.target));
    const move = MOVES[event.key];
    if (y < 0 || !move) return;
    const x = cells[y].indexOf(event.target);
    const next = cells[y + move[0]]?.[x + move[1]];
    event.preventDefault();
    if (!next) return;
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    root.efAt = [y + move[0], x + move[1]];
    next.focus();
  }
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  root.efStop?.abort();
  root.efStop = new AbortController();
  root.addEventListener("keydown", onKey, { signal: root.efStop.signal });
  return () => root.efStop.abort();
}
