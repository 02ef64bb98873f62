// What stays above the fields while they scroll: where the entry is from, the client, deadlines and
// sums, and what the server objects to.
const numberOf = (text) => text.replace(/[^\p{L}\p{N}]/gu, "").toUpperCase();
// A personal number or a code of a client. What may be the beginning of a longer number waits for the
// keys to rest: the client of half a number is looked up for nothing.
const isComplete = (number) => /^(\d{10}|\d{12}|[0-9A-Z]{8})$/.test(number) && !/^(18|19|20)\d{6}(\d\d)?$/.test(number);
const SAYS_MS = 5000;

function makeHead() {
  const title = make("h1", "wb-title");
  const origin = make("span", "wb-origin");
  const notices = make("div", "wb-notices");
  const client = make("div", "wb-client", { role: "status", "aria-live": "polite" });
  const facts = make("div", "wb-facts", { role: "status" });
  const warning = make("div", "wb-warning", { role: "alert" });
  const twice = make("div", "wb-twice", { role: "alert" });
  const root = make("div", "wb-head", {}, make("div", "wb-heading", {}, title, origin), twice, client, facts, notices, warning);
  // `since`: from when the client has been on the screen
  const shown = { key: "", since: 0 };
  return {
    root,
    show(card, { key, isStale, labels }) {
      setText(title, card.title);
      setText(origin, card.origin);
      origin.title = card.origin;
      const lines = [...(card.notices ?? []), ...(card.authorAnswers ?? [])];
      redraw(notices, lines, () => lines.map((text) => make("p", card.authorAnswers?.includes(text) ? "wb-author-answer" : "wb-notice", {}, text)));
      redraw(facts, card.facts, (all) => (all ?? []).map(factLine));
      setText(warning, card.warning ?? "");
      const banner = isStale ? { kind: "wait", text: labels.wait } : card.banner;
      redraw(client, [banner, labels.for], () => clientParts(banner, labels));
      setAttribute(client, "data-kind", banner.kind);
      client.hidden = banner.kind === "none" && !banner.text;
      const now = banner.kind === "clients" ? `${key} ${banner.number}` : "";
      if (shown.key !== now) Object.assign(shown, { key: now, since: performance.now() });
    },
    warn: (text) => setText(twice, text),
    seenFor: () => (shown.key ? performance.now() - shown.since : 0),
  };
}

const factLine = ({ text, kind, passed }) =>
  make("span", `wb-fact wb-${kind}`, {}, text, passed ? make("b", "wb-passed", {}, passed) : null);

function clientParts(banner, labels) {
  if (banner.kind !== "clients") return [make("span", "wb-client-wait", {}, banner.text ?? "")];
  return banner.clients.map((client) => make("div", `wb-person${client.unknown ? " wb-unknown" : ""}${client.other ? " wb-other-person" : ""}`, {},
    make("div", "wb-client-line", {},
      client.name ? make("strong", "wb-client-name", {}, client.name) : null,
      client.number ? make("span", "wb-client-number", {}, client.number) : null,
      client.age ? make("span", "wb-client-age", {}, client.age) : null,
      client.unit ? make("span", "wb-client-unit", {}, client.unit) : null,
      client.text ? make("span", "wb-client-text", {}, client.text) : null,
      ...(client.tags ?? []).map((tag) => make("span", "wb-tag", {}, tag))),
    reasonLine("wb-against", labels.against, client.against),
    reasonLine("wb-for", labels.for, client.for)));
}

function reasonLine(name, label, reasons) {
  return reasons?.length ? make("p", name, {}, make("b", "", {}, label), ` ${reasons.join(", ")}`) : null;
}

// A brief message that goes away by itself; what warns stays until the next act.
function makeSays() {
  const root = make("div", "wb-says", { role: "status", "aria-live": "polite" });
  let timer = 0;
  return {
    root,
    say(says) {
      clearTimeout(timer);
      setText(root, says?.text ?? "");
      setAttribute(root, "data-kind", says?.kind);
      if (says && says.kind !== "warn") timer = setTimeout(() => setText(root, ""), SAYS_MS);
    },
    clear() { if (root.dataset.kind === "warn") setText(root, ""); },
    close: () => clearTimeout(timer),
  };
}
