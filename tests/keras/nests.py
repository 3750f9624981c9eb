"""Random nested models with layers of every kind, frozen in every way, compiled with every optimizer."""

import kinds
import numpy as np
from graphs import CUSTOM, OPERATIONS, SHAPE, Builder
from kerases import KERAS

OWN = {version: kinds.custom_layers(k) for version, k in KERAS.items()}
KINDS = {version: kinds.kinds(version, k, OWN[version]) for version, k in KERAS.items()}


def custom_objects(version):
    return {**CUSTOM[version], **OPERATIONS[version], **OWN[version]}


class NestBuilder(Builder):
    """As for random graphs, with all kinds of layers and more ways to freeze."""

    def __init__(self, version, seed, only=None):
        super().__init__(version, seed)
        made = KINDS[version]
        self.makers = [made[kind] for kind in only] if only else list(made.values())
        self.callable_makers = [make for kind, make in made.items() if "attention" not in kind and (not only or kind in only)]

    def layer(self):
        return self.random.choice(self.makers)(self.name("layer"))

    def sequential(self, depth):
        makers, self.makers = self.makers, self.callable_makers
        model = super().sequential(depth)
        self.makers = makers
        return model

    def freeze(self, model):
        for layer in model.layers:
            chance = self.random.random()
            if chance < 0.15:
                layer.trainable = False
            elif chance < 0.25 and hasattr(layer, "layer"):
                layer.layer.trainable = False
            if hasattr(layer, "layers"):
                if self.random.random() < 0.7:
                    self.freeze(layer)
                if self.random.random() < 0.15:
                    layer.trainable = False
                    self.random.choice(layer.layers).trainable = True

    def scramble(self, model):
        rng = np.random.default_rng(self.random.randrange(2**32))
        for weight in model.weights:
            weight.assign(random_value(rng, weight))


def random_value(rng, weight):
    """A value that keeps activations near 1, whatever the weight is for."""
    name, shape = weight.name.split("/")[-1], tuple(weight.shape)
    dtype = getattr(weight.dtype, "name", weight.dtype)
    if "int" in str(dtype):
        return rng.integers(-7, 8, shape).astype(dtype)
    positive = any(word in name for word in ("variance", "stddev", "scale", "amax", "count"))
    low, high = (0.5, 1.5) if positive else (-0.6, 0.6)
    return rng.uniform(low, high, shape).astype(dtype)


def random_nest(version, seed, only=None):
    """A model around nested models, which depends on the seed alone."""
    builder = NestBuilder(version, seed, only)
    k = builder.k
    image = k.Input(SHAPE, name="image")
    tensors = [image]
    for _ in range(builder.random.randint(1, 2)):
        nested = builder.random.choice([builder.functional, builder.functional, builder.sequential])(1)
        tensors.append(nested(builder.random.choice(tensors)))
        tensors += builder.step(0, tensors, [])
    model = k.Model(image, k.layers.Average(name="average")(tensors), name="nest")
    builder.freeze(model)
    builder.scramble(model)
    return model


def optimizers(k, version, container):
    """{name: make()} of all whose state a Keras can save in a container."""
    o = k.optimizers
    found = {
        "sgd": lambda: o.SGD(),
        "sgd_momentum": lambda: o.SGD(momentum=0.9),
        "adam": lambda: o.Adam(),
        "adam_amsgrad": lambda: o.Adam(amsgrad=True),
        "adam_ema": lambda: o.Adam(use_ema=True),
        "adamw": lambda: o.AdamW(),
        "rmsprop": lambda: o.RMSprop(),
        "rmsprop_centered": lambda: o.RMSprop(centered=True, momentum=0.5),
        "adagrad": lambda: o.Adagrad(),
        "adadelta": lambda: o.Adadelta(),
        "adamax": lambda: o.Adamax(),
        "nadam": lambda: o.Nadam(),
        "ftrl": lambda: o.Ftrl(),
        "lion": lambda: o.Lion(),
    }
    if version == 3:
        found["muon"] = lambda: o.Muon()
        found["loss_scale"] = lambda: o.LossScaleOptimizer(o.Adam())
        found["adam_accumulating"] = lambda: o.Adam(gradient_accumulation_steps=2)
        found["schedule_free"] = lambda: o.ScheduleFreeAdamW()
        found["muon_excluding"] = lambda: o.Muon(exclude_layers=["dense"], use_ema=True)
        if container == "keras":
            # In .h5 the one gives two variables one name, which cannot be saved; the other is not loaded.
            found["adafactor"] = lambda: o.Adafactor()
            found["lamb"] = lambda: o.Lamb()
        return found
    found["adafactor"] = lambda: o.Adafactor()
    if container == "keras":  # has no state of the optimizers before 2.11
        return found
    old = o.legacy
    found["legacy_sgd"] = lambda: old.SGD(momentum=0.9)
    found["legacy_rmsprop"] = lambda: old.RMSprop(centered=True, momentum=0.9)
    found["legacy_adam"] = lambda: old.Adam(amsgrad=True)
    for name in ("Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl"):
        found[f"legacy_{name.lower()}"] = lambda name=name: getattr(old, name)()
    return found


def variables(optimizer):
    """All that an optimizer keeps."""
    kept = optimizer.variables
    return kept() if callable(kept) else kept


def compile_with(model, optimizer, version, seed):
    """Compiles a model, its optimizer in the middle of a training: every slot has another value."""
    model.compile(optimizer)
    build = getattr(optimizer, "build", None) or optimizer._create_all_weights
    build(model.trainable_variables)
    rng = np.random.default_rng(seed)
    for variable in variables(optimizer):
        if len(variable.shape):
            variable.assign(rng.uniform(0.1, 1, tuple(variable.shape)).astype("float32"))


def in_training(version, name, seed, path):
    """Saves a random nested model compiled with an optimizer, its slots scrambled."""
    make = optimizers(KERAS[version], version, path.suffix.removeprefix("."))[name]
    model = random_nest(version, seed, only=["conv", "batch", "dense", "steps_frozen_dense", "separable"])
    compile_with(model, make(), version, seed)
    model.save(path)
