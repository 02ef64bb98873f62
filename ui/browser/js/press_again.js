// Helpers: a click or key that has to wait is repeated afterwards.
const holder = (key) => document.querySelector(`.st-key-${CSS.escape(key)}`);
const isVisible = (element) => element.getClientRects().length > 0;
const isRunning = () => document.querySelector("[data-test-script-state]")?.dataset.testScriptState !== "notRunning";

// Return a function that finds the element also after it has been drawn again. An old link would
// load the whole page, and log the user out.
function findAgain(pressed) {
  const { href, tagName } = pressed;
  if (href) return () => [...document.querySelectorAll("a[href]")].find((link) => link.href === href);
  const key = pressed.closest("[class*='st-key-']")?.className.match(/st-key-(\S+)/)?.[1];
  const siblings = () => [...(key ? holder(key) : null)?.querySelectorAll(tagName) ?? []];
  const index = siblings().indexOf(pressed);
  return () => (pressed.isConnected ? pressed : siblings()[index]);
}

// Click the element as soon as it is there, within some frames.
function pressAgain(find, framesLeft = 60) {
  const element = find();
  if (element) element.click();
  else if (framesLeft > 0) requestAnimationFrame(() => pressAgain(find, framesLeft - 1));
}

// The visible button of Streamlit's that has the key as its shortcut, which is written on it. The
// workbench hears its own keys.
function buttonOfKey({ ctrlKey, altKey, shiftKey, key }) {
  const parts = [ctrlKey && "ctrl", altKey && "alt", shiftKey && "shift", key?.toLowerCase()];
  const pressed = parts.filter(Boolean).join("+").replace("escape", "esc");
  const shortcut = (kbd) => kbd.textContent.toLowerCase().replace(/\s/g, "").replace("escape", "esc");
  return [...document.querySelectorAll("button:not([disabled], .wb *) kbd")]
    .find((kbd) => shortcut(kbd) === pressed && isVisible(kbd.closest("button")))?.closest("button");
}
