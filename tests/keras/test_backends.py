"""The layers, the runner and the ranges on Keras 3's other backends, each in a process of its own, without TensorFlow."""

import csv
import json
import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec

import backends
import numpy as np
import pipe
import pytest
from campaigns import SMALL
from classes_h5 import play, ranges
from classes_h5.campaign.definition import Campaign
from classes_h5.filters import FilterError
from kerases import DATA

OTHERS = ("jax", "torch")


@cache
def report_of(backend):
    if not find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    return backends.reports(backend, "cpu", absent=["tensorflow"])


@pytest.mark.parametrize("backend", OTHERS)
@pytest.mark.parametrize("name", [function.__name__ for function in backends.CHECKS])
def test_layers(name, backend):
    assert report_of(backend)["checks"][name] == ""


@pytest.mark.parametrize("backend", OTHERS)
def test_tensorflow_is_not_imported_where_it_is_installed(backend):
    if not find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    assert not backends.reports(backend, "cpu", only=["a_mask_goes_on_as_it_came"])["tensorflow"]


MODEL = DATA / "digits-keras3.h5"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A folder with faulty.h5, its sites.ndjson, and forty digits."""
    folder = tmp_path_factory.mktemp("faulty")
    config = pipe.config_of(MODEL)
    (folder / "sites.ndjson").write_text(
        pipe.call("classes-sites", "--layer", "conv2d_1", "--count", 24, "--seed", 7, stdin=config)
    )
    patch = pipe.patch(config, "--after", "conv2d_1")
    pipe.simulate(MODEL, folder / "faulty.h5", folder / "sites.ndjson", 3, "--sparse", patch_or_config=patch)
    data = np.load(DATA / "digits-test.npz")
    np.save(folder / "images.npy", data["images"][:40])
    np.save(folder / "labels.npy", data["labels"][:40])
    return folder


def python(backend, text):
    """What Python says of a text on a backend, but what others log, and its exit code."""
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=False)
    return [line for line in done.stderr.splitlines() if line.startswith(("play:", "ranges:", "Traceback"))], done.returncode


def playing(folder, out):
    files = [
        f"--{name}={folder / file}"
        for name, file in (("images", "images.npy"), ("labels", "labels.npy"), ("sites", "sites.ndjson"))
    ]
    return [str(folder / "faulty.h5"), *files, "--design=crossed", "--count=8", f"--out={out}"]


def table_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.parametrize("backend", OTHERS)
def test_play_and_ranges_are_those_of_tensorflow_up_to_how_sums_are_rounded(backend, faulty, tmp_path):
    if not find_spec(backend):
        pytest.skip(f"{backend} is not installed")

    def arguments(name):
        return playing(faulty, tmp_path / f"{name}.tsv"), [str(MODEL), str(faulty / "images.npy"), f"--out={tmp_path / name}.json"]

    others, own = arguments("other"), arguments("own")
    text = f"from classes_h5 import play, ranges; import sys; sys.exit(play.main({others[0]}) or ranges.main({others[1]}))"
    assert python(backend, text) == ([], 0)
    assert (play.main(own[0]), ranges.main(own[1])) == (0, 0)
    for these, those in zip(*(table_of(tmp_path / f"{name}.tsv") for name in ("own", "other")), strict=True):
        assert float(these.pop("distance")) == pytest.approx(float(those.pop("distance")), abs=3e-6, nan_ok=True)
        assert these == those
    own, other = (ends(json.loads((tmp_path / f"{name}.json").read_text())["layers"]) for name in ("own", "other"))
    assert own.keys() == other.keys() and len(own) > 10
    for name, number in own.items():
        assert number == pytest.approx(other[name], rel=1e-5, abs=1e-6), name


def ends(layers):
    """All ends of ranges, also before activations, by what they are of."""
    found = {}
    for name, layer in layers.items():
        for what, part in (("", layer), (layer.get("activation"), layer.get("before_activation"))):
            if part:
                found |= {(name, what, end): part[end] for end in ("min", "max")}
    return found


def test_other_backends_are_refused_by_name(faulty, tmp_path):
    said = "play: Keras runs on numpy, TensorFlow, JAX or PyTorch is needed: set KERAS_BACKEND"
    text = f"from classes_h5 import play; import sys; sys.exit(play.main({playing(faulty, tmp_path / 'out.tsv')}))"
    assert python("numpy", text) == ([said], 1)


def test_campaigns_refuse_other_backends_than_tensorflow(tmp_path, monkeypatch):
    said = "Keras 3 runs on jax, campaigns need TensorFlow: set KERAS_BACKEND=tensorflow"
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").write_text('{"backend": "torch"}')
    for backend in ("jax", ""):
        monkeypatch.setenv("KERAS_BACKEND", backend)
        with pytest.raises(FilterError) as refused:
            Campaign(SMALL, tmp_path)
        assert str(refused.value) == said
        said = said.replace("jax", "torch")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert Campaign(SMALL, tmp_path).runs
