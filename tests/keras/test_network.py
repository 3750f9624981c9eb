"""A network cut at every simulator: from each on, the regions compute what the patched model computes, bit for bit."""

import graphs
import numpy as np
import pipe
import pytest
import tensorflow as tf
import zoo
from classes_h5.batches import Inputs, play_batches
from classes_h5.campaign.joint import Joint
from classes_h5.cut import simulators, times_called
from classes_h5.network import Network
from classes_h5.simulator import ErrorSimulatorMode
from kerases import KERAS, run, same_bits


def with_simulators(model, version, folder):
    """(the model with a simulator behind every layer that one pass calls once, {layer: its shape} of those layers)"""
    original = folder / "model.h5"
    model.save(original)
    layers = {}
    for target in pipe.targets(pipe.config_of(original)):
        if target["shape"]:
            try:
                pipe.patch(pipe.config_of(original), "--after", target["name"])
            except pipe.Failed:
                continue
            layers[target["name"]] = target["shape"]
    return Joint(original, layers, [], version, folder / "joint.h5"), layers


def assert_every_gate_is_exact(model, version, folder, custom):
    with KERAS[version].utils.custom_object_scope(custom):
        joint, layers = with_simulators(model, version, folder)
    gates = {name: joint.gates[name] for name in layers if times_called(joint.model, joint.gates[name]) == 1}
    assert gates
    for found in simulators(joint.model):
        found.layer.set_mode(ErrorSimulatorMode.disabled)
    inputs = [np.asarray(part) for part in tf.nest.flatten(zoo.inputs_for(joint.model))]
    whole = run(joint.model, inputs)
    assert same_bits(whole, run(model, inputs))
    network = Network(joint.model, list(gates.values()), compiled=False)
    given = {name: (tf.constant(part), None) for name, part in zip(network.inputs, inputs)}
    for name, gate in gates.items():
        entry = network.entry(gate)
        known = network.compute(network.way(entry, {})[0], given, entry)
        assert same_bits([np.asarray(part) for part in network.rest(gate, known)], whole), name
        gate.set_mode(ErrorSimulatorMode.enabled)
        faulty = run(joint.model, inputs)
        injected = network.rest(gate, known, lambda tensor, gate=gate: gate.injection_sites.inject(tensor, [0] * len(tensor))[0])
        assert same_bits([np.asarray(part) for part in injected], faulty), name
        gate.set_mode(ErrorSimulatorMode.disabled)


@pytest.mark.parametrize("version", KERAS)
@pytest.mark.parametrize("name", ["unet", "siamese", "nested", "twice_nested", "in_and_out", "operations", "channels_first", "mixed_precision"])
def test_networks(name, version, tmp_path):
    assert_every_gate_is_exact(zoo.NETWORKS[name](KERAS[version]), version, tmp_path, zoo.custom_objects(name, version))


@pytest.mark.parametrize("version", KERAS)
@pytest.mark.parametrize("seed", range(4))
def test_random_graphs(seed, version, tmp_path):
    assert_every_gate_is_exact(graphs.random_model(version, seed), version, tmp_path, graphs.custom_objects(version))


@pytest.mark.parametrize("bound", [1, 1_000_000, 2**30], ids=["none", "some", "all"])
def test_what_is_held_of_inputs_changes_nothing(bound, tmp_path):
    """None, some or all of them: the same golden outputs and faulty ones, gates forth and back."""
    joint, layers = with_simulators(zoo.unet(KERAS[3]), 3, tmp_path)
    images = np.random.default_rng(1).uniform(0, 1, (20, 32, 32, 3)).astype("float32")
    network = Network(joint.model, list(joint.gates.values()))
    met = Inputs(network, joint.model, [images], np.arange(20), 8, bound)
    assert (met._held == 0, 0 < met._held < 20, met._held == 20) == tuple(bound == own for own in (1, 1_000_000, 2**30))
    pairs = np.array([(0, number) for number in range(20)] * 2)
    for name in ("down1a", "bottom", "up0a", "down0b"):
        gate, seen = joint.gates[name], set()
        for batch in play_batches(met, gate, gate.injection_sites, pairs):
            seen.update(batch.pairs.tolist())
            inputs = images[pairs[batch.pairs, 1]]
            for found in joint.gates.values():
                found.set_mode(ErrorSimulatorMode.disabled)
            np.testing.assert_array_equal(batch.golden[0], run(joint.model, inputs)[0])
            gate.set_mode(ErrorSimulatorMode.enabled)
            np.testing.assert_array_equal(batch.faulty[0], run(joint.model, inputs)[0])
            assert batch.changed.tolist() == gate.last_changed.tolist()
        assert seen == set(range(40))


def test_cells_lie_where_the_layer_has_them(tmp_path):
    """Channels first: h5-config-set says where; a network that holds both orders would be played right as well."""
    joint, layers = with_simulators(zoo.NETWORKS["channels_first"](KERAS[2]), 2, tmp_path)
    images = {name: shape for name, shape in layers.items() if isinstance(shape, dict) and min(shape.values()) > 1}
    assert images
    for name, shape in images.items():
        assert joint.strides[name].tolist() == [shape["w"], 1, shape["h"] * shape["w"]], name
