"""Files → pages: nothing is recoded that need not be, nothing breaks the rest, memory stays
small.
"""

from __future__ import annotations

import io
import struct
import tempfile
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest
from fpdf import FPDF
from PIL import Image as Pillow

from pipeline.domain.errors import BrokenFileError
from pipeline.files.images import ScannedPage, decode_image
from pipeline.files.page_files import count_pages, read_pages
from tests.support.shared_data import shared

pytestmark = pytest.mark.slow


def _picture(mode: str = "L", size: tuple[int, int] = (400, 560), seed: int = 1) -> Pillow.Image:
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1] // 8, size[0] // 8), np.uint8)
    return Pillow.fromarray(pixels).resize(size, Pillow.Resampling.BICUBIC).convert(mode)


def _jpeg(mode: str = "L", **options: bytes | int | Pillow.Exif) -> bytes:
    out = io.BytesIO()
    _picture(mode).save(out, "JPEG", **options)
    return out.getvalue()


def _pdf_of(
    path: Path,
    streams: list[Callable[[pikepdf.Pdf], pikepdf.Stream]],
    rotate: int = 0,
    **page: object,
) -> Path:
    """A PDF with one full-page image a page, as scanners write it."""
    pdf = pikepdf.new()
    for make in streams:
        content = pdf.make_stream(b"q 595 0 0 842 0 0 cm /Im0 Do Q")
        entries: dict[str, Any] = {
            "Type": pikepdf.Name.Page,
            "MediaBox": [0, 0, 595, 842],
            "Rotate": rotate,
            "Contents": content,
            "Resources": pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=make(pdf))),
        }
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(pikepdf.Dictionary(**(entries | page)))))
    pdf.save(path)
    return path


def _jpeg_stream(data: bytes, **extra: object) -> Callable[[pikepdf.Pdf], pikepdf.Stream]:
    def make(pdf: pikepdf.Pdf) -> pikepdf.Stream:
        entries: dict[str, Any] = {
            "Type": pikepdf.Name.XObject,
            "Subtype": pikepdf.Name.Image,
            "Width": 400,
            "Height": 560,
            "ColorSpace": pikepdf.Name.DeviceGray,
            "BitsPerComponent": 8,
            "Filter": pikepdf.Name.DCTDecode,
        }
        return pikepdf.Stream(pdf, data, **(entries | extra))

    return make


def _only(path: Path) -> ScannedPage:
    (page,) = read_pages(path)
    return page


def test_jpeg_and_png_keep_their_bytes(tmp_path: Path) -> None:
    for name, kind in (("a.jpg", "image/jpeg"), ("a.png", "image/png"), ("a.tif", "image/tiff")):
        path = tmp_path / name
        _picture().save(path)
        page = _only(path)
        assert (page.data, page.media_type, page.source_page, page.problem) == (
            path.read_bytes(),
            kind,
            1,
            "",
        )


def test_kind_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(_jpeg())
    assert _only(path).media_type == "image/jpeg"


def test_embedded_jpeg_is_taken_out_unrecoded(tmp_path: Path) -> None:
    pages = list(
        read_pages(
            _pdf_of(tmp_path / "a.pdf", [_jpeg_stream(_jpeg()), _jpeg_stream(_jpeg(quality=40))])
        )
    )
    assert [page.data for page in pages] == [_jpeg(), _jpeg(quality=40)]
    assert [page.source_page for page in pages] == [1, 2]


def test_embedded_fax_and_lossless_scans_keep_every_pixel(tmp_path: Path) -> None:
    fax = _picture("1", (1656, 2340))
    fax.save(tmp_path / "fax.pdf", resolution=200)
    page = _only(tmp_path / "fax.pdf")
    assert page.media_type == "image/tiff"
    assert page.data is not None
    assert np.array_equal(decode_image(page.data, page.media_type), np.asarray(fax.convert("L")))

    grey = _picture("L")
    raw = _jpeg_stream(b"")

    def flate(pdf: pikepdf.Pdf) -> pikepdf.Stream:
        stream = raw(pdf)
        del stream["/Filter"]
        stream.write(grey.tobytes())
        return stream

    _pdf_of(tmp_path / "flate.pdf", [flate])
    with pikepdf.open(tmp_path / "flate.pdf") as pdf:
        pdf.save(tmp_path / "packed.pdf", compress_streams=True)
    page = _only(tmp_path / "packed.pdf")
    assert page.data is not None
    assert np.array_equal(decode_image(page.data, page.media_type), np.asarray(grey))


