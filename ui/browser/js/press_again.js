// What is pressed while something has to come first is pressed anew afterwards.
const holder = (key) => document.querySelector(`.st-key-${CSS.escape(key)}`);
const isSeen = (element) => element.getClientRects().length > 0;
const isRunning = () => document.querySelector("[data-test-script-state]")?.dataset.testScriptState !== "notRunning";

// Finds what was pressed also after it was drawn anew. An old link would load the whole page, and log the person out.
function finder(pressed) {
  const { href, tagName } = pressed;
  if (href) return () => [...document.querySelectorAll("a[href]")].find((one) => one.href === href);
  const key = pressed.closest("[class*='st-key-']")?.className.match(/st-key-(\S+)/)?.[1];
  const all = () => [...(key ? holder(key) : null)?.querySelectorAll(tagName) ?? []];
  const place = all().indexOf(pressed);
  return () => (pressed.isConnected ? pressed : all()[place]);
}

function pressAgain(found, left = 60) {
  const one = found();
  if (one) one.click();
  else if (left > 0) requestAnimationFrame(() => pressAgain(found, left - 1));
}

// Whether the key presses a button that is on the screen: Streamlit writes the key on it.
function pressesButton({ ctrlKey, altKey, shiftKey, key }) {
  const keys = [ctrlKey && "ctrl", altKey && "alt", shiftKey && "shift", key?.toLowerCase()].filter(Boolean).join("+").replace("escape", "esc");
  const said = (kbd) => kbd.textContent.toLowerCase().replace(/\s/g, "").replace("escape", "esc");
  return [...document.querySelectorAll("button:not([disabled]) kbd")].some((kbd) => said(kbd) === keys && isSeen(kbd.closest("button")));
}
