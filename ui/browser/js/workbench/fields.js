// The list of fields: its rows in order, which of them needs a person next, and keeping the row in
// question in sight with its large piece of paper.
const EDGE_PX = 4;

function makeFields({ onInput, onNow, onAdd }) {
  const list = make("div", "wb-list");
  const scroller = make("div", "wb-fields", { role: "form" }, list);
  const fields = { scroller, list, rows: [], now: null };
  let turn = "";
  let passed = new Set();
  const parts = new Map();

  const rowOf = (name) => fields.rows.find((row) => row.name === name);

  // Rows that stay are not moved: a moved element loses the focus.
  function arrange(parent, elements) {
    let next = parent.firstChild;
    for (const element of elements) {
      if (element === next) next = next.nextSibling;
      else parent.insertBefore(element, next);
    }
    while (next) { const gone = next; next = next.nextSibling; gone.remove(); }
  }

  // A line of a grid of days as on paper: every box with its ink, and below it the value that is asked for.
  // A box that is not asked for can be pressed, if it says something else too.
  function drawStrip(strip) {
    const element = kept(strip.key, () => make("div", "wb-strip", { role: "group" }));
    setAttribute(element, "aria-label", strip.label);
    setAttribute(element, "data-codes", strip.codes);
    arrange(element, strip.cells.map((cell) => {
      const part = rowOf(cell.name)?.element ?? kept(cell.name, () => makeBox(cell));
      setAttribute(part, "data-day", cell.day);
      return part;
    }));
    return element;
  }
  function makeBox({ name, day, crop }) {
    const ink = make("span", "wb-crop");
    if (crop) drawCrop(ink, crop);
    const box = make(day ? "button" : "span", "wb-box", { type: day && "button", tabindex: day && "-1" }, ink);
    if (day) box.addEventListener("click", () => onAdd(name));
    return box;
  }
  function kept(key, build) {
    if (!parts.has(key)) parts.set(key, build());
    return parts.get(key);
  }
  // The row or box that an arrow key goes to from a box of a grid: beside it, or the same day of another line.
  fields.across = (key, target) => {
    const box = target.closest(".wb-strip > *");
    const step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[key];
    if (!box || !step) return null;
    const strips = [...list.querySelectorAll(".wb-strip")];
    const other = strips[strips.indexOf(box.parentElement) + step];
    // In what is typed, the arrow keys go from letter to letter.
    if (key === "ArrowLeft" && target.selectionStart) return null;
    if (key === "ArrowRight" && target.selectionEnd < target.value?.length) return null;
    const isAcross = key === "ArrowLeft" || key === "ArrowRight";
    const to = isAcross ? box[step < 0 ? "previousElementSibling" : "nextElementSibling"] : other?.querySelector(`[data-day="${box.dataset.day}"]`);
    return to && (fields.at(to) ?? (to.matches("button") ? to : null));
  };

  fields.show = (card, { key, labels, memory, isNew, question, others }) => {
    if (key !== turn) { fields.rows = []; fields.now = null; parts.clear(); list.replaceChildren(); }
    turn = key;
    passed = memory.passed;
    fields.rows = card.fields.map((field, place) => {
      const known = rowOf(field.name);
      if (known?.kind !== field.kind) return makeRow(field, { id: `wb-${key}-${place}-${field.name}`.replace(/[^\w-]/g, "-"), labels, onInput });
      if (isNew) known.blame();
      known.update(field);
      return known;
    });
    for (const row of fields.rows) {
      if (memory.values.has(row.name)) row.fill(memory.values.get(row.name));
      else row.fill(row.field.value);
      showPassed(row);
    }
    if (!fields.rows.includes(fields.now)) fields.now = null;
    // A question stands at its field.
    const asked = question.given && rowOf(question.given.field);
    const strips = card.strips ?? [];
    const inStrip = new Set(strips.flatMap(({ cells }) => cells.map(({ name }) => name)));
    const alone = fields.rows.filter(({ name }) => !inStrip.has(name));
    const rows = alone.flatMap((row) => (row === asked ? [row.element, question.root] : [row.element]));
    arrange(list, [...(asked ? [] : [question.root]), ...rows, ...strips.map(drawStrip), ...others]);
    setAttribute(scroller, "aria-label", labels.form);
    fields.widen();
  };

  // A value that would be cut beside its ink goes below it.
  fields.widen = (rows = fields.rows) => {
    const cut = rows.filter(({ element }) => [...element.querySelectorAll("input.wb-input")].some((input) => input.scrollWidth > input.clientWidth));
    for (const row of cut) row.element.classList.add("wb-wide");
  };

  fields.at = (element) => fields.rows.find((row) => row.element.contains(element)) ?? null;
  fields.named = rowOf;
  fields.hasInk = () => fields.rows.every(({ field }) => !field.crop || window.efShelf?.has(field.crop.image));
  fields.ticks = () => fields.rows.filter((row) => row.kind === "tick");
  fields.values = () => Object.fromEntries(fields.rows.map((row) => [row.name, row.value()]));

  // A person has answered or looked, and the server did not object.
  const isDone = (row) => !row.hasError && !(row.isEmpty() && isRequired(row)) && passed.has(row.name);
  const isRequired = (row) => row.field.must || row.kind === "choice" || row.kind === "second";
  fields.isAnswered = (row) => !(row.isEmpty() && isRequired(row));
  // In a correction nobody knows which field it is that is wrong: Enter goes from field to field.
  const isStop = ({ field }) => field.needs || field.walk;
  const asks = (row) => row.hasError || (isStop(row) && !isDone(row));
  fields.unpass = (row) => { passed.delete(row.name); showPassed(row); };
  fields.pass = (row) => { passed.add(row.name); showPassed(row); };
  const showPassed = (row) => setAttribute(row.element, "data-passed", isDone(row));

  fields.next = (row) => fields.rows.slice(row ? fields.rows.indexOf(row) + 1 : 0).find(asks) ?? null;
  fields.before = (row) => {
    const end = row ? fields.rows.indexOf(row) : fields.rows.length;
    return fields.rows.slice(0, end).findLast((each) => isStop(each) || each.hasError) ?? null;
  };
  // The fields from a row on that ask, are empty, and whose ink can be compared now: all before the first
  // one below the edge. Whose sheet it is, is never said so.
  fields.emptyInSight = (row) => {
    const asking = fields.rows.slice(Math.max(0, fields.rows.indexOf(row))).filter((each) => asks(each) && each.isEmpty() && !each.field.client && each.kind !== "second");
    const end = asking.findIndex((each) => !isInkInSight(each));
    return end < 0 ? asking : asking.slice(0, end);
  };
  const isInkInSight = ({ element }) => {
    const [ink, view] = [element.querySelector(".wb-crop").getBoundingClientRect(), scroller.getBoundingClientRect()];
    return ink.height > 0 && ink.top >= view.top && ink.bottom <= view.bottom;
  };

  fields.beside = (row, step) => fields.rows[fields.rows.indexOf(row) + step] ?? null;

  // The row in question is large. It stays so while a button has the focus: nothing moves.
  fields.mark = (row) => {
    if (fields.now !== row) {
      const left = fields.now;
      left?.element.classList.remove("wb-now");
      row?.element.classList.add("wb-now");
      fields.now = row;
      if (left) fields.widen([left]);
    }
    onNow(row);
    if (row) fields.bring(row.element);
  };

  fields.isInSight = (element) => {
    const [box, view] = [element.getBoundingClientRect(), scroller.getBoundingClientRect()];
    return box.bottom > view.top && box.top < view.bottom;
  };

  fields.bring = (element) => {
    if (!element?.isConnected) return;
    const [box, view] = [element.getBoundingClientRect(), scroller.getBoundingClientRect()];
    const [above, below] = [view.top + EDGE_PX - box.top, box.bottom - (view.bottom - EDGE_PX)];
    // What is taller than the view shows its end: there is the input.
    if (below > 0) scroller.scrollTop += below;
    else if (above > 0) scroller.scrollTop -= above;
  };
  fields.bringFirst = (element) => {
    scroller.scrollTop += element.getBoundingClientRect().top - scroller.getBoundingClientRect().top - EDGE_PX;
  };
  return fields;
}
