"""classes_h5.ranges beside what sub-models made with Keras put out, and what it says to inputs that do not fit."""

import json
import shutil

import h5py
import numpy as np
import pipe
import pytest
import tensorflow as tf
import zoo
from classes_h5 import ranges as script
from classes_h5.files import Refused
from classes_h5.ranges import golden_ranges
from kerases import DATA, KERAS, load, run, same_bits
from prove import operations

BOTH = pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])
ATTRIBUTES = ("min", "max")


def values_of(model, inputs, version, prefix=""):
    """All that each layer puts out, over its calls, by a model with all of that as outputs; within nested models by others."""
    graph = getattr(model, "_functional", None) or model
    in_graph = {id(node) for at_depth in graph._nodes_by_depth.values() for node in at_depth}
    calls = [
        (layer, node)
        for layer in operations(graph)
        for node in layer._inbound_nodes
        if id(node) in in_graph and not node.is_input
    ]
    tensors = [tf.nest.flatten((node.outputs, given_to(node))) for _, node in calls]
    values = iter(run(KERAS[version].Model(graph.inputs, sum(tensors, [])), inputs))
    given = inputs if isinstance(inputs, list) else [inputs]
    found = {prefix + tensor._keras_history[0].name: [value] for tensor, value in zip(graph.inputs, given)}
    for layer, node in calls:
        found.setdefault(prefix + layer.name, []).extend(next(values) for _ in tf.nest.flatten(node.outputs))
        given = [next(values) for _ in given_to(node)]
        if hasattr(layer, "layers"):
            inner = values_of(layer, given if len(given) > 1 else given[0], version, f"{prefix}{layer.name}/")
            for name, outputs in inner.items():
                found.setdefault(name, []).extend(outputs)
    return found


def given_to(node):
    """The tensors that a call of a nested model takes; none for other layers."""
    if not hasattr(getattr(node, "operation", None) or node.layer, "layers"):
        return []
    return getattr(node, "keras_inputs", None) or node.input_tensors


def by_hand(model, inputs, version):
    floats = {
        name: [np.float32(tensor) for tensor in tensors if tensor.ndim >= 2 and tensor.dtype.kind != "i"]
        for name, tensors in values_of(model, inputs, version).items()
    }
    return {
        name: {"min": min(t.min() for t in tensors), "max": max(t.max() for t in tensors)}
        for name, tensors in floats.items()
        if tensors
    }


def assert_close(ranges, expected, tolerance=1e-5):
    assert set(ranges) == set(expected)
    for name, range_ in ranges.items():
        ours, theirs = ([entry[end] for end in ATTRIBUTES] for entry in (range_, expected[name]))
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance, err_msg=name)


@BOTH
@pytest.mark.parametrize(
    "name",
    ["unet", "siamese", "nested", "twice_nested", "in_and_out", "operations", "channels_first", "mixed_precision"]
    + ["perceptron", "signal", "recurrent", "transformer", "volume"],
)
def test_ranges_are_those_of_sub_models_under_the_names_of_the_list(name, version, tmp_path):
    zoo.save(name, version, tmp_path / "model.h5")
    model = load(tmp_path / "model.h5", version, **zoo.custom_objects(name, version))
    inputs = zoo.inputs_for(model, count=7)
    before, attributes = run(model, inputs), [dict(vars(layer)) for layer in model.layers]
    ranges = golden_ranges(model, inputs, batch_size=3)
    # The optimizer of TensorFlow's graphs may change last bits; a float16 has ten of them.
    assert_close(ranges, by_hand(model, inputs, version), 4e-3 if name == "mixed_precision" else 1e-4)
    assert set(ranges) == {target["name"] for target in pipe.targets(pipe.config_of(tmp_path / "model.h5"))}
    assert [vars(layer).keys() for layer in model.layers] == [kept.keys() for kept in attributes]
    assert same_bits(run(model, inputs), before)


@pytest.mark.parametrize("name", ["digits-sequential-keras2", "digits-sequential-keras3"])
def test_a_sequential_model_has_its_input_too(name, images):
    version = int(name[-1])
    model = load(DATA / f"{name}.h5", version)
    ranges = golden_ranges(model, images)
    assert "image" in ranges
    assert_close(ranges, by_hand(model, images, version))


