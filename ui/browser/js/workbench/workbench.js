// Granska: one entry on the screen and the next one ahead. Python keeps every rule and decides what is
// sent; here are focus, keys, drafts, and the moment at which the next entry is shown.
const DRAFT_MS = 600;
const MISSING_MS = 600;
const HOLD_MS = 4000;
const TAB_MS = 500;
const KEPT_ENTRIES = 6;
const POPOVER = "[data-testid='stPopoverBody']";
const LEAVES = new Set(["skip", "reject", "undo", "hand_over"]);

const keyOf = (card) => `${card.entry}-${card.revision}`;
const turnOf = (card) => `${keyOf(card)}-${card.attempt}`;

function makeBench(parent) {
  const bench = { card: null, ahead: null, data: null, isBusy: false, shownAt: 0, withdrawn: "", held: null };
  // What was typed, by entry and revision: it wins over what the server sends, and is kept if the
  // server brings the user back to the entry before.
  const memories = new Map();
  const timers = { draft: 0, missing: 0, held: 0, kept: 0 };
  const stop = new AbortController();
  let [saysNo, last, isPressed, tabbedAt] = [null, null, false, -Infinity];
  // The field that was changed since it got the focus, and the note whose caret no key has moved yet.
  let [changed, resting] = ["", null];
  // What the last press of a key has said to be empty.
  let emptied = [];

  const act = (kind, extra) => bench.act(kind, extra);
  const picture = makePicture((box) => act("draw", { box }));
  const head = makeHead();
  const followRow = (row) => {
    const note = row?.kind === "area" ? row : null;
    words.follow(note);
    picture.follow(row?.field ?? null, note?.focusable() ?? null);
  };
  const fields = makeFields({ onInput, onNow: followRow, onAdd: (name) => bench.act("add", { name }) });
  const question = makeQuestion();
  const below = makeBelow(act);
  const bar = makeBar(act);
  const undo = makeUndo();
  const words = makeWords(bench);
  const says = makeSays();
  const seen = makeSeen(fields.scroller, () => bench.card && drawBar());
  const outbox = makeOutbox(showUnderWay);
  const tabs = makeTabs((isTwice) => head.warn(isTwice ? bench.data.labels.tabs : ""));
  let kept = "unread";
  const side = make("div", "wb-side", {}, head.root, fields.scroller, make("div", "wb-above-bar", {}, says.root, bar.saving), bar.root);
  const root = make("div", "wb", {}, picture.root, side);
  Object.assign(bench, { root, fields, picture, question, below, bar, undo, words });
  parent.append(root);

  // --- what the server says ---

  bench.receive = (data, send) => {
    bench.data = data;
    bench.send = send;
    outbox.send = (message) => send("act", message);
    outbox.hear(data.heard, data.kept);
    if (data.unsent && kept === "unread") return readKept(data.unsent);
    if (kept === "reading") return; // what is read shows what has come meanwhile
    // What was said before the workbench came up again is old.
    if (saysNo !== null && data.saysNo !== saysNo) says.say(data.says);
    saysNo = data.saysNo;
    picture.name(data.labels);
    tabs.show(data.unsent?.owner);
    const waiting = outbox.next();
    // What waits is for the entry that the server has now, or it is void: the entry before was refused.
    if (waiting && waiting.kind !== "again" && !outbox.underWay && waiting.entry !== data.now?.entry) dropWaiting();
    if (outbox.underWay || outbox.next()) meanwhile(data);
    else settle(data);
  };

  // What an earlier window has sent and got no answer to: what was typed is in the fields again, and
  // saves are sent again before anything else.
  function readKept(unsent) {
    kept = "reading";
    outbox.unsent = makeUnsent(unsent, (count) => setAttribute(root, "data-kept", count || null));
    const late = new Promise((done) => { timers.kept = setTimeout(() => done([]), HOLD_MS); });
    Promise.race([outbox.unsent.list(), late]).then((messages) => {
      if (stop.signal.aborted) return;
      kept = "read";
      for (const { entry, revision, kind, values } of messages ?? []) {
        const memory = memoryOf({ entry, revision });
        for (const [name, value] of Object.entries(values)) memory.values.set(name, value);
        memory.isDirty = kind === "draft";
      }
      bench.receive(bench.data, bench.send);
      const saves = (messages ?? []).filter(({ kind }) => kind !== "draft");
      for (const save of saves) outbox.post({ ...save, kind: "again" });
      if (saves.length) setBusy(true);
    });
  }

  // The server has yet to deal with a message: what it shows may be older than what the user sees.
  function meanwhile(data) {
    if (bench.card && data.now && turnOf(data.now) === turnOf(bench.card)) {
      bench.ahead = data.ahead;
      show(data.now);
      advanceLate();
    }
    outbox.pump();
  }

  function settle(data) {
    const before = bench.card;
    setBusy(false);
    releaseClick();
    bench.ahead = data.ahead;
    if (!data.now) return showNothing();
    if (before && keyOf(before) !== keyOf(data.now) && before.entry !== data.ahead?.entry && data.now.attempt === 0) memories.delete(keyOf(before));
    show(data.now);
  }

  function dropWaiting() {
    for (const { entry, revision } of outbox.queue) memoryOf({ entry, revision }).isDirty = true;
    outbox.drop();
  }

  // A save that waited behind the one before: the next entry has arrived in the meantime.
  function advanceLate() {
    const message = outbox.next();
    if (message?.kind !== "save" || outbox.underWay || message.entry !== bench.card.entry || !canAdvance()) return;
    message.advanced = bench.ahead.entry;
    advance();
  }

  // --- what is on the screen ---

  function memoryOf(card) {
    const key = keyOf(card);
    if (!memories.has(key)) memories.set(key, { values: new Map(), passed: new Set(), isDirty: false });
    for (const old of [...memories.keys()].slice(0, -KEPT_ENTRIES)) if (old !== key) memories.delete(old);
    return memories.get(key);
  }

  function show(card) {
    const isNew = !bench.card || turnOf(bench.card) !== turnOf(card);
    writeOutNumbers(card);
    // Who has scrolled to another place stays there.
    const follows = !isNew && fields.now && fields.isInSight(fields.now.element);
    bench.card = card;
    if (isNew) { bench.withdrawn = ""; clearTimeout(timers.draft); }
    draw(card, isNew);
    if (isNew) begin(card);
    else if (follows) bringNow();
    if (!isNew) followRow(fields.now);
  }

  // The server has written out the last digits of a number, unless it has been changed meanwhile.
  function writeOutNumbers(card) {
    const { values } = memoryOf(card);
    for (const [name, [short, whole]] of Object.entries(card.completed ?? {})) if (values.get(name)?.trim() === short) values.set(name, whole);
  }

  function begin(card) {
    // Why the entry is rejected is asked of who has already looked at it.
    if (!isRejection(card.question)) bench.shownAt = performance.now();
    changed = "";
    emptied = [];
    fields.scroller.scrollTop = 0;
    focusStart();
    if (memoryOf(card).isDirty) planDraft();
    clearTimeout(timers.missing);
    timers.missing = setTimeout(() => {
      if (bench.card && turnOf(bench.card) === turnOf(card) && !(picture.isComplete() && fields.hasInk())) post("missing");
    }, MISSING_MS);
  }

  function draw(card, isNew) {
    const { labels } = bench.data;
    const [key, memory] = [keyOf(card), memoryOf(card)];
    root.hidden = false;
    setAttribute(root, "data-entry", card.entry);
    setAttribute(root, "data-turn", turnOf(card));
    root.dataset.ahead = bench.ahead?.entry ?? "";
    root.classList.toggle("wb-rejecting", isRejection(card.question));
    root.classList.toggle("wb-tiled", card.layout === "tiles");
    root.classList.toggle("wb-lined", card.layout === "lines");
    root.classList.toggle("wb-paperless", Boolean(card.mode && !card.pages.length));
    root.classList.toggle("wb-rowed", card.layout === "rows");
    root.classList.toggle("wb-gridded", Boolean(card.strips?.length));
    const asked = card.question && bench.withdrawn !== JSON.stringify(card.question) ? card.question : null;
    question.show(asked, turnOf(card));
    below.show(card, isNew);
    picture.show(card, isNew);
    fields.show(card, { key, labels, memory, isNew, question, others: below.elements });
    seen.show(key, card.mustSee ? fields.ticks() : []);
    drawHead();
    drawBar();
    fit();
  }

  const drawHead = () => head.show(bench.card, { key: keyOf(bench.card), isStale: isStale(), labels: bench.data.labels });

  const drawBar = () => bar.show(bench.card, {
    labels: bench.data.labels, canUndo: bench.data.undo, isMore: Boolean(seen.next()), unseen: seen.unseen().length, ticked: fields.ticks().filter((row) => row.value()).length,
  });

  function showNothing() {
    bench.card = null;
    root.hidden = true;
  }

  // "Not saved yet", as long as anything is unanswered.
  function showUnderWay() {
    root.dataset.underWay = outbox.underWay?.n ?? "";
    const isOpen = outbox.isOpen() || bench.isBusy;
    const isLate = Boolean(isOpen && outbox.underWay && outbox.resent);
    setAttribute(root, "data-late", isLate);
    bar.say(isOpen ? bench.data.labels[isLate ? "again" : "saving"] : "");
  }

  // The bench fills the window below what Streamlit draws above it.
  function fit() {
    const top = root.getBoundingClientRect().top + (root.closest("[data-testid='stMain']")?.scrollTop ?? window.scrollY);
    root.style.setProperty("--wb-top", `${Math.max(0, Math.round(top))}px`);
  }

  function bringNow() {
    const active = document.activeElement;
    const isAsked = question.root.contains(active);
    const whole = isAsked ? question.root : fields.now?.element;
    fields.bring(whole);
    // In a low window the whole may be taller than the view: the part with the focus comes first.
    if (whole?.contains(active)) fields.bring(active.closest(".wb-option, .wb-part, .wb-segment") ?? active);
  }

  // --- the client ---

  const clientRows = () => fields.rows.filter((row) => row.field.client);
  const isNumber = (text, number) => numberOf(text) !== "" && numberOf(text) === numberOf(number ?? "");

  // A client on the screen who is not the one of the number that is typed would be a trap.
  function isStale() {
    const { banner } = bench.card;
    const rows = clientRows().filter((row) => memoryOf(bench.card).values.has(row.name));
    if (banner.kind !== "clients") return false;
    const typed = rows.flatMap((row) => (row.kind === "second" && !row.texts()[0] ? [] : row.texts()));
    if (!typed.length) return false;
    const numbers = [banner.number, ...banner.clients.map((client) => client.number)];
    const isShown = (text) => numbers.some((number) => isNumber(text, number));
    return !clientRows().some((row) => row.texts().some(isShown));
  }

  function isClientSeen() {
    const rows = clientRows();
    if (!rows.length) return true;
    const { banner } = bench.card;
    const isTyped = rows.some((row) => [...row.texts(), row.chosenText()].some((text) => isNumber(text, banner.number)));
    return banner.clear && isTyped && !isStale() && head.seenFor() >= bench.data.minView;
  }

  // --- what the user does ---

  function message(kind, extra = {}) {
    const { entry, revision } = bench.card;
    return { kind, entry, revision, values: Object.fromEntries(memoryOf(bench.card).values), ...extra };
  }

  function post(kind, extra) {
    clearTimeout(timers.draft);
    memoryOf(bench.card).isDirty = false;
    outbox.post(message(kind, extra));
  }

  bench.act = (kind, extra = {}) => {
    if (!bench.card || bench.isBusy) return;
    says.clear();
    if (kind === "save") return save();
    if (LEAVES.has(kind)) setBusy(true);
    post(kind, extra);
  };

  const seenFor = () => performance.now() - bench.shownAt;

  function save() {
    if (bench.card.hidden || seenFor() < bench.data.minView) return;
    if (question.corrects(question.first())) return bench.correct();
    if (turnPage()) return;
    const asked = isRejection(question.given) ? null : fields.rows.find((row) => !row.writeOut());
    if (asked) return bench.focusRow(asked);
    const goes = canAdvance();
    setBusy(true);
    post("save", {
      values: fields.values(), question: question.answer(), looked: below.tick.checked, advanced: goes ? bench.ahead.entry : null, seen: Math.round(seenFor()), clientSeen: isClientSeen(),
    });
    if (goes) advance();
  }

  // To what has not been in view yet; whether there is any.
  function turnPage() {
    if (bench.card.mustSee && !fields.hasInk()) return true;
    const next = seen.next();
    if (next) {
      bench.focusRow(next);
      fields.bringFirst(next.element);
    }
    return seen.unseen().length > 0;
  }

  function canAdvance() {
    const { card, ahead } = bench;
    if (!ahead || !card.canAdvance || card.question || card.attempt || card.hidden) return false;
    if (card.look && !below.tick.checked) return false;
    // The head of a sheet is in its next row as it was in this one.
    if (card.head?.some((name) => memoryOf(card).values.has(name))) return false;
    return fields.rows.every((row) => !row.hasError && fields.isAnswered(row)) && isClientSeen();
  }

  function advance() {
    const card = bench.ahead;
    bench.ahead = null;
    setBusy(false);
    show(card);
  }

  // While an answer is awaited the fields stay as they are.
  function setBusy(isBusy) {
    bench.isBusy = isBusy;
    setAttribute(root, "aria-busy", isBusy ? "true" : null);
    showUnderWay();
  }

  function onInput(row) {
    const memory = memoryOf(bench.card);
    memory.values.set(row.name, row.value());
    changed = row.name;
    fields.pass(row);
    memory.isDirty = true;
    if (row.name === question.given?.field && !isNumber(row.texts()[0] ?? "", question.given.number)) withdrawQuestion();
    if (row.kind === "tick") drawBar();
    if (!row.field.client) return planDraft();
    drawHead();
    if (isComplete(numberOf(row.texts()[0] ?? "")) && !isNumber(row.texts()[0], bench.card.banner.number)) bench.sendDraft();
    else planDraft();
  }

  function withdrawQuestion() {
    bench.withdrawn = JSON.stringify(bench.card.question);
    question.show(null, "");
  }

  function planDraft() {
    clearTimeout(timers.draft);
    timers.draft = setTimeout(() => bench.sendDraft(), DRAFT_MS);
  }

  // `left` is the field that the person has gone on from.
  bench.sendDraft = (extra = {}) => {
    if (bench.card && !bench.isBusy && memoryOf(bench.card).isDirty) post("draft", extra);
  };

  // A change by key, which the input does not report itself.
  bench.change = (row, run) => {
    if (bench.isBusy || !run()) return false;
    row.forgive();
    onInput(row);
    return true;
  };

  // What is pressed elsewhere may take the screen away, or end the run that saves: it waits for the
  // answer, but not for ever.
  function holdClick(event) {
    const pressed = event.target.closest?.("a[href], button, label, input");
    if (!pressed || root.contains(pressed) || !event.isTrusted || !(outbox.underWay || outbox.next())) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    bench.held = findAgain(pressed);
    timers.held = setTimeout(releaseClick, HOLD_MS);
  }

  // Who goes back by the browser goes when the draft has arrived.
  function holdBack(event) {
    const isAgain = bench.goesBack;
    bench.goesBack = false;
    if (isAgain || event.navigationType !== "traverse" || !event.cancelable) return;
    bench.sendDraft();
    if (!outbox.underWay) return;
    event.preventDefault();
    const { key } = event.destination;
    bench.held = () => ({ click() { bench.goesBack = true; window.navigation.traverseTo(key); } });
    timers.held = setTimeout(releaseClick, HOLD_MS);
  }

  function releaseClick() {
    clearTimeout(timers.held);
    const find = bench.held;
    bench.held = null;
    if (find) requestAnimationFrame(() => pressAgain(find));
  }

  // --- focus ---

  bench.focus = (element) => {
    if (!element) return true;
    if (document.activeElement === element) onFocus({ target: element });
    else element.focus({ preventScroll: true });
    return true;
  };

  bench.focusRow = (row) => {
    if (!row) return true;
    const input = row.focusable();
    const isFirst = document.activeElement !== input;
    bench.focus(input);
    if (isFirst && input.tagName === "TEXTAREA") restIn(input);
    else if (isFirst && input.type === "text") input.select();
    return true;
  };

  // A note is read from its beginning, and what is added stands at its end: the sheet stays where the
  // note begins until the caret is moved.
  function restIn(area) {
    resting = area;
    area.setSelectionRange(area.value.length, area.value.length);
    area.scrollTop = 0;
  }

  // The rest is empty: from here on all empty fields that ask and whose ink is in sight, up to the first
  // one that is not. The same key at once takes that back.
  bench.emptyRest = () => {
    if (bench.isBusy || !picture.isComplete()) return true; // a picture that is not there looks empty
    const takenBack = emptied;
    emptied = takenBack.length ? [] : fields.emptyInSight(fields.at(document.activeElement) ?? fields.now);
    for (const row of takenBack.length ? takenBack : emptied) {
      if (takenBack.length) row.fill(row.kind === "choice" ? -1 : "");
      else row.sign("-");
      row.forgive();
      onInput(row);
    }
    takenBack.forEach(fields.unpass);
    if (takenBack.length) return bench.focusRow(takenBack[0]);
    if (!emptied.length) return true;
    says.say({ text: bench.data.labels.emptied });
    return bench.goOn(emptied.at(-1));
  };

  bench.isChanged = (row) => changed === row.name;

  // On to the question of this field, the next field that needs a person, the tick, or the button.
  bench.goOn = (row) => {
    const isQuestion = question.root.contains(document.activeElement);
    // Who goes on once more goes: nothing is saved with it.
    if (row && !row.notShort && !row.writeOut()) return bench.focusRow(row);
    if (row) fields.pass(row);
    if (!isQuestion && question.given && row?.name === question.given.field) return bench.focus(question.first());
    const next = fields.next(row);
    if (next) return bench.focusRow(next);
    if (!below.look.hidden && !below.tick.checked) return bench.focus(below.tick);
    return bench.focus(bar.named.save);
  };

  bench.correct = () => bench.focusRow(fields.named(question.given.field));

  // Without one before, the browser goes on to what stands above.
  bench.goBack = (row) => {
    const before = fields.before(row);
    return before ? bench.focusRow(before) : false;
  };

  function focusStart() {
    last = null;
    const { card } = bench;
    const first = fields.next(null) ?? fields.ticks()[0] ?? fields.rows[0];
    const row = fields.named(card.focus) ?? first;
    fields.mark(row ?? null);
    if (placeOf(root, document.activeElement) === "elsewhere") return;
    if (card.hidden) bench.focus(below.handOver());
    else if (card.focus === ":save") bench.focus(bar.named.save);
    else if (card.focus === ":look") bench.focus(below.tick);
    else if (card.focus === ":sheet") bench.focus(picture.pane);
    else if (question.given) bench.focus(question.first());
    else if (row) bench.focusRow(row);
    else bench.focus(bar.named.save);
  }

  bench.returnFocus = () => {
    if (last?.isConnected && last.getClientRects().length) bench.focus(last);
    else if (bench.card) focusStart();
  };

  function onFocus({ target }) {
    if (isPressed) return; // nothing may move under the pointer; when it is up, this is done
    const row = fields.at(target);
    if (row?.name !== changed) changed = "";
    if (row) fields.mark(row);
    else if (question.root.contains(target)) fields.mark(fields.named(question.given?.field) ?? fields.now);
    if (row || question.root.contains(target)) bringNow();
    else if (fields.list.contains(target)) fields.bring(target);
    if (!picture.root.contains(target)) last = target;
  }

  function afterPopover(framesLeft = 60) {
    if (stop.signal.aborted || !bench.card || framesLeft < 0) return;
    const isOpen = document.querySelector(POPOVER);
    if (!isOpen && document.activeElement?.closest("[data-testid='stPopover']")) bench.returnFocus();
    else requestAnimationFrame(() => afterPopover(framesLeft - 1));
  }

  const on = (target, type, run, options = {}) => target.addEventListener(type, run, { ...options, signal: stop.signal });
  const keys = makeKeys(bench);
  on(document, "keydown", ({ key }) => {
    isPressed = false;
    resting = null;
    if (!/^(Alt|Shift|t)$/i.test(key)) emptied = [];
    if (key === "Tab") tabbedAt = performance.now();
  }, { capture: true });
  on(document, "keydown", keys.onKey, { capture: true });
  on(root, "focusin", onFocus);
  on(fields.list, "focusout", ({ target, relatedTarget }) => {
    const left = fields.at(target);
    if (!left || left === fields.at(relatedTarget)) return;
    left.writeOut();
    // Four digits may be asked about only now that they are left.
    if (left.field.client && /^\d{4}$/.test(left.texts()[0]?.trim() ?? "")) memoryOf(bench.card).isDirty = true;
    bench.sendDraft({ left: left.name });
  });
  // A dialog or popover of Streamlit's that closes leaves the focus with the page. Who comes there by
  // Tab goes on.
  on(document, "focusin", ({ target }) => {
    if (!isPressed && performance.now() - tabbedAt > TAB_MS && target.tagName === "SECTION" && placeOf(root, target) === "lost") bench.returnFocus();
  });
  on(document, "focusout", ({ relatedTarget }) => {
    if (!relatedTarget && !isPressed) requestAnimationFrame(() => {
      if (document.hasFocus() && !isPressed && document.activeElement === document.body && placeOf(root, document.body) === "lost") bench.returnFocus();
    });
  });
  // One that Escape or a press in the bench closes leaves it with its button.
  on(document, "keydown", ({ key }) => {
    if (key === "Escape" && bench.card && document.querySelector(POPOVER)) afterPopover();
  }, { capture: true });
  on(document, "pointerdown", ({ target }) => {
    isPressed = true;
    resting = null;
    if (root.contains(target) && document.querySelector(POPOVER)) afterPopover();
    if (!root.contains(target)) bench.sendDraft(); // the press may run the server
  }, { capture: true });
  for (const type of ["pointerup", "pointercancel", "dragend"]) on(window, type, () => {
    isPressed = false;
    if (root.contains(document.activeElement)) onFocus({ target: document.activeElement });
  }, { capture: true });
  // A label that is pressed would give the focus to Streamlit's section, and the field it names moves.
  on(root, "mousedown", (event) => { if (event.target.closest("label, .wb-crop, .wb-label, summary")) event.preventDefault(); });
  // Chrome leaves a label alone while text is selected, and a number that is gone back to is selected.
  on(root, "click", (event) => {
    const control = event.target.closest("label")?.control;
    if (!control || control.contains(event.target) || event.defaultPrevented) return;
    event.preventDefault();
    control.focus();
    if (["radio", "checkbox"].includes(control.type)) control.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, detail: event.detail }));
  });
  for (const type of ["beforeinput", "click"]) on(fields.list, type, (event) => {
    if (bench.isBusy && fields.at(event.target)) event.preventDefault();
  }, { capture: true });
  on(question.root, "click", ({ target, detail }) => { if (detail && question.corrects(target)) bench.correct(); });
  // The browser's own undo would reach other fields: by its menu too it is the field's own.
  on(root, "beforeinput", (event) => {
    const by = { historyUndo: -1, historyRedo: 1 }[event.inputType];
    if (!by) return undo.begin(event.target);
    event.preventDefault();
    if (!bench.isBusy && event.target === document.activeElement) undo.step(event.target, by);
  }, { capture: true });
  on(root, "focusin", ({ target }) => undo.begin(target), { capture: true });
  on(root, "input", (event) => undo.note(event.target, event), { capture: true });
  on(fields.list, "input", (event) => words.suggest(event.target, event));
  on(document, "input", (event) => { if (root.contains(event.target)) event.efDrafted = true; }, { capture: true }); // for activity.js
  for (const type of ["selectionchange", "input", "keyup", "click"]) on(document, type, () => {
    const area = document.activeElement;
    if (area?.tagName !== "TEXTAREA" || area === resting || !fields.at(area)) return;
    picture.followWord(area);
    words.show(area);
  });
  on(document, "click", holdClick, { capture: true });
  if (window.navigation) on(window.navigation, "navigate", holdBack);
  on(document, "ef-shelf", () => { picture.draw(); seen.again(); });
  on(fields.list, "click", ({ target }) => {
    if (bench.card.layout === "tiles" && target.closest(".wb-crop")) fields.at(target)?.element.querySelector(".wb-tick")?.click();
  });
  on(fields.scroller, "scroll", picture.alignNote);
  on(window, "resize", () => { fit(); fields.widen(); });
  on(window, "beforeunload", (event) => {
    bench.sendDraft();
    if (outbox.isOpen() || (bench.card && memoryOf(bench.card).isDirty)) event.preventDefault();
  });
  const watch = new ResizeObserver(bringNow);
  watch.observe(fields.scroller);
  // A guide or banner above that comes or goes moves the bench, and resizes no window.
  const column = root.closest("[data-testid='stMainBlockContainer']");
  const watchAbove = new ResizeObserver(fit);
  if (column) watchAbove.observe(column);

  bench.close = () => {
    releaseClick(); // no answer comes here any more
    stop.abort();
    Object.values(timers).forEach(clearTimeout);
    for (const part of [picture, says, outbox, tabs, seen]) part.close();
    for (const observer of [watch, watchAbove]) observer.disconnect();
    root.remove();
  };
  return bench;
}

// This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
export default function ({ parentElement, data, setTriggerValue }) {
  if (!parentElement.wbBench?.root.isConnected) {
    parentElement.wbBench?.close();
    parentElement.wbBench = makeBench(parentElement);
  }
  parentElement.wbBench.receive(data, setTriggerValue);
  return () => {
    parentElement.wbBench?.close();
    delete parentElement.wbBench;
  };
}
