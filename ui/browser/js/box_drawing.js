// A page on which boxes are drawn with the mouse or a finger; those that are there are shown with their numbers. Shares of the page go both ways.
const LEAST = 0.006;

export default function ({ parentElement, data, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name);
  const [sheet, img, made] = [find(".sheet"), find("img"), find(".made")];
  // This runs anew with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efStop?.abort();
  const stop = (parentElement.efStop = new AbortController());
  const on = (target, type, run) => target.addEventListener(type, run, { signal: stop.signal });
  let begun = null;

  function lay(element, [x, y, w, h]) {
    Object.assign(element.style, { left: `${x * 100}%`, top: `${y * 100}%`, width: `${w * 100}%`, height: `${h * 100}%` });
  }

  if (img.getAttribute("src") !== data.src) img.src = data.src;
  img.alt = data.labels.alt;
  find(".how").textContent = data.labels.how;
  find(".boxes").replaceChildren(...data.boxes.map((one, place) => {
    const frame = document.createElement("div");
    frame.className = place === data.chosen ? "box chosen" : "box";
    frame.append(Object.assign(document.createElement("span"), { textContent: String(place + 1) }));
    lay(frame, one);
    return frame;
  }));
  made.hidden = true;

  // Where the pointer is on the page, as shares, never beside it.
  function at(event) {
    const area = sheet.getBoundingClientRect();
    const within = (value) => Math.min(1, Math.max(0, value));
    return [within((event.clientX - area.left) / area.width), within((event.clientY - area.top) / area.height)];
  }

  function between([x0, y0], [x1, y1]) {
    return [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
  }

  on(sheet, "pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    begun = at(event);
    sheet.setPointerCapture(event.pointerId);
  });
  on(sheet, "pointermove", (event) => {
    if (!begun) return;
    made.hidden = false;
    lay(made, between(begun, at(event)));
  });
  on(sheet, "pointerup", (event) => {
    if (!begun) return;
    const box = between(begun, at(event));
    begun = null;
    made.hidden = true;
    const inside = data.boxes.findIndex(([x, y, w, h]) => box[0] >= x && box[1] >= y && box[0] <= x + w && box[1] <= y + h);
    if (box[2] > LEAST && box[3] > LEAST) setTriggerValue("drawn", { turn: data.turn, id: crypto.randomUUID?.() ?? String(performance.now()), box });
    else if (inside >= 0) setTriggerValue("chosen", { turn: data.turn, place: inside });
  });
  on(sheet, "pointercancel", () => { begun = null; made.hidden = true; });
  return () => stop.abort();
}
