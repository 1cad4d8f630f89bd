"""The documentation site: it builds without a warning and loads nothing from anywhere else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.docs_site import OUTSIDE_DOCS, _with_separate_lists

ROOT = Path(__file__).parent.parent.parent
FROM_ELSEWHERE = re.compile(r"<(?:script|link|img|source|iframe)\b[^>]*(?:src|href)=\"?(?:https?:)?//[^>]*>")

pytestmark = pytest.mark.slow  # the site is built


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    ran = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    return folder


def test_every_page_is_there(site: Path) -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} | {
        Path(p).stem for p in OUTSIDE_DOCS.values()
    }
    assert {path.stem for path in site.glob("*.html")} == pages | {"404"}
    assert "skin" in (site / "search/search_index.json").read_text(encoding="utf-8")


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.glob("*.html"):
        assert FROM_ELSEWHERE.findall(page.read_text(encoding="utf-8")) == [], page.name


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (
            "Three:\n- one\n- two\n  more\n- three\n\nEnd.",
            "Three:\n\n- one\n- two\n  more\n- three\n\nEnd.\n",
        ),
        ("- one\n\nText:\n- two", "- one\n\nText:\n\n- two\n"),
        ("```\nx\n- y\n```", "```\nx\n- y\n```\n"),
        ("1976 was\n12 years", "1976 was\n12 years\n"),
    ],
)
def test_a_list_that_follows_a_paragraph_is_set_apart(written: str, read: str) -> None:
    assert _with_separate_lists(written) == read
