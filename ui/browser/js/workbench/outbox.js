// What goes to the server: one message at a time, each with a number. The server answers with the
// number of the last message that it has dealt with, and ignores what it has dealt with before.
const RESEND_MS = 8000;

function makeOutbox(onChange) {
  const box = { number: 0, underWay: null, queue: [], send: null, timer: 0, resent: 0 };

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
    box.queue.push(absorbDraft(message));
    box.pump();
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
  box.hear = (heard) => {
    box.number = Math.max(box.number, heard);
    if (!box.underWay || box.underWay.n > heard) return;
    box.underWay = null;
    clearTimeout(box.timer);
    onChange();
  };

  box.next = () => box.queue[0] ?? null;
  box.drop = () => { box.queue = []; };
  box.close = () => clearTimeout(box.timer);
  return box;
}
