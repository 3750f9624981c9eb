"""An optimizer's state by the variables that it belongs to, as the Keras that loads a compiled model has it."""

import re
from pathlib import Path

import h5py
import nests
import numpy as np
from kerases import KERAS, SIMULATOR
from prove import Network, names


def in_order(path):
    """The optimizer's state as a file has it."""
    with h5py.File(path) as file:
        group = file["optimizer_weights"]
        return [group[name][()] for name in names(group, "weight_names")]


def name_of(slot, owners):
    # A count without a name gets a number that counts all of a session.
    return owners.get(id(slot)) or re.sub(r"variable_\d+$", "variable", getattr(slot, "path", slot.name))


def by_variable(path, version):
    """{slot, called after its variable: value}."""
    objects = {"ErrorSimulator": SIMULATOR[version], **nests.custom_objects(version)}
    model = KERAS[version].models.load_model(path, custom_objects=objects)
    optimizer, owners = model.optimizer, {}
    if version == 3 and Path(path).suffix == ".h5":
        # Keras 3 makes no slots when it loads an .h5 file, and leaves the saved ones alone: here they are taken in its order.
        optimizer = type(optimizer).from_config(optimizer.get_config())
        optimizer.build(model.trainable_variables)
        values = in_order(path)
    else:
        values = nests.variables(optimizer)
    if version == 3 and type(optimizer).__name__ == "Adafactor":  # its slots' own names do not tell whose they are
        for kind in ("_r", "_c", "_v"):
            slots = zip(optimizer._trainable_variables, getattr(optimizer, kind))
            owners.update({id(slot): f"{kind} of {variable.path}" for variable, slot in slots})
    called = [name_of(slot, owners) for slot in nests.variables(optimizer)]
    assert len(called) == len(values) == len(set(called))
    return {name: np.asarray(value) for name, value in zip(called, values)}


def in_training(version, name, path):
    """A nested model in the middle of its training, saved with an optimizer, and its state."""
    for seed in range(6):  # Keras 2 forgets how some of them are frozen, and with it the state
        nests.in_training(version, name, seed, path)
        state = by_variable(path, version)
        if len({value.tobytes() for value in state.values()}) > len(state) // 2:  # else slots could change places unseen
            return Network(path, version, nests.custom_objects(version)), state
    raise AssertionError(f"Keras {version} restores no state of {name}")


def prove(network, target, folder, expected, *options):
    """As of the network, and that every slot is still that of its variable."""
    network.prove(target, folder, *options)
    found = by_variable(folder / f"faulty{Path(network.path).suffix}", network.version)
    assert found.keys() == expected.keys(), "other slots"
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
