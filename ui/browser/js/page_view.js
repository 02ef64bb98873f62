// Shows the pages of a sheet and marks the field that has the focus. Everything happens in the browser; nothing is sent.
const ZOOMS = [1, 1.5, 2, 3];
const LOST_MS = 600;
const STEP = 120;

// How all pictures of paper are shown in this window, the pieces beside the fields too. The pictures themselves stay as they are.
const root = document.documentElement;
const light = (window.efLight ??= { contrast: false, invert: false });
function shine() {
  const parts = [light.contrast ? "grayscale(1) contrast(2.2)" : "", light.invert ? "invert(1)" : ""].join(" ").trim();
  root.style.setProperty("--ef-light", parts || "none");
}

function focusedField(boxes) {
  const holder = document.activeElement?.closest("[class*='st-key-']");
  for (let el = holder; el; el = el.parentElement?.closest("[class*='st-key-']")) {
    for (const name of el.classList) if (name.startsWith("st-key-") && name.slice(7) in boxes) return name.slice(7);
  }
  return null;
}

export default function ({ parentElement, data: given, setTriggerValue }) {
  let data = given;
  const find = (name) => parentElement.querySelector(name);
  const [pane, sheet, img, row, mark, word, doubts] = [".pane", ".sheet", "img", ".row", ".mark", ".word", ".doubts"].map(find);
  const state = (parentElement.efState ??= { page: 0, zoom: 0, field: null });
  // This runs anew with new data: see "Scripts in the browser" in ARCHITECTURE.md.
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
    for (const name of ["contrast", "invert"]) find(`.${name}`).setAttribute("aria-pressed", String(light[name]));
    const fit = (pane.clientHeight - 2) * (210 / 297);
    sheet.style.width = state.zoom < 0 ? `${fit}px` : `${ZOOMS[state.zoom] * 100}%`;
    find(".caption").textContent = data.captions[page] ?? "";
    find(".whole").setAttribute("aria-pressed", String(state.zoom < 0));
    place(row, data.row, page);
    place(mark, data.boxes[state.field], page);
    const read = data.words[state.field];
    place(word, read?.places[state.word], page);
    const doubtful = (read?.places ?? []).filter((_, i) => read.doubtful[i]);
    doubts.replaceChildren(...doubtful.map((box) => {
      const frame = document.createElement("div");
      place(frame, box, page);
      return frame;
    }));
  }

  // The word at the cursor of a free text; everything is reckoned here, from the text as it stands in the field now.
  function followWord() {
    const area = document.activeElement;
    const read = data.words[state.field];
    if (!read || area?.tagName !== "TEXTAREA" || focusedField(data.boxes) !== state.field) return;
    const at = wordAt(area, read.words);
    if (at === state.word) return;
    state.word = at;
    show();
    const box = read.places[at];
    if (!box || !pane.clientHeight) return;
    const height = sheet.clientWidth * data.aspect;
    const [top, left] = [(box[2] + box[4] / 2) * height, (box[1] + box[3] / 2) * sheet.clientWidth];
    const far = (middle, from, length) => middle < from + length * 0.2 || middle > from + length * 0.8;
    if (far(top, pane.scrollTop, pane.clientHeight)) pane.scrollTop = top - pane.clientHeight * 0.4;
    if (far(left, pane.scrollLeft, pane.clientWidth)) pane.scrollLeft = left - pane.clientWidth / 2;
  }

  function goToDoubt(event) {
    const read = data.words[focusedField(data.boxes)];
    const there = event.altKey && !event.ctrlKey && event.key.toLowerCase() === "u" && read && document.activeElement.tagName === "TEXTAREA";
    if (!there) return;
    event.preventDefault();
    nextDoubtful(document.activeElement, read);
    followWord();
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
    Object.assign(state, { field, word: -1 });
    state.page = data.boxes[field][0];
    show();
    reveal();
  }

  // A sheet comes up: when the screen is drawn, or before that, when its form comes into sight (coming_entry.js).
  function begin() {
    if (state.turn !== data.turn) Object.assign(state, { turn: data.turn, page: 0, field: null, word: -1 });
    root.dataset.efWay = data.way;
    find(".turn").hidden = data.pages.length < 2;
    show();
    follow();
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
  for (const type of ["selectionchange", "input", "keyup", "click"]) on(document, type, followWord);
  on(document, "keydown", goToDoubt);
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
  on(document, "ef-turn", (event) => { data = { ...data, ...event.detail.sheet }; begin(); });
  for (const [name, label] of Object.entries(data.labels)) find(`.${name}`).title = label;
  find(".whole").textContent = data.labels.whole;
  find(".turn").textContent = data.labels.turn;
  find(".bar").style.visibility = "visible"; // a button without its name is none
  shine();
  begin();
  const lost = setTimeout(() => stop.signal.aborted || data.pages.every((id) => window.efShelf?.has(id)) || setTriggerValue("missing", data.pages.length), LOST_MS);
  return () => { clearTimeout(lost); stop.abort(); delete root.dataset.efWay; };
}
