// A note's words: what else may be written where the machine doubts (Alt+1 to Alt+4) with its ink, and
// how a long word goes on (→). CARE_WORDS are the words of care that come with the program.
const MIN_TYPED = 3;
const MIN_LEFT = 2;
const CROP_MARGIN = 0.006;
const capitalised = (word) => word[0].toUpperCase() + word.slice(1);

// A word in the case of the one it replaces, with the marks around that.
function asWritten(before, word) {
  const [, lead, core, trail] = /^(\P{L}*)(.*?)(\P{L}*)$/u.exec(before);
  const isCapitals = core.length > 1 && core === core.toUpperCase();
  const isCapital = core[0] !== core[0]?.toLowerCase();
  return lead + (isCapitals ? word.toUpperCase() : isCapital ? capitalised(word) : word) + trail;
}

// What is missing of the word before the caret; "" if it is no beginning of a known one. A capital within
// a sentence begins a name, which is not completed.
function restOfWord(text, at, known) {
  const [, before, typed] = /^(|[^]*?[\s("])(\p{L}+)$/u.exec(text.slice(0, at)) ?? [];
  if (!typed || typed.length < MIN_TYPED || /^\S/.test(text.slice(at))) return "";
  if (/^\p{Lu}/u.test(typed) && !/(^|[.!?:]\s+|\n\s*)$/.test(before)) return "";
  const isNext = (word) => word.length >= typed.length + MIN_LEFT && word.startsWith(typed.toLowerCase());
  const word = known.find(isNext) ?? CARE_WORDS.filter(isNext).sort((a, b) => a.length - b.length)[0];
  return word?.slice(typed.length) ?? "";
}

function makeWords(bench) {
  const ink = make("div", "wb-crop");
  const choices = make("div", "wb-alternatives", { "aria-live": "polite" });
  const root = make("div", "wb-words", {}, ink, choices);
  const [typed, rest] = [make("span"), make("span", "wb-rest")];
  const ghost = make("div", "wb-ghost", { "aria-hidden": "true" }, typed, rest);
  let [row, word, offered] = [null, null, []];
  // The keyboard stays in the note.
  root.addEventListener("mousedown", (event) => event.preventDefault());
  choices.addEventListener("click", ({ target }) => choose([...choices.children].indexOf(target.closest("button"))));

  function showInk([page, x, y, w, h]) {
    const sheet = bench.card.pages[page];
    const [left, width] = [Math.max(0, x - CROP_MARGIN), w + 2 * CROP_MARGIN];
    drawCrop(ink, { image: sheet.image, x: left, y, w: width, h, aspect: width / (h * sheet.aspect), label: bench.data.labels.sheet });
  }

  // The word at the caret, if the machine doubts it and nobody has changed it.
  function show(area) {
    const { words } = row?.field ?? {};
    const at = words && row.focusable() === area ? wordAt(area, words.words) : null;
    word = at && isDoubtful(at, words) && area.selectionStart <= at.end ? at : null;
    offered = word ? words.alternatives[word.index] : [];
    root.classList.toggle("wb-has-word", Boolean(word));
    if (word) showInk(words.places[word.index]);
    redraw(choices, offered, () => offered.map((text, place) => button("wb-alternative", asWritten(word.text, text), `Alt+${place + 1}`, { tabindex: -1 })));
    if (rest.textContent && (area.value.slice(0, area.selectionEnd) !== typed.textContent || area.selectionStart !== area.selectionEnd)) forget();
  }

  function forget() { typed.textContent = rest.textContent = ""; }

  // Each replacement is a step of its own to undo.
  function replace(area, text, from, to) {
    if (!bench.change(row, () => { area.setRangeText(text, from, to, "end"); return true; })) return false;
    bench.undo.begin(area);
    return true;
  }

  // The alternative takes the word's place, and the next doubtful word is selected.
  function choose(place) {
    const area = row?.focusable();
    if (!offered[place] || !replace(area, asWritten(word.text, offered[place]), word.start, word.end)) return;
    const { words } = row.field;
    if (!nextDoubtful(area, words, 1, false)) forget();
    bench.picture.followWord(area);
    show(area);
  }

  return {
    show,
    choose,
    // `next` is the row of a note that is worked on, null for any other.
    follow(next) {
      if (row === next) return;
      row = next;
      word = null;
      offered = [];
      forget();
      root.classList.remove("wb-has-word");
      if (!row) return root.remove();
      if (row.field.words?.doubtful.some(Boolean) && root.parentElement !== row.element) row.element.append(root);
      if (!row.field.blind) row.focusable().after(ghost);
    },
    // The rest of a word that is being typed.
    suggest(area, { inputType }) {
      forget();
      if (inputType !== "insertText" || area !== row?.focusable() || row.field.blind || area.selectionStart !== area.selectionEnd) return;
      const end = restOfWord(area.value, area.selectionEnd, row.field.words?.known ?? []);
      if (!end) return;
      const look = getComputedStyle(area);
      for (const name of ["fontSize", "lineHeight", "padding"]) ghost.style[name] = look[name];
      typed.textContent = area.value.slice(0, area.selectionEnd);
      rest.textContent = end;
      ghost.scrollTop = area.scrollTop;
    },
    complete(area) {
      return Boolean(rest.textContent) && area === row?.focusable() && replace(area, rest.textContent, area.selectionEnd, area.selectionEnd) && (forget(), true);
    },
  };
}
