"""Names that others use: an output that is called otherwise behind a simulator still has its losses, weights and metrics."""

import json

import numpy as np
import pipe
import pytest
from classes_h5.simulator import ErrorSimulatorMode
from kerases import KERAS, SIMULATOR, simulators
from prove import Network

BOTH = pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])


def two_outputs(k, ends=list):
    """A map and a class; `ends` makes the outputs of {name: tensor}."""
    image = k.Input((8, 8, 3), name="image")
    body = k.layers.Conv2D(4, 3, padding="same", activation="relu", name="body")(image)
    mask = k.layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="mask")(body)
    pooled = k.layers.GlobalAveragePooling2D(name="pool")(body)
    tensors = {"mask": mask, "cls": k.layers.Dense(3, activation="softmax", name="cls")(pooled)}
    return k.Model(image, tensors if ends is dict else ends(tensors.values()))


LOSSES = {"mask": "binary_crossentropy", "cls": "sparse_categorical_crossentropy"}
WEIGHTS = {"mask": 1.0, "cls": 0.5}
METRICS = {"mask": ["binary_accuracy"], "cls": ["accuracy"]}


def labels(version, dicts=False, only=None):
    """What the two outputs should be."""
    rng = np.random.default_rng(3)
    values = {"mask": rng.integers(0, 2, (16, 8, 8, 1)).astype("float32"), "cls": rng.integers(0, 3, (16, 1))}
    values = {name: value for name, value in values.items() if only in (None, name)}
    if dicts:
        return values
    return list(values.values()) if len(values) > 1 else next(iter(values.values()))


def images():
    return np.random.default_rng(4).uniform(size=(16, 8, 8, 3)).astype("float32")


def load(path, version):
    """Compiled, as the file says, with every simulator disabled."""
    k = KERAS[version]
    model = k.models.load_model(path, custom_objects={"ErrorSimulator": SIMULATOR[version]})
    for simulator in simulators(model):
        simulator.set_mode(ErrorSimulatorMode.disabled)
    if version == 3:
        # Keras 3.15 builds the optimizer of an .h5 file for no variables, and then trains no such file.
        model.optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    return model


def trained(path, version, wanted):
    """What evaluation says before and after an epoch, without the names."""
    model = load(path, version)
    evaluate = lambda: list(model.evaluate(images(), wanted, verbose=0, return_dict=True).values())
    before = evaluate()
    model.fit(images(), wanted, batch_size=16, verbose=0)
    return before, evaluate()


def attribute(path, name):
    return pipe.call("h5-config-get", "--raw", "--attr", name, path)


def compiled(version, folder, model, wanted, **arguments):
    """A compiled model in a file, one that has been trained."""
    model.compile("adam", **arguments)
    model.fit(images(), wanted, batch_size=16, verbose=0)
    model.save(folder / "model.h5")
    return Network(folder / "model.h5", version)


def proved(network, after, folder, *options):
    """The file with a simulator behind a layer, and what h5-config-set says."""
    target = next(target for target in network.targets() if target.name == after)
    network.prove(target, folder, *options)
    return folder / "faulty.h5"


def without_simulator(network, faulty, folder):
    removal = pipe.patch(pipe.config_of(faulty), "--remove", "simulator")
    pipe.call("h5-config-set", faulty, folder / "out.h5", "--keras", network.version, stdin=removal)
    return folder / "out.h5"


@BOTH
def test_a_model_with_losses_by_name_is_evaluated_and_trained_as_before(version, tmp_path):
    k = KERAS[version]
    k.utils.set_random_seed(1)
    model = two_outputs(k)
    network = compiled(version, tmp_path, model, labels(version), loss=LOSSES, loss_weights=WEIGHTS, metrics=METRICS)
    faulty = proved(network, "mask", tmp_path)
    config = json.loads(attribute(faulty, "training_config"))
    assert list(config["loss"]) == ["simulator", "cls"] and list(config["loss_weights"]) == ["simulator", "cls"]
    expected, found = (trained(path, version, labels(version)) for path in (network.path, faulty))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    by_name = {"simulator" if name == "mask" else name: value for name, value in labels(version, dicts=True).items()}
    np.testing.assert_allclose(trained(faulty, version, by_name), expected, rtol=1e-5)
    again = without_simulator(network, faulty, tmp_path)
    for name in ("model_config", "training_config"):
        assert attribute(again, name) == attribute(network.path, name)
    np.testing.assert_allclose(trained(again, version, labels(version)), expected, rtol=1e-5)


