"""The pages: their figures are those of docs/figures/, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import include
from edgekit.commands import COMMANDS

ROOT = include.ROOT
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as plain Git hosts make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_the_pages_show_the_figures_as_they_are() -> None:
    texts = include.figures()
    for page in include.pages():
        text = page.read_text(encoding="utf-8")
        assert include.included(text, texts) == text, f"{page.name}: run python -m benchmarks.include"


def test_every_figure_is_shown_and_names_the_command_that_writes_it() -> None:
    shown = {name for page in include.pages() for name in include.names_in(page.read_text(encoding="utf-8"))}
    assert shown == set(include.figures())
    for name, text in include.figures().items():
        command = re.match(r"`python -m benchmarks\.(\w+)[^`]*`: ", text)
        assert command is not None, f"docs/figures/{name}.md does not begin with its command"
        assert (ROOT / f"benchmarks/{command[1]}.py").is_file()


def test_every_benchmark_makes_something_the_pages_show() -> None:
    named_in = [ROOT / "docs/color.md", ROOT / "docs/literature.md"]
    commands = " ".join(
        [*include.figures().values(), *(page.read_text(encoding="utf-8") for page in named_in)]
    )
    shared = {"__init__", "browser", "harness", "include", "instruction_set", "models"}
    for path in (ROOT / "benchmarks").glob("*.py"):
        if path.stem not in shared:
            assert f"benchmarks.{path.stem}" in commands, path.name


def test_only_what_is_between_the_marks_changes() -> None:
    page = "a\n<!-- figures:x -->\nold\n<!-- /figures -->\nb\n<!-- figures:y -->\n<!-- /figures -->\n"
    made = include.included(page, {"x": "new \\1 x\n", "y": "| t |\n"})
    assert made == (
        "a\n<!-- figures:x -->\n\nnew \\1 x\n\n<!-- /figures -->\nb\n<!-- figures:y -->\n\n| t |\n\n<!-- /figures -->\n"
    )
    assert include.included(made, {"x": "new \\1 x\n", "y": "| t |\n"}) == made
    with pytest.raises(KeyError, match="x"):
        include.included(page, {"y": ""})


def test_a_new_figure_reaches_its_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs/figures").mkdir(parents=True)
    for name in ("one", "two"):
        (tmp_path / f"docs/{name}.md").write_text(f"<!-- figures:{name} -->\n<!-- /figures -->\n")
        (tmp_path / f"docs/figures/{name}.md").write_text("first\n")
    (tmp_path / "card.md").write_text("no figures\n")
    monkeypatch.setattr(include, "ROOT", tmp_path)
    monkeypatch.setattr(include, "FIGURES", tmp_path / "docs/figures")
    monkeypatch.setattr(include, "CARD", tmp_path / "card.md")
    assert [page.name for page in include.update()] == ["one.md", "two.md"]
    (tmp_path / "docs/figures/two.md").write_text("second\n")
    assert [page.name for page in include.update()] == ["two.md"]
    assert "second" in (tmp_path / "docs/two.md").read_text()


def test_links_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "research/README.md", *include.pages()]
    for page in pages:
        for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
            place = page.parent / target if target else page
            assert place.exists(), f"{page.name} links to {target}"
            if anchor:
                assert anchor in anchors(place), f"{page.name} links to {target}#{anchor}"


def test_the_readme_lists_every_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}  # the site's own first page
    assert [name for name in sorted(pages) if f"](docs/{name})" not in text] == []


def test_commands_on_the_pages_exist() -> None:
    for page in [ROOT / "README.md", *include.pages()]:
        blocks = re.findall(r"^```.*?\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)
        for command in re.findall(r"^edgekit ([a-z-]+)", "\n".join(blocks), re.M):
            assert command in COMMANDS, f"{page.name}: edgekit {command}"