@BOTH
def test_what_goes_into_a_fused_activation_is_told(version):
    k = KERAS[version]
    k.utils.set_random_seed(3)
    l, image = k.layers, k.Input((9, 8, 4))
    layers = [
        l.Conv2D(4, 3, activation="relu", name="conv"),
        l.DepthwiseConv2D(3, activation="tanh", name="depthwise"),
        l.SeparableConv2D(4, 3, activation="elu", name="separable"),
        l.Conv2DTranspose(4, 3, activation="sigmoid", name="transpose"),
        l.Dense(4, activation="softmax", name="dense"),
        l.EinsumDense("abcd,de->abce", output_shape=(9, 8, 4), activation="relu", name="einsum"),
    ]
    plain = [
        l.Conv2D(4, 3, name="linear"),
        l.Conv2D(4, 3, activation=l.LeakyReLU(), name="object"),
        l.Activation("relu", name="activation"),
    ]
    model = k.Model(image, [layer(image) for layer in layers + plain])
    inputs = np.random.default_rng(0).normal(size=(5, 9, 8, 4)).astype("float32")
    ranges = golden_ranges(model, inputs)
    assert {name for name, entry in ranges.items() if "before_activation" in entry} == {layer.name for layer in layers}
    for layer in layers:
        name, activation = layer.get_config()["activation"], layer.activation
        assert ranges[layer.name]["activation"] == name
        layer.activation = k.activations.linear
        before = np.asarray(layer(inputs))
        layer.activation = activation
        assert_close({name: ranges[layer.name]["before_activation"]}, {name: {"min": before.min(), "max": before.max()}})


@BOTH
def test_a_layer_of_two_models_has_the_range_of_all_its_calls_under_both_names(version):
    k = KERAS[version]
    shared = k.layers.Rescaling(2.0, name="shared")
    features = k.Input((4, 4, 1), name="features")
    inner = k.Model(features, shared(features), name="inner")
    image = k.Input((4, 4, 1), name="image")
    model = k.Model(image, [inner(image), shared(k.layers.Rescaling(10.0, name="tenfold")(image))])
    inputs = np.linspace(0, 1, 16, dtype="float32").reshape(1, 4, 4, 1)
    ranges = golden_ranges(model, inputs)
    assert ranges["shared"] == ranges["inner/shared"] == {"min": 0.0, "max": 20.0}
    assert ranges["inner"] == {"min": 0.0, "max": 2.0}
    assert ranges["inner/features"] == {"min": 0.0, "max": 1.0}


@BOTH
def test_what_is_not_finite_is_left_out_and_told(version):
    k = KERAS[version]
    image = k.Input((2, 2, 1), name="image")
    model = k.Model(image, k.layers.Rescaling(np.inf, name="lost")(k.layers.Rescaling(0.5, name="half")(image)))
    inputs = np.array([[1, -3, np.nan, np.inf], [2, 5, -np.inf, 7]], "float32").reshape(2, 2, 2, 1)
    with pytest.warns(RuntimeWarning) as told:
        ranges = golden_ranges(model, inputs, batch_size=1, activations={})
    assert ranges == {"image": {"min": -3.0, "max": 7.0}, "half": {"min": -1.5, "max": 3.5}}
    words = [str(warning.message) for warning in told if warning.category is RuntimeWarning]
    assert words == [f"{n} values are not finite and left out" for n in ("image: 3", "half: 3", "lost: 8")]


class Sliced:
    """Inputs that are not in memory: what has been taken of them at once."""

    def __init__(self, array):
        self.array, self.shape, self.taken = array, array.shape, []

    def __len__(self):
        return len(self.array)

    def __getitem__(self, part):
        self.taken.append(len(self.array[part]))
        return self.array[part]


def test_inputs_are_taken_a_batch_at_a_time(images):
    model, inputs, told = load(DATA / "digits-keras3.h5", 3), Sliced(images), []
    ranges = golden_ranges(model, inputs, batch_size=3, progress=lambda *at: told.append(at))
    assert inputs.taken == [3, 3, 2]
    assert told == [(3, 8), (6, 8), (8, 8)]
    assert_close(ranges, golden_ranges(model, images))


@BOTH
def test_a_model_with_a_batch_size_of_its_own_is_given_that(version):
    k = KERAS[version]
    image = k.Input(batch_shape=(2, 3, 3, 1))
    model = k.Model(image, k.layers.Reshape((9, 1, 1), name="long")(image))
    inputs = Sliced(np.arange(36, dtype="float32").reshape(4, 3, 3, 1))
    assert golden_ranges(model, inputs)["long"] == {"min": 0.0, "max": 35.0}
    assert inputs.taken == [2, 2]
    with pytest.raises(Refused, match="takes batches of 2, and 3 inputs cannot be so divided"):
        golden_ranges(model, np.zeros((3, 3, 3, 1)))


