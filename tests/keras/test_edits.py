"""Edits beyond one simulator: several at once, one behind another, before the activation, and out again; and what an edit
must leave alone."""

import json

import h5py
import numpy as np
import pipe
import pytest
import zoo
from kerases import KERAS, disable, load, run, same_bits, simulators
from prove import Network, weight_order

BOTH = pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    made = {}

    def get(name, version):
        if (name, version) not in made:
            path = tmp_path_factory.mktemp(name) / f"{name}.h5"
            zoo.save(name, version, path)
            made[name, version] = Network(path, version, zoo.custom_objects(name, version))
        return made[name, version]

    return get


def sites_of(network, name, folder):
    """A site for a layer, in a file."""
    target = next(target for target in network.targets() if target.name == name)
    path = folder / f"{name.replace('/', '-')}.ndjson"
    path.write_text(network.site(target))
    return path


def write(network, out, config_or_patch, sites):
    """Fills the simulators {path: file}."""
    options = [part for simulator, file in sites.items() for part in ("--sites", f"{simulator}={file}")]
    pipe.call("h5-config-set", network.path, out, "--force", "--keras", network.version, *options, stdin=config_or_patch)
    return load(out, network.version, **network.custom_objects)


def contents(path):
    """Everything in a file but the simulators' weights and the orders: {path: value}, attributes and storage included."""
    found = {}

    def take(name, thing):
        for key, value in thing.attrs.items():
            kind = thing.attrs.get_id(key)
            found[f"{name}@{key}"] = (str(kind.dtype), np.asarray(value).tolist())
        if isinstance(thing, h5py.Dataset):
            found[name] = (str(thing.dtype), thing.shape, thing.chunks, thing.compression, thing[()].tobytes())

    with h5py.File(path) as file:
        take("/", file)
        file.visititems(take)
    return found


