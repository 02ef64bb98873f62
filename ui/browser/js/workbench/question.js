// A question of the server, at the field that caused it: options, a reason, a name, a list. Enter goes
// from part to part, and after the last one saves.
const CORRECT = "correct";
const PART_INPUT = "input, select, textarea";

// Why an entry is rejected is asked in place of its fields.
const isRejection = (given) => given?.kind === "reject";

function makeQuestion() {
  const root = make("fieldset", "wb-question");
  const question = { root, given: null, key: "" };
  let parts = {};

  question.show = (given, key) => {
    question.given = given;
    root.hidden = !given;
    const isNew = redraw(root, [given, key], () => (given ? draw(given) : []));
    if (isNew && !given) parts = {};
  };

  function draw(given) {
    const more = make("div", "wb-parts");
    const drawn = new Map(); // what is typed for one answer is there again after another was looked at
    const showParts = (of) => {
      if (!drawn.has(of)) drawn.set(of, partsOf(of));
      Object.assign(parts, drawn.get(of));
      more.replaceChildren(...Object.values(drawn.get(of)).filter(Boolean));
    };
    parts = { choice: given.choices?.length ? make("div", "wb-options", { role: "radiogroup", "aria-label": given.title }, ...given.choices.map(option)) : null };
    showParts(given);
    // What a reason for rejecting needs is asked with it.
    if (isRejection(given)) parts.choice.addEventListener("change", () => showParts(given.choices[radios().findIndex((radio) => radio.checked)]));
    return [
      make("legend", "", {}, given.title),
      ...(given.lines ?? []).map((line) => make("p", "", {}, line)),
      parts.choice,
      more,
    ];
  }

  const partsOf = ({ why, select, name }) => ({
    select: select ? listPart("wb-question-select", select) : null,
    why: why ? textPart("wb-question-why", why) : null,
    name: name ? textPart("wb-question-name", name) : null,
  });

  const option = ({ value, label }, place) => make("label", "wb-option", { for: `wb-question-${place}` },
    make("input", "", { type: "radio", name: "wb-question", id: `wb-question-${place}`, value }), make("span", "", {}, label));

  const steps = () => [radios().find((radio) => radio.checked) ?? radios()[0], ...["select", "why", "name"].map((name) => parts[name]?.querySelector(PART_INPUT))].filter(Boolean);
  const radios = () => [...(parts.choice?.querySelectorAll("input") ?? [])];
  const textOf = (name) => parts[name]?.querySelector(PART_INPUT)?.value ?? "";
  const placeOf = (element) => steps().findIndex((step) => step === element || (step.type === "radio" && element.name === step.name));

  // "Correct the number" saves nothing: it leads back to the field.
  question.corrects = (element) => element?.type === "radio" && (radios().find((radio) => radio.checked) ?? element).value === CORRECT;
  question.first = () => steps()[0] ?? null;
  question.beside = (element, step) => steps()[placeOf(element) + step] ?? null;
  question.pick = (place) => {
    const radio = radios()[place];
    if (!radio) return false;
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    radio.focus();
    return true;
  };
  question.answer = () => (question.given
    ? { choice: radios().find((radio) => radio.checked)?.value ?? "", why: textOf("why"), outside: textOf("select"), name: textOf("name") }
    : null);
  return question;
}

function textPart(id, { label, max, lines, value }) {
  const input = make(lines ? "textarea" : "input", "", { id, type: lines ? null : "text", rows: lines, autocomplete: "off", maxlength: max });
  input.value = value ?? "";
  return make("div", "wb-part", {}, make("label", "", { for: id }, label), input);
}

function noOption(placeholder) {
  const option = make("option", "", {}, placeholder ?? "");
  option.value = "";
  return option;
}

function listPart(id, { label, placeholder, options }) {
  const list = make("select", "", { id }, noOption(placeholder),
    ...options.map((option) => make("option", "", { value: option.value }, option.label)));
  return make("div", "wb-part", {}, make("label", "", { for: id }, label), list);
}
