// The next form is drawn already, out of sight. The moment the server lets it come into sight, its sheet is shown and its first field has the focus;
// the rest of the screen follows. What is said of the client before stays hidden until then.
export default function ({ data }) {
  if (!data) return undefined;
  const place = document.querySelector(`.st-key-${CSS.escape(data.slot)}`);
  if (!place) return undefined;
  const watch = new ResizeObserver(() => {
    if (!place.getClientRects().length) return;
    watch.disconnect();
    document.documentElement.dataset.efTurning = data.keys.turn;
    document.dispatchEvent(new CustomEvent("ef-turn", { detail: data }));
  });
  watch.observe(place);
  return () => watch.disconnect();
}
