// What the server has not answered yet, kept in this browser for 12 hours or until the person logs out. It
// is encrypted by a key that the server gives to that person's login alone and that is never stored here.
// Where the browser has no cryptography (plain HTTP to another machine) nothing is kept.
const UNSENT_MS = 12 * 3600 * 1000;
const UNSENT = "unsent";

const answerOf = (asked) => new Promise((done, fail) => {
  asked.onsuccess = () => done(asked.result);
  asked.onerror = () => fail(asked.error);
});

let unsentBase = null;

async function unsentStore(run) {
  if (!window.isSecureContext || !window.indexedDB || !crypto.subtle) return [];
  unsentBase ??= new Promise((done, fail) => {
    const asked = indexedDB.open("efterskrift", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(UNSENT, { keyPath: "id" });
    answerOf(asked).then(done, fail);
  });
  const act = (await unsentBase).transaction(UNSENT, "readwrite");
  const answer = answerOf(run(act.objectStore(UNSENT)));
  act.commit?.(); // also if the page goes away now
  return answer;
}

// Forget what is too old, and all of a person who has logged out.
async function sweepUnsent(owner) {
  for (const { id, at, owner: whose } of await unsentStore((store) => store.getAll()))
    if (owner === whose || Math.abs(Date.now() - at) > UNSENT_MS) await unsentStore((store) => store.delete(id));
}

// One record for each entry and revision: the latest message about it.
function makeUnsent({ key, owner }, onChange) {
  const ids = new Map();
  const turnOf = ({ entry, revision }) => `${entry}-${revision}`;
  const bytes = Uint8Array.from(atob(key), (sign) => sign.charCodeAt(0));
  const secret = crypto.subtle?.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  const bound = ({ id, at }) => new TextEncoder().encode(`${owner} ${id} ${at}`);
  // One after the other: what is dropped must not be written afterwards.
  let last = Promise.resolve();
  const then = (run) => { last = last.then(run).catch(() => null).then((got) => { onChange(ids.size); return got; }); return last; };

  return {
    keep: (message) => then(async () => {
      if (!secret) return;
      const id = ids.get(turnOf(message)) ?? crypto.randomUUID();
      ids.set(turnOf(message), id);
      const [at, iv] = [Date.now(), crypto.getRandomValues(new Uint8Array(12))];
      const text = new TextEncoder().encode(JSON.stringify(message));
      const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bound({ id, at }) }, await secret, text);
      await unsentStore((store) => store.put({ id, owner, at, iv, data }));
    }),
    drop: (message) => then(async () => {
      const id = ids.get(turnOf(message));
      ids.delete(turnOf(message));
      if (id) await unsentStore((store) => store.delete(id));
    }),
    // What was kept before, the oldest first.
    list: () => then(async () => {
      await sweepUnsent("");
      const own = (await unsentStore((store) => store.getAll())).filter((one) => one.owner === owner).sort((one, other) => one.at - other.at);
      const messages = [];
      for (const { id, at, iv, data } of own) {
        const text = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: bound({ id, at }) }, await secret, data).catch(() => null);
        if (!text) continue;
        messages.push(JSON.parse(new TextDecoder().decode(text)));
        ids.set(turnOf(messages.at(-1)), id);
      }
      return messages;
    }),
  };
}
