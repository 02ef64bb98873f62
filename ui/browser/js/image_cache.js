// Pictures that lie ready in this browser's memory, so that the next sheet is there at once. They have no address that could be passed on.
const KEEP = 24;
const GONE_MS = 2000;

const shelf = () => (window.efShelf ??= new Map());
const property = (id) => `--ef-pic-${id}`;

function remove(id) {
  URL.revokeObjectURL(shelf().get(id));
  shelf().delete(id);
  document.documentElement.style.removeProperty(property(id));
}

function add(id, bytes) {
  if (shelf().has(id)) return;
  const url = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
  shelf().set(id, url);
  document.documentElement.style.setProperty(property(id), `url("${url}")`);
  const early = new Image();
  early.src = url;
  early.decode().catch(() => {});
}

export default function ({ data }) {
  const bytes = data && data.byteLength ? new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength) : null;
  if (bytes) {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    let at = 4 + length;
    for (const [id, size] of JSON.parse(new TextDecoder().decode(bytes.subarray(4, at)))) {
      add(id, bytes.slice(at, at + size));
      at += size;
    }
    for (const id of [...shelf().keys()].slice(0, Math.max(0, shelf().size - KEEP))) remove(id);
    document.dispatchEvent(new Event("ef-shelf"));
  }
  // Whoever leaves the screen or logs out leaves no picture behind.
  return () => setTimeout(() => {
    if (!document.querySelector("[class*='st-key-picture_shelf']")) [...shelf().keys()].forEach(remove);
  }, GONE_MS);
}
