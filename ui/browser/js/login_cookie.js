// Posts the ticket of a login once; the answer sets the cookie, which no script can read.
const REPEAT_MS = 5000;

export default function ({ parentElement, data, setTriggerValue }) {
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  if (parentElement.efTicket === data.ticket) return;
  parentElement.efTicket = data.ticket;
  clearTimeout(parentElement.efRepeat);
  fetch(data.path, { method: "POST", body: data.ticket, credentials: "same-origin", cache: "no-store" })
    .then((answer) => (answer.ok ? "given" : "refused"), () => "refused")
    .then((answer) => {
      setTriggerValue("answered", answer);
      // Told once more if nothing came of it; not with a menu there, where somebody may be choosing.
      const tellAgain = () => {
        if (!document.querySelector("header a, nav a, .st-key-person_menu")) setTriggerValue("answered", answer);
      };
      parentElement.efRepeat = setTimeout(tellAgain, REPEAT_MS);
    });
  return () => clearTimeout(parentElement.efRepeat);
}
