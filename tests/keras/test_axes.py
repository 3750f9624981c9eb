"""Heights, widths and channels are what they are, or `?`; `axes_chains.py` looks at as many random chains as it is told."""

import pytest
from axes_chains import FIRST, LAST, sweep
from kerases import KERAS
from pipe import targets

SEEDS = 12


@pytest.mark.parametrize("version", KERAS)
@pytest.mark.parametrize("data_format", [LAST, FIRST])
def test_axes_keep_their_meaning_along_random_chains(version, data_format):
    counts, wrong = sweep(version, data_format, range(SEEDS))
    assert not wrong
    # Not by telling nothing.
    assert counts["right"] > 10 * counts["unknown"]
    assert counts["mixed"] > SEEDS


def sizes(model):
    """What is told of each layer's output of rank 4, as height, width, channels."""
    told = {row["name"]: row["shape"] for row in targets(model.to_json())}
    images = {name: shape for name, shape in told.items() if not isinstance(shape, list)}
    return {name: shape and tuple(shape[axis] for axis in "hwc") for name, shape in images.items()}


@pytest.mark.parametrize("version", KERAS)
def test_an_image_behind_a_permutation_is_read_as_the_image_that_it_was(version):
    l, k = KERAS[version].layers, KERAS[version]
    image = k.Input((8, 6, 3), name="image")
    x = l.Permute((3, 1, 2), name="to_first")(image)
    x = l.ReLU(name="kept")(x)
    x = l.Conv2D(4, 1, data_format="channels_first", name="conv")(x)
    last = l.Permute((2, 3, 1), name="to_last")(x)
    crossed = l.Permute((2, 1, 3), name="crossed")(last)
    mixed = l.Reshape((6, 8, 4), name="mixed")(last)
    back = l.Reshape((8, 6, 4), name="back")(l.Reshape((48, 4), name="rows")(last))
    told = sizes(k.Model(image, [crossed, mixed, back]))
    assert told == {
        "image": (8, 6, 3),
        "to_first": (8, 6, 3),
        "kept": (8, 6, 3),
        "conv": (8, 6, 4),
        "to_last": (8, 6, 4),
        "crossed": None,
        "mixed": None,
        "back": None,
    }


@pytest.mark.parametrize("version", KERAS)
def test_an_image_made_of_features_is_what_reads_it_says_else_channels_are_last(version):
    l, k = KERAS[version].layers, KERAS[version]
    features = k.Input((96,))
    read = l.Reshape((2, 8, 6), name="read")(features)
    conv = l.Conv2D(4, 1, data_format="channels_first", name="conv")(l.ReLU(name="relu")(read))
    alone = l.Reshape((8, 6, 2), name="alone")(l.Dense(96)(features))
    told = sizes(k.Model(features, [conv, alone]))
    assert (told["read"], told["relu"], told["conv"]) == ((8, 6, 2), (8, 6, 2), (8, 6, 4))
    assert told["alone"] == (8, 6, 2)


@pytest.mark.parametrize("version", KERAS)
def test_what_code_does_that_is_not_in_the_file_is_not_guessed(version):
    l, k = KERAS[version].layers, KERAS[version]
    turn = l.Lambda(lambda x: x[..., 0:1] * 1.0, output_shape=(8, 6, 1), name="lambda")
    image = k.Input((8, 6, 3), name="image")
    conv = l.Conv2D(5, 1, data_format="channels_first", name="conv")(l.Permute((3, 1, 2), name="turned")(turn(image)))
    told = sizes(k.Model(image, conv))
    # The convolution reads the lambda's output; of the image nothing is known but that a lambda takes it.
    assert told == {"image": None, "lambda": (8, 6, 1), "turned": (8, 6, 1), "conv": (8, 6, 5)}
