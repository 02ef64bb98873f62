// A page on which boxes are drawn with the mouse or a finger, or with keys: arrows move a frame, Shift
// and an arrow changes its size, Enter draws it. Existing boxes have their numbers.
// Coordinates are shares of the page in both directions.
const MIN_SIDE = 0.006;
const KEY_STEP = 0.02;
const MIN_KEY_SIDE = 0.04;
const FIRST_FRAME = [0.05, 0.05, 0.9, 0.2];

export default function ({ parentElement, data, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name);
  const [sheet, img, preview] = [find(".sheet"), find("img"), find(".made")];
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efStop?.abort();
  const stop = (parentElement.efStop = new AbortController());
  const on = (target, type, run) => target.addEventListener(type, run, { signal: stop.signal });
  let startPoint = null;

  function position(element, [x, y, w, h]) {
    Object.assign(element.style, { left: `${x * 100}%`, top: `${y * 100}%`, width: `${w * 100}%`, height: `${h * 100}%` });
  }

  if (img.getAttribute("src") !== data.src) img.src = data.src;
  img.alt = data.labels.alt;
  find(".how").textContent = data.labels.how;
  find(".boxes").replaceChildren(...data.boxes.map((box, index) => {
    const frame = document.createElement("div");
    frame.className = index === data.chosen ? "box chosen" : "box";
    frame.append(Object.assign(document.createElement("span"), { textContent: String(index + 1) }));
    position(frame, box);
    return frame;
  }));
  preview.hidden = !sheet.matches(":focus");
  sheet.tabIndex = 0;
  sheet.setAttribute("role", "group");
  sheet.setAttribute("aria-label", data.labels.how);

  // Where the pointer is on the page, as shares; clipped to the page.
  function pointOf(event) {
    const area = sheet.getBoundingClientRect();
    const clip = (value) => Math.min(1, Math.max(0, value));
    return [clip((event.clientX - area.left) / area.width), clip((event.clientY - area.top) / area.height)];
  }

  function boxBetween([x0, y0], [x1, y1]) {
    return [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
  }

  function draw(box) {
    setTriggerValue("drawn", { turn: data.turn, id: crypto.randomUUID?.() ?? String(performance.now()), box });
  }

  on(sheet, "pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    startPoint = pointOf(event);
    sheet.setPointerCapture(event.pointerId);
  });
  on(sheet, "pointermove", (event) => {
    if (!startPoint) return;
    preview.hidden = false;
    position(preview, boxBetween(startPoint, pointOf(event)));
  });
  on(sheet, "pointerup", (event) => {
    if (!startPoint) return;
    const box = boxBetween(startPoint, pointOf(event));
    startPoint = null;
    preview.hidden = true;
    const inside = data.boxes.findIndex(([x, y, w, h]) => box[0] >= x && box[1] >= y && box[0] <= x + w && box[1] <= y + h);
    // A drag draws a box, a click chooses one.
    if (box[2] > MIN_SIDE && box[3] > MIN_SIDE) draw(box);
    else if (inside >= 0) setTriggerValue("chosen", { turn: data.turn, place: inside });
  });
  // The frame of the keys stays where it was when the page is drawn again.
  const frame = (parentElement.efFrame ??= [...FIRST_FRAME]);
  const limit = (value, least, most) => Math.min(most, Math.max(least, value));

  function showFrame() {
    preview.hidden = false;
    position(preview, frame);
  }

  function moveFrame(dx, dy, isResize) {
    if (isResize) {
      frame[2] = limit(frame[2] + dx, MIN_KEY_SIDE, 1 - frame[0]);
      frame[3] = limit(frame[3] + dy, MIN_KEY_SIDE, 1 - frame[1]);
    } else {
      frame[0] = limit(frame[0] + dx, 0, 1 - frame[2]);
      frame[1] = limit(frame[1] + dy, 0, 1 - frame[3]);
    }
    showFrame();
  }

  const arrows = { ArrowLeft: [-KEY_STEP, 0], ArrowRight: [KEY_STEP, 0], ArrowUp: [0, -KEY_STEP], ArrowDown: [0, KEY_STEP] };
  on(sheet, "keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in arrows) moveFrame(...arrows[event.key], event.shiftKey);
    else if (event.key === "Enter") {
      draw([...frame]);
      // The next part is probably below.
      moveFrame(0, frame[3] + KEY_STEP, false);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  on(sheet, "focus", showFrame);
  on(sheet, "blur", () => { preview.hidden = true; });
  if (data.focus && parentElement.efTurn !== data.turn) sheet.focus({ preventScroll: true });
  parentElement.efTurn = data.turn;
  on(sheet, "pointercancel", () => { startPoint = null; preview.hidden = true; });
  return () => stop.abort();
}
