// A grid of field images that were read alike. Arrow keys move the focus, Space marks the odd ones,
// Ctrl+Enter confirms the others.
const SETTLE_MS = 500;
const RETRY_MS = 1500;
const MIN_VIEW_MS = 1000; // a batch that has been visible for less has not been looked at

export default function ({ parentElement, data, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name);
  const [grid, done] = [find(".grid"), find(".done")];
  const state = (parentElement.efState ??= {});
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efStop?.abort();
  const stop = (parentElement.efStop = new AbortController());
  const on = (target, type, run, options = {}) => target.addEventListener(type, run, { ...options, signal: stop.signal });
  clearTimeout(state.again);
  state.sent = false;

  const buttons = () => [...grid.children];
  const marked = () => data.cells.map((cell) => cell.id).filter((id) => state.marked.has(id));

  function draw() {
    grid.setAttribute("aria-label", data.labels.grid);
    grid.replaceChildren(...data.cells.map((cell) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", tabIndex: -1, title: cell.where });
      button.setAttribute("role", "checkbox");
      button.setAttribute("aria-label", `${data.labels.odd}: ${cell.where}`);
      const picture = new Image();
      Object.assign(picture, { src: cell.src, alt: "", draggable: false });
      const tag = Object.assign(document.createElement("span"), { className: "tag", textContent: data.labels.odd });
      tag.setAttribute("aria-hidden", "true");
      button.append(picture, tag);
      return button;
    }));
  }

  function show() {
    buttons().forEach((button, place) => {
      button.setAttribute("aria-checked", String(state.marked.has(data.cells[place].id)));
      button.tabIndex = place === state.place ? 0 : -1;
    });
    const odd = marked().length;
    find(".label").textContent = odd ? data.labels.rest : data.labels.all;
    find(".count").textContent = data.labels.count.replace("#", String(odd));
    done.disabled = state.sent;
  }

  function focusOn(place) {
    state.place = Math.max(0, Math.min(data.cells.length - 1, place));
    show();
    buttons()[state.place]?.focus();
  }

  function toggle(place) {
    if (state.sent) return; // the others are being confirmed: a mark would not reach the server
    const { id } = data.cells[place];
    if (!state.marked.delete(id)) state.marked.add(id);
    state.place = place;
    show();
    clearTimeout(state.settle);
    state.settle = setTimeout(() => setTriggerValue("marked", { group: data.turn, cells: marked() }), SETTLE_MS);
  }

  function confirm() {
    if (state.sent || performance.now() - state.upAt < MIN_VIEW_MS) return;
    clearTimeout(state.settle);
    state.sent = true;
    show();
    state.again = setTimeout(unlockIfIgnored, RETRY_MS);
    document.dispatchEvent(new Event("ef-press"));
    setTriggerValue("done", { group: data.turn, cells: marked() });
  }

  // The server has ignored the confirmation as too early.
  function unlockIfIgnored() {
    if (isRunning()) { state.again = setTimeout(unlockIfIgnored, RETRY_MS); return; }
    state.sent = false;
    show();
  }

  // How many images are in a row of the current layout.
  function perRow() {
    const all = buttons();
    const next = all.findIndex((button) => button.offsetTop > all[0].offsetTop);
    return next < 0 ? all.length : next;
  }

  if (state.turn !== data.turn) {
    Object.assign(state, { turn: data.turn, upAt: performance.now(), place: 0, marked: new Set(data.cells.filter((cell) => cell.marked).map((cell) => cell.id)) });
    draw();
    show();
    buttons()[0]?.focus({ preventScroll: true });
  } else {
    if (grid.children.length !== data.cells.length) draw();
    show();
  }

  on(grid, "click", (event) => {
    const place = buttons().indexOf(event.target.closest("button"));
    if (place >= 0) toggle(place);
  });
  on(grid, "keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: perRow(), ArrowUp: -perRow(), Home: -state.place, End: data.cells.length };
    if (event.key === "Enter") event.preventDefault();
    if (!(event.key in steps)) return;
    event.preventDefault();
    focusOn(state.place + steps[event.key]);
  });
  on(document, "keydown", (event) => {
    if (event.key !== "Enter" || !event.ctrlKey) return;
    event.preventDefault();
    if (!event.repeat) confirm();
  }, { capture: true });
  on(done, "click", confirm);
  return () => { clearTimeout(state.settle); clearTimeout(state.again); stop.abort(); };
}
