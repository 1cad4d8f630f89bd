"""The frames' figure: photos are cut to aspect ratios, and what they leave empty is filled."""

import numpy as np

from benchmarks.frames import ASPECTS, by_colour, by_edge, cuts, ways
from edgekit.images import Fit, InputSize, Picture
from tests.support.pictures import picture


def test_every_cut_has_its_aspect_ratio_and_its_own_labels() -> None:
    photo = picture(90, 60)
    for name, cut in cuts(Picture("made", photo, photo[..., 1])):
        height, width = cut.image.shape[:2]
        assert abs(width / height / ASPECTS[name] - 1) < 0.03
        assert height == 90 or width == 60  # the largest
        assert cut.labels is not None and np.array_equal(cut.labels, cut.image[..., 1])


def test_padding_is_a_colour_or_the_photos_edge() -> None:
    photo, fit = picture(64, 128), Fit(InputSize(192, 128), 64, 128)
    grey, edge = by_colour(114)(photo, fit), by_edge(photo, fit)
    for padded in (grey, edge):
        assert padded.shape == (192, 128, 3) and np.array_equal(padded[:64], photo)
    assert (grey[64:] == 114).all() and (edge[64:] == photo[-1]).all()


def test_the_ways_differ_where_a_photo_does_not_fill_the_input() -> None:
    size = InputSize(512, 384)
    fits = {name: way.fit((900, 1600)) for name, way in ways(size).items()}
    assert [fit.is_stretched for fit in fits.values()] == [True, True, False, False, False]
    assert {(fit.height, fit.width) for fit in fits.values()} == {(512, 512), (512, 384), (224, 384)}
