"""A Keras mask goes through a simulator as it goes through any layer that keeps it."""

import numpy as np
import pipe
import pytest
from kerases import KERAS, disable, load, run, same_bits

import keras

def texts(version, masked=True):
    """A classifier of texts: sentences of words, whose padding (0) is masked."""
    k = KERAS[version]
    k.utils.set_random_seed(5)
    words = k.Input((5, 7), dtype="int32")
    vectors = k.layers.Embedding(10, 6, mask_zero=masked, name="emb")(words)
    vectors = k.layers.Dropout(0.2, name="drop")(vectors)
    sentences = k.layers.TimeDistributed(k.layers.GRU(4), name="sentences")(vectors)
    if version == 2:
        return k.Model(words, k.layers.LSTM(3, name="text")(sentences))
    # Keras 3 loads no .h5 of its own in which a recurrent layer takes a mask that a wrapper has made.
    return k.Model(words, k.layers.Dense(3, name="text")(k.layers.Flatten()(sentences)))


# Keras 3 computes masks by operations, which it knows again only when told.
OPERATIONS = {2: {}, 3: {"NotEqual": keras.src.ops.numpy.NotEqual}}


@pytest.mark.parametrize("version", KERAS)
@pytest.mark.parametrize("layer", ["emb", "drop"])
def test_a_masked_network_computes_the_same_with_the_simulator_disabled(version, layer, tmp_path):
    model, bare = texts(version), texts(version, masked=False)
    bare.set_weights(model.get_weights())
    model.save(tmp_path / "texts.h5")
    words = np.random.default_rng(0).integers(1, 10, (4, 5, 7))
    words[:, :, 4:] = 0
    words[:, 3:] = 0
    patch = pipe.patch(pipe.config_of(tmp_path / "texts.h5"), "--after", layer)
    (tmp_path / "sites").write_text(pipe.site_line((5, 7, 6), {(0, 1, 2): 7.0, (4, 6, 5): -9.0}))
    pipe.simulate(tmp_path / "texts.h5", tmp_path / "faulty.h5", tmp_path / "sites", version, patch_or_config=patch)
    faulty, outputs = load(tmp_path / "faulty.h5", version, **OPERATIONS[version]), run(model, words)
    assert not same_bits(run(faulty, words), outputs), "a cell of an unmasked word is wrong"
    assert disable(faulty) == 1
    assert same_bits(run(faulty, words), outputs)
    assert not same_bits(run(bare, words), outputs), "without masks something else comes out"
