"""Hooks of mkdocs.yml: the site's pages that lie outside docs/, their links, and lists as GitHub reads them.

The repository's Markdown is written to be read on a Git host too. There a link may lead to any file, and a list may
follow a paragraph without an empty line between them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
# File in the repository to page of the site.
OUTSIDE_DOCS = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "edgekit/data/mobilevit-s-deeplabv3-parsing/README.md": "weights.md",
}
MADE_FROM_DOCSTRINGS = "api.md"  # may not be made yet
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")
FENCE = re.compile(r"\s*(```|~~~)")
ITEM = re.compile(r" {0,3}([-*+]|1[.)]) ")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Leave the API's page out of the navigation where it was not made."""
    if not (DOCS / MADE_FROM_DOCSTRINGS).is_file():
        for section in config.nav or []:
            for title, pages in section.items():
                if isinstance(pages, list):
                    section[title] = [page for page in pages if MADE_FROM_DOCSTRINGS not in page.values()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for source, page in OUTSIDE_DOCS.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A page's text with links that hold in the site and lists that Python-Markdown recognises."""
    assert page.file.abs_src_path is not None
    folder = Path(page.file.abs_src_path).parent
    linked = LINK.sub(lambda found: _link(found, folder), markdown)
    return _with_separate_lists(linked)


def _link(found: re.Match[str], folder: Path) -> str:
    """A link to a page of the site; to another file of the repository, its text alone.

    What leads nowhere is left as it is, for mkdocs to refuse.
    """
    picture, text, target, anchor = found[1], found[2], found[3], found[4] or ""
    path = Path(os.path.normpath(folder / target))
    if not path.exists():
        return found[0]
    if path.is_relative_to(DOCS):
        place = path.relative_to(DOCS).as_posix()
    elif (source := path.relative_to(ROOT).as_posix()) in OUTSIDE_DOCS:
        place = OUTSIDE_DOCS[source]
    else:
        return text
    return f"{picture}[{text}]({place}{anchor})"


def _with_separate_lists(markdown: str) -> str:
    """An empty line before each list that follows a paragraph at once, outside fenced code."""
    lines: list[str] = []
    fenced = in_list = False
    for line in markdown.splitlines():
        if FENCE.match(line):
            fenced = not fenced
        starts_item = not fenced and ITEM.match(line) is not None
        if starts_item and not in_list and lines and lines[-1].strip():
            lines.append("")
        in_list = starts_item or (
            in_list and (not line.strip() or line.startswith(" ") or bool(lines[-1].strip()))
        )
        lines.append(line)
    return "\n".join(lines) + "\n"
