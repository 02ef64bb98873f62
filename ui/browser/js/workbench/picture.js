// The pages of a sheet: zoom, pan, and marks at the field, the row and the word in question. The
// paper keeps its colours: a filter is the user's choice.
const ZOOMS = [1, 1.5, 2, 3];
const SCROLL_PX = 120;
// A part of a page is drawn with the pointer, or with keys: how far a press moves the frame, and its least side.
const FRAME_STEP = 0.02;
const MIN_PART = 0.02;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const limit = (value, least, most) => Math.min(most, Math.max(least, value));
const TOOLS = [["turn", ""], ["contrast", "◐"], ["invert", "◑"], ["zoom-out", "−"], ["zoom-in", "+"], ["whole", ""]];

// Filters of all images of paper in this window, also of the crops next to the fields.
const filters = (window.efLight ??= { contrast: false, invert: false });
function applyFilters() {
  const parts = [filters.contrast ? "grayscale(1) brightness(.72) contrast(2.2)" : "", filters.invert ? "invert(1)" : ""].filter(Boolean);
  document.documentElement.style.setProperty("--ef-light", parts.join(" ") || "none");
}

function makePicture(onDraw) {
  const caption = make("span", "wb-caption");
  const tools = Object.fromEntries(TOOLS.map(([name, sign]) => [name, button(`wb-tool wb-${name}`, sign, "", { tabindex: -1 })]));
  const image = make("img", "", { draggable: "false" });
  const [row, mark, word, frames, drawn] = ["wb-at-row", "wb-at", "wb-at-word", "wb-frames", "wb-drawn"].map((name) => make("div", name, { hidden: true }));
  frames.hidden = false;
  const sheet = make("div", "wb-sheet", {}, image, row, mark, frames, word, drawn);
  const pane = make("div", "wb-pane", { tabindex: 0, role: "region" }, sheet);
  const root = make("div", "wb-picture", {}, make("div", "wb-tools", {}, caption, ...Object.values(tools)), pane);
  const state = { card: null, page: 0, zoom: 0, field: null, word: -1, note: null };
  const isWhole = () => state.zoom < 0;
  const pages = () => state.card?.pages ?? [];

  function place(frame, area) {
    frame.hidden = !area || area[0] !== state.page;
    if (frame.hidden) return;
    const [, x, y, w, h] = area.map((share) => share * 100);
    Object.assign(frame.style, { left: `${x}%`, top: `${y}%`, width: `${w}%`, height: `${h}%` });
  }

  function framed(area, name) {
    const frame = make("div", name);
    place(frame, area);
    return frame;
  }

  function partFrame({ area, text }) {
    const part = framed(area, "wb-part-at");
    part.append(make("span", "", {}, text));
    return part;
  }

  function drawMarks() {
    const read = state.field?.words;
    place(row, state.card?.row);
    place(mark, state.field?.area);
    place(word, read?.places[state.word]);
    const doubtful = (read?.places ?? []).filter((_, index) => read.doubtful[index]);
    const [deviating, parts] = [state.card?.marked ?? [], state.card?.parts ?? []];
    frames.replaceChildren(...doubtful.map((area) => framed(area, "wb-doubt-at")), ...deviating.map((area) => framed(area, "wb-deviates")), ...parts.map(partFrame));
  }

  function draw() {
    const page = pages()[state.page];
    const source = page && window.efShelf?.get(page.image);
    if (!source) image.removeAttribute("src");
    else if (image.src !== source) image.src = source;
    const aspect = page?.aspect ?? Math.SQRT2;
    sheet.style.aspectRatio = `1 / ${aspect}`;
    const fitted = isWhole() ? Math.min((pane.clientHeight - 2) / aspect, pane.clientWidth) : pane.clientWidth / (noteArea()?.[3] ?? 1);
    sheet.style.width = `${fitted * (isWhole() ? 1 : ZOOMS[state.zoom])}px`;
    setText(caption, page?.caption ?? "");
    tools.turn.hidden = pages().length < 2;
    setAttribute(tools.whole, "aria-pressed", String(isWhole()));
    for (const name of ["contrast", "invert"]) setAttribute(tools[name], "aria-pressed", String(filters[name]));
    drawMarks();
  }

  // The field comes to the middle. What is taller than the view is shown from its top.
  function reveal() {
    const area = state.field?.area;
    if (!area || !pane.clientHeight || alignNote()) return;
    const [, x, y, w, h] = area;
    const [width, height] = [sheet.offsetWidth, sheet.offsetHeight];
    const top = h * height > pane.clientHeight ? y * height : (y + h / 2) * height - pane.clientHeight * 0.45;
    pane.scrollTo({ top, left: (x + w / 2) * width - pane.clientWidth / 2 });
  }

  // A note that is worked on fills the width of the pane, and its lines stand beside those of its text.
  const isBeside = window.matchMedia("(min-width: 901px) and (min-height: 501px)");
  const noteArea = () => (state.note?.isConnected && isBeside.matches && !isWhole() ? state.field?.area : null);

  function alignNote() {
    const area = noteArea();
    if (!area || area[0] !== state.page) return false;
    const line = state.field.pitch * sheet.offsetHeight;
    state.note.style.setProperty("--wb-pitch", `${line}px`);
    const text = state.note.getBoundingClientRect().top - state.note.scrollTop;
    // The writing stands in the lower half of its line, the text in the middle: a quarter makes them level.
    const top = area[2] * sheet.offsetHeight - (text - pane.getBoundingClientRect().top) + line / 4;
    // Room above and below the sheet, so that its first and last lines can stand there too.
    Object.assign(sheet.style, { marginTop: `${Math.max(0, -top)}px`, marginBottom: `${pane.clientHeight}px` });
    pane.scrollTo({ top: Math.max(0, top), left: area[1] * sheet.offsetWidth - 2 });
    return true;
  }

  // The word at the cursor comes into view only if it is near the edge or outside.
  function revealWord() {
    const area = state.field.words.places[state.word];
    if (!area || !pane.clientHeight || noteArea()) return;
    const [top, left] = [(area[2] + area[4] / 2) * sheet.offsetHeight, (area[1] + area[3] / 2) * sheet.offsetWidth];
    const isFar = (middle, from, length) => middle < from + length * 0.2 || middle > from + length * 0.8;
    if (isFar(top, pane.scrollTop, pane.clientHeight)) pane.scrollTop = top - pane.clientHeight * 0.4;
    if (isFar(left, pane.scrollLeft, pane.clientWidth)) pane.scrollLeft = left - pane.clientWidth / 2;
  }

  function zoom(step) {
    const now = Math.max(0, state.zoom);
    if (step === null) state.zoom = isWhole() ? 0 : -1;
    else state.zoom = Math.max(0, Math.min(ZOOMS.length - 1, now + step));
    draw();
    reveal();
  }

  function turn(step) {
    if (!pages().length) return;
    state.page = (state.page + step + pages().length) % pages().length;
    draw();
    pane.scrollTo(0, 0);
  }

  function toggle(name) {
    filters[name] = !filters[name];
    applyFilters();
    draw();
  }

  function drag(event) {
    if (event.button !== 0) return;
    if (state.card?.draws) return drawPart(event);
    const from = { x: event.clientX + pane.scrollLeft, y: event.clientY + pane.scrollTop };
    const moving = new AbortController();
    const { signal } = moving;
    pane.classList.add("wb-dragged");
    event.preventDefault();
    window.addEventListener("pointermove", (moved) => pane.scrollTo(from.x - moved.clientX, from.y - moved.clientY), { signal });
    for (const type of ["pointerup", "pointercancel"]) {
      window.addEventListener(type, () => { pane.classList.remove("wb-dragged"); moving.abort(); }, { signal });
    }
  }

  // --- parts of a page ---

  function pointOf(event) {
    const area = sheet.getBoundingClientRect();
    return [limit((event.clientX - area.left) / area.width, 0, 1), limit((event.clientY - area.top) / area.height, 0, 1)];
  }

  function drawPart(event) {
    if (!sheet.contains(event.target)) return; // a scroll bar
    event.preventDefault();
    const [x0, y0] = pointOf(event);
    const drawing = new AbortController();
    const { signal } = drawing;
    const boxTo = ([x1, y1]) => [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
    window.addEventListener("pointermove", (moved) => place(drawn, [state.page, ...boxTo(pointOf(moved))]), { signal });
    window.addEventListener("pointerup", (up) => { drawing.abort(); drawn.hidden = true; sendPart(boxTo(pointOf(up))); }, { signal });
    window.addEventListener("pointercancel", () => { drawing.abort(); drawn.hidden = true; }, { signal });
  }

  function sendPart(box) {
    if (box[2] >= MIN_PART && box[3] >= MIN_PART) onDraw(box);
  }

  const frame = [0.05, 0.05, 0.9, 0.2];
  function moveFrame(dx, dy, resizes) {
    const at = resizes ? 2 : 0;
    [dx, dy].forEach((by, axis) => {
      const most = 1 - frame[axis + 2 - at];
      frame[axis + at] = limit(frame[axis + at] + by * FRAME_STEP, resizes ? 2 * MIN_PART : 0, most);
    });
    showFrame();
  }
  function showFrame() {
    if (state.card?.draws) place(drawn, [state.page, ...frame]);
    const bottom = (frame[1] + frame[3]) * sheet.offsetHeight;
    if (bottom > pane.scrollTop + pane.clientHeight || frame[1] * sheet.offsetHeight < pane.scrollTop) pane.scrollTop = bottom - pane.clientHeight / 2;
  }
  function drawWithKey({ key, shiftKey }) {
    if (!state.card?.draws) return false;
    if (key in ARROWS) moveFrame(...ARROWS[key], shiftKey);
    else if (key === "Enter") { sendPart([...frame]); moveFrame(0, frame[3] / FRAME_STEP + 1, false); } // the next part is below
    else return false;
    return true;
  }
  pane.addEventListener("focus", showFrame);
  pane.addEventListener("blur", () => { drawn.hidden = true; });

  const keys = {
    ArrowDown: () => pane.scrollBy(0, SCROLL_PX), ArrowUp: () => pane.scrollBy(0, -SCROLL_PX),
    ArrowRight: () => pane.scrollBy(SCROLL_PX, 0), ArrowLeft: () => pane.scrollBy(-SCROLL_PX, 0),
    k: () => toggle("contrast"), n: () => toggle("invert"), b: () => turn(1), PageDown: () => turn(1), PageUp: () => turn(-1),
    "+": () => zoom(1), "-": () => zoom(-1), 0: () => zoom(null),
  };
  const presses = { turn: keys.b, contrast: keys.k, invert: keys.n, "zoom-out": keys["-"], "zoom-in": keys["+"], whole: keys[0] };
  for (const [name, press] of Object.entries(presses)) tools[name].addEventListener("click", press);
  // The keyboard stays in the field.
  root.addEventListener("mousedown", (event) => event.preventDefault());
  pane.addEventListener("pointerdown", drag);
  const watch = new ResizeObserver(() => { draw(); reveal(); });
  watch.observe(pane);
  applyFilters();

  return {
    root,
    pane,
    draw,
    drawWithKey,
    name(labels) {
      const named = { turn: labels.turn, contrast: labels.contrast, invert: labels.invert, "zoom-out": labels.out, "zoom-in": labels.in, whole: labels.whole };
      for (const [name, label] of Object.entries(named)) {
        setAttribute(tools[name], "title", label);
        setAttribute(tools[name], "aria-label", label);
      }
      for (const name of ["turn", "whole"]) setText(tools[name].firstChild, named[name]);
      setAttribute(pane, "aria-label", labels.sheet);
      setAttribute(image, "alt", labels.sheet);
    },
    show(card, isNew) {
      state.card = card;
      if (isNew) Object.assign(state, { page: 0, field: null, word: -1 });
      if (isNew && card.draws) state.zoom = -1;
      root.parentElement?.classList.toggle("wb-drawing", Boolean(card.draws));
      state.page = Math.min(state.page, Math.max(0, pages().length - 1));
      draw();
    },
    // The sheet follows the field that has the focus.
    // `note` is the input of a note that has the focus.
    follow(field, note = null) {
      const isSame = state.field?.name === field?.name && state.note === note;
      state.field = field;
      state.note = field?.pitch && field.area ? note : null;
      root.parentElement?.classList.toggle("wb-noting", Boolean(noteArea()));
      if (!state.note) sheet.style.marginBlock = "";
      if (!isSame) {
        state.word = -1;
        if (field?.area) state.page = field.area[0];
      }
      draw();
      if (!isSame) reveal();
    },
    alignNote,
    followWord(area) {
      const read = state.field?.words;
      if (!read) return;
      const at = wordAt(area, read.words)?.index ?? -1;
      if (at === state.word) return;
      state.word = at;
      drawMarks();
      revealWord();
    },
    press(key) {
      keys[key]?.();
      return key in keys;
    },
    isComplete: () => pages().every((page) => window.efShelf?.has(page.image)),
    close: () => watch.disconnect(),
  };
}
