// A page on which boxes are drawn with the mouse or a finger, or with keys: arrows move a frame, Shift
// and an arrow changes its size, Enter draws it. Coordinates are shares of the page in both directions.
// Boxes are also chosen, moved, resized, accepted and removed, by mouse or keys. What is done shows at
// once; it is sent again, numbered, until data.done says that the server has it.
const MIN_SIDE = 0.006;
const KEY_STEP = 0.02;
const MIN_KEY_SIDE = 0.04;
const FIRST_FRAME = [0.05, 0.05, 0.9, 0.2];
const FINE_STEP_MM = 0.5;
const MIN_BOX_MM = 2;
const SEND_AFTER_MS = 250;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export default function ({ parentElement, data, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name);
  const [sheet, img, preview, layer] = [find(".sheet"), find("img"), find(".made"), find(".boxes")];
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efStop?.abort();
  const stop = (parentElement.efStop = new AbortController());
  const on = (target, type, run) => target.addEventListener(type, run, { signal: stop.signal });
  const limit = (value, least, most) => Math.min(most, Math.max(least, value));

  // What was done and is not yet known to the server, by number.
  const state = (parentElement.efActs ??= { turn: data.turn, number: 0, acts: [], chosen: null });
  if (state.turn !== data.turn) Object.assign(state, { turn: data.turn, number: 0, acts: [], chosen: null });
  state.number = Math.max(state.number, data.done);
  state.acts = state.acts.filter((act) => act.n > data.done);
  if (!state.acts.length) state.chosen = data.chosen;
  let boxes = state.acts.reduce(applyAct, data.boxes.map((box) => ({ ...box })));
  let drag = null;

  function applyAct(all, act) {
    if (act.act === "remove") return all.filter((box) => box.id !== act.id);
    return all.map((box) => {
      if (box.id !== act.id || !["accept", "change"].includes(act.act)) return box;
      return { ...box, proposed: false, box: box.row ? box.box : (act.box ?? box.box) };
    });
  }

  function position(element, [x, y, w, h]) {
    Object.assign(element.style, { left: `${x * 100}%`, top: `${y * 100}%`, width: `${w * 100}%`, height: `${h * 100}%` });
  }

  const own = () => boxes.filter((box) => !box.row);
  const chosenBox = () => own().find((box) => box.id === state.chosen);

  function drawBoxes() {
    let number = 0;
    layer.replaceChildren(...boxes.map((box) => {
      const frame = document.createElement("div");
      const isChosen = box.id === state.chosen && !box.row;
      frame.className = `${box.proposed ? "proposal" : "box"}${isChosen ? " chosen" : ""}${box.row ? " row" : ""}`;
      const shown = box.row || box.proposed ? "" : String(number += 1);
      if (shown) frame.append(Object.assign(document.createElement("span"), { textContent: shown }));
      if (box.row) frame.setAttribute("aria-hidden", "true");
      if (!box.row) {
        frame.id = `ef-box-${box.id}`;
        frame.setAttribute("role", "option");
        frame.setAttribute("aria-selected", String(isChosen));
        frame.setAttribute("aria-label", `${shown} ${box.text}`.trim());
        if (isChosen) frame.append(Object.assign(document.createElement("i"), { className: "grip" }));
      }
      position(frame, box.box);
      return frame;
    }));
    if (chosenBox()) layer.setAttribute("aria-activedescendant", `ef-box-${state.chosen}`);
    else layer.removeAttribute("aria-activedescendant");
  }

  if (img.getAttribute("src") !== data.src) img.src = data.src;
  img.alt = data.labels.alt;
  find(".how").textContent = data.labels.how;
  preview.hidden = !sheet.matches(":focus");
  sheet.tabIndex = 0;
  sheet.setAttribute("role", "group");
  sheet.setAttribute("aria-label", data.labels.how);
  layer.tabIndex = 0;
  layer.setAttribute("role", "listbox");
  layer.setAttribute("aria-label", data.labels.boxes);
  drawBoxes();

  // Where the pointer is on the page, as shares; clipped to the page.
  function pointOf(event) {
    const area = sheet.getBoundingClientRect();
    return [limit((event.clientX - area.left) / area.width, 0, 1), limit((event.clientY - area.top) / area.height, 0, 1)];
  }

  const boxBetween = ([x0, y0], [x1, y1]) => [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
  const isAt = ([x, y], [left, top, w, h]) => x >= left && y >= top && x <= left + w && y <= top + h;

  const draw = (box) => send({ act: "draw", box });

  function send(act, isQuiet = false) {
    state.number += 1;
    const last = state.acts.at(-1);
    const sent = { n: state.number, ...act };
    // The steps of one movement are one act.
    const isSame = isQuiet && last && last.act === act.act && last.id === act.id;
    state.acts = [...(isSame ? state.acts.slice(0, -1) : state.acts), sent];
    boxes = applyAct(boxes, sent);
    drawBoxes();
    if (isQuiet) deliverSoon();
    else deliver();
  }

  function deliver() {
    clearTimeout(state.timer);
    if (state.acts.length) setTriggerValue("acts", { turn: data.turn, acts: state.acts });
  }

  function deliverSoon() {
    clearTimeout(state.timer);
    state.timer = setTimeout(deliver, SEND_AFTER_MS);
  }

  function choose(box, isQuiet) {
    state.chosen = box.id;
    send({ act: "choose", id: box.id }, isQuiet);
    find(`#ef-box-${box.id}`)?.scrollIntoView({ block: "nearest", behavior: "instant" });
  }

  // The next proposal after this one, or else the box that follows.
  function chooseAfter(id, all, onlyProposals) {
    const at = all.findIndex((box) => box.id === id);
    const rest = [...all.slice(at + 1), ...all.slice(0, Math.max(at, 0))];
    const next = rest.find((box) => box.proposed) ?? (onlyProposals ? undefined : rest[0]);
    if (next) choose(next, false);
  }

  function accept(box) {
    const all = own();
    send({ act: "accept", id: box.id }, false);
    chooseAfter(box.id, all, true);
  }

  function remove(box) {
    const all = own();
    send({ act: "remove", id: box.id }, false);
    chooseAfter(box.id, all, false);
  }

  function change(box, [x, y, w, h], isQuiet) {
    const [least_w, least_h] = [MIN_BOX_MM / data.size[0], MIN_BOX_MM / data.size[1]];
    const size = [limit(w, least_w, 1), limit(h, least_h, 1)];
    send({ act: "change", id: box.id, box: [limit(x, 0, 1 - size[0]), limit(y, 0, 1 - size[1]), ...size] }, isQuiet);
  }

  on(sheet, "pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    const point = pointOf(event);
    const chosen = chosenBox();
    const isGrip = Boolean(chosen) && event.composedPath()[0]?.classList?.contains("grip");
    const mode = isGrip ? "resize" : chosen && isAt(point, chosen.box) ? "move" : "draw";
    drag = { mode, start: point, box: chosen?.box, moved: false };
    layer.focus({ preventScroll: true });
    sheet.setPointerCapture(event.pointerId);
  });

  function dragged(point) {
    const [dx, dy] = [point[0] - drag.start[0], point[1] - drag.start[1]];
    const [x, y, w, h] = drag.box ?? [];
    if (drag.mode === "move") return [x + dx, y + dy, w, h];
    if (drag.mode === "resize") return [x, y, Math.max(0.002, w + dx), Math.max(0.002, h + dy)];
    return boxBetween(drag.start, point);
  }

  on(sheet, "pointermove", (event) => {
    if (!drag) return;
    const shape = dragged(pointOf(event));
    drag.moved ||= Math.abs(pointOf(event)[0] - drag.start[0]) > MIN_SIDE / 2 || Math.abs(pointOf(event)[1] - drag.start[1]) > MIN_SIDE / 2;
    if (!drag.moved) return;
    preview.hidden = false;
    position(preview, shape);
  });
  on(sheet, "pointerup", (event) => {
    if (!drag) return;
    const point = pointOf(event);
    const [{ mode, moved }, shape] = [drag, dragged(point)];
    drag = null;
    preview.hidden = true;
    if (mode !== "draw" && moved) return change(chosenBox(), shape, false);
    // A drag draws a box, a click chooses one: of two the smaller.
    if (mode === "draw" && shape[2] > MIN_SIDE && shape[3] > MIN_SIDE) return draw(shape);
    const hit = boxes.filter((box) => isAt(point, box.box)).sort((a, b) => a.box[2] * a.box[3] - b.box[2] * b.box[3])[0];
    if (hit) choose(own().find((box) => box.id === hit.id) ?? hit, false);
  });
  on(sheet, "dblclick", () => {
    const chosen = chosenBox();
    if (chosen?.proposed) accept(chosen);
  });
  on(sheet, "pointercancel", () => { drag = null; preview.hidden = true; });

  // The frame of the keys stays where it was when the page is drawn again.
  const frame = (parentElement.efFrame ??= [...FIRST_FRAME]);

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

  // Of a finger or key that is handled here nothing else is to hear.
  function handled(event) {
    event.preventDefault();
    event.stopPropagation();
  }

  on(sheet, "keydown", (event) => {
    if (event.target !== sheet || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in ARROWS) moveFrame(...ARROWS[event.key].map((part) => part * KEY_STEP), event.shiftKey);
    else if (event.key === "Enter") {
      draw([...frame]);
      // The next part is probably below.
      moveFrame(0, frame[3] + KEY_STEP, false);
    } else return;
    handled(event);
  });
  on(sheet, "focus", showFrame);
  on(sheet, "blur", () => { preview.hidden = true; });

  function editWithKey(event) {
    const [all, chosen] = [own(), chosenBox()];
    if ((event.ctrlKey || event.metaKey) && event.key === "z") return send({ act: "undo" }, false);
    if (event.altKey || event.metaKey) return false;
    if (event.key in ARROWS && (event.ctrlKey || event.shiftKey) && chosen) {
      const [dx, dy] = ARROWS[event.key].map((part, axis) => (part * FINE_STEP_MM) / data.size[axis]);
      const [x, y, w, h] = chosen.box;
      return change(chosen, event.shiftKey ? [x, y, w + dx, h + dy] : [x + dx, y + dy, w, h], true);
    }
    if (event.ctrlKey || event.shiftKey) return false;
    if (event.key in ARROWS || event.key === "Home" || event.key === "End") {
      const step = event.key === "ArrowDown" || event.key === "ArrowRight" ? 1 : -1;
      const at = all.findIndex((box) => box.id === state.chosen);
      const to = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : limit(at + step, 0, all.length - 1);
      return all.length ? choose(all[to], true) : undefined;
    }
    if (event.key === "Enter" && chosen) return chosen.proposed ? accept(chosen) : focusLabel();
    if ((event.key === "Delete" || event.key === "Backspace") && chosen) return remove(chosen);
    return false;
  }

  // The label of the chosen box: once the server has drawn it.
  function focusLabel() {
    state.wantsLabel = true;
    focusWantedLabel();
  }

  function focusWantedLabel() {
    if (!state.wantsLabel || state.acts.length || stop.signal.aborted) return;
    const input = document.querySelector(`.${data.chosenLabel} input`);
    if (!input) return void requestAnimationFrame(focusWantedLabel);
    state.wantsLabel = false;
    input.focus();
    input.select();
  }

  on(layer, "keydown", (event) => {
    if (editWithKey(event) !== false) handled(event);
  });
  on(document, "keydown", (event) => {
    if (event.key === "Escape" && event.target.closest?.(`.${data.chosenLabel}`)) layer.focus({ preventScroll: true });
  });
  focusWantedLabel();
  // What may have been lost behind another part's message is sent again.
  if (state.acts.length) deliverSoon();
  if (parentElement.efTurn !== data.turn) layer.focus({ preventScroll: true });
  parentElement.efTurn = data.turn;
  return () => stop.abort();
}