@BOTH
@pytest.mark.parametrize("name", ["siamese", "nested", "in_and_out"])
def test_several_simulators_play_at_once_and_disabled_change_nothing(name, version, network, tmp_path):
    network = network(name, version)
    names = [target.name for target in network.targets() if target.node is None and target.tensor is None]
    chosen = [names[1], names[len(names) // 2], names[-1]]
    options = [part for number, target in enumerate(chosen) for part in ("--after", target, "--name", f"s{number}")]
    patch = pipe.patch(network.config, *options)
    paths = {target: f"{target.rpartition('/')[0]}/s{number}".lstrip("/") for number, target in enumerate(chosen)}
    sites = {paths[target]: sites_of(network, target, tmp_path) for target in chosen}
    faulty = write(network, tmp_path / "faulty.h5", patch, sites)
    assert len(list(simulators(faulty))) == 3
    assert not same_bits(run(faulty, network.inputs), network.outputs)
    disable(faulty)
    assert same_bits(run(faulty, network.inputs), network.outputs)


@BOTH
def test_a_simulator_stands_behind_a_simulator(version, network, tmp_path):
    network = network("siamese", version)
    target = next(target for target in network.targets() if target.node is None)
    once = pipe.patch(network.config, "--after", target.name, "--apply")
    twice = pipe.patch(once, "--after", "simulator", "--apply")
    file = sites_of(network, target.name, tmp_path)
    faulty = write(network, tmp_path / "faulty.h5", twice, {"simulator": file, "simulator_1": file})
    first, second = simulators(faulty)
    assert {first.name, second.name} == {"simulator", "simulator_1"}
    disable(faulty)
    assert same_bits(run(faulty, network.inputs), network.outputs)


@BOTH
@pytest.mark.parametrize("name", ["unet", "siamese", "nested", "in_and_out"])
def test_a_fault_before_the_activation_passes_through_it_and_disabled_changes_nothing(name, version, network, tmp_path):
    network = network(name, version)
    layers = {target.name: target for target in network.targets() if target.node in (None, 0)}
    fused = [name for name in layers if activation(network.config, name) not in (None, "linear")]
    assert fused, "no layer to split"
    for name in fused:
        calls = ["--node", "all"] if layers[name].node is not None else []
        patch = pipe.patch(network.config, "--after", name, "--split-activation", *calls)
        path = f"{name.rpartition('/')[0]}/simulator".lstrip("/")
        faulty = write(network, tmp_path / "faulty.h5", patch, {path: sites_of(network, name, tmp_path)})
        disable(faulty)
        assert same_bits(run(faulty, network.inputs), network.outputs), name
        # Out again, the activation goes back to where it was.
        removal = pipe.patch(pipe.config_of(tmp_path / "faulty.h5"), "--remove", path, "--apply")
        assert json.loads(removal) == json.loads(network.config), name


def activation(config, path):
    layer = {"config": json.loads(config)["config"]}
    for name in path.split("/"):
        layer = next(inner for inner in layer["config"]["layers"] if inner["config"]["name"] == name)
    return layer["config"].get("activation") if layer["class_name"] != "Activation" else None


@BOTH
def test_split_the_faults_of_a_relu_layer_never_come_out_negative(version, network, tmp_path):
    network = network("in_and_out", version)
    target = next(target for target in network.targets() if target.name == "high_a")
    cells = {(0, 0, 0): -7.0, (1, 1, 1): 9.0}
    (tmp_path / "sites").write_text(pipe.site_line(target.shape, cells))
    patch = pipe.patch(network.config, "--after", "high_a", "--split-activation")
    faulty = write(network, tmp_path / "faulty.h5", patch, {"simulator": tmp_path / "sites"})
    behind = KERAS[version].Model(faulty.inputs, faulty.get_layer("simulator_activation").output)
    found = run(behind, network.inputs)[0]
    assert np.all(found[:, 0, 0, 0] == 0.0) and np.all(found[:, 1, 1, 1] == 9.0)


@BOTH
@pytest.mark.parametrize("name", ["siamese", "nested", "twice_nested"])
def test_taken_out_again_the_file_is_as_it_was(name, version, network, tmp_path):
    network = network(name, version)
    for target in network.targets()[:: max(len(network.targets()) // 4, 1)]:
        network.prove(target, tmp_path)
        path = f"{target.name.rpartition('/')[0]}/simulator".lstrip("/")
        removal = pipe.patch(pipe.config_of(tmp_path / "faulty.h5"), "--remove", path)
        pipe.call("h5-config-set", tmp_path / "faulty.h5", tmp_path / "again.h5", "--force", "--keras", version, stdin=removal)
        assert json.loads(pipe.config_of(tmp_path / "again.h5")) == json.loads(network.config), str(target)
        assert weight_order(tmp_path / "again.h5") == weight_order(network.path), str(target)
        again = load(tmp_path / "again.h5", version, **network.custom_objects)
        assert same_bits(run(again, network.inputs), network.outputs), str(target)


@BOTH
def test_all_else_in_the_file_stays_with_its_storage(version, tmp_path):
    k = KERAS[version]
    image = k.Input((6, 6, 2), name="image")
    x = k.layers.Conv2D(3, 3, activation="relu", name="conv")(image)
    model = k.Model(image, k.layers.Dense(2, name="dense")(k.layers.Flatten(name="flat")(x)))
    model.compile("adam", "mse")
    model.fit(np.ones((4, 6, 6, 2)), np.ones((4, 2)), verbose=0)
    source, out = tmp_path / "trained.h5", tmp_path / "faulty.h5"
    model.save(source)
    with h5py.File(source, "a") as file:
        file["notes"] = h5py.SoftLink("/model_weights")
        file.attrs["campaign"] = "réacteur"
        file.create_dataset("packed", data=np.arange(1000.0), chunks=(100,), compression="gzip", shuffle=True)
    (tmp_path / "sites").write_text(pipe.site_line((4, 4, 3), {(0, 0, 0): 1.0}))
    before = source.read_bytes()
    patch = pipe.patch(pipe.config_of(source), "--after", "conv")
    pipe.simulate(source, out, tmp_path / "sites", version, patch_or_config=patch)
    old, new = contents(source), contents(out)
    changed = {key for key in old | new if old.get(key) != new.get(key)}
    expected = {"/@model_config"}
    if version == 2:
        expected |= {"model_weights@layer_names", "model_weights/simulator@weight_names", "model_weights/simulator/simulator/mode:0"}
    assert changed == expected
    assert any("optimizer" in key for key in new) and "/@training_config" in new
    assert source.read_bytes() == before


@BOTH
def test_names_too_many_for_one_attribute_are_split_and_fixed_lengths_stay(version, tmp_path):
    k = KERAS[version]
    image = x = k.Input((4, 4, 1), name="image")
    for number in range(80):
        x = k.layers.DepthwiseConv2D(1, name=f"layer_{number}_" + "x" * 1000)(x)
    model = k.Model(image, x)
    zoo.scramble(model)
    source, out = tmp_path / "long.h5", tmp_path / "faulty.h5"
    model.save(source, include_optimizer=False)
    with h5py.File(source, "a") as file:
        group = file["model_weights"]
        names = [name for chunk in sorted(group.attrs) if chunk.startswith("layer_names") for name in group.attrs[chunk]]
        for chunk in [chunk for chunk in group.attrs if chunk.startswith("layer_names")]:
            del group.attrs[chunk]
        names = [layer.name.encode() for layer in model.layers]
        for chunk, part in enumerate(np.array_split(np.array(names), 2)):
            group.attrs[f"layer_names{chunk}"] = part
    inputs = zoo.inputs_for(model)
    original = run(load(source, version), inputs)
    (tmp_path / "sites").write_text(pipe.site_line((4, 4, 1), {(0, 0, 0): 1.0}))
    patch = pipe.patch(pipe.config_of(source), "--after", model.layers[40].name)
    pipe.simulate(source, out, tmp_path / "sites", version, patch_or_config=patch)
    with h5py.File(out) as file:
        chunks = [chunk for chunk in file["model_weights"].attrs if chunk.startswith("layer_names")]
        assert len(chunks) >= 2
        assert all(file["model_weights"].attrs.get_id(chunk).dtype.kind == "S" for chunk in chunks)
    faulty = load(out, version)
    assert disable(faulty) == 1
    assert same_bits(run(faulty, inputs), original)
