"""Mutate small files: by their structure (PDF, TIFF), or by changed, removed and repeated bytes."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pikepdf
from fpdf import FPDF
from openpyxl import Workbook
from PIL import Image as Pillow
from PIL import ImageDraw

_NUMBERS = (-1, 0, 1, 7, 255, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1)
"""Values at which programs go wrong."""
_NAMES = (
    *("/FlateDecode", "/DCTDecode", "/CCITTFaxDecode", "/LZWDecode", "/JPXDecode", "/Image"),
    *("/Form", "/DeviceGray", "/DeviceRGB", "/DeviceCMYK", "/Indexed", "/Pattern"),
)
_TIFF_ENTRY_BYTES = 12

Mutate = Callable[[bytes, Random], bytes]


def seed_files() -> dict[str, bytes]:
    """Return small whole files by name, several of some kinds."""
    pages = [_draw_page(number) for number in range(3)]
    files = {f"page.{name}": _save(pages[0], name) for name in ("png", "jpeg", "bmp")}
    files |= {f"stack.{name}": _save(pages[0], name, pages[1:]) for name in ("pdf", "tiff")}
    files |= {f"moving.{name}": _save(pages[0], name, pages[1:]) for name in ("gif", "webp")}
    bits = [page.convert("1") for page in pages]
    files["fax.tiff"] = _save(bits[0], "tiff", bits[1:], compression="group4")
    files["fax.pdf"] = _save(bits[0], "pdf", bits[1:])
    phone = Path(__file__).parents[2] / "tests" / "data" / "phone.heic"
    files |= {"phone.heic": phone.read_bytes(), "drawn.pdf": _draw_pdf(), "list.xlsx": _workbook()}
    files["list.csv"] = b"personnummer;namn;enhet\n18900101-9802;Asta Ek;Norr\n" * 20
    return files


def mutations() -> Mapping[str, Mutate]:
    """Return how files are mutated, by suffix; others by their bytes."""
    return {".pdf": mutate_pdf, ".tiff": mutate_tiff}


def mutate_bytes(data: bytes, rng: Random) -> bytes:
    """Flip bits, overwrite, remove, repeat or cut off parts of a file."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(max(1, len(changed)))
        length = rng.choice((1, 2, 4, 64, 1024))
        match rng.randrange(6):
            case 0 | 1 if changed:
                changed[at] ^= 1 << rng.randrange(8)
            case 2:
                changed[at : at + length] = rng.randbytes(length)
            case 3:
                del changed[at : at + length]
            case 4:
                changed[at:at] = changed[at : at + length] * rng.choice((1, 20))
            case _ if rng.random() < 0.2:
                del changed[at:]
    return bytes(changed)


def mutate_pdf(data: bytes, rng: Random) -> bytes:
    """Change values, names and streams of the objects of a PDF; sometimes its bytes too."""
    if rng.random() < 0.25:
        return mutate_bytes(data, rng)
    with pikepdf.open(io.BytesIO(data)) as pdf:
        objects: list[Any] = [
            each for each in pdf.objects if isinstance(each, pikepdf.Dictionary | pikepdf.Stream)
        ]
        for _ in range(rng.choice((1, 2, 5))):
            _mutate_object(pdf, rng.choice(objects), objects, rng)
        out = io.BytesIO()
        modes = (pikepdf.ObjectStreamMode.disable, pikepdf.ObjectStreamMode.generate)
        pdf.save(out, object_stream_mode=rng.choice(modes), compress_streams=False)
    return mutate_bytes(out.getvalue(), rng) if rng.random() < 0.2 else out.getvalue()


