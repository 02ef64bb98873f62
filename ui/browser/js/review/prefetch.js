// The next form is drawn already, out of sight. The moment the server makes it visible, its sheet is
// shown and its first field gets the focus; the rest of the screen follows. The panel of the client
// before is hidden until then.
export default function ({ parentElement, data }) {
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efWatch?.disconnect();
  if (!data) return undefined;
  const slot = document.querySelector(`.st-key-${CSS.escape(data.slot)}`);
  if (!slot) return undefined;
  const watch = new ResizeObserver(() => {
    if (!slot.getClientRects().length) return;
    watch.disconnect();
    document.documentElement.dataset.efTurning = data.keys.turn;
    document.dispatchEvent(new CustomEvent("ef-turn", { detail: data }));
  });
  parentElement.efWatch = watch;
  watch.observe(slot);
  return () => watch.disconnect();
}
