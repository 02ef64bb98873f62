"""How often idioms of earlier texts occur where people read, per 1,000 words."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from babel.messages.pofile import read_po

from pipeline.domain.settings import ROOT
from research.figures.imports import sources, syntax_tree

CODE = ("pipeline", "ui", "research", "tests")
KINDS = ("documents", "docstrings", "comments", "texts")
_WORD = re.compile(r"[A-Za-zÅÄÖåäöé]+")
_NOT_PROSE = re.compile(r"```[\s\S]*?```|^ {4,}\S.*$|`[^`]*`|\]\([^)]*\)", re.MULTILINE)


@cache
def plain_words() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each idiom as a pattern, and the standard words to write instead."""
    rows = yaml.safe_load((Path(__file__).parent / "plain_words.yaml").read_text("utf-8"))
    return tuple((re.compile(row[0], re.IGNORECASE), ", ".join(row[1:])) for row in rows)


def documents() -> list[Path]:
    """The English documents; the handbook is in Swedish, the changelog keeps what it once said."""
    return [
        path
        for path in [
            *sorted(ROOT.glob("*.md")),
            *sorted((ROOT / "docs").rglob("*.md")),
            *sorted((ROOT / "data").rglob("*.md")),
            *sorted((ROOT / "forms").rglob("*.md")),
        ]
        if "handbok" not in path.parts and "store" not in path.parts
    ]


def texts_of(kind: str) -> Iterator[tuple[str, str]]:
    """Each piece of prose of a kind with its file, without code and addresses."""
    if kind == "documents":
        for path in documents():
            text = path.read_text("utf-8")
            if path.name == "CHANGELOG.md":  # what earlier versions said stays as it was published
                text = text.split("\n## [1.1.0]")[0]
            yield _name(path), _NOT_PROSE.sub(" ", text)
    elif kind == "texts":
        for path in sorted((ROOT / "pipeline" / "texts" / "en").rglob("*.po")):
            yield from ((_name(path), text) for text in _messages(path))
    else:
        read = _docstrings if kind == "docstrings" else _comments
        for path in sources(*CODE):
            yield from ((_name(path), _NOT_PROSE.sub(" ", text)) for text in read(path))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _messages(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for message in read_po(file):
            plural = message.string if isinstance(message.string, list | tuple) else ()
            if message.id:
                yield from (text for text in plural or (message.string,) if isinstance(text, str))


def _docstrings(path: Path) -> Iterator[str]:
    """Docstrings, and the strings that describe the constant before them."""
    for node in ast.walk(syntax_tree(path)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                # With its indentation, all of it would look like a block of code.
                yield "\n".join(line.strip() for line in text.splitlines())


def _comments(path: Path) -> Iterator[str]:
    text = path.read_bytes()
    if b"#" not in text:
        return
    with io.BytesIO(text) as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.string.lstrip("# ")


def words(text: str) -> int:
    """The number of words of a text."""
    return len(_WORD.findall(text))


def idioms(text: str) -> list[tuple[str, str]]:
    """The idioms of a text, each with the words to write instead."""
    return [
        (found[0], plain) for pattern, plain in plain_words() for found in pattern.finditer(text)
    ]


def idioms_per_1000(kind: str) -> float:
    """The idioms of all texts of a kind, per 1,000 words."""
    found = [(len(idioms(text)), words(text)) for _, text in texts_of(kind)]
    return 1000 * sum(hits for hits, _ in found) / sum(count for _, count in found)


def worst_files(kind: str) -> list[tuple[str, int, float]]:
    """The files of a kind with their idioms and these per 1,000 words, those with most first."""
    hits: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for name, text in texts_of(kind):
        hits[name] += len(idioms(text))
        counts[name] += words(text)
    return [
        (name, number, 1000 * number / counts[name])
        for name, number in hits.most_common()
        if number
    ]
