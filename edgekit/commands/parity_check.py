"""`edgekit parity-check`: comparison of artifacts with the checkpoint in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from edgekit import console
from edgekit.commands.options import Force, Json, LargeSetOptions, Weights, unpacked

if TYPE_CHECKING:
    from edgekit.parity.pictures import DrawnPhoto
    from edgekit.parity.report import ParityReport

Reports = Annotated[
    list[Path] | None,
    typer.Option(
        help="Write a report here, several times if wanted: .html, .json, .xml (JUnit) or .md (Markdown)."
    ),
]
Baseline = Annotated[
    Path | None,
    typer.Option(help="An older report (.json): also fail if a photo's figures got worse since then."),
]


@dataclass(frozen=True)
class BoundOptions:
    """Bounds that replace the recipe's."""

    max_miou_drop: Annotated[
        float | None,
        typer.Option(
            help="Largest allowed loss of mIoU (0.005 is half a percentage point); needs --labels.",
            show_default="the recipe's",
        ),
    ] = None
    min_agreement: Annotated[
        float | None,
        typer.Option(help="Smallest allowed share of equal labels.", show_default="the recipe's"),
    ] = None
    max_skin_de: Annotated[
        float | None,
        typer.Option(
            help="Largest allowed ΔE2000 (95th percentile) of skin in the final picture.",
            show_default="the recipe's",
        ),
    ] = None


@dataclass(frozen=True)
class CauseOptions:
    """Whether the causes of losses are looked for, and where one is shown."""

    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Say where each loss arises, which block causes it and what cures it (minutes).",
        ),
    ] = False
    repro: Annotated[
        Path | None,
        typer.Option(help="Write a folder that shows the first artifact's fault alone; includes --explain."),
    ] = None


@unpacked
def parity_check(
    artifacts: Annotated[
        list[Path] | None, typer.Argument(help="Artifacts to check.", show_default="all in artifacts/")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of photos.", show_default="one public-domain portrait")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="Folder of label PNGs with the photos' names.")] = None,
    weights: Weights = None,
    *,
    runtime: Annotated[
        str | None,
        typer.Option(
            help="Another runtime: litert-gpu, litert-fp16, litert-reference or tensorflow for .tflite; on a Mac "
            "coreml, coreml-cpu, coreml-gpu or coreml-ane for .mlpackage.",
            show_default="the target's own",
        ),
    ] = None,
    bounds: BoundOptions,
    stability: Annotated[
        bool, typer.Option("--stability", help="Also measure flicker, on at most 16 of the photos.")
    ] = False,
    large: LargeSetOptions,
    cause: CauseOptions,
    report: Reports = None,
    baseline: Baseline = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Compare artifacts with PyTorch: logits, labels, output, accuracy, final picture. Exits 1 when a gate fails.

    Gates judge the 95 % interval over photos; one that is undecided with these photos does not fail.
    """
    import edgekit
    from edgekit.artifact import artifacts_at
    from edgekit.files import check_folder_place

    with console.quiet_libraries():  # what they print when they are imported
        from edgekit.causes.explaining import explained
        from edgekit.causes.repro import REPRO
        from edgekit.parity.gates import Gates
        from edgekit.parity.pictures import worst_compared

    outputs = Outputs(report, baseline, force, json, artifacts or ())
    if cause.repro is not None:
        check_folder_place(cause.repro, REPRO, replace=force, inputs=artifacts or ())
    part = large.part
    with console.quiet_libraries():
        checkpoint = edgekit.load_checkpoint(weights)
    gates = Gates(
        max_miou_drop=bounds.max_miou_drop, min_agreement=bounds.min_agreement, max_skin_de=bounds.max_skin_de
    )
    found = artifacts_at(artifacts or [])
    result = edgekit.parity_check(
        found, checkpoint, images=images, labels=labels, gates=gates, stability=stability,
        resume=large.resume, shard=part, ray=large.ray, runtime=runtime,
    )  # fmt: skip
    if cause.explain or cause.repro is not None:
        result = explained(result, found, checkpoint, images, cause.repro, replace=force, runtime=runtime)
    if large.shard is not None:
        console.say("this is one shard's part; edgekit merge judges the whole")
    outputs.finish(
        result, judged=large.shard is None, drawn=lambda: worst_compared(result, checkpoint, images)
    )


class Outputs:
    """Where a report goes, and the baseline that it is compared with; both are checked before any long work."""

    def __init__(
        self,
        reports: Sequence[Path] | None,
        baseline: Path | None,
        force: bool,
        json: bool,
        inputs: Sequence[Path],
    ) -> None:
        from edgekit.files import check_file_place
        from edgekit.parity.baseline import read_baseline

        self.reports, self.force, self.json = reports or (), force, json
        if len({path.absolute() for path in self.reports}) < len(self.reports):
            raise typer.BadParameter("two reports have the same name.", param_hint="--report")
        for path in self.reports:
            check_file_place(path, replace=force, inputs=(*inputs, *([baseline] if baseline else [])))
        self.baseline = None if baseline is None else read_baseline(baseline)

    def finish(
        self,
        result: ParityReport,
        judged: bool = True,
        drawn: Callable[[], Mapping[str, Sequence[DrawnPhoto]]] = dict,
    ) -> NoReturn:
        """Print and write the report, and exit: 1 if it is judged and a gate failed or something got worse.

        `drawn` gives a page's pictures.
        """
        from edgekit.parity import present, written
        from edgekit.parity.baseline import WORSE, changes_since
        from edgekit.parity.present_stages import print_explained

        changes = () if self.baseline is None else changes_since(self.baseline, result)
        present.print_report(result)
        present.print_changes(changes)
        for artifact in result.artifacts:
            print_explained(artifact)
        with console.quiet_libraries():
            pictures = drawn() if any(map(written.is_page, self.reports)) else {}
        for path in self.reports:
            written.write_report(result, path, changes, pictures, replace=self.force)
        if self.json:
            console.print_json(written.as_json(result, changes))
        worse = any(change.verdict == WORSE for change in changes)
        raise typer.Exit(0 if not judged or (result.passed and not worse) else 1)
