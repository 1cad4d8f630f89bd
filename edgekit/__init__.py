"""edgekit: Photographic Styles for phones that lack them.

    import edgekit

    checkpoint = edgekit.load_checkpoint()
    artifacts = edgekit.convert(checkpoint, "tflite")
    report = edgekit.parity_check(artifacts, checkpoint)
    edgekit.bundle(checkpoint, [artifact.path for artifact in artifacts], styles=["vibrant"])

Every name is imported when it is first used: `import edgekit` loads neither torch nor coremltools. How the stages fit
together is told in `edgekit/pipeline.py`; docs/api.md lists what is here.
"""

import lazy_loader

from edgekit._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
