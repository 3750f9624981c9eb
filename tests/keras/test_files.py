"""What an edit leaves alone in a file: every other attribute, group and data set, and the storage types of names."""

import h5py
import numpy as np
import pipe
import pytest
import zoo
from kerases import KERAS, disable, load, run, same_bits

BOTH = pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])


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
