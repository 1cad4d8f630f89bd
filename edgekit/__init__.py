"""edgekit: Photographic Styles for phones that lack them. The flow is told in `edgekit.pipeline`."""

__version__ = "0.1.0"
