// A small window that stays on top of the other system and holds what is to be keyed in. A browser
// without Document Picture-in-Picture opens the screen once more, in a narrow window.
const SMALL = { width: 420, height: 600 };
const RETURN_MS = 1500;

// Open it and move the parts there; answers whether it is open. `onMoved` runs at both moves.
async function openSmall(root, title, onMoved) {
  const open = window.documentPictureInPicture?.requestWindow(SMALL) ?? Promise.reject(new Error("none"));
  const small = await open.catch(() => null);
  if (!small) return window.open(location.href, "efSmall", `popup,width=${SMALL.width},height=${SMALL.height}`) !== null;
  dress(small.document, root.parentNode, title);
  board.watch(small);
  moveToSmall(root, onMoved);
  onMoved();
  return true;
}

// Move the parts to the small window if it is open. Streamlit may have made them anew, elsewhere on
// the screen, while it was.
function moveToSmall(root, onMoved) {
  const small = window.documentPictureInPicture?.window;
  if (!small || small.efGone || root.ownerDocument !== document) return;
  const home = root.parentNode;
  small.document.body.replaceChildren(root);
  small.addEventListener("pagehide", () => {
    small.efGone = true;
    home.append(root);
    onMoved();
  });
}

// The parts have left the screen: the small window closes, unless they come back at once.
function leaveSmall(root) {
  const small = root.ownerDocument.defaultView;
  if (!small || small === window) return;
  root.remove();
  setTimeout(() => { if (!small.document.body.hasChildNodes()) small.close(); }, RETURN_MS);
}

// The look that the parts have in the screen: its rules, and the values that they name.
function dress(page, home, title) {
  const own = home.getRootNode();
  const rules = [...own.styleSheets, ...own.adoptedStyleSheets].flatMap((sheet) => [...sheet.cssRules]).map((rule) => rule.cssText).join("\n");
  const look = getComputedStyle(home.host ?? home);
  const values = [...new Set(rules.match(/--ef-[\w-]+/g))].map((name) => `${name}: ${look.getPropertyValue(name)};`).join(" ");
  page.title = title;
  page.documentElement.lang = document.documentElement.lang;
  page.head.appendChild(page.createElement("style")).textContent = `${rules}
    :root { ${values} font-size: ${getComputedStyle(document.documentElement).fontSize}; color-scheme: ${look.colorScheme}; }
    body { margin: 0 .5rem .5rem; background: var(--ef-ground); color: ${look.color}; font-family: ${look.fontFamily}; line-height: 1.5; }`;
}

