"""A network that does not classify: a small U-Net that finds the bright object in a noisy picture, and its outcome function.

    python -m classes_h5.campaign.segmentation FOLDER

makes pictures, trains for some seconds and writes unet.h5, images.npy and masks.npy. Then, with sites in it as in any model:

    python -m classes_h5.play faulty.h5 --images images.npy --sites sites.ndjson \\
        --outcome segmentation:outcome --out predictions.tsv
"""

import sys
from pathlib import Path

import numpy as np

SIZE = 32


def outcome(golden, faulty, image):
    """How much of the object is lost, from 0 to 1: one less the intersection over union of that found without and with the fault.

    A pixel belongs to the object if its score is over one half; a NaN is not.
    """
    golden, faulty = golden > 0.5, faulty > 0.5
    union = np.count_nonzero(golden | faulty)
    return 1 - np.count_nonzero(golden & faulty) / union if union else 0.0


def pictures(count, seed):
    """(images, masks), both (count, SIZE, SIZE, 1) float32: an ellipse on a noisy ground that gets lighter to one side."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    middle, radius = rng.uniform(0.3, 0.7, (2, count, 1, 1)), rng.uniform(0.12, 0.25, (2, count, 1, 1))
    masks = ((x - middle[0]) / radius[0]) ** 2 + ((y - middle[1]) / radius[1]) ** 2 < 1
    ground = rng.uniform(0, 0.4, (count, 1, 1)) * x + rng.normal(0, 0.1, masks.shape)
    return tuple(array.astype("float32")[..., None] for array in (ground + 0.5 * masks, masks))


def unet(keras):
    """Two levels with skip connections; one score a pixel."""
    layers = keras.layers

    def convolve(x, filters, name):
        x = layers.Conv2D(filters, 3, padding="same", name=name)(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    image = keras.Input((SIZE, SIZE, 1), name="image")
    wide = convolve(image, 8, "down0")
    narrow = convolve(layers.MaxPooling2D(2, name="pool0")(wide), 16, "down1")
    x = convolve(layers.MaxPooling2D(2, name="pool1")(narrow), 16, "bottom")
    x = layers.Conv2DTranspose(16, 2, strides=2, name="up1")(x)
    x = convolve(layers.Concatenate(name="join1")([narrow, x]), 16, "join1_conv")
    x = layers.Conv2DTranspose(8, 2, strides=2, name="up0")(x)
    x = convolve(layers.Concatenate(name="join0")([wide, x]), 8, "join0_conv")
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x), name="unet")


def trained(keras, count=256, epochs=4):
    """The network, trained on pictures of its own."""
    keras.utils.set_random_seed(1)
    model = unet(keras)
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    model.fit(*pictures(count, seed=1), batch_size=16, epochs=epochs, verbose=0)
    return model


def main(folder):
    import keras

    images, masks = pictures(100, seed=2)
    model = trained(keras)
    found = model.predict(images, verbose=0)
    print(f"intersection over union with the true masks: {np.mean([outcome(*pair, None) for pair in zip(masks, found)]):.3f}")
    model.save(folder / "unet.h5", include_optimizer=False)
    np.save(folder / "images.npy", images)
    np.save(folder / "masks.npy", masks)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