@pytest.fixture(scope="module")
def two_inputs(tmp_path_factory):
    """A model of two inputs in a file: the sum of `a`, of 4x4, and the mean of `b`, of any size."""
    layers, path = KERAS[3].layers, tmp_path_factory.mktemp("two") / "two.h5"
    b, a = KERAS[3].Input((None, None, 1), name="b"), KERAS[3].Input((4, 4, 1), name="a")
    mean = layers.GlobalAveragePooling2D(keepdims=True, name="mean")(b)
    KERAS[3].Model({"b": b, "a": a}, layers.Add(name="add")([a, mean])).save(path, include_optimizer=False)
    return path


def call(*words):
    """The command as its user calls it."""
    return script.main([str(word) for word in words])


@pytest.mark.parametrize("name", ["digits-keras2", "digits-keras3"])
def test_the_file_says_what_it_was_made_of(name, tmp_path, images, capsys):
    version, out = int(name[-1]), tmp_path / "ranges.json"
    np.save(tmp_path / "images.npy", images)
    assert call(DATA / f"{name}.h5", tmp_path / "images.npy", "--out", out) == 0
    report = json.loads(out.read_text())
    assert {key: report[key] for key in ("inputs", "keras")} == {"inputs": 8, "keras": KERAS[version].__version__}
    assert report["model_sha256"] == pipe.sha256(DATA / f"{name}.h5")
    assert_close(report["layers"], by_hand(load(DATA / f"{name}.h5", version), images, version))
    assert call(DATA / f"{name}.h5", tmp_path / "images.npy") == 0
    assert json.loads(capsys.readouterr().out) == report
    assert {path.name for path in tmp_path.iterdir()} == {"images.npy", "ranges.json"}


def test_a_file_of_keras_2_is_loaded_by_keras_3_when_asked(tmp_path, images, capsys):
    np.save(tmp_path / "images.npy", images)
    assert call(DATA / "digits-keras2.h5", tmp_path / "images.npy", "--keras", 3) == 0
    assert json.loads(capsys.readouterr().out)["keras"] == KERAS[3].__version__


def test_images_in_folders_are_read_resized_and_scaled(tmp_path, images, capsys):
    for number, image in enumerate(images):
        folder = tmp_path / "digits" / f"of-{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        KERAS[3].utils.save_img(folder / f"{number}.png", np.kron(image * 255, np.ones((2, 2, 1))), scale=False)
    (tmp_path / "digits" / "labels.txt").write_text("no image")
    assert call(DATA / "digits-keras3.h5", tmp_path / "digits", "--scale", "1/255") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["inputs"] == 8
    expected = golden_ranges(load(DATA / "digits-keras3.h5", 3), np.floor(images * 255) / np.float32(255))
    assert_close(report["layers"], expected)


def test_images_for_a_model_with_channels_first(tmp_path, capsys):
    image = KERAS[3].Input((3, 4, 6), name="image")
    KERAS[3].Model(image, KERAS[3].layers.Rescaling(1 / 255, name="out")(image)).save(tmp_path / "model.h5")
    (tmp_path / "images").mkdir()
    picture = np.zeros((4, 6, 3))
    picture[1, 2] = 0, 102, 255
    KERAS[3].utils.save_img(tmp_path / "images" / "a.png", picture, scale=False, data_format="channels_last")
    assert call(tmp_path / "model.h5", tmp_path / "images", "--preprocess", "mobilenet") == 0
    assert json.loads(capsys.readouterr().out)["layers"]["image"] == {"min": -1.0, "max": 1.0}


@pytest.mark.parametrize("named", [False, True])
def test_of_several_inputs_each_has_its_file(two_inputs, named, tmp_path, capsys):
    np.savez(tmp_path / "both.npz", a=np.full((3, 4, 4, 1), 2.0), b=np.arange(27.0).reshape(3, 3, 3, 1))
    words = [f"{tmp_path}/both.npz:a", f"{tmp_path}/both.npz:b"]
    if named:
        words = [f"b={words[1]}", f"a={words[0]}"]
    assert call(two_inputs, *words) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    assert layers["a"] == {"min": 2.0, "max": 2.0}
    assert layers["b"] == {"min": 0.0, "max": 26.0}
    assert layers["add"] == {"min": 6.0, "max": 24.0}


