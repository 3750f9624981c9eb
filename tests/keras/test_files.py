"""What else is in a file stays as it is: strings of old files, names in chunks, optimizers, compression, foreign data."""

import shutil

import h5py
import numpy as np
import pipe
import pytest
from kerases import DATA, KERAS, SIMULATOR, disable, run, same_bits
from kerases import load as load_in
from prove import Network, weight_order

BOTH = pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])


def with_simulator(path, version, after, out, *options):
    """The network in a file, proved with a simulator behind one layer; the new file is `out`."""
    network = Network(path, version)
    target = next(target for target in network.targets() if target.name == after)
    network.prove(target, out.parent, *options)
    (out.parent / "faulty.h5").rename(out)
    return network


def string_type(holder, name):
    """(kind, shape) of a text attribute: `fixed` or `variable`."""
    attribute = h5py.h5a.open(holder.id, name.encode())
    return "variable" if attribute.get_type().is_variable_str() else "fixed", attribute.shape


def contents(path):
    """Everything in a file: {(object, attribute or None): what can be compared}."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            filters = item.chunks, item.compression, item.compression_opts, item.shuffle, item.dtype.str, item.shape
            found[name, None] = (*filters, item[()].tobytes())
        for attribute in item.attrs:
            value = item.attrs[attribute]
            found[name, attribute] = value.tolist() if isinstance(value, np.ndarray) else value
            if isinstance(value, (str, bytes)):
                found[name, attribute] = value, string_type(item, attribute)

    with h5py.File(path) as file:
        visit("/", file)
        file.visititems(visit)
    return found


@BOTH
def test_all_else_in_the_file_is_unchanged(version, tmp_path):
    k = KERAS[version]
    source, out = tmp_path / "model.h5", tmp_path / "out.h5"
    model = k.models.load_model(DATA / f"digits-keras{version}.h5", compile=False)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    test = np.load(DATA / "digits-test.npz")
    model.fit(test["images"], test["labels"], verbose=0)
    model.save(source)
    with h5py.File(source, "r+") as file:
        file.attrs["note"] = "ours"
        file["measurements"] = np.arange(12.0).reshape(3, 4)
        file["measurements"].attrs["unit"] = "s"
        kernel = file["model_weights/conv2d_1"]
        path = next(name for name in weights_in(kernel) if "kernel" in name)
        values = kernel[path][()]
        del kernel[path]
        kernel.create_dataset(path, data=values, chunks=(3, 3, 4, 8), compression="gzip", shuffle=True)
    with_simulator(source, version, "conv2d", out)
    before, after = contents(source), contents(out)
    changed = {key for key in before if key not in after or before[key] != after[key]}
    # Keras 3 wants no entry for a layer without weights.
    assert changed == {("/", "model_config")} | ({("model_weights", "layer_names")} if version == 2 else set())
    added = {name for name, _ in set(after) - set(before)}
    assert all(name.startswith("model_weights/simulator") for name in added)
    assert [len(weights) for layer, weights in weight_order(out) if layer == "simulator"] == [1] * (version == 2)
    again = k.models.load_model(out, custom_objects={"ErrorSimulator": SIMULATOR[version]})
    disable(again)
    assert again.evaluate(test["images"], test["labels"], verbose=0) == pytest.approx(
        model.evaluate(test["images"], test["labels"], verbose=0), rel=1e-4
    )
    assert int(np.asarray(again.optimizer.iterations)) == int(np.asarray(model.optimizer.iterations)) > 0


def weights_in(group):
    found = []
    group.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def bytes_of(text):
    return text.encode() if isinstance(text, str) else text


@pytest.mark.parametrize("sites, kept", [(1, "fixed"), (3, "variable")], ids=["it-fits", "outgrown"])
def test_an_old_file_keeps_its_fixed_length_strings(sites, kept, tmp_path):
    source, out = tmp_path / "old.h5", tmp_path / "out.h5"
    shutil.copy(DATA / "digits-keras2.h5", source)
    with h5py.File(source, "r+") as file:
        config = file.attrs["model_config"]
        del file.attrs["model_config"]
        file.attrs.create("model_config", config.encode(), dtype="S30000")
        for group in (file["model_weights"], *file["model_weights"].values()):
            for name in {"layer_names", "weight_names"} & set(group.attrs):
                if len(group.attrs[name]):
                    group.attrs[name] = np.array([bytes_of(text) for text in group.attrs[name]], "S")
        assert string_type(file, "model_config")[0] == string_type(file["model_weights"], "layer_names")[0] == "fixed"
    network = Network(source, 2)
    target = next(target for target in network.targets() if target.name == "conv2d")
    whole = pipe.site_line(target.shape, {cell: -1.23456789e-30 for cell in np.ndindex(*target.shape)})
    (tmp_path / "sites").write_text(f"{whole}\n" * sites)
    pipe.simulate(source, out, tmp_path / "sites", 2, patch_or_config=pipe.patch(network.config, *target.options()))
    with h5py.File(out) as file:
        assert string_type(file, "model_config")[0] == kept
        assert string_type(file["model_weights"], "layer_names")[0] == "fixed"
        assert string_type(file["model_weights/conv2d"], "weight_names")[0] == "fixed"
    faulty = load_in(out, 2)
    disable(faulty)
    assert same_bits(run(faulty, network.inputs), network.outputs)


@BOTH
def test_names_in_chunks_are_read_and_written(version, tmp_path):
    k = KERAS[version]
    k.utils.set_random_seed(5)
    source, out = tmp_path / "long.h5", tmp_path / "out.h5"
    image = features = k.Input((4, 4, 2), name="image")
    for number in range(300):
        name = f"layer{number:03}_" + "n" * 230
        layer = k.layers.Conv2D(2, 1, name=name) if number % 10 == 0 else k.layers.Activation("tanh", name=name)
        features = layer(features)
    k.Model(image, features).save(source, include_optimizer=False)
    with h5py.File(source) as file:
        assert "layer_names1" in file["model_weights"].attrs
    with_simulator(source, version, "layer150_" + "n" * 230, out)
    with h5py.File(out) as file:
        attributes = file["model_weights"].attrs
        names = [name.decode() for i in range(9) if f"layer_names{i}" in attributes for name in attributes[f"layer_names{i}"]]
        assert "layer_names" not in attributes and "layer_names1" in attributes
    expected = ["image", *(f"layer{number:03}_" + "n" * 230 for number in range(300))]
    if version == 2:
        expected.insert(expected.index("layer150_" + "n" * 230) + 1, "simulator")
    assert [name for name in names if name != "simulator" or version == 2] == expected