@pytest.mark.parametrize(
    "variant",
    [
        {"rotate": 90},
        {"stream": {"Decode": [1, 0]}},
        {"stream": {"ImageMask": False, "Mask": [0, 10]}},
        {
            "jpeg": {
                "exif": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
            }
        },
        {
            "page": {
                "Annots": [
                    pikepdf.Dictionary(
                        Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Stamp, Rect=[0, 0, 9, 9]
                    )
                ]
            }
        },
        {"page": {"CropBox": [100, 100, 400, 600]}},
    ],
    ids=["rotated", "inverted", "masked", "exif", "stamp", "cropped"],
)
def test_a_scan_that_a_viewer_would_change_is_rendered(
    tmp_path: Path, variant: dict[str, Any]
) -> None:
    stream = _jpeg_stream(_jpeg(**variant.get("jpeg", {})), **variant.get("stream", {}))
    rotate = variant.get("rotate", 0)
    page = _only(_pdf_of(tmp_path / "a.pdf", [stream], rotate, **variant.get("page", {})))
    assert page.media_type == "image/png"
    assert page.data is not None
    shape = decode_image(page.data, page.media_type).shape
    if rotate:
        assert shape[1] > shape[0]


def test_a_drawn_page_is_rendered_at_300_dpi_and_leaves_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    pdf = FPDF(format="A4")
    pdf.add_page()
    pdf.set_font("helvetica", size=20)
    pdf.text(30, 30, "Blankett")
    pdf.output(str(tmp_path / "a.pdf"))
    page = _only(tmp_path / "a.pdf")
    assert page.data is not None
    assert (
        np.abs(np.array(decode_image(page.data, page.media_type).shape) - (3508, 2480)).max() <= 2
    )
    assert list((tmp_path / "temp").iterdir()) == []


def test_pages_of_a_tiff_come_one_by_one_without_loss(tmp_path: Path) -> None:
    pictures = [
        _picture("1", seed=1),
        _picture("L", seed=2),
        _picture("RGB", seed=3),
        _picture("CMYK", seed=4),
    ]
    pictures[0].save(tmp_path / "a.tif", save_all=True, append_images=pictures[1:])
    pages = list(read_pages(tmp_path / "a.tif"))
    assert count_pages(tmp_path / "a.tif") == 4
    assert [page.media_type for page in pages] == [
        "image/tiff",
        "image/png",
        "image/png",
        "image/tiff",
    ]
    for page, picture in zip(pages, pictures, strict=True):
        assert page.data is not None
        with Pillow.open(io.BytesIO(page.data)) as again:
            assert again.mode == picture.mode
            assert again.tobytes() == picture.tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "CMYK"])
@pytest.mark.parametrize("per_inch", [(0, 0), (1, 0), (-300, 1), (4_000_000_000, 1)])
def test_pages_of_a_tiff_that_tells_no_true_resolution_are_taken_in(
    tmp_path: Path, mode: str, per_inch: tuple[int, int]
) -> None:
    """Some programs write 0/0 dots an inch: what they say of its size is no reason to lose a
    stack.
    """
    _picture(mode).save(
        tmp_path / "a.tif", save_all=True, append_images=[_picture(mode, seed=2)], dpi=(77, 77)
    )
    told = (tmp_path / "a.tif").read_bytes()
    honest, odd = (
        struct.pack("<II", 77, 1),
        struct.pack("<iI" if per_inch[0] < 0 else "<II", *per_inch),
    )
    assert honest in told
    (tmp_path / "a.tif").write_bytes(told.replace(honest, odd))
    pages = list(read_pages(tmp_path / "a.tif"))
    assert [page.problem for page in pages] == ["", ""]
    assert all(
        page.data is not None and decode_image(page.data, page.media_type).shape[:2] == (560, 400)
        for page in pages
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty_file"),
        (b"Hej, detta ar ingen bild", "not_a_document"),
        (b"%PDF-1.7 trasig", "broken_file"),
        (b"\x89PNG\r\n\x1a\n trasig", "broken_file"),
        (b"II*\x00\x00", "broken_file"),
        (b"\xff\xd8\xff", "broken_file"),
    ],
)
def test_what_cannot_be_taken_in_is_one_page_with_a_problem(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    page = _only(path)
    assert (page.data, page.problem) == (None, problem)
    assert page.reason
    assert count_pages(path) == 1


def test_encrypted_pdf(tmp_path: Path) -> None:
    with pikepdf.open(_pdf_of(tmp_path / "a.pdf", [_jpeg_stream(_jpeg())])) as pdf:
        pdf.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(owner="a", user="b"))
    assert _only(tmp_path / "locked.pdf").problem == "encrypted"
    assert count_pages(tmp_path / "locked.pdf") == 1


