"""edgekit: Photographic Styles for phones that lack them. The flow is told in `edgekit.pipeline`."""

from edgekit._version import __version__ as __version__
