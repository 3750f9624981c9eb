"""The layers on Keras 3's other backends, each in a process of its own, without TensorFlow."""

from functools import cache
from importlib.util import find_spec

import backends
import pytest

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
