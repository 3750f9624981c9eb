"""The layer alone, in both Kerases."""

import json

import numpy as np
import pytest
import tensorflow as tf
from classes_h5.simulator import ErrorSimulatorMode
from kerases import KERAS, SIMULATOR, load, run

SHAPE = (4, 5, 2)
VALUES = [{13: 5.0}, {0: np.nan, 39: -0.5}, {39: np.inf, 7: -np.inf}]
DENSE, SPARSE = "dense", "sparse"


def dense():
    injections, masks = np.zeros((3, 40), np.float32), np.ones((3, 40), np.float32)
    for site, cells in enumerate(VALUES):
        for index, value in cells.items():
            injections[site, index], masks[site, index] = value, 0
    return [array.reshape(3, *SHAPE).tolist() for array in (injections, masks)]


def sparse():
    names = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    value = [[names.get(str(value), value) for value in cells.values()] for cells in VALUES]
    return [{"shape": list(SHAPE), "index": list(cells), "value": of} for cells, of in zip(VALUES, value)], []


SITES = {DENSE: dense, SPARSE: sparse}


@pytest.fixture
def inputs():
    return np.random.default_rng(0).normal(size=(6, *SHAPE)).astype("float32")


@pytest.fixture(params=[2, 3], ids=["keras2", "keras3"])
def version(request):
    return request.param


@pytest.fixture(params=SITES)
def form(request):
    return request.param


def network(version, form, **options):
    """(whole model, model up to the simulator, the simulator)"""
    k = KERAS[version]
    k.utils.set_random_seed(1)
    simulator = SIMULATOR[version](*SITES[form](), 3, name="simulator", trainable=False, **options)
    image = k.Input(SHAPE)
    features = k.layers.Conv2D(2, 3, padding="same")(image)
    return k.Model(image, simulator(features)), k.Model(image, features), simulator


def with_site(outputs, site):
    expected = outputs.reshape(len(outputs), -1).copy()
    for index, value in VALUES[site].items():
        expected[:, index] = value
    return expected.reshape(outputs.shape)


def test_disabled_it_passes_every_bit(version, form):
    simulator = network(version, form)[2]
    simulator.set_mode(ErrorSimulatorMode.disabled)
    odd = np.resize(np.array([np.nan, -0.0, np.inf, -np.inf, 1e-45, 3.0], np.float32), (2, *SHAPE))
    assert simulator(tf.constant(odd)).numpy().tobytes() == odd.tobytes()
    assert simulator.last_sites.tolist() == [-1, -1]


