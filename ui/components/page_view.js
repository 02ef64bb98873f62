// Shows the pages of a sheet and marks the field that has the focus. Everything happens in the browser; nothing is sent.
const ZOOMS = [1, 1.5, 2, 3];
const LOST_MS = 600;
const STEP = 120;

// How all pictures of paper are shown in this window, the pieces beside the fields too. The pictures themselves stay as they are.
const light = (window.efLight ??= { contrast: false, invert: false });
function shine() {
  const parts = [light.contrast ? "grayscale(1) contrast(2.2)" : "", light.invert ? "invert(1)" : ""].join(" ").trim();
  document.documentElement.style.setProperty("--ef-light", parts || "none");
}

function focusedField(boxes) {
  const holder = document.activeElement?.closest("[class*='st-key-']");
  for (let el = holder; el; el = el.parentElement?.closest("[class*='st-key-']")) {
    for (const name of el.classList) if (name.startsWith("st-key-") && name.slice(7) in boxes) return name.slice(7);
  }
  return null;
}

export default function ({ parentElement, data, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name);
  const [pane, sheet, img, row, mark] = [".pane", ".sheet", "img", ".row", ".mark"].map(find);
  const state = (parentElement.efState ??= { page: 0, zoom: 0, field: null });
  if (state.turn !== data.turn) Object.assign(state, { turn: data.turn, page: 0, field: null });
  const stop = new AbortController();
  const on = (target, type, run, options = {}) => target.addEventListener(type, run, { ...options, signal: stop.signal });

  function show() {
    const page = Math.min(state.page, data.pages.length - 1);
    const source = window.efShelf?.get(data.pages[page]);
    if (!source) img.removeAttribute("src");
    else if (img.src !== source) img.src = source;
    img.alt = data.alt;
    pane.setAttribute("aria-label", data.alt);
    for (const name of ["contrast", "invert"]) find(`.${name}`).setAttribute("aria-pressed", String(light[name]));
    const fit = (pane.clientHeight - 2) * (210 / 297);
    sheet.style.width = state.zoom < 0 ? `${fit}px` : `${ZOOMS[state.zoom] * 100}%`;
    find(".caption").textContent = data.captions[page] ?? "";
    find(".whole").setAttribute("aria-pressed", String(state.zoom < 0));
    place(row, data.row, page);
    place(mark, data.boxes[state.field], page);
  }

  function place(frame, box, page) {
    frame.hidden = !box || box[0] !== page;
    if (frame.hidden) return;
    const [, x, y, w, h] = box.map((v) => v * 100);
    Object.assign(frame.style, { left: `${x}%`, top: `${y}%`, width: `${w}%`, height: `${h}%` });
  }

  function reveal() {
    const box = data.boxes[state.field];
    if (!box || !pane.clientHeight) return;
    const [, x, y, w, h] = box;
    const height = sheet.clientWidth * data.aspect;
    pane.scrollTo({ top: (y + h / 2) * height - pane.clientHeight * 0.4, left: (x + w / 2) * sheet.clientWidth - pane.clientWidth / 2 });
  }

  function follow() {
    const field = focusedField(data.boxes);
    if (!field || field === state.field) return;
    state.field = field;
    state.page = data.boxes[field][0];
    show();
    reveal();
  }

  function zoom(step) {
    state.zoom = step === null ? (state.zoom < 0 ? 0 : -1) : Math.max(0, Math.min(ZOOMS.length - 1, Math.max(0, state.zoom) + step));
    show();
    reveal();
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

  function look(name) {
    light[name] = !light[name];
    shine();
    show();
  }

  const keys = {
    ArrowDown: () => pane.scrollBy(0, STEP), ArrowUp: () => pane.scrollBy(0, -STEP),
    ArrowRight: () => pane.scrollBy(STEP, 0), ArrowLeft: () => pane.scrollBy(-STEP, 0),
    k: () => look("contrast"), n: () => look("invert"), b: () => turn(1),
    "+": () => zoom(1), "-": () => zoom(-1), 0: () => zoom(null), PageDown: () => turn(1), PageUp: () => turn(-1),
  };
  on(document, "focusin", follow);
  on(document, "keydown", (e) => {
    const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
    if (!e.altKey || e.ctrlKey || e.metaKey || !(key in keys)) return;
    e.preventDefault();
    keys[key]();
  });
  on(pane, "pointerdown", drag);
  on(window, "resize", show);
  on(find(".in"), "click", () => zoom(1));
  on(find(".out"), "click", () => zoom(-1));
  on(find(".whole"), "click", () => zoom(null));
  on(find(".turn"), "click", () => turn(1));
  for (const name of ["contrast", "invert"]) on(find(`.${name}`), "click", () => look(name));
  on(document, "ef-shelf", show);
  for (const [name, label] of Object.entries(data.labels)) find(`.${name}`).title = label;
  find(".whole").textContent = data.labels.whole;
  find(".turn").hidden = data.pages.length < 2;
  find(".turn").textContent = data.labels.turn;
  shine();
  show();
  follow();
  const lost = setTimeout(() => data.pages.every((id) => window.efShelf?.has(id)) || setTriggerValue("missing", data.pages.length), LOST_MS);
  return () => { clearTimeout(lost); stop.abort(); };
}
