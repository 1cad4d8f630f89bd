"""From weights to a folder for an app, as a Python program: convert, check parity, bundle, style a photo.

python examples/convert_check_bundle.py --out made [--weights FOLDER] [--size 256] [--photo photo.jpg]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import edgekit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a new folder for everything that is made")
    parser.add_argument("--weights", type=Path, help="a checkpoint folder (default: the bundled parser)")
    parser.add_argument("--size", help="of the input, such as 256 or 512x384 (default: the checkpoint's)")
    parser.add_argument("--photo", type=Path, help="a photo to style with the converted model")
    arguments = parser.parse_args()

    checkpoint = edgekit.load_checkpoint(arguments.weights)
    artifacts = edgekit.convert(
        checkpoint, "tflite", size=arguments.size, recipe="fp32", out=arguments.out / "artifacts"
    )
    for artifact in artifacts:
        print(f"{artifact.path}: {artifact.manifest.size_bytes / 1e6:.1f} MB")

    report = edgekit.parity_check(artifacts, checkpoint)
    for checked in report.artifacts:
        print(
            f"{checked.target} {checked.recipe}: {checked.status}, {checked.metrics.label_agreement:.2%} of labels"
        )
    if not report.passed:
        raise SystemExit(1)

    paths = [artifact.path for artifact in artifacts]
    built = edgekit.bundle(checkpoint, paths, styles=["vibrant", "natural"], out=arguments.out / "bundle")
    print(f"{built.opened.folder}: {len(built.opened.bundle.files)} files")

    if arguments.photo is not None:
        styled = edgekit.style([arguments.photo], "vibrant", source=paths[0], out=arguments.out / "styled")
        print(*(photo.output for photo in styled.done), sep="\n")


if __name__ == "__main__":
    try:
        main()
    except edgekit.EdgekitError as error:
        raise SystemExit(f"edgekit: {error}") from None