def test_a_bad_page_fails_alone(tmp_path: Path) -> None:
    good = _jpeg_stream(_jpeg())
    first, bad, last = read_pages(
        _pdf_of(tmp_path / "a.pdf", [good, _jpeg_stream(b"garbage"), good])
    )
    assert first.data == last.data == _jpeg()
    assert (bad.data, bad.problem, bad.source_page) == (None, "broken_page", 2)


@pytest.mark.parametrize(
    "damage",
    [
        {"Filter": pikepdf.Name.FlateDecode},  # fewer pixels than the picture should have
        {"Filter": pikepdf.Name.FlateDecode, "Width": -400},
        {
            "Filter": pikepdf.Name.CCITTFaxDecode,
            "BitsPerComponent": 1,
            "DecodeParms": pikepdf.Dictionary(EncodedByteAlign=True),
        },
    ],
)
def test_a_picture_that_cannot_be_taken_out_of_its_page_does_not_end_the_stack(
    tmp_path: Path, damage: dict[str, object]
) -> None:
    good = _jpeg_stream(_jpeg())
    path = _pdf_of(
        tmp_path / "a.pdf", [good, _jpeg_stream(zlib.compress(bytes(99)), **damage), good]
    )
    first, _, last = read_pages(path)
    assert first.data == last.data == _jpeg()


