// A grid of pieces of paper that were read alike. Arrow keys go from one to the next, Space marks the odd ones, Ctrl+Enter confirms the others.
const SETTLE_MS = 500;
const AGAIN_MS = 1500;
const LOOK_MS = 1000; // nobody has looked at a whole group in less, however long ago a busy server began to draw it

export default function ({ parentElement, data, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name);
  const [grid, done] = [find(".grid"), find(".done")];
  const state = (parentElement.efState ??= {});
  // This runs anew with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efStop?.abort();
  const stop = (parentElement.efStop = new AbortController());
  const on = (target, type, run, options = {}) => target.addEventListener(type, run, { ...options, signal: stop.signal });
  clearTimeout(state.again);
  state.sent = false;

  const pieces = () => [...grid.children];
  const marked = () => data.cells.map((cell) => cell.id).filter((id) => state.marked.has(id));

  function draw() {
    grid.setAttribute("aria-label", data.labels.grid);
    grid.replaceChildren(...data.cells.map((cell) => {
      const piece = document.createElement("button");
      Object.assign(piece, { type: "button", tabIndex: -1, title: cell.where });
      piece.setAttribute("role", "checkbox");
      piece.setAttribute("aria-label", `${data.labels.odd}: ${cell.where}`);
      const picture = new Image();
      Object.assign(picture, { src: cell.src, alt: "", draggable: false });
      const tag = Object.assign(document.createElement("span"), { className: "tag", textContent: data.labels.odd });
      tag.setAttribute("aria-hidden", "true");
      piece.append(picture, tag);
      return piece;
    }));
  }

  function show() {
    pieces().forEach((piece, place) => {
      piece.setAttribute("aria-checked", String(state.marked.has(data.cells[place].id)));
      piece.tabIndex = place === state.place ? 0 : -1;
    });
    const odd = marked().length;
    find(".label").textContent = odd ? data.labels.rest : data.labels.all;
    find(".count").textContent = data.labels.count.replace("#", String(odd));
    done.disabled = state.sent;
  }

  function go(place) {
    state.place = Math.max(0, Math.min(data.cells.length - 1, place));
    show();
    pieces()[state.place]?.focus();
  }

  function toggle(place) {
    if (state.sent) return; // the others are being confirmed: a mark would be seen and not heard
    const { id } = data.cells[place];
    if (!state.marked.delete(id)) state.marked.add(id);
    state.place = place;
    show();
    clearTimeout(state.settle);
    state.settle = setTimeout(() => setTriggerValue("marked", { group: data.turn, cells: marked() }), SETTLE_MS);
  }

  function confirm() {
    if (state.sent || performance.now() - state.upAt < LOOK_MS) return;
    clearTimeout(state.settle);
    state.sent = true;
    show();
    state.again = setTimeout(again, AGAIN_MS);
    document.dispatchEvent(new Event("ef-press"));
    setTriggerValue("done", { group: data.turn, cells: marked() });
  }

  // The server did not take it for meant.
  function again() {
    if (isRunning()) { state.again = setTimeout(again, AGAIN_MS); return; }
    state.sent = false;
    show();
  }

  // How many stand in a row, as they are laid out now.
  function across() {
    const all = pieces();
    const next = all.findIndex((piece) => piece.offsetTop > all[0].offsetTop);
    return next < 0 ? all.length : next;
  }

  if (state.turn !== data.turn) {
    Object.assign(state, { turn: data.turn, upAt: performance.now(), place: 0, marked: new Set(data.cells.filter((cell) => cell.marked).map((cell) => cell.id)) });
    draw();
    show();
    pieces()[0]?.focus({ preventScroll: true });
  } else {
    if (grid.children.length !== data.cells.length) draw();
    show();
  }

  on(grid, "click", (event) => {
    const place = pieces().indexOf(event.target.closest("button"));
    if (place >= 0) toggle(place);
  });
  on(grid, "keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across(), ArrowUp: -across(), Home: -state.place, End: data.cells.length };
    if (event.key === "Enter") event.preventDefault();
    if (!(event.key in steps)) return;
    event.preventDefault();
    go(state.place + steps[event.key]);
  });
  on(document, "keydown", (event) => {
    if (event.key !== "Enter" || !event.ctrlKey) return;
    event.preventDefault();
    if (!event.repeat) confirm();
  }, { capture: true });
  on(done, "click", confirm);
  return () => { clearTimeout(state.settle); clearTimeout(state.again); stop.abort(); };
}
