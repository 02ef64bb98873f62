// Images cached in the browser's memory, so that the next sheet is shown at once. They have no
// address that could be passed on.
const MAX_IMAGES = 64;
const LEFT_MS = 2000;

const cache = () => (window.efShelf ??= new Map());
const property = (id) => `--ef-pic-${id}`;

function remove(id) {
  URL.revokeObjectURL(cache().get(id));
  cache().delete(id);
  document.documentElement.style.removeProperty(property(id));
}

function add(id, bytes) {
  if (cache().has(id)) return;
  const url = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
  cache().set(id, url);
  document.documentElement.style.setProperty(property(id), `url("${url}")`);
  // Decode ahead of need.
  const image = new Image();
  image.src = url;
  image.decode().catch(() => {});
}

export default function ({ data }) {
  const bytes = data && data.byteLength ? new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength) : null;
  if (bytes) {
    // A header of ids and sizes, behind its own length (see image_cache.py), then the images.
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    let at = 4 + length;
    for (const [id, size] of JSON.parse(new TextDecoder().decode(bytes.subarray(4, at)))) {
      add(id, bytes.slice(at, at + size));
      at += size;
    }
    for (const id of [...cache().keys()].slice(0, Math.max(0, cache().size - MAX_IMAGES))) remove(id);
    document.dispatchEvent(new Event("ef-shelf"));
  }
  // No image remains when the user leaves the screen or logs out.
  return () => setTimeout(() => {
    if (!document.querySelector("[class*='st-key-picture_shelf']")) [...cache().keys()].forEach(remove);
  }, LEFT_MS);
}
