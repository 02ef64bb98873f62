// Which of the ticked fields have been in view. Nothing is saved before all have been, for long enough,
// where the card says so (`mustSee`).
const SEEN_MS = 500;

function makeSeen(scroller, onChange) {
  const [since, seen] = [new Map(), new Set()];
  let [turn, rows, watcher, timer] = ["", [], null, 0];

  function note() {
    const now = performance.now();
    for (const [name, from] of since) if (now - from >= SEEN_MS) seen.add(name);
  }

  function noteLater() {
    clearTimeout(timer);
    timer = setTimeout(() => { note(); onChange(); }, SEEN_MS + 20);
  }

  // In view is what is (almost) whole, or as large as the view.
  function change(changes) {
    note();
    for (const { target, intersectionRatio, intersectionRect, rootBounds } of changes) {
      const { name } = target.dataset;
      const fills = intersectionRect.height >= 0.6 * (rootBounds?.height ?? window.innerHeight);
      if (intersectionRatio < 0.9 && !fills) since.delete(name);
      else if (!since.has(name)) since.set(name, performance.now());
    }
    onChange();
    noteLater();
  }

  const unseen = () => { note(); return rows.filter(({ name }) => !seen.has(name)); };
  return {
    show(key, all) {
      if (key === turn && all.every((row) => rows.includes(row))) return;
      if (key !== turn) seen.clear();
      [turn, rows] = [key, all];
      since.clear();
      watcher?.disconnect();
      watcher = new IntersectionObserver(change, { root: scroller, threshold: [0, 0.25, 0.5, 0.75, 0.9] });
      rows.forEach(({ element }) => watcher.observe(element));
    },
    unseen,
    // Their ink has just come: nothing was to be seen before.
    again() { for (const name of since.keys()) since.set(name, performance.now()); noteLater(); },
    // The first one that one has to turn to.
    next: () => unseen().find(({ name }) => !since.has(name)) ?? null,
    close() { clearTimeout(timer); watcher?.disconnect(); },
  };
}