@BOTH
def test_behind_a_layer_in_the_middle_nothing_is_called_otherwise(version, tmp_path):
    model = two_outputs(KERAS[version])
    network = compiled(version, tmp_path, model, labels(version), loss=LOSSES, metrics=METRICS)
    faulty = proved(network, "body", tmp_path)
    assert attribute(faulty, "training_config") == attribute(network.path, "training_config")


@BOTH
def test_outputs_that_are_a_dict_keep_their_names(version, tmp_path):
    model = two_outputs(KERAS[version], dict)
    KERAS[version].utils.set_random_seed(1)
    wanted = labels(version, dicts=True)
    # With metrics, Keras 2 does not evaluate a file of this kind.
    metrics = {"metrics": METRICS} if version == 3 else {}
    network = compiled(version, tmp_path, model, wanted, loss=LOSSES, loss_weights=WEIGHTS, **metrics)
    faulty = proved(network, "mask", tmp_path)
    assert attribute(faulty, "training_config") == attribute(network.path, "training_config")
    expected, found = (trained(path, version, wanted) for path in (network.path, faulty))
    np.testing.assert_allclose(np.sort(found), np.sort(expected), rtol=1e-5)


@BOTH
def test_the_only_output_has_its_loss_by_name(version, tmp_path):
    k = KERAS[version]
    k.utils.set_random_seed(1)
    both = two_outputs(k)
    model = k.Model(both.inputs, both.get_layer("mask").output)
    wanted = labels(version, only="mask")
    by_name = {"loss": {"mask": "binary_crossentropy"}, "metrics": {"mask": ["binary_accuracy"]}}
    network = compiled(version, tmp_path, model, wanted, **by_name)
    faulty = proved(network, "mask", tmp_path)
    expected, found = (trained(path, version, wanted) for path in (network.path, faulty))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_last_layer_of_a_chain_has_its_loss_by_name(tmp_path):
    k = KERAS[2]
    k.utils.set_random_seed(1)
    model = k.Sequential([k.Input((8, 8, 3)), k.layers.Conv2D(1, 3, padding="same", name="mask")])
    wanted = labels(2, only="mask")
    network = compiled(2, tmp_path, model, wanted, loss={"mask": "binary_crossentropy"})
    faulty = proved(network, "mask", tmp_path)
    expected, found = (trained(path, 2, wanted) for path in (network.path, faulty))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@BOTH
def test_a_split_activation_gives_the_output_its_name(version, tmp_path):
    k = KERAS[version]
    k.utils.set_random_seed(1)
    network = compiled(version, tmp_path, two_outputs(k), labels(version), loss=LOSSES, metrics=METRICS)
    patch = pipe.patch(network.config, "--after", "mask", "--split-activation")
    target = next(target for target in network.targets() if target.name == "mask")
    (tmp_path / "sites").write_text(network.site(target) + "\n")
    pipe.simulate(network.path, tmp_path / "faulty.h5", tmp_path / "sites", version, patch_or_config=patch)
    config = json.loads(attribute(tmp_path / "faulty.h5", "training_config"))
    assert list(config["loss"]) == ["simulator_activation", "cls"]
    expected, found = (trained(path, version, labels(version)) for path in (network.path, tmp_path / "faulty.h5"))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    again = without_simulator(network, tmp_path / "faulty.h5", tmp_path)
    for name in ("model_config", "training_config"):
        assert attribute(again, name) == attribute(network.path, name)


def test_no_form_of_either_keras_gives_two_layers_one_name():
    for k in KERAS.values():
        image = k.Input((4, 4, 2))
        first = k.layers.Conv2D(2, 1, name="mask")(image)
        with pytest.raises(ValueError, match="names should be unique|used 2 times"):
            k.Model(image, k.layers.ReLU(name="mask")(first))
