"""Validation folder by folder, by the groups that each folder's label scheme can tell."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from functools import reduce

from edgekit import console
from edgekit.images import Picture, read_image, read_labels
from edgekit.scores.groups import GroupCounts, judged_groups
from edgekit.scores.runners import Runner, predictions
from edgekit.training import distributed
from edgekit.training.data import LabelledData, Pair
from edgekit.training.history import Folders
from edgekit.weights import Groups


def folder_ious(
    runner: Runner, folders: Sequence[tuple[LabelledData, Sequence[Pair]]], groups: Groups
) -> Folders:
    """IoU of each group that a folder's labels tell, on the validation photos that are paired with the folder."""
    found = {}
    for data, pairs in folders:
        counts = GroupCounts(data.told, judged_groups(groups, len(data.class_names)))
        mine = distributed.own(pairs)
        pictures = console.track(_pictures(mine), len(mine), f"validating {data.name}")
        for picture, predicted in predictions({"": runner}, pictures):
            if picture.labels is not None:
                counts.add(picture.name, picture.labels, predicted[""].labels(picture.labels.shape))
        counts.counts = reduce(operator.add, distributed.gathered(counts.counts))
        ious = {group: counts.iou(group) for group in counts.told}
        found[data.name] = {group: None if iou is None else round(iou, 6) for group, iou in ious.items()}
    return found


def _pictures(pairs: Sequence[Pair]) -> Iterator[Picture]:
    for pair in pairs:
        yield Picture(pair.image.name, read_image(pair.image), read_labels(pair.label))
