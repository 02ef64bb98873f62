// The same person has Granska open in another tab of this browser too: both show the same entries, and
// what is typed in one is not seen in the other.
function makeTabs(onOthers) {
  const own = String(Math.random());
  const others = new Set();
  const channel = new BroadcastChannel("efterskrift-granska");
  let owner = "";
  const tell = (kind) => { if (owner) channel.postMessage({ kind, tab: own, owner }); };
  // A tab that was killed has not taken leave: who looks at this one asks again.
  const ask = () => {
    others.clear();
    onOthers(false);
    tell("asks");
  };
  const askInSight = () => { if (!document.hidden) ask(); };
  const leave = () => tell("leaves");
  channel.onmessage = ({ data }) => {
    if (data.owner !== owner) return;
    others[data.kind === "leaves" ? "delete" : "add"](data.tab);
    if (data.kind === "asks") tell("answers");
    onOthers(others.size > 0);
  };
  document.addEventListener("visibilitychange", askInSight);
  window.addEventListener("pagehide", leave);
  return {
    show(of) {
      if (!of || of === owner) return;
      owner = of;
      ask();
    },
    close() {
      leave();
      channel.close();
      document.removeEventListener("visibilitychange", askInSight);
      window.removeEventListener("pagehide", leave);
    },
  };
}
