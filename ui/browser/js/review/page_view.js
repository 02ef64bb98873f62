// Shows the pages of a sheet. Nothing is sent to the server.
const ZOOMS = [1, 1.5, 2, 3];
const MISSING_MS = 600;
const SCROLL_PX = 120;

// Filters of all images of paper in this window. The images
// themselves are not changed.
const root = document.documentElement;
const filters = (window.efLight ??= { contrast: false, invert: false });
function applyFilters() {
  const parts = [filters.contrast ? "grayscale(1) brightness(.72) contrast(2.2)" : "", filters.invert ? "invert(1)" : ""].join(" ").trim();
  root.style.setProperty("--ef-light", parts || "none");
}

export default function ({ parentElement, data, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name);
  const [pane, sheet, img, row, marked] = [".pane", ".sheet", "img", ".row", ".marked"].map(find);
  const state = (parentElement.efState ??= { page: 0, zoom: 0 });
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efStop?.abort();
  const stop = (parentElement.efStop = new AbortController());
  const on = (target, type, run, options = {}) => target.addEventListener(type, run, { ...options, signal: stop.signal });

  function show() {
    const page = Math.min(state.page, data.pages.length - 1);
    const source = window.efShelf?.get(data.pages[page]);
    if (!source) img.removeAttribute("src");
    else if (img.src !== source) img.src = source;
    img.alt = data.alt;
    pane.setAttribute("aria-label", data.alt);
    for (const name of ["contrast", "invert"]) find(`.${name}`).setAttribute("aria-pressed", String(filters[name]));
    const fit = (pane.clientHeight - 2) * (210 / 297);
    sheet.style.width = state.zoom < 0 ? `${fit}px` : `${ZOOMS[state.zoom] * 100}%`;
    find(".caption").textContent = data.captions[page] ?? "";
    find(".whole").setAttribute("aria-pressed", String(state.zoom < 0));
    place(row, data.row, page);
    marked.replaceChildren(...data.marked.map((box) => {
      const frame = document.createElement("div");
      place(frame, box, page);
      return frame;
    }));
  }

  function place(frame, box, page) {
    frame.hidden = !box || box[0] !== page;
    if (frame.hidden) return;
    const [, x, y, w, h] = box.map((v) => v * 100);
    Object.assign(frame.style, { left: `${x}%`, top: `${y}%`, width: `${w}%`, height: `${h}%` });
  }

  function begin() {
    if (state.turn !== data.turn) Object.assign(state, { turn: data.turn, page: 0 });
    find(".turn").hidden = data.pages.length < 2;
    show();
  }

  function zoom(step) {
    state.zoom = step === null ? (state.zoom < 0 ? 0 : -1) : Math.max(0, Math.min(ZOOMS.length - 1, Math.max(0, state.zoom) + step));
    show();
  }

  function turn(step) {
    state.page = (state.page + step + data.pages.length) % data.pages.length;
    show();
  }

  function drag(event) {
    if (event.button !== 0) return;
    const from = { x: event.clientX + pane.scrollLeft, y: event.clientY + pane.scrollTop };
    const moving = new AbortController();
    pane.classList.add("dragging");
    event.preventDefault();
    window.addEventListener("pointermove", (e) => pane.scrollTo(from.x - e.clientX, from.y - e.clientY), { signal: moving.signal });
    window.addEventListener("pointerup", () => { pane.classList.remove("dragging"); moving.abort(); }, { signal: moving.signal });
  }

  function toggleFilter(name) {
    filters[name] = !filters[name];
    applyFilters();
    show();
  }

  const shortcuts = {
    ArrowDown: () => pane.scrollBy(0, SCROLL_PX), ArrowUp: () => pane.scrollBy(0, -SCROLL_PX),
    ArrowRight: () => pane.scrollBy(SCROLL_PX, 0), ArrowLeft: () => pane.scrollBy(-SCROLL_PX, 0),
    k: () => toggleFilter("contrast"), n: () => toggleFilter("invert"), b: () => turn(1),
    "+": () => zoom(1), "-": () => zoom(-1), 0: () => zoom(null), PageDown: () => turn(1), PageUp: () => turn(-1),
  };
  on(document, "keydown", (e) => {
    const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
    if (!e.altKey || e.ctrlKey || e.metaKey || !(key in shortcuts)) return;
    e.preventDefault();
    shortcuts[key]();
  });
  on(pane, "pointerdown", drag);
  on(window, "resize", show);
  on(find(".in"), "click", () => zoom(1));
  on(find(".out"), "click", () => zoom(-1));
  on(find(".whole"), "click", () => zoom(null));
  on(find(".turn"), "click", () => turn(1));
  for (const name of ["contrast", "invert"]) on(find(`.${name}`), "click", () => toggleFilter(name));
  on(document, "ef-shelf", show);
  for (const [name, label] of Object.entries(data.labels)) find(`.${name}`).title = label;
  find(".whole").textContent = data.labels.whole;
  find(".turn").textContent = data.labels.turn;
  find(".bar").style.visibility = "visible"; // hidden until the buttons have their names
  applyFilters();
  begin();
  const missingTimer = setTimeout(() => {
    const isComplete = data.pages.every((id) => window.efShelf?.has(id));
    if (!stop.signal.aborted && !isComplete) setTriggerValue("missing", data.pages.length);
  }, MISSING_MS);
  return () => { clearTimeout(missingTimer); stop.abort(); };
}
