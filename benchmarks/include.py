"""Bring the figures of docs/figures/ into the pages that show them.

    python -m benchmarks.include

A page marks the place with `<!-- figures:NAME -->` and `<!-- /figures -->`; what lies between is replaced by
docs/figures/NAME.md, which a benchmark writes with --write. Both marks are comments of HTML, so a plain Git host and
mkdocs show the pages alike.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path

from edgekit.files import write_whole

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "docs/figures"
CARD = ROOT / "edgekit/data/mobilevit-s-deeplabv3-parsing/README.md"
BLOCK = re.compile(r"(<!-- figures:([a-z0-9-]+) -->\n).*?(?=<!-- /figures -->)", re.S)


def pages() -> list[Path]:
    """The pages that may show figures: docs/*.md and the card of the bundled weights."""
    return [*sorted((ROOT / "docs").glob("*.md")), CARD]


def figures() -> dict[str, str]:
    """The text of every figure, by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FIGURES.glob("*.md"))}


def names_in(text: str) -> list[str]:
    """The names of the figures that a page shows."""
    return [name for _, name in BLOCK.findall(text)]


def included(text: str, texts: Mapping[str, str]) -> str:
    """A page's text with every marked block replaced by its figure. KeyError for a name without a figure."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{texts[found[2]].strip()}\n\n", text)


def update() -> list[Path]:
    """Rewrite the pages whose figures have changed, and return them."""
    texts, changed = figures(), []
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = included(before, texts)
        if after != before:
            write_whole(page, after, replace=True)
            changed.append(page)
    return changed


def main() -> None:
    """Update the pages and name those that changed."""
    plain = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(description=__doc__, formatter_class=plain).parse_args()
    for page in update():
        print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
