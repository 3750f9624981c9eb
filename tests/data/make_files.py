"""Writes tests/data/files: HDF5 files that are wrong in one way each, and one in the storage types of old Kerases.

Run with h5py and NumPy installed: python tests/data/make_files.py
"""

import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).parent
FILES = HERE / "files"
CHAIN = {
    "class_name": "Sequential",
    "config": {
        "name": "chain",
        "layers": [
            {
                "class_name": "Conv2D",
                "config": {
                    "name": "conv",
                    "trainable": True,
                    "batch_input_shape": [None, 4, 4, 1],
                    "dtype": "float32",
                    "filters": 2,
                    "kernel_size": [1, 1],
                    "strides": [1, 1],
                    "padding": "valid",
                    "data_format": "channels_last",
                    "dilation_rate": [1, 1],
                    "activation": "linear",
                    "use_bias": False,
                },
            },
            {"class_name": "ReLU", "config": {"name": "relu", "trainable": True, "dtype": "float32", "max_value": 1e-07}},
        ],
    },
}

TWO_OUTPUTS = {
    "class_name": "Functional",
    "config": {
        "name": "two",
        "layers": [
            {
                "class_name": "InputLayer",
                "name": "image",
                "config": {"name": "image", "batch_input_shape": [None, 2, 2, 1], "dtype": "float32"},
                "inbound_nodes": [],
            },
            *(
                {
                    "class_name": "ReLU",
                    "name": name,
                    "config": {"name": name, "dtype": "float32"},
                    "inbound_nodes": [[["image", 0, 0, {}]]],
                }
                for name in ("mask", "edges")
            ),
        ],
        "input_layers": [["image", 0, 0]],
        "output_layers": [["mask", 0, 0], ["edges", 0, 0]],
    },
}
TRAINING = {
    "loss": {"mask": "mse", "edges": "mae"},
    "metrics": None,
    "weighted_metrics": None,
    "loss_weights": {"mask": 1.0, "edges": 0.5},
    "optimizer_config": {"class_name": "SGD", "config": {"name": "SGD", "learning_rate": 0.01}},
}


def file(name):
    return h5py.File(FILES / name, "w", libver="earliest")


