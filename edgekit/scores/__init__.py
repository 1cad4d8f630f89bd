"""Scores of segmenters: runners turn pictures into logits, logits are counted, and counts give scores.

`runners` runs the models, `counts` and `exact` hold the counts, `metrics` and `evaluation` compute scores from them.
All counts (integers, exact sums, fixed histograms, extremes) come out the same, bit for bit, whatever the order or
division of the pictures: `add` counts one more picture, `+` merges two counts.
"""