@pytest.fixture
def files(two_inputs, tmp_path, monkeypatch):
    """Files that are wrong, in the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("digits-keras3.h5", "digits-keras2.h5"):
        shutil.copy(DATA / name, tmp_path)
    shutil.copy(two_inputs, tmp_path)
    shutil.copy(DATA / "files" / "no-version.h5", tmp_path)
    shutil.copy(DATA / "files" / "weights-only.h5", tmp_path)
    with h5py.File("digits-keras2.h5", "a") as file:
        file.attrs["keras_version"] = "2.15.0"
    np.save("images.npy", np.zeros((4, 8, 8, 1), "float32"))
    np.save("square.npy", np.zeros((3, 4, 4, 1), "float32"))
    np.save("flat.npy", np.zeros((4, 64), "float32"))
    np.save("none.npy", np.zeros((0, 8, 8, 1), "float32"))
    np.save("text.npy", np.array(["a"]))
    np.save("objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez("two.npz", x=np.zeros(3), y=np.zeros(3))
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"\x89PNG")
    (tmp_path / "plain.txt").write_text("plain")
    (tmp_path / "ranges.json").write_text("as it was")
    return tmp_path


@pytest.mark.parametrize(
    "words, message",
    [
        ("no.h5 images.npy", "no.h5: no such file"),
        ("plain.txt images.npy", "plain.txt: is neither an HDF5 file nor a .keras archive"),
        ("weights-only.h5 images.npy", "weights-only.h5: holds weights only, no model (there is no attribute model_config)"),
        ("digits-keras3.h5 images.npy --keras 2", "digits-keras3.h5: Keras 2.21.0 does not load it: "),
        ("digits-keras3.h5 no.npy", "no.npy: no such file"),
        ("digits-keras3.h5 plain.txt", "plain.txt: is no NumPy file of numbers (.npy, .npz)\n  hint: numpy.save('plain.npy', array) makes one"),
        ("digits-keras3.h5 objects.npy", "objects.npy: is no NumPy file of numbers (.npy, .npz)\n  hint: numpy.save('objects.npy', array) makes one"),
        ("digits-keras3.h5 text.npy", "text.npy: holds <U1, not numbers"),
        ("digits-keras3.h5 two.npz", "two.npz: holds x, y: say which, as two.npz:x"),
        ("digits-keras3.h5 two.npz:z", "two.npz: holds x, y, not z"),
        ("digits-keras3.h5 images.npy:x", "images.npy: holds one array, not x"),
        ("digits-keras3.h5 flat.npy", "input 'image' has shape (None, 8, 8, 1), what is given (4, 64)"),
        ("digits-keras3.h5 none.npy", "no inputs given"),
        ("digits-keras3.h5 images.npy images.npy", "the model's inputs are image, 2 given"),
        ("digits-keras3.h5 x=images.npy", "'x' is no input of the model: its inputs are image"),
        ("digits-keras3.h5 images.npy --preprocess lenet", "'lenet' is no module of keras.applications: those are convnext, "),
        ("two.h5 square.npy", "the model's inputs are a, b, 1 given"),
        ("two.h5 a=square.npy a=square.npy", "the model's inputs are a, b, those given a, a"),
        ("two.h5 square.npy images.npy", "as many of each input are needed, found 3 of a, 4 of b"),
        ("two.h5 square.npy broken", "broken: input 'b' takes images of any size; --size HEIGHT,WIDTH sets one"),
        ("digits-keras3.h5 empty", "empty: no images in this folder"),
        ("digits-keras3.h5 broken", "broken/a.png: is no image that Pillow reads"),
        ("digits-keras3.h5 images.npy --out no/ranges.json", "[Errno 2] No such file or directory"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_written(words, message, files, capsys):
    out = [] if "--out" in words else ["--out", "ranges.json"]
    before = sorted(files.iterdir())
    assert call(*words.split(), *out) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"ranges: {message}")
    assert sorted(files.iterdir()) == before
    assert (files / "ranges.json").read_text() == "as it was"


@pytest.mark.parametrize(
    "words, message",
    [
        ("--batch-size 0", "--batch-size must be at least 1"),
        ("--scale a", "argument --scale: invalid scale value: 'a'"),
        ("--scale 1/0", "argument --scale: invalid scale value: '1/0'"),
        ("--size 8", "argument --size: invalid pair value: '8'"),
        ("--scale 2 --preprocess resnet50", "--scale and --preprocess are one too many"),
    ],
)
def test_flags_that_make_no_sense_are_refused(words, message, files, capsys):
    with pytest.raises(SystemExit, match="2"):
        call("digits-keras3.h5", "images.npy", *words.split())
    assert capsys.readouterr().err.endswith(f"ranges: error: {message}\n")


def test_a_model_with_layers_of_its_own_is_for_the_function(files, capsys):
    class Twice(KERAS[3].layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    KERAS[3].Sequential([KERAS[3].layers.Input((8, 8, 1)), Twice()]).save("own.h5")
    assert call("own.h5", "images.npy") == 1
    told = capsys.readouterr().err.splitlines()
    assert "Twice" in told[0]
    assert told[1] == "hint: a model with layers of its own: load it in Python and call classes_h5.golden_ranges(model, inputs)"


def test_a_model_that_is_no_graph_is_refused():
    class Own(KERAS[3].Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(Refused, match="no graph of layers"):
        golden_ranges(Own(), np.zeros((1, 2, 2, 1)))
