"""Both Kerases on one TensorFlow, and the four programs that are under test."""

import pytest

import kerases  # noqa: F401  sets up TensorFlow before anything imports it
from kerases import DATA


@pytest.fixture(scope="session")
def images():
    """A few of the digits that the networks in tests/data never saw."""
    import numpy as np

    return np.load(DATA / "digits-test.npz")["images"][:8]
