"""Train the small networks of this folder on scikit-learn's handwritten digits.

    python make_digits.py [FOLDER]

writes, for Keras 3 and Keras 2 (tf_keras) each, a functional network and a
Sequential one, with `digits-test.npz`, the 360 images they never saw.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 7


def digits():
    """Images (n, 8, 8, 1) in 0..1 and labels: train images, test images, train labels, test labels."""
    data = load_digits()
    images = (data.images[..., np.newaxis] / 16).astype("float32")
    return train_test_split(
        images, data.target, test_size=0.2, random_state=SEED, stratify=data.target
    )


def functional(k):
    """A chain that has the layers people inject: activations fused and separate, both poolings."""
    inputs = k.Input((8, 8, 1), name="image")
    x = k.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv2d")(inputs)
    x = k.layers.Conv2D(16, 3, padding="same", use_bias=False, name="conv2d_1")(x)
    x = k.layers.BatchNormalization(name="batch_normalization")(x)
    x = k.layers.ReLU(name="re_lu")(x)
    x = k.layers.MaxPooling2D(2, name="max_pooling2d")(x)
    x = k.layers.Conv2D(16, 3, padding="same", name="conv2d_2")(x)
    x = k.layers.Activation("relu", name="activation")(x)
    x = k.layers.AveragePooling2D(2, name="average_pooling2d")(x)
    x = k.layers.Flatten(name="flatten")(x)
    outputs = k.layers.Dense(10, activation="softmax", name="dense")(x)
    return k.Model(inputs, outputs, name="digits")


def sequential(k):
    return k.Sequential(
        [
            k.layers.Input((8, 8, 1), name="image"),
            k.layers.Conv2D(8, 3, activation="relu", name="conv2d"),
            k.layers.Conv2D(16, 3, name="conv2d_1"),
            k.layers.BatchNormalization(name="batch_normalization"),
            k.layers.ReLU(name="re_lu"),
            k.layers.MaxPooling2D(2, name="max_pooling2d"),
            k.layers.Flatten(name="flatten"),
            k.layers.Dense(10, activation="softmax", name="dense"),
        ],
        name="digits_sequential",
    )


def main(folder):
    tf.config.experimental.enable_op_determinism()
    x_train, x_test, y_train, y_test = digits()
    np.savez_compressed(folder / "digits-test.npz", images=x_test, labels=y_test)
    for version, k in (("keras3", keras), ("keras2", tf_keras)):
        for build, suffix in ((functional, ""), (sequential, "-sequential")):
            k.utils.set_random_seed(SEED)
            model = build(k)
            model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
            model.fit(x_train, y_train, batch_size=32, epochs=20, verbose=0)
            accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
            path = folder / f"digits{suffix}-{version}.h5"
            model.save(path, include_optimizer=False)
            if path.name == "digits-keras3.h5":
                keras.models.load_model(path, compile=False).save(path.with_suffix(".keras"))
            print(f"{path.name}: {path.stat().st_size} bytes, test accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
