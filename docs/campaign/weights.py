"""Multiply-accumulates of each layer of a model file, as weights.tsv (columns layer, class, weight) for estimates.py.

    python weights.py lenet.h5 [--keras 2|3|auto] [--out weights.tsv]
"""


def weights(model):
    """[(layer, class, multiply-accumulates for one input)] in the model's order; nested layers are outer/inner."""
    raise NotImplementedError
