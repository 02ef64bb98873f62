// A grid of field images that were read alike. Arrow keys move the focus, Space marks the odd ones,
// Ctrl+Enter confirms the others: not before all have been in view, until then it turns the page.
const SETTLE_MS = 500;
const RETRY_MS = 1500;
const MIN_VIEW_MS = 1000; // a batch that has been visible for less has not been looked at
const MIN_IMAGE_MS = 500; // nor has an image
const FOCUS_FRAMES = 120; // what is pressed may leave the screen, and the focus with it

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
  // What this window has changed: another window of the user may have marked other images.
  const marks = () => Object.fromEntries([...state.changed].map((id) => [id, state.marked.has(id)]));
  const isSeen = ({ id }) => state.seen.has(id);
  const isInView = ({ id }) => state.inView.has(id);

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

  // Note which images have been in view for long enough.
  function noteSeen() {
    const now = performance.now();
    for (const [id, since] of state.inView) if (now - since >= MIN_IMAGE_MS) state.seen.add(id);
  }

  // An image is in view if it is (almost) whole, or as large as the window; one behind the foot, which
  // stays at the lower edge, is not.
  function watchView() {
    const foot = find(".foot");
    const below = getComputedStyle(foot).position === "sticky" ? foot.offsetHeight : 0;
    noteSeen();
    const watcher = new IntersectionObserver((changes) => {
      noteSeen();
      for (const { target, intersectionRatio, intersectionRect, rootBounds } of changes) {
        const cell = data.cells[buttons().indexOf(target)];
        if (!cell) continue;
        const fills = intersectionRect.height >= 0.6 * (rootBounds?.height ?? window.innerHeight);
        if (intersectionRatio < 0.9 && !fills) state.inView.delete(cell.id);
        else if (!isInView(cell)) state.inView.set(cell.id, performance.now());
      }
      show();
      setTimeout(() => { if (!stop.signal.aborted) { noteSeen(); show(); } }, MIN_IMAGE_MS + 20);
    }, { threshold: [0, 0.25, 0.5, 0.75, 0.9], rootMargin: `0px 0px -${below}px 0px` });
    state.inView.clear();
    buttons().forEach((button) => watcher.observe(button));
    stop.signal.addEventListener("abort", () => watcher.disconnect());
  }

  function show() {
    buttons().forEach((button, place) => {
      button.setAttribute("aria-checked", String(state.marked.has(data.cells[place].id)));
      button.tabIndex = place === state.place ? 0 : -1;
    });
    const odd = data.cells.filter(({ id }) => state.marked.has(id)).length;
    const unseen = data.cells.filter((cell) => !isSeen(cell));
    const [confirms, counted] = [odd ? data.labels.rest : data.labels.all, data.labels.count.replace("#", String(odd))];
    find(".label").textContent = unseen.every(isInView) ? confirms : data.labels.more;
    find(".count").textContent = unseen.length ? `${counted} · ${data.labels.unseen.replace("#", String(unseen.length))}` : counted;
    done.disabled = state.sent;
  }

  function focusOn(place, options = {}) {
    state.place = Math.max(0, Math.min(data.cells.length - 1, place));
    show();
    buttons()[state.place]?.focus(options);
  }

  // What was pressed elsewhere, as the button that closes the guide, may leave and take the focus
  // with it.
  const isFocusLost = () => [document.body, null].includes(document.activeElement) || document.activeElement.tagName === "SECTION";
  function keepFocus(left = FOCUS_FRAMES) {
    if (stop.signal.aborted || left <= 0) return;
    if (isFocusLost() && document.hasFocus() && !state.sent) focusOn(state.place, { preventScroll: true });
    requestAnimationFrame(() => keepFocus(left - 1));
  }

  function toggle(place) {
    if (state.sent) return; // the others are being confirmed: a mark would not reach the server
    const { id } = data.cells[place];
    if (!state.marked.delete(id)) state.marked.add(id);
    state.changed.add(id);
    state.place = place;
    show();
    clearTimeout(state.settle);
    state.settle = setTimeout(sendMarks, SETTLE_MS);
  }

  function sendMarks() {
    clearTimeout(state.settle);
    state.settle = null;
    setTriggerValue("marked", { group: data.turn, marks: marks() });
  }

  // A button that leaves the batch is pressed again once the last mark has been saved.
  function saveFirst(event, pressed) {
    if (!state.settle || !event.isTrusted || !pressed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const again = findAgain(pressed);
    const press = () => (isRunning() ? setTimeout(press, 100) : pressAgain(again));
    sendMarks();
    setTimeout(press, SETTLE_MS);
  }

  // Turn to the images that have not been in view; return whether there are any.
  function turnPage() {
    noteSeen();
    const unseen = data.cells.filter((cell) => !isSeen(cell));
    const next = data.cells.findIndex((cell) => !isSeen(cell) && !isInView(cell));
    if (next < 0) return unseen.length > 0;
    focusOn(next, { preventScroll: true });
    buttons()[next].scrollIntoView({ block: "start", behavior: "instant" });
    return true;
  }

  function confirm() {
    if (state.sent || turnPage() || performance.now() - state.upAt < MIN_VIEW_MS) return;
    clearTimeout(state.settle);
    state.settle = null;
    state.sent = true;
    show();
    state.again = setTimeout(unlockIfIgnored, RETRY_MS);
    document.dispatchEvent(new Event("ef-press"));
    setTriggerValue("done", { group: data.turn, marks: marks() });
  }

  // The server has ignored the confirmation as too early.
  function unlockIfIgnored() {
    if (isRunning()) { state.again = setTimeout(unlockIfIgnored, RETRY_MS); return; }
    state.sent = false;
    show();
  }

  // The server's marks, except where this window has changed them since.
  function adoptMarks() {
    for (const { id, marked } of data.cells) {
      if (state.marked.has(id) === marked) state.changed.delete(id);
      else if (!state.changed.has(id)) state.marked[marked ? "add" : "delete"](id);
    }
  }

  // How many images are in a row of the current layout.
  function perRow() {
    const all = buttons();
    const next = all.findIndex((button) => button.offsetTop > all[0].offsetTop);
    return next < 0 ? all.length : next;
  }

  if (state.turn !== data.turn) {
    Object.assign(state, { turn: data.turn, upAt: performance.now(), place: 0, settle: null, marked: new Set(), changed: new Set(), seen: new Set(), inView: new Map() });
    adoptMarks();
    draw();
    show();
    buttons()[0]?.focus({ preventScroll: true });
  } else {
    adoptMarks();
    if (grid.children.length !== data.cells.length) draw();
    show();
  }
  watchView();

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
  on(window, "keydown", (event) => saveFirst(event, buttonOfKey(event)), { capture: true });
  on(window, "click", (event) => saveFirst(event, event.target.closest?.(".stButton button")), { capture: true });
  on(document, "click", () => keepFocus());
  on(document, "keydown", (event) => {
    if (event.key !== "Enter" || !event.ctrlKey) return;
    event.preventDefault();
    if (!event.repeat) confirm();
  }, { capture: true });
  on(done, "click", confirm);
  return () => { clearTimeout(state.settle); clearTimeout(state.again); stop.abort(); };
}
