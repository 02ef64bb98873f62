// Measures what stays above the form while it scrolls: the menu, the picture of a note, the client and
// the question about the client. The styles place each below the one before, and the browser scrolls
// a field that gets the focus to below them all.
function keepInSight(signal) {
  const root = document.documentElement;
  const drawn = (selector) => [...document.querySelectorAll(selector)].find((one) => one.getClientRects().length);
  const isSticky = (element) => element && getComputedStyle(element).position === "sticky";
  const heightOf = (element) => element?.getBoundingClientRect().height ?? 0;
  const watch = new ResizeObserver(() => requestAnimationFrame(measure));

  function measure() {
    if (signal.aborted) return;
    const column = drawn(".st-key-picture")?.closest("[data-testid='stColumn']");
    const panel = drawn(".st-key-client_panel");
    const question = drawn("[class*='st-key-guard-']");
    const isAbove = isSticky(column) && root.dataset.efWay === "note";
    const top = heightOf(drawn("[data-testid='stHeader']")) + (isAbove ? heightOf(column) : 0);
    const client = drawn(".st-key-client_panel .ef-client") ? heightOf(panel) : 0;
    const above = client + heightOf(question);
    set("--ef-client-top", top);
    set("--ef-question-top", top + client);
    set("--ef-above", above);
    set("--ef-covered", top + above);
    for (const part of [column, panel, question]) if (part) watch.observe(part);
  }

  const set = (name, px) => root.style.setProperty(name, `${Math.ceil(px)}px`);
  const whole = drawn("[data-testid='stMainBlockContainer']");
  if (whole) watch.observe(whole);
  window.addEventListener("resize", measure, { signal });
  signal.addEventListener("abort", () => watch.disconnect());
  measure();
}
