// A question of the server, at the field that caused it: options, a reason, a name, a list. Enter goes
// from part to part, and after the last one saves.
const CORRECT = "correct";

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
    parts = {
      choice: given.choices?.length ? make("div", "wb-options", { role: "radiogroup", "aria-label": given.title }, ...given.choices.map(option)) : null,
      why: given.why ? textPart("wb-question-why", given.why) : null,
      select: given.select ? listPart("wb-question-select", given.select) : null,
      name: given.name ? textPart("wb-question-name", given.name) : null,
    };
    return [
      make("legend", "", {}, given.title),
      ...(given.lines ?? []).map((line) => make("p", "", {}, line)),
      ...Object.values(parts),
    ];
  }

  const option = ({ value, label }, place) => make("label", "wb-option", { for: `wb-question-${place}` },
    make("input", "", { type: "radio", name: "wb-question", id: `wb-question-${place}`, value }), make("span", "", {}, label));

  const steps = () => [radios().find((radio) => radio.checked) ?? radios()[0], ...["why", "select", "name"].map((name) => parts[name]?.querySelector("input, select"))].filter(Boolean);
  const radios = () => [...(parts.choice?.querySelectorAll("input") ?? [])];
  const textOf = (name) => parts[name]?.querySelector("input, select")?.value ?? "";
  const placeOf = (element) => steps().findIndex((step) => step === element || (step.type === "radio" && element.name === step.name));

  // "Correct the number" saves nothing: it leads back to the field.
  question.corrects = (element) => element?.type === "radio" && (radios().find((radio) => radio.checked) ?? element).value === CORRECT;
  question.first = () => steps()[0] ?? null;
  question.beside = (element, step) => steps()[placeOf(element) + step] ?? null;
  question.pick = (place) => {
    const radio = radios()[place];
    if (!radio) return false;
    radio.checked = true;
    radio.focus();
    return true;
  };
  question.answer = () => (question.given
    ? { choice: radios().find((radio) => radio.checked)?.value ?? "", why: textOf("why"), outside: textOf("select"), name: textOf("name") }
    : null);
  return question;
}

const textPart = (id, { label, max }) => make("div", "wb-part", {}, make("label", "", { for: id }, label),
  make("input", "", { id, type: "text", autocomplete: "off", maxlength: max }));

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
