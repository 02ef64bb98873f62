"""A logo, as it is printed."""

from __future__ import annotations

import io

from PIL import Image as Pillow
from PIL import ImageDraw


def grey_logo(size: tuple[int, int] = (600, 120)) -> bytes:
    """Return a grey PNG of a shield and a bar."""
    width, height = size
    picture = Pillow.new("L", size, 255)
    pen = ImageDraw.Draw(picture)
    pen.ellipse((0, 0, height - 1, height - 1), fill=60)
    if width > 2 * height:
        pen.rectangle((height + 5, height // 3, width - 1, 2 * height // 3), fill=90)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