def _mutate_object(
    pdf: pikepdf.Pdf, target: pikepdf.Object, objects: list[Any], rng: Random
) -> None:
    keys = list(target.keys())
    if isinstance(target, pikepdf.Stream) and rng.random() < 0.4:
        raw = mutate_bytes(target.read_raw_bytes(), rng)
        # Filters that an earlier mutation changed are kept too: `write` sets only valid ones.
        kept = {name: target[name] for name in ("/Filter", "/DecodeParms") if name in target}
        target.write(raw)
        for name, value in kept.items():
            target[name] = value
        return
    if not keys:
        return
    key = rng.choice(keys)
    choices: list[Callable[[], object]] = [
        lambda: rng.choice(_NUMBERS),
        lambda: pikepdf.Name(rng.choice(_NAMES)),
        lambda: pikepdf.Array([pikepdf.Name(rng.choice(_NAMES)) for _ in range(3)]),
        lambda: pikepdf.Array([rng.choice(_NUMBERS) for _ in range(rng.choice((0, 4, 6)))]),
        lambda: pikepdf.String("x" * rng.choice((0, 1, 4000))),
        lambda: pdf.make_indirect(rng.choice(objects)),
    ]
    if key != "/Length":
        if rng.random() < 0.2:
            del target[key]
        else:
            target[key] = rng.choice(choices)()


def mutate_tiff(data: bytes, rng: Random) -> bytes:
    """Change entries of the directories of a TIFF, and the way from one to the next."""
    if rng.random() < 0.25:
        return mutate_bytes(data, rng)
    changed = bytearray(data)
    directories = _find_directories(data)
    for _ in range(rng.choice((1, 2, 5))):
        start, count = rng.choice(directories)
        if rng.random() < 0.2:
            # The next directory: another one, itself, the header, or nowhere.
            value = rng.choice([*(at for at, _ in directories), 0, 4, len(data) + 10, 2**32 - 1])
            struct.pack_into("<I", changed, start + 2 + count * _TIFF_ENTRY_BYTES, value)
            continue
        entry = start + 2 + rng.randrange(count) * _TIFF_ENTRY_BYTES
        match rng.randrange(4):
            case 0:
                struct.pack_into("<H", changed, entry + 2, rng.randrange(20))
            case 1:
                struct.pack_into("<I", changed, entry + 4, rng.choice(_NUMBERS) % 2**32)
            case 2:
                struct.pack_into("<H", changed, entry, rng.choice((256, 257, 258, 259, 273, 279)))
            case _:
                struct.pack_into("<I", changed, entry + 8, rng.choice(_NUMBERS) % 2**32)
    return bytes(changed)


def _find_directories(data: bytes) -> list[tuple[int, int]]:
    """Return the offset and number of entries of each directory of a small-endian TIFF."""
    found = []
    (at,) = struct.unpack_from("<I", data, 4)
    while at:
        (count,) = struct.unpack_from("<H", data, at)
        found.append((at, count))
        (at,) = struct.unpack_from("<I", data, at + 2 + count * _TIFF_ENTRY_BYTES)
    return found


def _draw_page(number: int) -> Pillow.Image:
    page = Pillow.new("RGB", (210, 297), "white")
    ImageDraw.Draw(page).text((20, 20 + 40 * number), f"Blad {number}", fill="black")
    return page


def _save(
    first: Pillow.Image, kind: str, others: list[Pillow.Image] | None = None, **options: object
) -> bytes:
    out = io.BytesIO()
    # Copies, since an image keeps the options of the format that it was saved in.
    stack: dict[str, Any] = {"save_all": True, "append_images": [o.copy() for o in others or ()]}
    first.copy().save(out, kind, **(stack if others else {}), **options)
    return out.getvalue()


def _draw_pdf() -> bytes:
    pdf = FPDF(format=(105, 148))
    for number in range(3):
        pdf.add_page()
        pdf.set_font("helvetica", size=20)
        pdf.text(20, 30, f"Blankett {number}")
    return bytes(pdf.output())


def _workbook() -> bytes:
    book, out = Workbook(), io.BytesIO()
    for row in [("personnummer", "namn"), *((189001019802, "Asta Ek") for _ in range(20))]:
        book.active.append(row)
    book.save(out)
    return out.getvalue()
