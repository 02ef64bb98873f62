// What belongs to the whole document and Streamlit does not set: its language, names of its parts, and what is said aloud when something changes.
const MAIN = "[data-testid='stMain']";
const SAID = "[data-testid='stAlert'], [data-testid='stToast']";

function name(data) {
  document.documentElement.lang = data.language;
  document.querySelector(MAIN)?.setAttribute("aria-label", data.main);
  // Complaints, confirmations and answers are read out by a screen reader without the focus leaving the field.
  for (const box of document.querySelectorAll(SAID)) if (!box.hasAttribute("aria-live")) box.setAttribute("aria-live", "polite");
  // The uploader's button shows our word by style alone.
  for (const button of document.querySelectorAll("[data-testid='stFileUploaderDropzone'] button")) button.setAttribute("aria-label", data.choose);
  document.documentElement.style.setProperty("--ef-year", JSON.stringify(data.year));
  // What Streamlit says in English: that the server does not answer, screens that the menu has no room for, and the buttons that explain.
  document.documentElement.style.setProperty("--ef-more", JSON.stringify(data.more));
  for (const button of document.querySelectorAll(".rc-overflow-item-rest button")) button.setAttribute("aria-label", data.more);
  for (const button of document.querySelectorAll("[data-testid='stTooltipHoverTarget'] button[aria-label^='Help for ']"))
    button.setAttribute("aria-label", `${data.explains}: ${button.getAttribute("aria-label").slice("Help for ".length)}`);
  const lost = [...document.querySelectorAll("[data-testid='stDialog'] h2")].find((one) => one.textContent === "Connection error");
  if (lost) {
    lost.nextElementSibling.textContent = data.lost_what;
    lost.textContent = data.lost;
  }
  for (const table of document.querySelectorAll(".ef-wide:not([tabindex])")) table.tabIndex = 0;
}

export default function ({ parentElement, data }) {
  // This runs anew with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efWatch?.disconnect();
  name(data);
  let asked = 0;
  const watch = new MutationObserver(() => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => name(data));
  });
  parentElement.efWatch = watch;
  watch.observe(document.body, { childList: true, subtree: true });
  return () => { cancelAnimationFrame(asked); watch.disconnect(); };
}