def main():
    FILES.mkdir(exist_ok=True)
    text = json.dumps(CHAIN)

    with file("fixed-length.h5") as f:  # as Keras 2.2 wrote it
        f.attrs["model_config"] = np.bytes_(text)
        f.attrs["keras_version"] = np.bytes_("2.2.4")
        f.attrs["backend"] = np.bytes_("tensorflow")
        weights = f.create_group("model_weights")
        weights.attrs["layer_names"] = np.array([b"conv", b"relu"])
        conv = weights.create_group("conv")
        conv.attrs["weight_names"] = np.array([b"conv/kernel:0"])
        conv.create_dataset("conv/kernel:0", data=np.ones((1, 1, 1, 2), np.float32), chunks=True, compression="gzip")
        weights.create_group("relu").attrs["weight_names"] = np.array([])
        f.create_group("optimizer_weights").create_dataset("steps", data=7)

    with file("tiny.h5") as f:  # as Keras 2 writes one, small enough to damage it in every place
        f.attrs["model_config"] = text
        f.attrs["keras_version"] = "2.15.0"
        weights = f.create_group("model_weights")
        weights.attrs["layer_names"] = np.array([b"conv", b"relu"])
        conv = weights.create_group("conv")
        conv.attrs["weight_names"] = np.array([b"kernel:0"])
        conv.create_dataset("kernel:0", data=np.ones((1, 1, 1, 2), np.float32))
        weights.create_group("relu").attrs["weight_names"] = np.array([])

    weights = io.BytesIO()
    with h5py.File(weights, "w", libver="earliest") as f:
        for group in ("", "layers/conv2d/", "layers/re_lu/", "optimizer/"):
            f.create_group(f"{group}vars")
        f["layers/conv2d/vars/0"] = np.ones((1, 1, 1, 2), np.float32)
        f["optimizer/vars/0"] = 7
        f["optimizer/vars/1"] = np.full((1, 1, 1, 2), 0.5, np.float32)
    with zipfile.ZipFile(FILES / "tiny.keras", "w") as archive:  # the same network as Keras 2 archives it, in training
        layers = [{"module": "keras.layers", **layer} for layer in CHAIN["config"]["layers"]]
        sgd = {"module": "keras.optimizers", "class_name": "SGD", "config": {"learning_rate": 0.01, "momentum": 0.9}}
        config = {"module": "keras", **CHAIN, "config": {**CHAIN["config"], "layers": layers}}
        config["compile_config"] = {"optimizer": sgd, "loss": "mse"}
        members = {
            "metadata.json": json.dumps({"keras_version": "2.15.0", "date_saved": "2024-01-01@00:00:00"}),
            "config.json": json.dumps(config),
            "model.weights.h5": weights.getvalue(),
        }
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)

    with file("two-outputs.h5") as f:  # compiled with losses by the names of the outputs
        f.attrs["model_config"] = json.dumps(TWO_OUTPUTS)
        f.attrs["training_config"] = json.dumps(TRAINING)
        f.attrs["keras_version"] = "2.15.0"
        weights = f.create_group("model_weights")
        weights.attrs["layer_names"] = np.array([b"image", b"mask", b"edges"])
        for name in ("image", "mask", "edges"):
            weights.create_group(name).attrs["weight_names"] = np.array([])

    with file("no-weights.h5") as f:  # a config alone
        f.attrs["model_config"] = text
    digits = (HERE / "digits-keras3.h5").read_bytes()
    (FILES / "no-version.h5").write_bytes(digits)
    with h5py.File(FILES / "no-version.h5", "a") as f:
        del f.attrs["keras_version"]
    with file("weights-only.h5") as f:
        f.attrs["layer_names"] = np.array([b"conv"])
        f.create_group("conv").attrs["weight_names"] = np.array([])
    with file("no-keras.h5") as f:
        f.attrs["title"] = "measurements"
        f.create_dataset("x", data=[1, 2, 3])
    with file("not-json.h5") as f:
        f.attrs["model_config"] = "{'class_name': 'Sequential'}"
    with file("not-text.h5") as f:
        f.attrs["model_config"] = 7
    with file("empty-attribute.h5") as f:
        f.attrs["model_config"] = h5py.Empty("S10")
    with file("latin-1.h5") as f:
        f.attrs["model_config"] = np.bytes_(b'{"class_name": "S\xe9quential"}')
    with file("not-keras.h5") as f:
        f.attrs["model_config"] = '{"class_name": "Forest", "config": {"trees": 7}}'
    with file("sites-inside.h5") as f:  # as a faulty model holds them: bare tokens in the arrays
        sites = '"available_injection_sites": [[[[NaN, 0]], [[-Infinity, 1.5]]]], "masks": [[[[0, 1]], [[0, 0]]]]'
        layer = '{"class_name": "ErrorSimulator", "config": {"name": "simulator", %s, "num_inj_sites": 1}}' % sites
        f.attrs["model_config"] = '{"class_name": "Sequential", "config": {"name": "s", "layers": [%s]}}' % layer
    with file("nan-elsewhere.h5") as f:
        f.attrs["model_config"] = '{"class_name": "Sequential", "config": {"name": "s", "layers": [{"alpha": NaN}]}}'

    whole = (FILES / "fixed-length.h5").read_bytes()
    (FILES / "truncated.h5").write_bytes(whole[:600])
    (FILES / "plain.txt").write_text("not a model\n")
    with zipfile.ZipFile(FILES / "model.keras", "w") as archive:
        archive.writestr(zipfile.ZipInfo("config.json"), text)


if __name__ == "__main__":
    main()
