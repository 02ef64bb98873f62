// Drawing: text goes in as text only, never as HTML.
// An attribute that is empty, null or false is left out.
function make(tag, name = "", attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined && value !== "") element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const button = (name, text, key = "", attributes = {}) =>
  make("button", name, { type: "button", "aria-keyshortcuts": key.replace("Ctrl", "Control"), ...attributes },
    make("span", "", {}, text), key ? make("kbd", "", { "aria-hidden": "true" }, key) : null);

// Change only what differs: a screen reader says again what is written again.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false || value === "") element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

// Draw again only if the data differ from the last time.
function redraw(element, data, draw) {
  const given = JSON.stringify(data ?? null);
  if (element.wbGiven === given) return false;
  element.wbGiven = given;
  element.replaceChildren(...draw(data).filter(Boolean));
  return true;
}

const isNumberOfImage = (image) => /^[\w-]+$/.test(image ?? "");

// A rectangle of a page as the background of an element. In CSS a position of p % puts p % of the
// image at p % of the element.
function drawCrop(element, crop) {
  const shift = (at, part) => (part < 1 ? (100 * at) / (1 - part) : 0);
  element.style.backgroundImage = isNumberOfImage(crop.image) ? `var(--ef-pic-${crop.image})` : "none";
  element.style.backgroundSize = `${100 / crop.w}% ${100 / crop.h}%`;
  element.style.backgroundPosition = `${shift(crop.x, crop.w)}% ${shift(crop.y, crop.h)}%`;
  element.style.setProperty("--wb-aspect", crop.aspect);
  setAttribute(element, "role", "img");
  setAttribute(element, "aria-label", crop.label);
}
