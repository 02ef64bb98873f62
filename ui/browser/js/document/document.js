// What belongs to the whole document. The script begins anew in each run of the server.
export default function (part) {
  const { parentElement, data } = part;
  // This runs again with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  parentElement.efStop?.abort();
  const { signal } = (parentElement.efStop = new AbortController());
  // First: no save depends on what comes after it.
  lockActions(part, signal);
  watchLabels(data, signal);
  sortTables(signal);
  if (parentElement.efLeft !== data.left) sweepUnsent((parentElement.efLeft = data.left)).catch(() => null);
  return () => { parentElement.efStop.abort(); delete document.documentElement.dataset.efOut; };
}
