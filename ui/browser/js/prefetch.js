// The next form is drawn already, out of sight. The moment the server lets it come into sight, its sheet is shown and its first field has the focus;
// the rest of the screen follows. What is said of the client before stays hidden until then.
export default function ({ parentElement, data }) {
  // This runs anew with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efWatch?.disconnect();
  if (!data) return undefined;
  const place = document.querySelector(`.st-key-${CSS.escape(data.slot)}`);
  if (!place) return undefined;
  const watch = new ResizeObserver(() => {
    if (!place.getClientRects().length) return;
    watch.disconnect();
    document.documentElement.dataset.efTurning = data.keys.turn;
    document.dispatchEvent(new CustomEvent("ef-turn", { detail: data }));
  });
  parentElement.efWatch = watch;
  watch.observe(place);
  return () => watch.disconnect();
}
