"""The sha256 of what `edgekit convert` writes for the bundled weights: every built-in recipe, and the default.

python -m tools.artifact_hashes                      # one line an artifact
python -m tools.artifact_hashes --against OLD.txt    # exits 1 and names the lines that differ

A change that must not change an artifact prints the same lines before and after. The bytes depend on the versions of
torch, coremltools and litert-torch (constraints.txt), so the lines are compared, never committed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import edgekit
from edgekit.console import quiet_libraries, say
from edgekit.recipes import RECIPES
from edgekit.targets import ALL, targets_named


def lines() -> Iterator[str]:
    """`target recipe sha256 size_bytes` of every artifact."""
    with quiet_libraries():
        checkpoint = edgekit.load_checkpoint()
    for target in (each.name for each in targets_named(ALL)):
        for recipe in (*RECIPES, None):
            with tempfile.TemporaryDirectory() as folder:
                (made,) = edgekit.convert(checkpoint, target, recipe=recipe, out=Path(folder))
            manifest = made.manifest
            yield f"{target} {recipe or 'default'} {manifest.sha256} {manifest.size_bytes}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--against", type=Path, help="lines that this script printed before")
    against = parser.parse_args().against
    before = None if against is None else set(against.read_text(encoding="utf-8").splitlines())
    differing = []
    for line in lines():
        print(line, flush=True)
        if before is not None and line not in before:
            differing.append(line)
    if differing:
        say(f"{len(differing)} differ: {'; '.join(differing)}")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