@pytest.mark.parametrize("site", range(3))
def test_a_selected_site_changes_its_cells_in_every_image_and_no_others(version, form, site, inputs):
    model, before, simulator = network(version, form)
    simulator.select(site)
    expected = with_site(run(before, inputs)[0], site)
    np.testing.assert_array_equal(run(model, inputs)[0], expected)
    np.testing.assert_array_equal(model.predict(inputs, verbose=0), expected)
    assert simulator.last_sites.tolist() == [site] * len(inputs)


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "predict"])
def test_each_image_gets_the_site_that_is_selected_for_it(version, form, graph, inputs):
    model, before, simulator = network(version, form)
    selected = [2, 0, 1, 1, 0, 2]
    simulator.select(selected)
    outputs = model.predict(inputs, verbose=0) if graph else run(model, inputs)[0]
    original = run(before, inputs)[0]
    assert simulator.last_sites.tolist() == selected
    for image, site in enumerate(selected):
        np.testing.assert_array_equal(outputs[image], with_site(original[image : image + 1], site)[0])


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "predict"])
def test_another_number_of_images_than_were_selected_for_is_refused(version, form, graph, inputs):
    model, _, simulator = network(version, form)
    simulator.select([2, 0, 1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="(?s)sites are selected for.*3.*images, the batch has.*6"):
        model.predict(inputs, verbose=0) if graph else run(model, inputs)


@pytest.mark.parametrize(
    "site, message",
    [
        (3, "site 3 is not in 0..2"),
        (-1, "site -1 is not in 0..2"),
        ([0, 4, 1], "site 4 is not in 0..2"),
        ([], "select takes a site, a list of one site for each image, or None"),
        ([[0, 1]], "select takes a site, a list of one site for each image, or None"),
        (1.5, "select takes a site, a list of one site for each image, or None"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(version, site, message):
    simulator = network(version, SPARSE)[2]
    simulator.select(1)
    with pytest.raises(ValueError, match=message):
        simulator.select(site)
    assert simulator._playback.selected.numpy().tolist() == [1]


def test_it_tells_in_which_images_a_bit_changed(version, form, inputs):
    simulator = SIMULATOR[version](*SITES[form](), 3)
    flat = inputs.reshape(len(inputs), -1)
    flat[1, 13] = flat[2, 13] = 5.0
    flat[2, 3] = -0.0  # outside the site; dense, it becomes 0.0
    flat[3, [39, 7]], flat[4, [39, 7]] = [np.inf, -np.inf], [np.inf, 0]
    simulator.select([0, 0, 0, 2, 2, 1])
    simulator(tf.constant(inputs))
    # Dense, an infinity times the mask's zero is NaN.
    assert simulator.last_changed.tolist() == [True, False, False, form == DENSE, True, True]
    simulator.set_mode(ErrorSimulatorMode.disabled)
    simulator(tf.constant(inputs))
    assert simulator.last_changed.tolist() == [False] * 6


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "predict"])
def test_without_a_selection_each_image_gets_the_site_it_is_told(version, form, graph, inputs):
    model, before, simulator = network(version, form)
    many = np.tile(inputs, (20, 1, 1, 1))
    simulator.select(1)
    simulator.select(None)
    outputs = model.predict(many, batch_size=len(many), verbose=0) if graph else run(model, many)[0]
    original = run(before, many)[0]
    assert set(simulator.last_sites) == {0, 1, 2}
    for image, site in enumerate(simulator.last_sites):
        np.testing.assert_array_equal(outputs[image], with_site(original[image : image + 1], site)[0])


def test_only_the_first_num_inj_sites_are_drawn(version, form, inputs):
    simulator = SIMULATOR[version](*SITES[form](), 2)
    simulator(tf.constant(np.tile(inputs, (30, 1, 1, 1))))
    assert set(simulator.last_sites) == {0, 1}
    with pytest.raises(ValueError, match="site 2 is not in 0..1"):
        simulator.select(2)


def test_a_flipped_bit_is_that_of_the_value_found(version, inputs):
    simulator = SIMULATOR[version]([{"index": [3, 8, 39], "value": [None, 2.5, None], "bit": [31, None, 22]}], [], 1)
    outputs = simulator(tf.constant(inputs)).numpy().reshape(len(inputs), -1)
    expected = inputs.reshape(len(inputs), -1).copy()
    expected.view(np.uint32)[:, 3] ^= 1 << 31
    expected.view(np.uint32)[:, 39] ^= 1 << 22
    expected[:, 8] = 2.5
    assert outputs.tobytes() == expected.tobytes()


def test_mode_is_an_int32_weight_under_keras_2_and_none_under_keras_3(form):
    counts = {}
    for version in KERAS:
        simulator = network(version, form)[2]
        assert (simulator.mode.dtype, simulator.mode.shape) == (tf.int32, (1, 1))
        assert simulator.mode.numpy().tolist() == [[2]]
        counts[version] = [weight.name for weight in simulator.weights]
    assert counts == {2: ["simulator/mode:0"], 3: []}


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_a_saved_model_loads_and_plays_the_same(version, form, suffix, inputs, tmp_path):
    model, _, simulator = network(version, form)
    simulator.set_mode(ErrorSimulatorMode.disabled)
    model.save(tmp_path / f"saved{suffix}")
    again = load(tmp_path / f"saved{suffix}", version)
    copy = again.get_layer("simulator")
    assert copy.mode.numpy().tolist() == ([[1]] if version == 2 else [[2]])
    for site in range(3):
        for layer in (simulator, copy):
            layer.set_mode(ErrorSimulatorMode.enabled)
            layer.select(site)
        np.testing.assert_array_equal(run(model, inputs)[0], run(again, inputs)[0])


def test_the_sparse_config_is_plain_json(version):
    config = network(version, SPARSE)[2].get_config()
    sites = {key: config[key] for key in ("available_injection_sites", "masks", "num_inj_sites")}
    assert json.loads(json.dumps(sites, allow_nan=False)) == sites
    assert sites["available_injection_sites"] == sparse()[0]


def test_mixed_precision_casts_the_values(version, form, inputs):
    simulator = network(version, form, dtype="mixed_float16")[2]
    simulator.select(0)
    outputs = simulator(tf.constant(inputs))
    assert outputs.dtype == tf.float16
    np.testing.assert_array_equal(outputs.numpy(), with_site(inputs.astype(np.float16), 0))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("INJ_SITES", "MASKS", "NUM_INJECTION_SITES"), "'INJ_SITES' stands where sites belong.*h5-config-set"),
        ((*dense(), "NUM_INJECTION_SITES"), "'NUM_INJECTION_SITES' stands"),
        ((*dense(), 0), "num_inj_sites is 0, must be in 1..3"),
        ((*sparse(), 4), "num_inj_sites is 4, must be in 1..3"),
        ((dense()[0], dense()[1][:2], 2), "equally many arrays"),
        (([{"index": [1], "value": [1, 2]}], [], 1), "site 0 needs as many values or bits"),
        (([{"index": [], "value": []}], [], 1), "one at least"),
        (([{"index": [2, 2], "value": [1, 2]}], [], 1), "there twice"),
        (([{"index": [-1], "value": [1]}], [], 1), "negative index"),
        (([{"index": [1], "value": [1], "bit": [3]}], [], 1), "either a value or a bit"),
        (([{"index": [1], "bit": [32]}], [], 1), "not in 0..31"),
        (([{"shape": [2], "index": [2], "bit": [0]}], [], 1), "index 2, an array of shape \\(2,\\) only 2 cells"),
        (([{"shape": [2], "index": [1], "bit": [0]}, {"index": [1], "bit": [0]}], [], 1), "have shapes \\(\\) and \\(2,\\)"),
    ],
)
def test_sites_that_make_no_sense_are_refused(version, arguments, message):
    with pytest.raises(ValueError, match=message):
        SIMULATOR[version](*arguments)


