"""Random graphs: the weights are written in the order in which Keras itself would save the patched model."""

import os
import random

import graphs
import pytest
from kerases import KERAS
from prove import Network, weight_order

GRAPHS = int(os.environ.get("GRAPHS", "150"))


@pytest.mark.parametrize("seed", range(GRAPHS))
@pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])
def test_weights_stand_in_keras_own_order(version, seed, tmp_path):
    graphs.random_model(version, seed).save(tmp_path / "model.h5", include_optimizer=False)
    network = Network(tmp_path / "model.h5", version, graphs.custom_objects(version))
    target = random.Random(seed).choice(network.targets())
    faulty = network.prove(target, tmp_path)
    faulty.save(tmp_path / "by_keras.h5", include_optimizer=False)
    assert weight_order(tmp_path / "faulty.h5") == weight_order(tmp_path / "by_keras.h5"), str(target)
