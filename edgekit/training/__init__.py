"""Fine-tuning a checkpoint: data check, augmentation, losses, the loop, quantisation-aware training.

Importing it needs the packages of the extra edgekit[train]; MissingDependency names one that is not installed.
"""

from importlib.util import find_spec

from edgekit.errors import MissingDependency

for _package in ("albumentations", "matplotlib"):
    if find_spec(_package) is None:
        raise MissingDependency(_package, "edgekit finetune", extra="train")
