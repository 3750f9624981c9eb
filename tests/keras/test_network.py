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
from classes_h5.simulator import ErrorSimulatorMode, SparseSites
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


def assert_every_gate_is_exact(model, version, folder):
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
@pytest.mark.parametrize("name", ["unet", "siamese", "nested", "twice_nested", "in_and_out", "operations", "mixed_precision"])
def test_networks(name, version, tmp_path):
    assert_every_gate_is_exact(zoo.NETWORKS[name](KERAS[version]), version, tmp_path)


@pytest.mark.parametrize("version", KERAS)
@pytest.mark.parametrize("seed", range(4))
def test_random_graphs(seed, version, tmp_path):
    assert_every_gate_is_exact(graphs.random_model(version, seed), version, tmp_path)
