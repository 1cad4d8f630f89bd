"""`edgekit preview`: a local web page that runs a bundle on the user's photos."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import Json


def preview(
    bundle: Annotated[
        Path | None,
        typer.Argument(help="A bundle's folder or zip.", show_default="the bundled parser, every preset"),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 picks a free one.")] = 8737,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the default browser.")
    ] = True,
    litert_js: Annotated[
        Path | None,
        typer.Option(help="Folder for LiteRT.js, fetched once with npm.", show_default="edgekit's cache"),
    ] = None,
    json: Json = False,
) -> None:
    """Run a bundle in the browser on your photos: its network with LiteRT.js, its shader with WebGL2.

    Only this machine can open the page, and photos do not leave the browser. Ctrl-C stops the server.
    """
    import tempfile
    import webbrowser

    import edgekit
    from edgekit.bundles.reading import OpenBundle, read_bundle, unpack_bundle
    from edgekit.color.styles import STYLES
    from edgekit.preview.kept import kept_bundle
    from edgekit.preview.litert_js import litert_js as fetched
    from edgekit.preview.server import Site, open_server, url_of

    def made(place: Path) -> OpenBundle:
        with console.quiet_libraries():
            checkpoint = edgekit.load_checkpoint()
        return edgekit.bundle(checkpoint, target="tflite", styles=tuple(STYLES), out=place, force=True).opened

    with tempfile.TemporaryDirectory(prefix="edgekit-preview-") as temporary:
        opened = None
        if bundle is not None:
            zipped = bundle.suffix == ".zip"
            opened = unpack_bundle(bundle, Path(temporary) / "bundle") if zipped else read_bundle(bundle)
        litert = fetched(litert_js)
        opened = opened or kept_bundle(made)
        with open_server(Site(opened.folder, litert), port) as server:
            url = url_of(server)
            console.show(f"{opened.bundle.name} at {url} (Ctrl-C stops it)")
            if json:
                console.print_json({"url": url, "bundle": str(opened.folder)})
            if browser and not webbrowser.open(url):
                console.say("No browser could be started; open the address yourself.")
            with suppress(KeyboardInterrupt):
                server.serve_forever()
