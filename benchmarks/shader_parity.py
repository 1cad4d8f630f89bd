"""The proof table: every backend draws every case, compared with the numpy oracle.

    python -m benchmarks.shader_parity [--backend NAME …] [--write]

Cases: {trilinear, tetrahedral} × {bilinear, joint-bilateral, guided} × two pairs of asymmetric tables ×
{groups; drawn regions and a second picture; four regions with a blur and a picture} × {upright, rotated,
cropped, mirrored-cropped-rotated with the mask in another orientation}, the first two with grain; 61×97 image,
17×23 mask. Every backend also draws texts with one planted mistake each, which must fail. Exit code 1 when a case
fails, a mutant passes or a backend did not run.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness
from edgekit.shader.backends import BACKENDS, BackendMissing
from edgekit.shader.backends.cases import (
    MUTANTS,
    TOLERANCE_LEVELS,
    TOLERANCE_WITH_GRAIN,
    Case,
    all_cases,
    error_levels,
    mask_weights,
    mutant_job,
)
from edgekit.shader.backends.cpu_engine import CpuEngine
from edgekit.shader.modes import INTERPOLATIONS, REFINEMENTS
from edgekit.shader.oracle import render

CPU_ENGINE = "cpu-engine"
COLUMNS = [(i, r) for i in INTERPOLATIONS for r in REFINEMENTS]
Levels = dict[tuple[str, str], list[tuple[int, int]]]  # of each case: its error, and what it may be


def main() -> None:
    """Draw every case on every backend, and publish the figure `shader-parity`."""
    parser = harness.parser(__doc__)
    names = [*BACKENDS, CPU_ENGINE]
    parser.add_argument("--backend", action="append", choices=names, help="only these")
    options = parser.parse_args()
    cases = all_cases()
    expected = [render(case.frame) for case in cases]
    rows = [row(name, cases, expected) for name in options.backend or names]
    columns = ("backend", *(f"{i} {r}" for i, r in COLUMNS), "planted mistakes", "device")
    passed = all(good for good, _ in rows)
    verdict = "PASSED" if passed else "FAILED"
    allowed = ", ".join(f"{level} for {name}" for name, level in TOLERANCE_LEVELS.items())
    allowed += f"; {TOLERANCE_WITH_GRAIN} with grain"
    body = f"{harness.table(columns, [cells for _, cells in rows])}\n\nAllowed: {allowed}. {verdict}"
    n = f"{len(cases)} cases a backend; the largest error in levels of 255 (number of cases)"
    harness.publish(options, "shader-parity", n, harness.machine("numpy"), body)
    raise SystemExit(0 if passed else 1)


def row(name: str, cases: list[Case], expected: list[NDArray[np.float64]]) -> tuple[bool, list[str]]:
    """One backend's verdict and cells; the verdict is False when anything is not as it must be."""
    try:
        levels, mutants, device = _cpu(cases, expected) if name == CPU_ENGINE else _gpu(name, cases, expected)
    except BackendMissing as missing:
        return False, [name, *[""] * len(COLUMNS), "", f"NOT RUN: {missing}"]
    cells = [f"{max(levels[c])[0]} ({len(levels[c])})" if levels[c] else "–" for c in COLUMNS]
    caught = ", ".join(f"{mutant} {level}" for mutant, level in mutants.items())
    good = all(level <= allowed for found in levels.values() for level, allowed in found)
    good = good and all(level > max(TOLERANCE_LEVELS.values()) for level in mutants.values())
    return good, [name, *cells, caught, device]


def _gpu(
    name: str, cases: list[Case], expected: list[NDArray[np.float64]]
) -> tuple[Levels, dict[str, int], str]:
    backend = BACKENDS[name]()
    drawn = backend.draw([case.job(backend.dialect) for case in cases])
    jobs = [mutant_job(mutant, backend.dialect) for mutant in MUTANTS]
    wrong = backend.draw(jobs)
    found = [error_levels(w, render(frame)) for w, (frame, _) in zip(wrong, jobs, strict=True)]
    backend.close()
    return _levels(cases, drawn, expected), dict(zip(MUTANTS, found, strict=True)), backend.device


def _cpu(cases: list[Case], expected: list[NDArray[np.float64]]) -> tuple[Levels, dict[str, int], str]:
    engine = CpuEngine()
    able = [(case, right) for case, right in zip(cases, expected, strict=True) if engine.can_draw(case.frame)]
    chosen, right = [case for case, _ in able], [levels for _, levels in able]
    drawn = engine.draw([case.frame for case in chosen], mask_weights())
    flipped = engine.draw([chosen[0].frame], mask_weights()[..., ::-1])[0]
    frame = chosen[0].frame
    reversed_image = np.asarray(frame.pixels["u_image"], np.uint8)[..., [2, 1, 0, 3]].copy()
    swapped_frame = replace(frame, pixels={**frame.pixels, "u_image": reversed_image})
    swapped = engine.draw([swapped_frame], mask_weights())[0]
    mutants = {
        "swapped axes": error_levels(swapped, right[0]),
        "flipped group order": error_levels(flipped, right[0]),
    }
    return _levels(chosen, drawn, right), mutants, engine.device


def _levels(cases: list[Case], drawn: list[NDArray[np.uint8]], expected: list[NDArray[np.float64]]) -> Levels:
    levels: Levels = {column: [] for column in COLUMNS}
    for case, picture, right in zip(cases, drawn, expected, strict=True):
        found = error_levels(picture, right), case.tolerance_levels
        levels[case.interpolation, case.refinement].append(found)
    return levels


if __name__ == "__main__":
    main()
