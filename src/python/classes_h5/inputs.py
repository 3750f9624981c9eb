"""Inputs for a Keras model, from arrays and folders of images, a batch at a time."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from classes_h5.files import Refused, input_shapes
from classes_h5.keras_internals import graph_of, input_structure
from classes_h5.tensors import tensors_of

COLOURS = {1: "grayscale", 3: "rgb", 4: "rgba"}
IMAGES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}


def checked(graph, inputs):
    """The inputs as a list in the model's order.

    inputs: an array, or of several inputs a list in the model's order or a dict by name.
    """
    shapes = input_shapes(graph)
    if isinstance(inputs, dict):
        if set(inputs) != set(shapes):
            raise Refused(f"the model's inputs are {', '.join(shapes)}, those given {', '.join(inputs)}")
        inputs = [inputs[name] for name in shapes]
    elif not isinstance(inputs, (list, tuple)):
        inputs = [inputs]
    if len(inputs) != len(shapes):
        raise Refused(f"the model's inputs are {', '.join(shapes)}, {len(inputs)} given")
    for (name, wanted), part in zip(shapes.items(), inputs):
        shape = tuple(part.shape)
        if len(shape) != len(wanted) + 1 or any(w not in (None, s) for w, s in zip(wanted, shape[1:])):
            raise Refused(f"input '{name}' has shape {(None, *wanted)}, what is given {shape}")
    counts = {name: len(part) for name, part in zip(shapes, inputs)}
    if len(set(counts.values())) > 1:
        raise Refused(f"as many of each input are needed, found {', '.join(f'{n} of {name}' for name, n in counts.items())}")
    if not len(inputs[0]):
        raise Refused("no inputs given")
    return list(inputs)


def batches(graph, inputs, size):
    """Batches of checked inputs: (how many inputs there are to the end of it, tensors in the structure that the graph has)."""
    count = len(inputs[0])
    fixed = next((tensor.shape[0] for tensor in graph.inputs if tensor.shape[0]), None)
    if fixed and count % fixed:
        raise Refused(f"the model takes batches of {fixed}, and {count} inputs cannot be so divided")
    size = fixed or size
    structure, tensors = input_structure(graph), tensors_of(graph)
    for start in range(0, count, size):
        parts = [np.asarray(part[start : start + size]) for part in inputs]
        given = [tensors.given(tensors.constant(part), tensor.dtype) for part, tensor in zip(parts, graph.inputs)]
        yield min(start + size, count), tensors.pack(structure, given)


# Inputs from files


def read_inputs(words, keras, model, prepare=None, size=None):
    """Inputs from files, in the model's order.

    words: a file or folder for each input, in the model's order, or as name=file. `prepare` is called on every batch of float32;
    `size` (height, width) is that of images where the model takes any.
    """
    shapes = input_shapes(graph_of(model))
    parts = {}
    for name, file in by_name(words, shapes).items():
        folder = Path(file).is_dir()
        part = ImageFolder(Path(file), keras, name, shapes[name], size) if folder else array_from(file)
        parts[name] = Prepared(part, prepare) if prepare else part
    return parts


def read_arrays(words, model):
    """As read_inputs, of NumPy files only, as they are."""
    return {name: array_from(file) for name, file in by_name(words, input_shapes(graph_of(model))).items()}


def by_name(words, names):
    """{input: its file} of as many files, in the model's order or as name=file."""
    if len(words) != len(names):
        raise Refused(f"the model's inputs are {', '.join(names)}, {len(words)} given")
    named = [named_file(word, names) for word in words]
    found = [name or own for own, (name, _) in zip(names, named)]
    if len(set(found)) < len(found):
        raise Refused(f"the model's inputs are {', '.join(names)}, those given {', '.join(found)}")
    return {name: file for name, (_, file) in zip(found, named)}


def named_file(word, names):
    """(input, file) of name=file; (None, file) where no name is given."""
    name, is_named, file = word.partition("=")
    if not is_named or Path(word).exists():
        return None, word
    if name not in names:
        raise Refused(f"'{name}' is no input of the model: its inputs are {', '.join(names)}")
    return name, file