@pytest.mark.parametrize("kind", ["TIFF", "PDF"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_a_stack_that_was_cut_off_says_that_pages_are_missing(
    tmp_path: Path, kind: str, share: float
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    first, *others = (_picture(seed=seed) for seed in range(6))
    first.save(
        whole,
        kind,
        save_all=True,
        append_images=others,
        **({"compression": "tiff_lzw"} if kind == "TIFF" else {}),
    )
    assert [page.problem for page in read_pages(whole)] == [""] * 6
    cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
    pages = list(read_pages(cut))
    assert (pages[-1].problem in ("broken_page", "broken_file"), pages[-1].data) == (True, None)
    assert [page.source_page for page in pages] == list(range(1, count_pages(cut) + 1))


def test_a_destroyed_page_of_a_pdf_is_told_of(tmp_path: Path) -> None:
    """A bad sector of a stick: what is left of the file can be opened, and says nothing of the page
    that has gone.
    """
    path = _pdf_of(tmp_path / "a.pdf", [_jpeg_stream(_jpeg())] * 3)
    whole = path.read_bytes()
    with pikepdf.open(path) as pdf:
        number, _ = pdf.pages[1].obj.objgen
    start = whole.index(b"\n%d 0 obj" % number)
    end = whole.index(b"endobj", start)
    path.write_bytes(whole[:start] + bytes(end - start) + whole[end:])
    pages = list(read_pages(path))
    assert [(page.source_page, page.problem) for page in pages] == [
        (1, ""),
        (2, ""),
        (3, "broken_page"),
    ]
    assert count_pages(path) == 3


def test_too_large_pictures_are_refused_and_too_large_pages_bounded(tmp_path: Path) -> None:
    Pillow.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    assert _only(tmp_path / "bomb.png").problem == "too_large"
    pdf = FPDF(unit="mm", format=(4000, 4000))
    pdf.add_page()
    pdf.set_line_width(20)
    pdf.line(0, 0, 4000, 4000)
    pdf.output(str(tmp_path / "poster.pdf"))
    page = _only(tmp_path / "poster.pdf")
    assert page.data is not None
    assert decode_image(page.data, page.media_type).size <= 61_000_000


@pytest.mark.parametrize("at", [0, 1])
def test_a_page_of_a_tiff_that_is_too_large_is_refused_alone(tmp_path: Path, at: int) -> None:
    frames = [_picture("1") for _ in range(3)]
    frames[at] = Pillow.new("1", (20_000, 10_000))
    frames[0].save(
        tmp_path / "a.tif", compression="group4", save_all=True, append_images=frames[1:]
    )
    problems = ["", "", ""]
    problems[at] = "too_large"
    assert [page.problem for page in read_pages(tmp_path / "a.tif")] == problems
    assert count_pages(tmp_path / "a.tif") == 3


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_decode_gives_eight_bit_grey_or_colour(mode: str) -> None:
    picture = _picture("L")
    picture = (
        Pillow.fromarray(np.asarray(picture).astype(np.uint16) * 257)
        if mode == "I;16"
        else picture.convert(mode)
    )
    out = io.BytesIO()
    picture.save(out, "PNG")
    image = decode_image(out.getvalue(), "image/png")
    assert image.dtype == np.uint8
    assert image.shape[:2] == (560, 400)
    if mode != "1":
        grey = image if image.ndim == 2 else image[..., 0]
        assert np.abs(grey.astype(int) - np.asarray(_picture("L")).astype(int)).max() <= 1


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_a_picture_of_fewer_bits_than_are_stored_is_not_dark(bits: int) -> None:
    grey = np.asarray(_picture("L")).astype(np.uint16)
    grey[0, 0] = 255
    for kind in ("PNG", "TIFF"):
        out = io.BytesIO()
        Pillow.fromarray(grey << (bits - 8)).save(out, kind)
        assert np.array_equal(decode_image(out.getvalue(), f"image/{kind.lower()}"), grey)


def test_decode_lays_transparency_on_white_and_honours_the_turn() -> None:
    out = io.BytesIO()
    Pillow.new("RGBA", (10, 10), (0, 0, 0, 0)).save(out, "PNG")
    assert decode_image(out.getvalue(), "image/png").min() == 255
    exif = Pillow.Exif()
    exif[0x0112] = 6
    assert decode_image(_jpeg(exif=exif), "image/jpeg").shape == (400, 560)
    assert decode_image(_jpeg("CMYK"), "image/jpeg").shape == (560, 400, 3)


def test_a_photograph_whose_notes_are_damaged_is_read_without_a_warning(tmp_path: Path) -> None:
    """A camera's notes that are cut off say nothing of its picture."""
    notes = b"Exif\0\0MM\0*\0\0\0\x08"
    whole = _jpeg()
    (tmp_path / "a.jpg").write_bytes(
        whole[:2] + b"\xff\xe1" + struct.pack(">H", len(notes) + 2) + notes + whole[2:]
    )
    page = _only(tmp_path / "a.jpg")
    assert page.data is not None
    assert decode_image(page.data, page.media_type).shape == (560, 400)


def test_decode_of_damaged_bytes_is_an_error_with_a_remedy() -> None:
    with pytest.raises(BrokenFileError) as caught:
        decode_image(_jpeg()[:300], "image/jpeg")
    assert caught.value.remedy


def test_hundreds_of_pages_need_no_more_memory_than_a_few(tmp_path: Path) -> None:
    jpeg = _jpeg()
    comment = b"\xff\xfe\xff\xfc" + bytes(0xFFFA)
    streams = [
        _jpeg_stream(jpeg[:2] + comment * 3 + b"\xff\xfe\x00\x06" + n.to_bytes(4, "big") + jpeg[2:])
        for n in range(300)
    ]
    path = _pdf_of(tmp_path / "a.pdf", streams)
    assert path.stat().st_size > 50_000_000
    tracemalloc.start()
    try:
        assert (
            sum(
                page.data is not None and page.media_type == "image/jpeg"
                for page in read_pages(path)
            )
            == 300
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000


@pytest.mark.shared
@pytest.mark.parametrize(
    "largest", [200_000, pytest.param(2**40, marks=pytest.mark.nightly)], ids=["small", "all"]
)
def test_every_awkward_file_ends_in_pages_or_problems(largest: int) -> None:
    files = sorted(shared("scans", "ocrmypdf").iterdir())
    for path in [path for path in files if path.stat().st_size <= largest]:
        pages = list(read_pages(path))
        assert len(pages) == count_pages(path)
        for page in pages:
            assert (page.data is None) == bool(page.problem)
            if page.data is not None:
                assert decode_image(page.data, page.media_type).size
