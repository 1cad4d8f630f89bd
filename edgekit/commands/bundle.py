"""`edgekit bundle`: everything an app needs, in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json, Weights
from edgekit.shader.modes import DEFAULT_REFINEMENT


def bundle(
    artifacts: Annotated[
        list[Path] | None,
        typer.Option(
            "--artifact",
            help="An artifact with the groups output; repeat the option for the other target, and for a float .tflite "
            "that GPUs are given beside one with int8 weights.",
            show_default="both targets, converted now, with a .tflite for GPUs",
        ),
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(
            help="Presets (`edgekit styles` lists them) or looks of your own (.json), separated by commas.",
            show_default="a choice of seven",
        ),
    ] = None,
    default_style: Annotated[
        str | None, typer.Option(help="The style an app starts with.", show_default="the first")
    ] = None,
    weights: Weights = None,
    refinement: Annotated[
        str, typer.Option(help="How the mask follows edges: bilinear or joint-bilateral.")
    ] = DEFAULT_REFINEMENT,
    into: Annotated[
        Path | None,
        typer.Option(
            help="A demo project (android_demo or ios_demo) to put the bundle into, instead of --out."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the bundle.")] = Path("bundle"),
    archive: Annotated[bool, typer.Option("--zip", help="Also write OUT.zip.")] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Put artifacts, styles, shader texts and a golden picture into one folder for an app.

    Each artifact's result is compared with the golden picture on this machine. Exits 1 when one differs too much.
    """
    import edgekit
    from edgekit.bundles.writing import DEFAULT_STYLES, place_in_project, zip_bundle
    from edgekit.files import check_file_place, sha256_of

    place = out if into is None else place_in_project(into)
    zipped = place.with_name(f"{place.name}.zip") if archive else None
    if zipped is not None:
        check_file_place(zipped, replace=force, inputs=artifacts or ())
    styles = tuple(name.strip() for name in style.split(",")) if style else DEFAULT_STYLES
    with console.quiet_libraries():
        checkpoint = edgekit.load_checkpoint(weights)
    built = edgekit.bundle(
        checkpoint,
        artifacts or (),
        styles=styles,
        default_style=default_style,
        refinement=refinement,
        out=place,
        reuse=Path("artifacts"),
        force=force,
    )
    made = built.opened
    if zipped is not None:
        zip_bundle(made, zipped, force)
    size_bytes = sum(entry.size_bytes for entry in made.bundle.files)
    console.show(f"{place}: {len(made.bundle.files)} files, {size_bytes / 1e6:.1f} MB, {len(styles)} styles")
    if made.bundle.license is not None:
        console.show(f"licence of the weights: {made.bundle.license}")
    for check in built.checks:
        verdict = "PASSED" if check.passed else "FAILED"
        console.show(
            f"golden picture, {check.target} {check.recipe}: {verdict}, ΔE2000 p95 {check.delta_e00_p95:.2f}, "
            f"allowed {check.bound:g}"
        )
    if json:
        console.print_json(
            {
                "path": str(place),
                "zip": None if zipped is None else str(zipped),
                "sha256": sha256_of(place),
                "size_bytes": size_bytes,
                "styles": list(styles),
                "license": made.bundle.license,
                "golden": [
                    {
                        "target": c.target,
                        "recipe": c.recipe,
                        "delta_e00_p95": c.delta_e00_p95,
                        "passed": c.passed,
                    }
                    for c in built.checks
                ],
            }
        )
    if not built.passed:
        raise typer.Exit(1)
