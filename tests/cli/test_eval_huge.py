"""Extents, indices and counts up to 2**63: results that follow from a few elements, and one line for what no array can be. Under ubsan these are where C's
integers would overflow."""
import numpy as np
import pytest
from chunkcli import eval_fails, eval_json

VALUES = {
    "ones(2**58)[2**58-1]": 1.0,
    "flip(arange(2**58))[0]": 2**58 - 1,
    "roll(arange(2**58), 2**63-1)[5]": (5 - (2**63 - 1)) % 2**58,
    "roll(arange(2**58), -2**63+1)[5]": (5 + 2**63 - 1) % 2**58,
    "roll(arange(4), -2**63)": np.roll(np.arange(4), 0).tolist(),
    "roll(arange(4), 2**63-1)": np.roll(np.arange(4), 2**63 - 1).tolist(),
    "pad(arange(10), 2**57)[2**57+3]": 3,
    "tile(arange(4), 2**56)[2**57+3]": 3,
    "repeat(arange(4), 2**56)[2**57+3]": 2,
    "reshape(arange(2**58), (2**29, 2**29))[2**28, 77]": 2**57 + 77,
    "linspace(0, 1, 2**58)[2**57]": 0.5,
    "eye(2**29)[5, 5]": 1.0,
    "eye(4, k=-2**63)": np.zeros((4, 4)).tolist(),
    "tril(broadcast_to(1.0, (2**29, 2**29)))[2**28, 5]": 1.0,
    "diff(arange(2**58), 2)[9]": 0,
    "laplace(ones((2**29, 2**29)))[7, 7]": 0.0,
    "kron(arange(2**20), ones(2**20))[2**20]": 1.0,
    "arange(4)[::-2**63]": [3],
    "arange(4)[::2**63-1]": [0],
    "arange(4)[-2**63:2**63-1:2**62]": [0],
    "arange(0, 2**63-1, 2**62)": [0, 2**62],
    "arange(2**63-1, -2**63, -2**62)": [2**63 - 1 - k * 2**62 for k in range(4)],
    "tril(ones((2, 2)), 2**63-1)": [[1.0, 1.0], [1.0, 1.0]],
    "triu(ones((2, 2)), -2**63)": [[1.0, 1.0], [1.0, 1.0]],
    "tril(ones((2, 2)), -2**63)": [[0.0, 0.0], [0.0, 0.0]],
    "diagonal(ones((4, 4)), 2**63-1)": [],
    "diagonal(ones((4, 4)), -2**63)": [],
    "rechunk(ones((1, 2)), (2**62, 2**62))": [[1.0, 1.0]],
    "arange(4) << 70": [0, 0, 0, 0],
    "abs(astype(-2**63, int64))": -2**63,
    "astype(-2**63, int64) // -1": -2**63,
    "astype(-2**63, int64) % -1": 0,
}

TOO_LARGE = ["kron(ones(2**40), ones(2**40))", "kron(ones((0, 2**40)), ones((2, 2**40)))", "outer(ones(2**40), ones(2**40))[0, 0]",
             "ones(2**40)[:, None] + ones(2**40)", "einsum('i,j,k->ijk', ones(2**40), ones(2**40), ones(2**40))[0, 0, 0]",
             "zeros((2**62, 0, 2**62))", "ones((0, 2**60))", "broadcast_to(ones(0), (2**59, 0))", "reshape(ones(0), (2**62, 2**62, 0))",
             "concat([ones((2**58, 0)), ones((2**58, 0))], axis=0)", "tile(ones(2**40), 2**40)", "pad(ones(4), (2**62, 2**62))",
             "meshgrid(ones(2**40), ones(2**40))[0][0, 0]"]

REFUSED = ["repeat(ones(4), 2**63-1)", "eye(2**62, k=2**63-1)[0, 0]", "arange(-2**63, 2**63-1)[5]", "arange(0, 1e300)[5]", "linspace(0, 1, 2**62)[5]",
           "reshape(ones(6), (2**62, 2**62, -1))", "coarsen('sum', arange(4), 2**62)", "move_mean(arange(4.0), 2**62)", "uniform_filter(arange(4.0), 2**62)",
           "gaussian_filter(arange(4.0), 1e300)", "gaussian_filter(arange(4.0), 1e18)", "median_filter(arange(4.0), 2**62)", "diff(arange(4.0), 2**62)",
           "take(arange(4), -2**63)", "permute_dims(ones((2, 3)), (2**63-1, 0))", "moveaxis(ones((2, 3)), -2**63, 0)", "put(arange(4), 2**62, 1)",
           "take_along_axis(ones((2, 2)), array([[2**62]]), 0)", "split(ones(4), 2**62)", "round(15, -2**63)",
           "diag(arange(4), -2**63)", "convolve(arange(4.0), (1, 2, 3), origin=-2**63)", "convolve1d(arange(4.0), (1, 2, 3), origin=-2**63)"]

EMPTY = ["ones((0, 2**58))", "sum(ones((0, 2**58)), axis=1)", "reshape(ones((2**58, 0)), (0, 5))", "pad(ones((2**57, 0)), ((1, 1), (0, 0)))",
         "permute_dims(ones((0, 2**58)))", "cumulative_sum(ones((2**58, 0)), axis=0)", "ones((2**58, 0))[5:2**57:3]", "nonzero(ones((2**58, 0)))[0]",
         "median_filter(ones((2**58, 0)), 3)", "outer(ones(2**58), ones(0))", "ones((2**58, 0))[ones((2**58, 0)) > 0]"]


@pytest.mark.parametrize("text", VALUES)
def test_a_value(text):
    assert eval_json(text)["value"] == VALUES[text]


@pytest.mark.parametrize("text", TOO_LARGE)
def test_more_than_an_array_can_hold(text):
    assert "has more than 2**63 bytes" in eval_fails(2, text)


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text):
    said = eval_fails(2, text)
    assert "column " in said and "internal" not in said


@pytest.mark.parametrize("text", EMPTY)
def test_empty(text):
    got = eval_json(text)
    assert 0 in got["shapes"][0] and "error" not in got
