// Keys and focus. The focus is in a field whenever the user types; the mouse does all the same.
const DIALOGS = "[role='dialog'], [data-testid='stDialog'], [data-testid='stPopoverBody'], [data-baseweb='popover']";
const TYPED_IN = "input, textarea, select, [contenteditable='true']";

// Where a key is pressed: "bench", "lost" (the page itself has the focus), "outside" (a button of
// Streamlit's), or "elsewhere" (a dialog or an input outside, which keeps its keys).
function placeOf(root, element) {
  if (root.contains(element)) return "bench";
  if (document.querySelector("[data-testid='stDialog']") || element?.closest?.(`${DIALOGS}, ${TYPED_IN}`)) return "elsewhere";
  const isPage = !element || element === document.body || element === document.documentElement || element.tagName === "SECTION" || element.contains(root);
  return isPage ? "lost" : "outside";
}

function letterOf(event) {
  if (event.key.length > 1) return event.key;
  const letter = event.key.toLowerCase();
  // Some keyboards write another sign with Alt.
  return /^[\x20-\x7e]$/.test(letter) || !/^Key[A-Z]$/.test(event.code) ? letter : event.code.slice(3).toLowerCase();
}

function makeKeys(bench) {
  const { fields, picture, question, below, bar, undo, words } = bench;
  // The digit that has just chosen an option, and where: what is typed right after it belongs to it.
  let [picked, before] = [{}, {}];
  const isMeant = (event) => !event.isComposing && event.keyCode !== 229 && !event.getModifierState?.("AltGraph");

  function onKey(event) {
    if (!isMeant(event) || !bench.card) return;
    const place = placeOf(bench.root, document.activeElement);
    if (place === "elsewhere") return;
    if (/^(Control|Alt|Shift|Meta|AltGraph)$/.test(event.key)) return;
    [before, picked] = [picked, {}];
    if (place === "lost") {
      bench.returnFocus();
      // The key that brings the focus back does not leave the field at once.
      if (["Tab", "Enter"].includes(event.key) && !event.ctrlKey) return take(event);
    }
    if (command(event) || (bench.root.contains(document.activeElement) && inBench(event, document.activeElement))) take(event);
  }

  function take(event) {
    event.preventDefault();
    event.stopPropagation();
  }

  // Keys that work wherever the focus is.
  function command(event) {
    if (event.ctrlKey && !event.altKey && event.key === "Enter") {
      if (!event.repeat) bench.act(bench.card.hidden ? "hand_over" : "save");
      return true;
    }
    // What is left by its own word or action, unless the key closes something of Streamlit's first.
    const { words: own, escape } = bench.card;
    if (event.key === "Escape" && (own?.skip || escape) && !document.querySelector(POPOVER)) {
      return event.repeat || (bench.act(...(escape ? ["open", { what: escape }] : ["skip"])) ?? true);
    }
    if (isRejection(question.given)) return event.altKey && whileRejecting(letterOf(event));
    if (event.ctrlKey && !event.altKey && ["ArrowDown", "ArrowUp"].includes(event.key)) return step(event.key === "ArrowDown" ? 1 : -1);
    if (event.key === "F8" && !event.ctrlKey && !event.altKey) return toDoubtful(event.shiftKey ? -1 : 1);
    return event.altKey && !event.ctrlKey && !event.metaKey && withAlt(event, letterOf(event));
  }

  // The fields are away: only the sheet can be moved, and the reason be left.
  function whileRejecting(letter) {
    if (letter !== "a") return picture.press(letter);
    bench.act("reject");
    return true;
  }

  function withAlt(event, letter) {
    const [, digit] = /^Digit([1-4])$/.exec(event.code) ?? [];
    if (digit && document.activeElement?.tagName === "TEXTAREA") {
      if (!event.repeat) words.choose(Number(digit) - 1);
      return true;
    }
    const named = { s: "skip", a: "reject", z: "undo", o: "unfold" }[letter];
    if (named) {
      if (!event.repeat && !bar.named[named].hidden) bench.act(named);
      return true;
    }
    const action = bench.card.actions?.find((each) => each.key?.toLowerCase() === `alt+${letter}`);
    if (action) {
      if (!event.repeat) bench.act("open", { what: action.kind });
      return true;
    }
    if (letter === "t" && event.shiftKey) return event.repeat || bench.emptyRest();
    if (letter === "t" || letter === "i") return answerWith(letter === "t" ? "-" : "?");
    if (picture.press(letter)) return true;
    bench.sendDraft(); // the key may be one of Streamlit's, which runs the server
    return letter === "h" && openKeyList();
  }

  // A popover of Streamlit's has no shortcut.
  function openKeyList() {
    const button = document.querySelector(".st-key-keyboard_help button");
    button?.click();
    return Boolean(button);
  }

  function answerWith(sign) {
    const row = fields.at(document.activeElement) ?? fields.now;
    if (!row || !bench.change(row, () => row.sign(sign))) return false;
    bench.goOn(row);
    return true;
  }

  // The next doubtful word of the note, or the one before. Nothing to find is no key of the browser's.
  function toDoubtful(step) {
    const area = document.activeElement;
    const read = fields.at(area)?.field.words;
    if (!read || area.tagName !== "TEXTAREA") return false;
    nextDoubtful(area, read, step);
    picture.followWord(area);
    words.show(area);
    return true;
  }

  // All places in order, also those that need nobody.
  function step(by) {
    const stops = [...fields.rows, below.look.hidden ? null : below.tick, below.list(), below.summary(), bar.named.save].filter(Boolean);
    const row = fields.at(document.activeElement);
    const at = stops.indexOf(row ?? document.activeElement);
    const stop = stops[Math.max(0, Math.min(stops.length - 1, at + by))];
    return fields.rows.includes(stop) ? bench.focusRow(stop) : bench.focus(stop);
  }

  // Ctrl+Z, and Ctrl+Y or Ctrl+Shift+Z: in the field that has the focus and in no other.
  function undoStep(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return 0;
    const letter = letterOf(event);
    if (letter === "y") return event.shiftKey ? 0 : 1;
    if (letter !== "z") return 0;
    return event.shiftKey ? 1 : -1;
  }

  function inBench(event, target) {
    const by = undoStep(event);
    if (by) {
      if (!bench.isBusy) undo.step(target, by);
      return true;
    }
    if (event.ctrlKey || event.altKey || event.metaKey) return false;
    if (question.root.contains(target)) return inQuestion(event, target);
    const row = fields.at(target);
    if (acrossDays(event, target)) return true;
    if (row) return inField(event, target, row);
    if (target === below.tick) return inTick(event);
    if (target === picture.pane && picture.drawWithKey(event)) return true;
    if (event.key === "Tab" && event.shiftKey && target === bar.named.save) return bench.goBack(null);
    return event.key === "Enter" && event.repeat; // a held key presses no button again
  }

  // Arrow keys go from tick to tick, as they lie on the screen.
  function toTick(event, row) {
    const ticks = fields.ticks();
    const below = ticks.findIndex(({ element }) => element.offsetTop > ticks[0].element.offsetTop);
    const [at, across] = [ticks.indexOf(row), below < 0 ? ticks.length : below];
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + across, ArrowUp: at - across, Home: 0, End: ticks.length }[event.key];
    return to !== undefined && bench.focusRow(ticks[Math.max(0, Math.min(ticks.length - 1, to))]);
  }

  function acrossDays(event, target) {
    const to = !event.shiftKey && fields.across(event.key, target);
    return Boolean(to) && (to.element ? bench.focusRow(to) : bench.focus(to));
  }

  function inField(event, target, row) {
    // In a note that one writes in, Enter begins a line; one that was only read is left.
    if (event.key === "Enter" && !(target.tagName === "TEXTAREA" && bench.isChanged(row))) {
      if (!event.repeat) bench.goOn(row);
      return true;
    }
    if (event.key === "Tab") return event.shiftKey ? bench.goBack(row) : bench.goOn(row);
    if (row.kind === "tick") return toTick(event, row);
    if (event.key === "ArrowRight" && !event.shiftKey && words.complete(target)) return true;
    if (target.type !== "radio") return false;
    if (event.key === "-" || event.key === "?") return bench.change(row, () => row.sign(event.key)) && bench.focusRow(row);
    if (row.field.typed && row.isLast() && /^Arrow(Down|Right)$/.test(event.key)) return bench.focus(row.typing());
    if (row.field.typed && startsTyping(event, row)) return false;
    if (row.isNumbered() && /^[1-9]$/.test(event.key)) return bench.change(row, () => row.pick(Number(event.key) - 1)) && pickedBy(event.key, row);
    return false;
  }

  function pickedBy(digit, row) {
    picked = { row, digit };
    return bench.focusRow(row);
  }

  // Another value is typed: a letter begins it, or a digit that is no option's number, or the second
  // sign of one: half a date is no choice.
  function startsTyping(event, row) {
    const isBegun = before.row === row && row.value().choice === Number(before.digit) - 1;
    if (!/^[\p{L}\p{N}]$/u.test(event.key) || (!isBegun && row.isNumbered() && row.has(Number(event.key) - 1))) return false;
    bench.focus(row.typing());
    if (isBegun) row.typing().value = before.digit;
    return true;
  }

  function inTick(event) {
    if (event.key === "Enter") {
      if (!event.repeat) { below.tick.checked = true; bench.focus(bar.named.save); }
      return true;
    }
    if (event.key !== "Tab") return false;
    if (event.shiftKey) return bench.goBack(null);
    return bench.focus(bar.named.save);
  }

  function inQuestion(event, target) {
    if (event.key === "Escape" && isRejection(question.given)) return bench.act("reject") ?? true;
    if (event.key === "Enter" && event.shiftKey && target.tagName === "TEXTAREA") return false; // a new line
    if (/^[1-9]$/.test(event.key) && target.type === "radio") return question.pick(Number(event.key) - 1);
    if (event.key === "Enter") {
      if (question.corrects(target)) return event.repeat || bench.correct();
      if (event.repeat || (target.tagName === "SELECT" && !target.value)) return event.repeat;
      const next = question.beside(target, 1);
      if (next) bench.focus(next);
      else bench.act("save");
      return true;
    }
    if (event.key !== "Tab") return false;
    const row = fields.named(question.given?.field);
    const next = question.beside(target, event.shiftKey ? -1 : 1);
    if (next) return bench.focus(next);
    if (isRejection(question.given)) return bench.focus(event.shiftKey ? question.first() : bar.named.save);
    return event.shiftKey ? bench.focusRow(row) : bench.goOn(row);
  }

  return { onKey };
}
