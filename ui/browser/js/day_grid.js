// A table whose cells are buttons: one of them is in the Tab order, the arrow keys go from cell to cell. Text goes in as text, never as HTML.
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function put(parent, tag, text, attributes = {}) {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".wide");
  const at = root.efAt ?? data.chosen ?? [0, 0];
  const had = root.contains(root.getRootNode().activeElement);
  root.replaceChildren();
  const table = put(root, "table", "");
  put(table, "caption", data.caption);
  const head = put(put(table, "thead", ""), "tr", "");
  put(head, "td", "");
  for (const text of data.heads) put(head, "th", text, { scope: "col" });
  const body = put(table, "tbody", "");
  const cells = data.rows.map((row, y) => {
    const line = put(body, "tr", "");
    put(line, "th", row.head, { scope: "row" });
    return row.cells.map((cell, x) => {
      const pressed = String(data.chosen?.[0] === y && data.chosen?.[1] === x);
      const button = put(put(line, "td", ""), "button", cell.text, { class: cell.kind, "aria-label": cell.accessible_text, "aria-pressed": pressed, tabindex: "-1" });
      button.addEventListener("click", () => { root.efAt = [y, x]; setTriggerValue("cell", { row: y, column: x }); });
      return button;
    });
  });
  const here = cells[at[0]]?.[at[1]] ?? cells[0]?.[0];
  if (here) here.tabIndex = 0;
  if (had) here?.focus();

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
  // This runs anew with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  root.efStop?.abort();
  root.efStop = new AbortController();
  root.addEventListener("keydown", onKey, { signal: root.efStop.signal });
  return () => root.efStop.abort();
}
