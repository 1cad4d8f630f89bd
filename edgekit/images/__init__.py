"""Pictures: decode them, resize them to the network's input, write them. No other package opens picture files."""

from edgekit.images.decode import FORMATS, MAX_BYTES, MAX_PIXELS, status_of
from edgekit.images.fit import PREPROCESSING_ID, read_image, read_input, stretch
from edgekit.images.folder import Folder, Picture, Skipped, astronaut, images_in, labels_beside
from edgekit.images.input_size import SIZE_MULTIPLE, SIZE_RANGE, InputSize
from edgekit.images.labels import (
    SCHEME_FILE,
    mask_from_picture,
    read_labels,
    require_class_indices,
    scheme_file,
)
from edgekit.images.photo import (
    CMYK_WITHOUT_PROFILE,
    WRITTEN_SUFFIXES,
    Photo,
    read_photo,
    srgb_bytes,
    write_photo,
    written_format,
)
from edgekit.images.profiles import Space

__all__ = [
    "CMYK_WITHOUT_PROFILE",
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "PREPROCESSING_ID",
    "SCHEME_FILE",
    "SIZE_MULTIPLE",
    "SIZE_RANGE",
    "WRITTEN_SUFFIXES",
    "Folder",
    "InputSize",
    "Photo",
    "Picture",
    "Skipped",
    "Space",
    "astronaut",
    "images_in",
    "labels_beside",
    "mask_from_picture",
    "read_image",
    "read_input",
    "read_labels",
    "read_photo",
    "require_class_indices",
    "scheme_file",
    "srgb_bytes",
    "status_of",
    "stretch",
    "write_photo",
    "written_format",
]
