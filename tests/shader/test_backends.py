"""Emitted text, compiled and drawn by real compilers, against the oracle. The whole table, with every
geometry, table pair and layer kind for each cell, is `python -m benchmarks.shader_parity`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from edgekit.shader.backends import BACKENDS, Backend, BackendMissing
from edgekit.shader.backends.cases import (
    MUTANTS,
    TOLERANCE_LEVELS,
    Case,
    error_levels,
    mask_weights,
    mutant_job,
    reduced_cases,
)
from edgekit.shader.backends.cpu_engine import CpuEngine
from edgekit.shader.description import SourceText
from edgekit.shader.oracle import render

pytestmark = pytest.mark.system


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    try:
        made = BACKENDS[request.param]()
    except BackendMissing as missing:
        pytest.skip(f"{missing} Run tools/install-system-packages.sh.")
    yield made
    made.close()


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return reduced_cases()


def test_every_case_is_within_tolerance(backend: Backend, cases: list[Case]) -> None:
    drawn = backend.draw([case.job(backend.dialect) for case in cases])
    errors = [
        (error_levels(picture, render(case.frame)), case.tolerance_levels, case.geometry.name, case.luts)
        for case, picture in zip(cases, drawn, strict=True)
    ]
    assert len(errors) == 6
    assert {tolerance for _, tolerance, _, _ in errors} == {1, 2}
    assert all(levels <= tolerance for levels, tolerance, _, _ in errors), errors


def test_every_planted_mistake_shows(backend: Backend) -> None:
    jobs = [mutant_job(name, backend.dialect) for name in MUTANTS]
    drawn = backend.draw(jobs)
    errors = [error_levels(picture, render(frame)) for picture, (frame, _) in zip(drawn, jobs, strict=True)]
    assert min(errors) > max(TOLERANCE_LEVELS.values()), dict(zip(MUTANTS, errors, strict=True))


def test_a_text_that_does_not_compile_is_refused(backend: Backend, cases: list[Case]) -> None:
    """The compiler was really asked: a name that nobody declared stops the draw."""
    frame, text = cases[0].job(backend.dialect)
    broken = tuple(SourceText(s.file, s.text.replace("source.xyz", "undeclared.xyz")) for s in text.sources)
    with pytest.raises(Exception, match="undeclared"):
        backend.draw([(frame, replace(text, sources=broken))])


def test_the_cpu_engine_draws_the_same(cases: list[Case]) -> None:
    engine = CpuEngine()
    able = [case for case in cases if engine.can_draw(case.frame)]
    drawn = engine.draw([case.frame for case in able], mask_weights())
    assert len(able) >= 2
    for case, picture in zip(able, drawn, strict=True):
        assert error_levels(picture, render(case.frame)) <= 1
        assert error_levels(picture[..., [2, 1, 0, 3]], render(case.frame)) > 2
