// One field: its label, its piece of the paper, its input, and what is said about it.
const LINE_REM = 1.45;
// A piece of paper that is longer than this many of its heights has its value below it, not beside it.
const MAX_BESIDE = 10;
// So many letters of options fit in the column of the values.
const MAX_OPTION_LETTERS = 26;
// More than fits on paper, and so little that no screen's message reaches MAX_LOGGED_IN (ui/access/screen_socket.py).
const MAX_TYPED = 10_000;

function makeRow(field, { id, labels, onInput }) {
  const isChoice = field.kind === "choice" || field.kind === "second";
  const label = make(isChoice ? "div" : "label", "wb-label", { id: `${id}-label`, for: isChoice ? null : id });
  const crop = make("div", "wb-crop");
  const answer = make("div", "wb-answer");
  const said = make("div", "wb-said", { id: `${id}-said` });
  const element = make("div", "wb-row", { "data-name": field.name, "data-kind": field.kind }, crop, label, answer, said);
  const row = { name: field.name, kind: field.kind, element, field, hasError: false };
  const control = isChoice ? choiceControl(row, id, labels) : field.kind === "tick" ? tickControl(id) : textControl(row, id);
  answer.append(control.element);
  answer.addEventListener("input", (event) => { control.changed?.(event.target); row.forgive(); onInput(row); });

  const reads = () => [...answer.querySelectorAll("input, textarea, [role='radiogroup']")].filter((part) => part.type !== "radio");

  function drawSaid() {
    const { reason, error, reading, kind } = row.field;
    const shownError = row.notShort || (row.isForgiven ? "" : error);
    row.hasError = Boolean(shownError);
    redraw(said, [reason, shownError, reading, kind, labels.verbatim], () => [
      reason ? make("p", "wb-reason", {}, reason) : null,
      reading?.length ? readingLine(reading, labels) : null,
      kind === "area" && labels.verbatim ? make("p", "wb-verbatim", {}, labels.verbatim) : null,
      shownError ? make("p", "wb-error", {}, shownError) : null,
    ]);
    for (const part of reads()) {
      setAttribute(part, "aria-invalid", shownError ? "true" : null);
      setAttribute(part, "aria-describedby", said.childElementCount ? `${id}-said` : null);
    }
    element.classList.toggle("wb-wrong", row.hasError);
  }

  row.update = (next) => {
    if (next.error !== row.field.error) row.isForgiven = false;
    row.field = next;
    setAttribute(element, "data-needs", next.needs);
    redraw(label, [next.label, next.hint], () => [make("span", "", {}, next.label), next.hint ? make("small", "", {}, next.hint) : null]);
    label.title = [next.label, next.hint].filter(Boolean).join(" ");
    crop.hidden = !next.crop;
    if (next.crop) drawCrop(crop, next.crop);
    element.classList.toggle("wb-uncropped", !next.crop);
    element.classList.toggle("wb-wide", isWide(next));
    element.classList.toggle("wb-long", next.crop?.aspect > MAX_BESIDE / 2);
    control.update(next);
    drawSaid();
  };
  // An error is about the text that was sent: it goes when the text changes.
  row.forgive = () => { row.isForgiven = true; row.notShort = ""; drawSaid(); };
  // Write a short form out; false, with a question at the field, if it means nothing.
  row.writeOut = () => {
    const { short } = row.field;
    const text = control.value();
    const whole = short ? writeOut(text, short) : text;
    if (whole === null) {
      row.notShort = labels[short.form === "day" ? "wholeDay" : "wholeTime"];
      drawSaid();
      return false;
    }
    if (whole !== text) { control.fill(whole); row.forgive(); onInput(row); }
    return true;
  };
  row.blame = () => { row.isForgiven = false; };
  row.value = control.value;
  row.fill = control.fill;
  row.sign = control.sign;
  row.pick = control.pick ?? (() => false);
  row.has = control.has ?? (() => false);
  row.isLast = control.isLast ?? (() => false);
  row.isNumbered = control.isNumbered ?? (() => false);
  row.isEmpty = control.isEmpty;
  row.focusable = control.focusable;
  row.typing = control.typing ?? control.focusable;
  row.texts = control.texts;
  row.chosenText = control.chosenText;
  row.update(field);
  control.fill(field.value);
  return row;
}

// Which fields need the width of two columns: long ink, much to choose from, and every note.
function isWide({ kind, crop, options }) {
  const letters = (options ?? []).reduce((sum, { label }) => sum + label.length + 4, 0);
  return kind === "area" || crop?.aspect > MAX_BESIDE || letters > MAX_OPTION_LETTERS;
}

