"""Adds the page of each form to the handbook: `forms/<id>/handbook.md`, in the order of titles."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_FORMS = Path(__file__).parents[1] / "forms"
_FOLDER = "handbok/blanketter"


def _title(page: Path) -> str:
    return page.read_text("utf-8").partition("\n")[0].removeprefix("# ")


def _pages() -> list[Path]:
    return sorted(_FORMS.glob("*/handbook.md"), key=lambda page: _title(page).casefold())


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages into the menu, after the page about all forms."""
    (menu,) = (item["Blanketter"] for item in config.nav or [] if "Blanketter" in item)
    menu += [{_title(page): f"{_FOLDER}/{page.parent.name}.md"} for page in _pages()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take the pages from the folders of the forms, as if they were in docs/."""
    for page in _pages():
        address = f"{_FOLDER}/{page.parent.name}.md"
        files.append(File.generated(config, address, abs_src_path=str(page)))
    return files