def array_from(word):
    """The array in FILE.npy, FILE.npz, or FILE.npz:KEY."""
    file, _, key = (word, "", "") if Path(word).exists() else word.rpartition(":")
    path = Path(file or word)
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise Refused(f"{path}: no such file") from None
    except IsADirectoryError:
        raise Refused(f"{path}: is a folder, must be a NumPy file (.npy, .npz)") from None
    except (ValueError, EOFError):
        raise Refused(
            f"{path}: is no NumPy file of numbers (.npy, .npz)\n  hint: numpy.save('{path.stem}.npy', array) makes one"
        ) from None
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}") from error
    if isinstance(loaded, np.lib.npyio.NpzFile):
        with loaded:
            keys = loaded.files
            if key and key not in keys:
                raise Refused(f"{path}: holds {', '.join(keys)}, not {key}")
            if not key and len(keys) != 1:
                raise Refused(f"{path}: holds {', '.join(keys) or 'nothing'}: say which, as {path}:{keys[0] if keys else 'KEY'}")
            loaded = loaded[key or keys[0]]
    elif key:
        raise Refused(f"{path}: holds one array, not {key}")
    if loaded.dtype.kind not in "biuf":
        raise Refused(f"{word}: holds {loaded.dtype}, not numbers")
    return loaded


class Prepared:
    """An array, or a folder of images, of which each part is prepared when it is taken."""

    def __init__(self, parts, prepare):
        self.parts, self.prepare, self.shape = parts, prepare, parts.shape

    def __len__(self):
        return len(self.parts)

    def __getitem__(self, part):
        return self.prepare(np.array(self.parts[part], np.float32))


class ImageFolder:
    """The images in a folder and in those below it, in the order of their paths, resized to what an input takes."""

    def __init__(self, folder, keras, name, shape, size=None):
        self.files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGES)
        if not self.files:
            raise Refused(f"{folder}: no images in this folder")
        self.channels_first = len(shape) == 3 and shape[2] not in COLOURS and shape[0] in COLOURS
        height, width, channels = (*shape[1:], shape[0]) if self.channels_first else shape if len(shape) == 3 else (0, 0, 0)
        if channels not in COLOURS:
            raise Refused(f"{folder}: input '{name}' of shape {(None, *shape)} takes no images")
        if size is None and None in (height, width):
            raise Refused(f"{folder}: input '{name}' takes images of any size; --size HEIGHT,WIDTH sets one")
        height, width = (own or given for own, given in zip((height, width), size or (None, None)))
        self.utils, self.size, self.mode = keras.utils, (height, width), COLOURS[channels]
        self.shape = (len(self.files), *((channels, height, width) if self.channels_first else (height, width, channels)))

    def __len__(self):
        return len(self.files)

    def __getitem__(self, part):
        return np.stack([self._load(path) for path in self.files[part]])

    def _load(self, path):
        try:
            image = self.utils.load_img(path, color_mode=self.mode, target_size=self.size)
        except OSError as error:
            raise Refused(f"{path}: is no image that Pillow reads") from error
        array = self.utils.img_to_array(image, data_format="channels_last")
        return np.moveaxis(array, -1, 0) if self.channels_first else array


# How inputs are prepared


def scale(text):
    """A function that multiplies by a number, as 0.5 or 1/255."""
    try:
        factor = np.float32(Fraction(text))
    except ZeroDivisionError as error:
        raise ValueError(text) from error
    return lambda batch: batch * factor


def preprocessing(name, keras):
    """`preprocess_input` of a module of keras.applications, as resnet50."""
    modules = [other for other in dir(keras.applications) if hasattr(getattr(keras.applications, other), "preprocess_input")]
    if name not in modules:
        raise Refused(f"'{name}' is no module of keras.applications: those are {', '.join(modules)}")
    return getattr(keras.applications, name).preprocess_input
