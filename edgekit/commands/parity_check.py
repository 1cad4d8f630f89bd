"""`edgekit parity-check`: comparison of artifacts with the checkpoint in PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json, Weights


def parity_check(
    artifacts: Annotated[
        list[Path] | None, typer.Argument(help="Artifacts to check.", show_default="all in artifacts/")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of photos.", show_default="one public-domain portrait")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="Folder of label PNGs with the photos' names.")] = None,
    weights: Weights = None,
    max_miou_drop: Annotated[
        float | None,
        typer.Option(
            help="Largest allowed loss of mIoU (0.005 is half a percentage point); needs --labels.",
            show_default="the recipe's",
        ),
    ] = None,
    min_agreement: Annotated[
        float | None,
        typer.Option(help="Smallest allowed share of equal labels.", show_default="the recipe's"),
    ] = None,
    max_skin_de: Annotated[
        float | None,
        typer.Option(
            help="Largest allowed ΔE2000 (95th percentile) of skin in the final picture.",
            show_default="the recipe's",
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(help="Say where each loss arises, which block causes it and what cures it (minutes)."),
    ] = False,
    repro: Annotated[
        Path | None,
        typer.Option(help="Write a folder that shows the first artifact's fault alone; includes --explain."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Compare artifacts with PyTorch: logits, labels, output, accuracy, final picture. Exits 1 when a gate fails."""
    import edgekit
    from edgekit.artifact import artifacts_at
    from edgekit.causes.explaining import explained
    from edgekit.causes.repro import REPRO
    from edgekit.files import check_file_place, check_folder_place
    from edgekit.parity import present
    from edgekit.parity.gates import Gates
    from edgekit.parity.present_stages import print_explained

    if report is not None:
        check_file_place(report, replace=force, inputs=artifacts or ())
    if repro is not None:
        check_folder_place(repro, REPRO, replace=force, inputs=artifacts or ())
    with console.quiet_libraries():
        checkpoint = edgekit.load_checkpoint(weights)
    gates = Gates(max_miou_drop=max_miou_drop, min_agreement=min_agreement, max_skin_de=max_skin_de)
    found = artifacts_at(artifacts or [])
    result = edgekit.parity_check(found, checkpoint, images=images, labels=labels, gates=gates)
    present.print_report(result)
    if explain or repro is not None:
        result = explained(result, found, checkpoint, images, repro, replace=force)
        for row in result.artifacts:
            print_explained(row)
    if report is not None:
        present.write_html(result, report, replace=force)
    if json:
        console.print_json(present.as_json(result))
    raise typer.Exit(0 if result.passed else 1)
