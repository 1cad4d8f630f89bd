"""Stages and explanations as text: the waterfall as a table, the cause, the cure and its gain as sentences."""

from __future__ import annotations

from edgekit import console
from edgekit.parity.blame import Drift, Explanation, Loss, Measured, Stage, Waterfall
from edgekit.parity.figures import UNKNOWN, figure, fixed, percent
from edgekit.parity.present import STYLES
from edgekit.parity.report import ArtifactReport, Status

SHOWN = 5  # blocks, and ablations, of a list that the JSON holds whole


def print_explained(artifact: ArtifactReport) -> None:
    """Print the waterfall and the explanation that an artifact's report holds."""
    if artifact.stages is not None:
        print_stages(f"{artifact.target} {artifact.recipe}", artifact.stages)
    if artifact.explanation is not None:
        for line in sentences(artifact.explanation):
            console.show(line)


def print_stages(title: str, stages: Waterfall) -> None:
    """Print the share of every stage, and what it moves by itself, as a table; then the stages that were not run."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(
        title=f"{title}: losses by stage over {len(stages.photos)} photo(s)", box=SIMPLE_HEAD, pad_edge=False
    )
    table.add_column("stage")
    for column in ("labels", "groups", "skin ΔE p95", "moves labels", "moves skin ΔE"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    for stage in (*stages.stages, *stages.beside):
        table.add_row(*_cells(stage))
    table.add_row("total", *_figures(stages.total, signed=False), "", "", "", style="bold")
    console.print_table(table)
    for stage in (*stages.stages, *stages.beside):
        if stage.status == Status.NOT_RUN:
            console.say(f"NOT_RUN {stage.name}: {stage.reason}")


def _cells(stage: Stage) -> list[str]:
    step = [UNKNOWN] * 2
    if stage.step is not None:
        labels, _, skin = _figures(stage.step, signed=False)
        step = [labels, skin]
    verdict = "beyond its bound" if stage.blamed else "" if stage.status != Status.NOT_RUN else "NOT_RUN"
    shares = [UNKNOWN] * 3 if stage.share is None else _figures(stage.share, signed=True)
    return [stage.name, *shares, *step, f"[{STYLES[stage.status]}]{verdict}[/]" if verdict else ""]


def _figures(loss: Loss, *, signed: bool) -> list[str]:
    shares = [percent(share, signed=signed) for share in (loss.labels, loss.groups)]
    return [*shares, fixed(loss.skin_delta_e00_p95, 2, signed=signed)]


def sentences(found: Explanation) -> list[str]:
    """Drift, cause, cure and gain, each in a line."""
    lines = [f"explained on {', '.join(found.photos)}"]
    if found.blocks:
        worst = ", ".join(_drifted(each) for each in found.blocks[:SHOWN])
        lines.append(f"drift from PyTorch, worst blocks: {worst}")
    if found.ablations:
        best = ", ".join(f"{each.block} → {_result(each.measured)}" for each in found.ablations[:SHOWN])
        lines.append(f"taken back to float, best first: {best}")
    elif found.not_ablated:
        lines.append(f"no block was taken back to float: {found.not_ablated}")
    lines += [f"cause: {found.cause}", f"cure: {found.cure}"]
    if found.before is not None and found.after is not None:
        lines.append(f"measured after it: {gain(found.before, found.after)}")
    return lines


def gain(before: Measured, after: Measured) -> str:
    """`label agreement 97.10 % → 98.30 %, skin ΔE p95 1.16 → 0.82, size 7.9 → 8.4 MB, time 0.54 → 0.57 of float`."""
    parts = [f"label agreement {before.label_agreement:.2%} → {after.label_agreement:.2%}"]
    if before.skin_delta_e00_p95 is not None and after.skin_delta_e00_p95 is not None:
        parts.append(f"skin ΔE p95 {before.skin_delta_e00_p95:.2f} → {after.skin_delta_e00_p95:.2f}")
    if before.size_bytes is not None and after.size_bytes is not None:
        parts.append(f"size {before.size_bytes / 1e6:.1f} → {after.size_bytes / 1e6:.1f} MB")
    if before.cost is not None and after.cost is not None:
        parts.append(f"time {before.cost:.2f} → {after.cost:.2f} of the float model's")
    return ", ".join(parts)


def _drifted(each: Drift) -> str:
    largest = figure("error", each.max_abs)
    return f"{each.block} {each.snr_db:.1f} dB (cosine {each.cosine:.3f}, largest error {largest})"


def _result(measured: Measured) -> str:
    skin = measured.skin_delta_e00_p95
    return f"{measured.label_agreement:.2%}" + ("" if skin is None else f", skin ΔE p95 {skin:.2f}")
