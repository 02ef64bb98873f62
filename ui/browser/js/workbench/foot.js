// What stands below the fields: what is folded or settled, a tick, another box, and the buttons.
function makeBelow(act) {
  const folded = make("div", "wb-folds");
  const settled = make("div", "wb-settles");
  const tick = make("input", "", { type: "checkbox", id: "wb-look" });
  const tickText = make("span");
  const look = make("label", "wb-look", { for: "wb-look" }, tick, tickText);
  const add = make("div", "wb-add");
  const hidden = make("div", "wb-hidden-client");
  return {
    elements: [folded, look, add, settled, hidden],
    tick,
    look,
    list: () => add.querySelector("select"),
    summary: () => settled.querySelector("summary"),
    handOver: () => hidden.querySelector("button"),
    show(card, isNew) {
      redraw(folded, card.folded, (all) => (all ?? []).map(foldedPart));
      redraw(settled, card.settled, (given) => (given ? [settledPart(given)] : []));
      look.hidden = !card.look;
      setText(tickText, card.look?.text ?? "");
      if (isNew) tick.checked = false;
      redraw(add, card.add, (given) => (given ? addPart(given, act) : []));
      redraw(hidden, card.hidden, (given) => (given ? hiddenPart(given, act) : []));
      for (const part of [folded, settled, add, hidden]) part.hidden = !part.childElementCount;
    },
  };
}

function foldedPart({ title, items }) {
  const lines = items.map(({ label, text, crop }) => {
    const piece = crop ? make("div", "wb-crop") : null;
    if (piece) drawCrop(piece, crop);
    return make("li", "", {}, piece, make("span", "", {}, label), make("b", "", {}, text));
  });
  return make("section", "wb-folded", {}, make("p", "", {}, title), make("ul", "", {}, ...lines));
}

const settledPart = ({ title, items }) => make("details", "wb-settled", {}, make("summary", "", {}, title),
  make("dl", "", {}, ...items.flatMap(({ label, text }) => [make("dt", "", {}, label), make("dd", "", {}, text)])));

function addPart(given, act) {
  const part = listPart("wb-add", given);
  part.querySelector("select").addEventListener("change", (event) => {
    if (event.target.value) act("add", { name: event.target.value });
  });
  return [part];
}

function hiddenPart(given, act) {
  const hand = button("wb-hand-over", given.do, "Ctrl+Enter");
  hand.addEventListener("click", () => act("hand_over"));
  return [make("h2", "", {}, given.title), make("p", "", {}, given.text), hand];
}

// The buttons: what is done most comes first, the rest stands quietly after it.
function makeBar(act) {
  const saving = make("span", "wb-saving", { role: "status" });
  const actions = make("span", "wb-actions");
  const count = make("span", "wb-count", { role: "status" });
  const root = make("div", "wb-bar", { role: "group" });
  const named = {};
  for (const [name, key] of [["save", "Ctrl+Enter"], ["skip", "Alt+S"], ["reject", "Alt+A"], ["undo", "Alt+Z"], ["unfold", "Alt+O"]]) {
    named[name] = button(`wb-${name}`, "", key, { title: key });
    named[name].addEventListener("click", () => act(name));
  }
  root.append(named.save, count, named.skip, named.reject, named.undo, named.unfold, actions);
  // A press with the mouse leaves the keyboard in the field.
  root.addEventListener("mousedown", (event) => event.preventDefault());
  return {
    root,
    saving,
    named,
    // `isMore`: there are ticked fields to turn to; `unseen` have not been seen, `ticked` are ticked.
    show(card, { labels, canUndo, isMore, unseen, ticked }) {
      setAttribute(root, "aria-label", labels.bar);
      for (const name of ["save", "skip", "reject", "undo"]) setText(named[name].firstChild, card.words?.[name] ?? labels[name]);
      if (ticked && card.words?.rest) setText(named.save.firstChild, card.words.rest);
      if (isMore && card.words?.more) setText(named.save.firstChild, card.words.more);
      setText(count, [[card.words?.count, ticked], [unseen ? card.words?.unseen : "", unseen]].filter(([text]) => text).map(([text, number]) => text.replace("#", number)).join(" · "));
      setText(named.unfold.firstChild, card.unfold ?? "");
      const asks = isRejection(card.question);
      if (asks) [["save", "do"], ["reject", "back"]].forEach(([name, text]) => setText(named[name].firstChild, card.question[text]));
      for (const part of [named.skip, actions]) part.hidden = asks;
      named.save.hidden = Boolean(card.hidden);
      named.reject.hidden = Boolean(card.hidden || card.mode);
      named.undo.hidden = !canUndo;
      named.unfold.hidden = !card.unfold || asks;
      redraw(actions, card.actions, (all) => (all ?? []).map((action) => {
        const press = button("wb-action", action.label, action.key, { "data-kind": action.kind, title: action.key });
        press.addEventListener("click", () => act("open", { what: action.kind }));
        return press;
      }));
    },
    say: (text) => setText(saving, text),
  };
}