function readingLine(reading, labels) {
  const parts = reading.map(({ text, doubt }) => make("span", doubt ? "wb-doubt" : "", {}, text));
  return make("p", "wb-reading", {}, `${labels.readAs} `, ...parts);
}

// Text of one line or several. "-" and "?" are the signs of an empty and an illegible field.
function textControl(row, id) {
  const isArea = row.kind === "area";
  const input = make(isArea ? "textarea" : "input", "wb-input", { id, autocomplete: "off", spellcheck: isArea ? null : "false", type: isArea ? null : "text" });
  return {
    element: input,
    update(field) {
      setAttribute(input, "placeholder", field.placeholder);
      setAttribute(input, "maxlength", field.maxlength ?? MAX_TYPED);
      if (isArea) input.style.setProperty("--wb-lines", `${Math.max(3, field.lines || 3) * LINE_REM + 0.7}rem`);
      if (isArea) input.style.setProperty("--wb-rows", field.lines || 3);
    },
    value: () => input.value,
    fill(value) { if (input.value !== String(value ?? "")) input.value = value ?? ""; },
    sign(sign) { input.value = sign; return true; },
    isEmpty: () => !input.value.trim(),
    focusable: () => input,
    texts: () => [input.value],
    chosenText: () => "",
  };
}

// What belongs or not, is as planned or not.
function tickControl(id) {
  const input = make("input", "wb-tick", { id, type: "checkbox" });
  const text = make("span", "wb-ticked");
  return {
    element: make("label", "wb-ticks", { for: id }, input, text),
    update: (field) => setText(text, field.text ?? ""),
    value: () => input.checked,
    fill(value) { input.checked = Boolean(value); },
    sign: () => false,
    isEmpty: () => false,
    focusable: () => input,
    texts: () => [],
    chosenText: () => "",
  };
}

// Options as segments. In a second review another value may be typed: what is typed counts, so a
// choice takes it away, and typing takes the choice away.
function choiceControl(row, id, labels) {
  const isSecond = row.kind === "second";
  const group = make("div", "wb-input wb-segments", { role: "radiogroup", "aria-labelledby": `${id}-label` });
  const other = make("input", "wb-other", { type: "text", autocomplete: "off", spellcheck: "false", maxlength: MAX_TYPED });
  const element = make("div", "wb-choice", {}, group, isSecond ? other : null);
  const radios = () => [...group.querySelectorAll("input")];
  // Where a value may be one digit, a digit is the value and no option's number.
  const isNumbered = () => !(row.field.typed && row.field.options?.some((option) => /^\d$/.test(option.label)));
  const index = () => radios().findIndex((radio) => radio.checked);

  function draw(options) {
    const before = index();
    const isDrawn = redraw(group, options, () => options.map((option, place) => segment(option, place)));
    if (isDrawn && before >= 0) check(before);
  }
  function segment(option, place) {
    const radio = make("input", "", { type: "radio", name: id, id: `${id}-${place}`, value: place });
    return make("label", "wb-segment", { for: radio.id }, radio, make("span", "", {}, option.label));
  }
  function check(place) {
    radios().forEach((radio, at) => { radio.checked = at === place; });
  }
  function pick(place) {
    if (place < 0 || !radios()[place]) return false;
    check(place);
    other.value = "";
    return true;
  }
  return {
    element,
    update(field) {
      other.hidden = !field.typed;
      group.classList.toggle("wb-unnumbered", !isNumbered());
      setAttribute(other, "placeholder", labels.other);
      setAttribute(other, "aria-label", `${field.label}: ${labels.other}`);
      draw(field.options ?? []);
    },
    changed(part) {
      if (part === other) check(other.value ? -1 : index());
      else other.value = "";
    },
    value: () => (isSecond ? { choice: index(), other: other.value } : index()),
    fill(value) {
      const given = isSecond ? (value ?? { choice: -1, other: "" }) : { choice: value ?? -1, other: "" };
      check(given.choice);
      other.value = given.other ?? "";
    },
    has: (place) => Boolean(radios()[place]),
    isLast: () => document.activeElement === radios().at(-1),
    isNumbered,
    sign: (sign) => pick(radios().length - (sign === "?" ? 1 : 2)),
    pick,
    isEmpty: () => index() < 0 && !other.value.trim(),
    // Where something was typed, the text; else the choice, or the first option.
    focusable: () => (other.value ? other : (radios()[index()] ?? radios()[0] ?? other)),
    typing: () => other,
    texts: () => [other.value],
    chosenText: () => row.field.options?.[index()]?.label ?? "",
  };
}