@pytest.mark.parametrize(
    "shape, message",
    [
        ((), "rank 2 or more"),
        ((4, 5), "have shape"),
        ((4, 4, 2), "have shape"),
        ((5, 4, 2), "have shape"),
        ((None, 3), "have shape"),
    ],
)
def test_an_input_of_another_shape_is_refused(version, form, shape, message):
    with pytest.raises(ValueError, match=message):
        SIMULATOR[version](*SITES[form](), 3)(KERAS[version].Input(shape))


@pytest.mark.parametrize("other", [(5, 4, 2), (40, 1, 2), (3, 3, 2)])
def test_open_axes_of_another_size_are_refused_when_played(version, form, other):
    k = KERAS[version]
    image = k.Input((None, None, 2))
    simulator = SIMULATOR[version](*SITES[form](), 3)
    model = k.Model(image, simulator(image))
    assert model(np.zeros((2, *SHAPE), np.float32)).shape == (2, *SHAPE)
    wrong = np.ones((2, *other), np.float32)
    for play in (model, model.predict):
        with pytest.raises(tf.errors.InvalidArgumentError, match="ErrorSimulator: the sites have shape"):
            play(wrong)
    simulator.set_mode(ErrorSimulatorMode.disabled)
    for play in (model, model.predict):
        np.testing.assert_array_equal(play(wrong), wrong)


def test_sparse_sites_without_a_shape_need_room_for_their_cells(version):
    site = {"index": [7], "value": [1.5]}
    with pytest.raises(ValueError, match="index 7, an array of shape \\(2, 3\\) only 6 cells"):
        SIMULATOR[version]([site], [], 1)(KERAS[version].Input((2, 3)))
    simulator = SIMULATOR[version]([site], [], 1)
    assert simulator(np.zeros((1, 2, 4), np.float32)).numpy()[0, 1, 3] == 1.5
    assert simulator.get_config()["available_injection_sites"] == [site]
