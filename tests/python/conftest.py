"""The installed package is tested: `./dev python` builds and installs it."""
import numpy as np
import pytest

pytest.importorskip("libchunk", reason="libchunk is not installed into this Python: ./dev python")


@pytest.fixture
def rng(seed):
    return np.random.default_rng(seed)
