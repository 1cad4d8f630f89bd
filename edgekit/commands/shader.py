"""`edgekit shader`: the fused shader of a style or LUT as files for an app, or a check of another shader."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json, LookOptions, Refinement, unpacked
from edgekit.shader.modes import DEFAULT_REFINEMENT

if TYPE_CHECKING:
    from edgekit.color.layers import Look
    from edgekit.color.lut import Lut3D
    from edgekit.shader.description import ShaderDescription

# The style whose ΔE2000 `--check` prints by default: a strong look, so that mistakes show.
CHECK_STYLE = "rich-contrast"


@unpacked
def shader(
    look: LookOptions,
    dialect: Annotated[
        str,
        typer.Option(help="Separated by commas: essl300, essl300-external (Android camera), msl, wgsl."),
    ] = "essl300,msl,wgsl",
    interpolation: Annotated[
        str,
        typer.Option(help="trilinear (4 texture fetches per pixel) or tetrahedral (10; exact to one level)."),
    ] = "trilinear",
    refinement: Refinement = DEFAULT_REFINEMENT,
    encoding: Annotated[
        str, typer.Option(help="Colour encoding of the camera and the screen: srgb or display-p3.")
    ] = "srgb",
    check: Annotated[
        Path | None,
        typer.Option(help="Write nothing; look for known mistakes in this ESSL, MSL or WGSL file."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the description.")] = Path("shader"),
    force: Force = False,
    json: Json = False,
) -> None:
    """Write the fused style shader for an app: shader.json, the shader texts and the LUT textures."""
    if check is None and not look.given:
        raise typer.BadParameter("give --style NAME, --lut FILE or --layer REGIONS=WHAT, or --check FILE.")
    import edgekit
    from edgekit.color.look import look_of
    from edgekit.shader.description import write_description

    if check is not None:
        name = CHECK_STYLE if look.lut is None and look.style is None else look.style
        _check(check, _table(look_of(name, look.lut)), json)
        return
    looks = look.looks()
    if len(looks) > 1:
        raise typer.BadParameter("give one --style: a shader draws one look.")
    description = edgekit.describe(
        looks[0],
        interpolation=interpolation,
        refinement=refinement,
        encoding=encoding,
        dialects=tuple(name.strip() for name in dialect.split(",")),
    )
    _report(description, write_description(description, out, force), json)


def _table(look: Look) -> Lut3D:
    """The table of the background, whose misuse `--check` prices."""
    layer = look.layer_of("background")
    assert layer is not None and layer.lut is not None
    return layer.lut


def _report(description: ShaderDescription, path: Path, json: bool) -> None:
    from edgekit.files import sha256_of

    for text in description.dialects:
        files = ", ".join(source.file for source in text.sources)
        console.show(f"{text.name}: {files}; {text.fetches} texture fetches per pixel")
    supplied = [texture.name for texture in description.textures if texture.data is None]
    console.show(f"{path}: the app supplies {', '.join(supplied)}.")
    if json:
        console.print_json(
            {
                "path": str(path),
                "sha256": sha256_of(path),
                "interpolation": description.interpolation,
                "refinement": description.refinement.method,
                "encoding": description.encoding,
                "dialects": [
                    {
                        "name": text.name,
                        "files": [str(path.parent / source.file) for source in text.sources],
                        "fetches": text.fetches,
                    }
                    for text in description.dialects
                ],
                "textures": [
                    {"name": texture.name, "file": str(path.parent / texture.file)}
                    for texture in description.textures
                    if texture.file is not None
                ],
            }
        )


def _check(path: Path, lut: Lut3D, json: bool) -> None:
    from dataclasses import asdict

    from edgekit.shader.lint import RULES, check_file

    findings = check_file(path, lut)
    for finding in findings:
        cost = "no colour error, only time"
        if finding.delta_e00 is not None:
            d = finding.delta_e00
            cost = f"ΔE2000 with this table: mean {d.mean:.2f}, p95 {d.p95:.2f}, max {d.max:.2f}"
        console.show(f"{path}:{finding.line}: {finding.rule}: {finding.message} ({cost})")
    if not findings:
        console.show(f"{path}: none of the known mistakes ({', '.join(RULES)}).")
    if json:
        rows = [asdict(finding) for finding in findings]
        console.print_json({"path": str(path), "passed": not findings, "findings": rows})
    if findings:
        raise typer.Exit(1)
