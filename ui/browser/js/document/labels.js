// Sets what belongs to the whole document and Streamlit does not set: its language, names of its
// parts, and live regions for screen readers.
const MAIN = "[data-testid='stMain']";
const DIALOGS = { "Connection error": "lost", "Page not found": "not_found" };
// Rows that Streamlit adds to the choices of a list, with the names of their texts.
const CHOICES = [[/^Select all$/, "all"], [/^Select \d+ matches$/, "all_found"], [/^Add: /, "add"]];
const LIVE_REGIONS = "[data-testid='stAlert'], [data-testid='stToast']";

function labelDocument(data) {
  document.documentElement.lang = data.language;
  document.querySelector(MAIN)?.setAttribute("aria-label", data.main);
  // Errors, confirmations and answers are read aloud without the focus leaving the field.
  for (const box of document.querySelectorAll(LIVE_REGIONS)) if (!box.hasAttribute("aria-live")) box.setAttribute("aria-live", "polite");
  // The translated text of the uploader's button is in its style only.
  for (const button of document.querySelectorAll("[data-testid='stFileUploaderDropzone'] button")) {
    const file = button.closest("[data-testid='stFileChip']")?.querySelector("[data-testid='stFileChipName']");
    const choose = getComputedStyle(document.documentElement).getPropertyValue("--ef-choose").trim().slice(1, -1);
    button.setAttribute("aria-label", file ? `${data.remove} ${file.title}` : choose || data.choose);
  }
  // It has a name, which what is only drawn has not.
  for (const zone of document.querySelectorAll("[data-testid='stFileUploaderDropzone'][role='presentation']")) zone.setAttribute("role", "group");
  // The uploader shows two or three of its files and does not say how many there are.
  for (const uploader of document.querySelectorAll("[data-testid='stFileUploader']")) {
    const count = uploader.querySelectorAll("[data-testid='stFileChip']:not([data-ef-reason])").length;
    if (count > 1) uploader.dataset.efChosen = data.chosen.replace("{count}", count);
    else delete uploader.dataset.efChosen;
  }
  // A phone opens its own camera, which takes sharper photos than a page can.
  for (const input of document.querySelectorAll("[class*='st-key-upload_photo'] input[type=file]:not([capture])")) {
    input.setAttribute("capture", "environment");
    input.accept = "image/*";
  }
  document.documentElement.style.setProperty("--ef-year", JSON.stringify(data.year));
  const places = document.querySelector(".st-key-places");
  places?.setAttribute("role", "navigation");
  places?.setAttribute("aria-label", data.places);
  for (const link of places?.querySelectorAll("a") ?? []) link.ariaCurrent = link.closest(".st-key-here") ? "page" : null;
  // What a list of the header has comes last in the document: who opens it by the keyboard is in it.
  for (const list of document.querySelectorAll("[data-testid='stPopoverBody']:has(a, button, input):not([data-ef-entered])")) {
    list.dataset.efEntered = "";
    if (document.activeElement?.matches("[data-testid='stPopoverButton']:focus-visible")) list.querySelector("a, button, input").focus();
  }
  // Texts that Streamlit has in English only: a lost connection, help buttons.
  for (const button of document.querySelectorAll("[data-testid='stTooltipHoverTarget'] button[aria-label^='Help for ']"))
    button.setAttribute("aria-label", `${data.explains}: ${button.getAttribute("aria-label").slice("Help for ".length)}`);
  for (const heading of document.querySelectorAll("[data-testid='stDialog'] h2")) {
    const name = DIALOGS[heading.textContent];
    if (!name) continue;
    heading.nextElementSibling.textContent = data[`${name}_what`];
    heading.textContent = data[name];
  }
  const skip = document.querySelector("[data-testid='stSkipToContent']");
  if (skip && skip.textContent !== data.skip) skip.textContent = data.skip;
  // The reason why the uploader refuses a file is for screen readers only; the style shows it.
  for (const reason of document.querySelectorAll("[data-testid='stFileChip'] [role='alert']")) {
    if (/ files are not allowed\.$/.test(reason.textContent)) reason.textContent = data.refused;
    reason.closest("[data-testid='stFileChip']").dataset.efReason = reason.textContent;
  }
  for (const option of document.querySelectorAll("[role='option']")) {
    const texts = document.createTreeWalker(option, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      const words = CHOICES.reduce((all, [pattern, name]) => all.replace(pattern, data[name]), text.nodeValue);
      // Also the same words would be a change, which is watched for
      if (words !== text.nodeValue) text.nodeValue = words;
    }
  }
  // A table that scrolls sideways must be reachable by keyboard.
  for (const table of document.querySelectorAll(".ef-wide:not([tabindex])")) table.tabIndex = 0;
}

// Set the labels, now and whenever something is drawn, until `stop`.
function watchLabels(data, stop) {
  labelDocument(data);
  let frame = 0;
  const watch = new MutationObserver(() => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => labelDocument(data));
  });
  watch.observe(document.body, { childList: true, characterData: true, subtree: true });
  stop.addEventListener("abort", () => { cancelAnimationFrame(frame); watch.disconnect(); });
}
