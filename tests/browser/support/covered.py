"""Links and buttons that something else covers, by what the page has at their middle."""

from __future__ import annotations

from playwright.sync_api import Page

SIZES = ((1920, 1080), (1366, 768), (1280, 720), (1024, 700), (820, 1180), (683, 384))
_COVERED = """async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    await frame();
    await frame();
    const isDrawn = (one) => one.getBoundingClientRect().width > 2
        && one.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const pressed = [...document.querySelectorAll("a[href], button, summary, [role='button']")]
        .filter(isDrawn);
    const at = (one) => {
        const { left, top, width, height } = one.getBoundingClientRect();
        return document.elementFromPoint(left + width / 2, top + height / 2);
    };
    const isFree = (one, found) => one.contains(found);
    const name = (one) => `${one.tagName} ${(one.ariaLabel || one.textContent).slice(0, 30)}`;
    return pressed.flatMap((one) => {
        if (isFree(one, at(one))) return [];
        one.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
        const found = at(one);
        const under = found ? name(found) : "the edge";
        return isFree(one, found) ? [] : [`${name(one)} under ${under}`];
    });
}"""


def covered(page: Page, screen: str) -> list[str]:
    """What cannot be pressed with the mouse in one of six windows, which end as they began."""
    before = page.viewport_size
    found = []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        found += [f"{screen} at {width}: {one}" for one in page.evaluate(_COVERED)]
    if before is not None:
        page.set_viewport_size(before)
    return found
