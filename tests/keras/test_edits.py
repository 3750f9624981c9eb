"""Several simulators, simulators taken out again, activations split off, hand-made nodes, files that change their Keras."""

import json

import numpy as np
import pipe
import pytest
import zoo
from classes_h5.simulator import ErrorSimulatorMode
from kerases import KERAS, disable, layer_output, run, same_bits, simulators
from kerases import load as load_in
from prove import Network, weight_order

BOTH = pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Networks of the zoo by name and Keras, built once."""
    folder, cache = tmp_path_factory.mktemp("networks"), {}

    def network(name, version, loader=None):
        path = folder / f"{name}-{version}.h5"
        if not path.exists():
            zoo.save(name, version, path)
        key = name, version, loader or version
        if key not in cache:
            cache[key] = Network(path, loader or version, zoo.custom_objects(name, version))
        return cache[key]

    return network


def behind(name, simulator):
    """The path of a simulator behind a layer: both are in the same model."""
    return "/".join([*name.split("/")[:-1], simulator])


def options_for(afters):
    """{simulator: layer} as classes-patch takes it."""
    return [word for name, after in afters.items() for word in ("--after", after, "--name", name)]


def fill(network, afters, patch_or_config, out):
    """Fills a site of four cells a channel into each simulator, writes the file and loads it."""
    targets, options = {target.name: target for target in network.targets()}, []
    for name, after in afters.items():
        path = out.with_name(f"{name}.ndjson")
        path.write_text(network.site(targets[after]) + "\n")
        options += ["--sites", f"{behind(after, name)}={path}"]
    pipe.call("h5-config-set", network.path, out, *options, "--keras", network.version, stdin=patch_or_config)
    return load_in(out, network.version, **network.custom_objects)


def order_by_keras(model, folder):
    """The weight order that Keras itself writes for a loaded model."""
    model.save(folder / "by_keras.h5", include_optimizer=False)
    return weight_order(folder / "by_keras.h5")


@BOTH
def test_simulators_at_every_depth_at_once(version, networks, tmp_path):
    network = networks("twice_nested", version)
    afters = {"s0": "side", "s1": "middle/inner/inner_a1", "s2": "middle/tail/tail_a", "s3": "middle", "s4": "image"}
    patch = pipe.patch(network.config, *options_for(afters))
    faulty = fill(network, afters, patch, tmp_path / "out.h5")
    assert disable(faulty) == len(afters)
    assert same_bits(run(faulty, network.inputs), network.outputs)
    assert weight_order(tmp_path / "out.h5") == order_by_keras(faulty, tmp_path)


@BOTH
def test_a_simulator_behind_a_simulator_has_the_last_word(version, networks, tmp_path):
    network = networks("unet", version)
    once = pipe.patch(network.config, "--after", "down1a", "--name", "first", "--apply")
    twice = pipe.patch(once, "--after", "first", "--name", "second", "--apply")
    shape = next(target.shape for target in network.targets() if target.name == "down1a")
    for name, value in (("first", 1.0), ("second", 2.0)):
        (tmp_path / name).write_text(pipe.site_line(shape, {(0, 0, 0): value, (0, 0, int(value)): value}))
    sites = [word for name in ("first", "second") for word in ("--sites", f"{name}={tmp_path / name}")]
    pipe.call("h5-config-set", network.path, tmp_path / "out.h5", *sites, "--keras", version, stdin=twice)
    faulty = load_in(tmp_path / "out.h5", version)
    corner = layer_output(faulty, "second", network.inputs, version)[:, 0, 0, :3]
    np.testing.assert_array_equal(corner, [[2, 1, 2]] * len(corner))
    assert disable(faulty) == 2
    assert same_bits(run(faulty, network.inputs), network.outputs)


@BOTH
def test_of_a_shared_layer_one_call_or_all_are_struck(version, networks, tmp_path):
    network = networks("siamese", version)
    with pytest.raises(pipe.Failed, match="exit 1"):
        pipe.patch(network.config, "--after", "shared_a")
    struck = {}
    for node in ("0", "1", "all"):
        patch = pipe.patch(network.config, "--after", "shared_a", "--node", node)
        faulty = fill(network, {"simulator": "shared_a"}, patch, tmp_path / f"{node}.h5")
        ends = KERAS[version].Model(faulty.inputs, [faulty.get_layer(f"{side}_b").output for side in ("left", "right")])
        (simulator,) = simulators(faulty)
        with_fault = run(ends, network.inputs)
        simulator.set_mode(ErrorSimulatorMode.disabled)
        without = run(ends, network.inputs)
        struck[node] = [not same_bits([a], [b]) for a, b in zip(with_fault, without)]
        assert same_bits(run(faulty, network.inputs), network.outputs)
    assert struck == {"0": [True, False], "1": [False, True], "all": [True, True]}


@BOTH
def test_an_input_that_nothing_uses_is_refused(version, tmp_path):
    k = KERAS[version]
    used, unused = k.Input((4, 4, 2), name="used"), k.Input((4, 4, 2), name="unused")
    k.Model([used, unused], k.layers.Conv2D(2, 1)(used)).save(tmp_path / "model.h5", include_optimizer=False)
    with pytest.raises(pipe.Failed, match="exit 1: classes-patch: nothing .* depends on 'unused'"):
        pipe.patch(pipe.config_of(tmp_path / "model.h5"), "--after", "unused")


@BOTH
@pytest.mark.parametrize(
    "name, after", [("unet", "pool0"), ("in_and_out", "together"), ("twice_nested", "middle"), ("nested", "base/base_a1")]
)
def test_a_simulator_taken_out_leaves_the_model_as_it_was(version, name, after, networks, tmp_path):
    network = networks(name, version)
    fill(network, {"extra": after}, pipe.patch(network.config, "--after", after, "--name", "extra"), tmp_path / "in.h5")
    removal = pipe.patch(pipe.config_of(tmp_path / "in.h5"), "--remove", behind(after, "extra"))
    pipe.call("h5-config-set", tmp_path / "in.h5", tmp_path / "out.h5", "--keras", version, stdin=removal)
    assert json.loads(pipe.config_of(tmp_path / "out.h5")) == json.loads(network.config)
    assert weight_order(tmp_path / "out.h5") == weight_order(network.path)
    again = load_in(tmp_path / "out.h5", version, **network.custom_objects)
    assert same_bits(run(again, network.inputs), network.outputs)


@BOTH
@pytest.mark.parametrize("after", ["down0a", "down2b", "up1a"])
def test_a_split_activation_computes_the_same_and_clips_the_fault(version, after, networks, tmp_path):
    network = networks("unet", version)
    patch = pipe.patch(network.config, "--after", after, "--split-activation")
    shape = next(target.shape for target in network.targets() if target.name == after)
    (tmp_path / "sites").write_text(pipe.site_line(shape, {(1, 2, 3): -7.0, (2, 1, 0): 7.0}))
    pipe.simulate(network.path, tmp_path / "out.h5", tmp_path / "sites", version, patch_or_config=patch)
    faulty = load_in(tmp_path / "out.h5", version)
    for layer, low in (("simulator", -7), ("simulator_activation", 0)):
        outputs = layer_output(faulty, layer, network.inputs, version)
        assert outputs[:, 1, 2, 3].tolist() == [low, low]
        assert outputs[:, 2, 1, 0].tolist() == [7, 7]
    disable(faulty)
    assert same_bits(run(faulty, network.inputs), network.outputs)
    removal = pipe.patch(pipe.config_of(tmp_path / "out.h5"), "--remove", "simulator", "--apply")
    assert json.loads(removal) == json.loads(network.config)


ACTIVATIONS = "relu relu6 elu selu gelu swish sigmoid tanh softplus softsign exponential softmax".split()


@BOTH
def test_every_activation_can_be_split_off(version, tmp_path):
    k = KERAS[version]
    k.utils.set_random_seed(3)
    known = [name for name in ACTIVATIONS if hasattr(k.activations, name)]
    image = features = k.Input((8, 8, 3))
    for name in known:
        features = k.layers.Conv2D(3, 3, padding="same", activation=name, name=name)(features)
    k.Model(image, features).save(tmp_path / "model.h5", include_optimizer=False)
    network = Network(tmp_path / "model.h5", version)
    afters = {f"s{i}": name for i, name in enumerate(known)}
    patch = pipe.patch(network.config, *options_for(afters), "--split-activation")
    faulty = fill(network, afters, patch, tmp_path / "out.h5")
    assert disable(faulty) == len(known) >= 11
    assert same_bits(run(faulty, network.inputs), network.outputs)


def test_a_hand_made_keras_2_node_in_a_keras_3_file(networks, tmp_path):
    network = networks("unet", 3)
    config = json.loads(network.config)
    layers = config["config"]["layers"]

    def rewire(value):
        """Sends what consumes down1b to the simulator."""
        if isinstance(value, dict):
            return {key: rewire(item) for key, item in value.items()}
        if isinstance(value, list):
            return ["simulator", 0, 0] if value == ["down1b", 0, 0] else [rewire(item) for item in value]
        return value

    for layer in layers:
        layer["inbound_nodes"] = rewire(layer["inbound_nodes"])
    sites = {"available_injection_sites": "INJ_SITES", "masks": "MASKS", "num_inj_sites": "NUM_INJECTION_SITES"}
    layers.append(
        {
            "class_name": "ErrorSimulator",
            "name": "simulator",
            "config": {"name": "simulator", "trainable": False, "dtype": "float32", **sites},
            "inbound_nodes": [[["down1b", 0, 0, {}]]],
        }
    )
    faulty = fill(network, {"simulator": "down1b"}, json.dumps(config), tmp_path / "out.h5")
    assert not same_bits(run(faulty, network.inputs), network.outputs)
    disable(faulty)
    assert same_bits(run(faulty, network.inputs), network.outputs)


# Of the Keras 2 files in the zoo, those that Keras 3 loads. In the others it refuses nested models that another layer
# consumes, op layers (TFOpLambda), mixed precision, and the configs of depthwise, separable and transposed convolutions.
@pytest.mark.parametrize("name", ["siamese", "in_and_out", "resnet50", "inceptionv3"])
def test_a_keras_2_file_is_written_for_keras_3(name, networks, tmp_path):
    network = networks(name, 2, loader=3)
    targets = network.targets()
    for target in targets[:: max(len(targets) // 3, 1)]:
        network.prove(target, tmp_path)
