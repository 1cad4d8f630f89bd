"""Scores: pictures through runners to logits, logits to counts, counts to scores; one loop for everybody.

`runners` runs the models, `counts` and `exact` hold what is added up, `metrics` and `evaluation` make scores of it.
Everything that is added up (integers, exact sums, fixed histograms, extremes) gives the same bits in any order and
however the pictures were divided: `add` counts one more picture, `+` merges two counts.
"""
