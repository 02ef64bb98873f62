// What goes to the server: one message at a time, each with a number. The server answers with the
// number of the last message that it has dealt with, and ignores what it has dealt with before.
const RESEND_MS = 5000;

// A save is sent again as one; of all else what was typed is kept.
const keptKind = (message) => (message.kind === "save" || message.kind === "again" ? message : { ...message, kind: "draft" });

function makeOutbox(onChange) {
  const box = { number: 0, underWay: null, queue: [], send: null, timer: 0, resent: 0, unsent: null };

  function transmit() {
    box.send(box.underWay);
    clearTimeout(box.timer);
    box.timer = setTimeout(() => { box.resent += 1; transmit(); onChange(); }, RESEND_MS);
  }

  // A draft that waits is part of the next message of its entry.
  function absorbDraft(message) {
    const last = box.queue.at(-1);
    if (last?.kind !== "draft" || last.entry !== message.entry) return message;
    box.queue.pop();
    return { ...message, values: { ...last.values, ...message.values } };
  }

  box.post = (message) => {
    const whole = absorbDraft(message);
    box.queue.push(whole);
    if (message.kind !== "missing") box.unsent?.keep(keptKind(whole));
    box.pump();
    onChange();
  };

  box.pump = () => {
    if (box.underWay || !box.queue.length || !box.send) return;
    box.number += 1;
    box.underWay = { n: box.number, ...box.queue.shift() };
    box.resent = 0;
    transmit();
    onChange();
  };

  // The server has dealt with everything up to this number.
  // `kept` is the number of one that stays a draft here: somebody else has its entry.
  box.hear = (heard, kept = 0) => {
    box.number = Math.max(box.number, heard);
    if (!box.underWay || box.underWay.n > heard) return;
    const { n, entry, revision } = box.underWay;
    if (n === kept) box.unsent?.keep({ ...box.underWay, kind: "draft" });
    else if (!box.queue.some((one) => one.entry === entry && one.revision === revision)) box.unsent?.drop({ entry, revision });
    box.underWay = null;
    clearTimeout(box.timer);
    onChange();
  };

  box.next = () => box.queue[0] ?? null;
  box.drop = () => {
    for (const message of box.queue) box.unsent?.keep({ ...message, kind: "draft" });
    box.queue = [];
  };
  // What a person has done and has no answer to.
  box.isOpen = () => [box.underWay, ...box.queue].some((one) => one && one.kind !== "missing");
  box.close = () => clearTimeout(box.timer);
  return box;
}
