"""Random walks: simulators go in and out and files change their Keras, in any order; each file loads, and all end where they began."""

import os
import random
import re

import graphs
import h5py
import pipe
import pytest
import zoo
from kerases import KERAS, disable, load, run, same_bits
from prove import Network, weight_order

WALKS = int(os.environ.get("WALKS", "1"))
STEPS = 8
SMALL = ("unet", "siamese", "nested", "twice_nested", "in_and_out", "operations", "channels_first", "mixed_precision")
# What of Keras 2 Keras 3 loads.
FOR_BOTH = ("siamese", "in_and_out")


def weightless(k):
    """A nested model without weights."""
    features = k.Input((6, 6, 3), name="features")
    inner = k.Model(features, k.layers.Activation("relu", name="b")(k.layers.ReLU(name="a")(features)), name="inner")
    image = k.Input((6, 6, 3), name="image")
    return k.Model(image, inner(image))


class Walk:
    """A file on its way; `at` is the Keras that it is for now."""

    def __init__(self, network, loaders, seed, folder):
        self.network, self.loaders, self.folder = network, loaders, folder
        self.random = random.Random(seed)
        self.path, self.at, self.steps = network.path, network.version, []
        self.simulators, self.written = [], 0

    def set(self, text, *options):
        self.written += 1
        out = self.folder / f"{self.written}.h5"
        if self.network.channels_first:
            options = [*options, "--data-format", "channels_first"]
        write = lambda: pipe.call("h5-config-set", self.path, out, "--keras", self.at, *options, stdin=text)
        try:
            write()
        except pipe.Failed as error:
            if self.at == 2 or "Keras 3 would not load it" not in str(error):
                raise
            self.at = 2
            write()
        self.path = out

    def insert(self):
        config = pipe.config_of(self.path)
        rows = [row for row in pipe.targets(config) if row["shape"]]
        name = f"s{len(self.steps)}"
        row = self.random.choice(rows)
        options = ["--after", row["name"], "--name", name]
        if row.get("activation") and self.random.random() < 0.6:
            options.append("--split-activation")
        for more in ([], ["--node", "all"], ["--tensor", 0]):
            try:
                patch = pipe.patch(config, *options, *more)
            except pipe.Failed as error:
                refusal = str(error)
                continue
            shape = pipe.sizes(row["shape"])
            (self.folder / "site").write_text(pipe.site_line(shape, {(0,) * len(shape): 9.0}))
            path = "/".join([*row["name"].split("/")[:-1], name])
            self.set(patch, "--sites", self.folder / "site", *self.random.choice([[], ["--sparse"]]))
            self.steps.append(options)
            self.simulators.append(path)
            return
        assert any(words in refusal for words in ("depends on", "several sizes", "no activation to split")), refusal

    def remove(self):
        simulator = self.simulators.pop(self.random.randrange(len(self.simulators)))
        self.steps.append(["--remove", simulator])
        self.set(pipe.patch(pipe.config_of(self.path), "--remove", simulator))

    def retarget(self):
        self.at = self.random.choice([2, 3])
        self.steps.append(["--keras", self.at])
        self.set(pipe.config_of(self.path))

    def step(self):
        ways = [self.insert, self.insert]
        ways += [self.remove] if self.simulators else []
        ways += [self.retarget] if self.network.version == 2 else []
        self.random.choice(ways)()

    def check(self):
        """Where a Keras that loads the network has the file made for it, it loads it, and it is the same network."""
        if loader := self.loaders.get(self.at):
            model = load(self.path, self.at, **loader.custom_objects)
            assert disable(model) == len(self.simulators)
            assert same_bits(run(model, loader.inputs), loader.outputs)

    def end(self):
        while self.simulators:
            self.remove()
        self.at = self.network.version
        self.steps.append(["--keras", self.at])
        self.set(pipe.config_of(self.path))
        self.check()
        raw = lambda path: pipe.call("h5-config-get", "--raw", path)
        assert raw(self.path) == raw(self.network.path)
        assert weight_order(self.path) == weight_order(self.network.path)
        groups = []
        for path in (self.path, self.network.path):
            with h5py.File(path) as file:
                groups.append(sorted(file["model_weights"]))
        assert groups[0] == groups[1], "a group is left behind, or has gone"

    def go(self):
        try:
            for _ in range(STEPS):
                self.step()
                if self.random.random() < 0.4:
                    self.check()
            self.check()
            self.end()
        except (AssertionError, ValueError, pipe.Failed) as error:
            raise AssertionError(f"after {self.steps}: {error}") from error


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """(name, Keras) -> the network, and by each Keras that loads the file what it puts out."""
    folder, made = tmp_path_factory.mktemp("networks"), {}

    def network(name, version):
        if (name, version) not in made:
            path = folder / f"{name}-{version}.h5"
            if name == "weightless":
                weightless(KERAS[version]).save(path, include_optimizer=False)
            else:
                zoo.save(name, version, path)
            loads = [version, 3] if name in FOR_BOTH else [version]
            loaders = {
                loader: Network(path, loader, zoo.custom_objects(name, loader), name == "channels_first") for loader in loads
            }
            made[name, version] = loaders[version], loaders
        return made[name, version]

    return network


@pytest.mark.parametrize("seed", range(WALKS))
@pytest.mark.parametrize("name", [*SMALL, "weightless"])
@pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])
def test_a_walk_over_a_network_ends_where_it_began(version, name, seed, networks, tmp_path):
    Walk(*networks(name, version), f"{name} {seed}", tmp_path).go()


@pytest.mark.parametrize("seed", range(2 * WALKS))
@pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])
def test_a_walk_over_a_random_graph_ends_where_it_began(version, seed, tmp_path):
    graphs.random_model(version, seed).save(tmp_path / "model.h5", include_optimizer=False)
    network = Network(tmp_path / "model.h5", version, graphs.custom_objects(version))
    Walk(network, {version: network}, seed, tmp_path).go()


def test_keras_2_gets_no_file_of_keras_3_with_or_without_simulators(networks, tmp_path):
    network, loaders = networks("nested", 3)
    walk = Walk(network, loaders, 1, tmp_path)
    while not walk.simulators:
        walk.insert()
    for path in (network.path, walk.path):
        with pytest.raises(pipe.Failed, match="Keras 2 loads no config of Keras 3"):
            pipe.call("h5-config-set", path, tmp_path / "never.h5", "--keras", 2, stdin=pipe.config_of(path))
    walk.end()


def test_keras_3_gets_no_file_of_keras_2_in_which_it_would_not_find_an_output(tmp_path):
    """In Keras 2 a nested model's own making is its first call; Keras 3 knows that at the model's outputs, and nowhere else."""
    path, out = tmp_path / "model.h5", tmp_path / "out.h5"
    model = weightless(KERAS[2])
    model.save(path, include_optimizer=False)
    load(path, 3)
    pipe.call("h5-config-set", path, out, "--keras", 3, stdin=pipe.config_of(path))
    load(out, 3)
    KERAS[2].Model(model.inputs, KERAS[2].layers.ReLU(name="c")(model.outputs[0])).save(path, include_optimizer=False)
    with pytest.raises(ValueError, match="failed to be resolved"):
        load(path, 3)
    words = "MODEL is of Keras 2, and Keras 3 would not load it: it does not find there what 'c' takes from the nested model 'inner'"
    with pytest.raises(pipe.Failed, match=re.escape(words)):
        pipe.call("h5-config-set", path, out, "--force", "--keras", 3, stdin=pipe.config_of(path))
