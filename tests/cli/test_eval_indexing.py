"""Indexing as NumPy has it at its edges: masks of no dimensions, no axis, tuples of indices, indices that are out of bounds."""
import h5py
import numpy as np
import pytest
from chunkcli import assert_held, ceiling, eval_fails, eval_json

NUMPY = {"concat": np.concatenate, **{n: getattr(np, n) for n in "append argwhere compress extract ones sum take zeros".split()}}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    d = tmp_path_factory.mktemp("indexing")
    rng = np.random.default_rng(3)
    arrays = {"s": np.array(3.0), "a": np.arange(12).reshape(3, 4), "m": rng.random((3, 5)) < 0.4, "y": np.arange(840).reshape(3, 5, 8, 7), "i": np.arange(5), "x": np.arange(8) * 1.5}
    with h5py.File(d / "in.h5", "w") as f:
        for name, value in arrays.items():
            f.create_dataset(name, data=value, chunks=(2, 3) if name == "a" else None)
    return d, arrays


def evaluated(data, text):
    folder, arrays = data
    got = eval_json(text, *(f"{k}=in.h5:/{k}" for k in arrays), cwd=folder)
    several = "values" in got
    values = zip(got["values"] if several else [got["value"]], got["dtypes"], got["shapes"])
    return [np.array(v, d).reshape(s) for v, d, s in values]


def equals_numpy(data, texts):
    for text, got in zip(texts, evaluated(data, "; ".join(texts)), strict=True):
        want = np.asarray(eval(text, {**NUMPY, **data[1]}))
        assert (got.shape, got.dtype) == (want.shape, want.dtype) and np.array_equal(got, want), text


def test_masks_of_no_dimensions(data):
    equals_numpy(data, ["s[s > 9]", "s[s > 1]", "sum(s[s > 9])", "a[s > 9]", "a[s > 1]", "a[True]", "a[False]", "a[True, 1]", "a[s > 1, i[:3]]", "a[i[:3], s > 1]", "a[i[:3], :, s > 1]",
                        "a[s > 1, ..., 1]", "a[None, s > 1]", "a[1, s > 9]", "a[..., s > 1, 1:3]", "a[s > 1, s > 9, 0]", "y[m, s > 1, 1:3]", "y[s > 1, m, ..., 0]",
                        "extract(s > 9, s)", "extract(s > 1, s)", "argwhere(s)", "argwhere(s > 9)"])


@pytest.mark.parametrize("assign", ["a[s > 1] = 5", "a[s > 9] = 5", "a[True] = a * 2", "a[s > 9, 1] = 3", "a[s > 1, 1] = 3", "a[s > 1, i[:3]] = 9", "a[False, 1:2] = 3",
                                    "a[s > 1, 1:3] = a[1:3] * 2", "a[1, s > 1] = a[0]", "a[True, False] = 3"])
def test_assigning_at_masks_of_no_dimensions(data, assign):
    names = {k: v.copy() for k, v in data[1].items()}
    exec(assign, names)
    assert np.array_equal(evaluated(data, f"{assign}; a")[0], names["a"])


def test_no_axis_is_raveled(data):
    equals_numpy(data, ["concat((ones((2, 2)), zeros((2, 2))), axis=None)", "concat((ones((2, 2)), x, s), axis=None)", "concat((a, a), axis=1)", "take(a, [1, 2])", "take(a, i)",
                        "take(a, [[1, 2], [-1, -12]])", "take(s, [0, 0])", "take(a, 5)", "compress([True, False, True, False, False], a)", "compress(x > 3, a)", "append(a, x)"])


def test_tuples_as_indices(data):
    equals_numpy(data, ["take(a, (1, 2), axis=0)", "take(a, (1, -2))", "take(a, ((1, 2), (0, 1)), axis=1)", "compress((True, False, True), a, axis=0)", "compress((0, 1), a)"])
    for at, values in (((1,), 1), ((1, -2), (7, 8)), ((-12, 11, -12), (1, 2, 3))):
        want = data[1]["a"].copy()
        np.put(want, at, values)
        assert np.array_equal(evaluated(data, f"put(a, {at}, {values})")[0], want)


@pytest.mark.parametrize("at, values", [((0,), 7), ((-1, 0), (3, 4)), ((), 5)])
def test_put_into_no_dimensions(data, at, values):
    want = data[1]["s"].copy()
    np.put(want, np.array(at, int), values)
    got = evaluated(data, f"put(s, astype({list(at)}, int64), {values})")[0]
    assert got.shape == () and np.array_equal(got, want)


@pytest.mark.parametrize("text, index, size", [("put(a, i * 0 + 99, 1)", 99, 12), ("put(a, i * 0 - 13, 1)", -13, 12), ("put(a, [0, 12], 1)", 12, 12), ("put(a, -13, 1)", -13, 12),
                                               ("put(x, i * 0 + 8, 1)", 8, 8), ("take(a, (1, 99))", 99, 12), ("take(a, i - 17)", -17, 12), ("put(y, i * 0 + 840, 1)", 840, 840),
                                               ("put(s, 1, 1)", 1, 1)])
def test_out_of_bounds_is_named_as_given(data, text, index, size):
    said = eval_fails(1, text, *(f"{k}=in.h5:/{k}" for k in "aixys"), cwd=data[0])
    assert f"index {index} is out of bounds for axis 0 with size {size}" in said


def test_refused_as_numpy_does(data):
    names = [f"{k}=in.h5:/{k}" for k in "sai"]
    assert "do not broadcast together" in eval_fails(1, "a[s > 9, i[:3]]", *names, cwd=data[0])
    assert "nonzero: needs at least one dimension" in eval_fails(1, "nonzero(s)[0]", *names, cwd=data[0])
    assert "out of bounds" in eval_fails(1, "take(a, (0, 3), axis=0)", *names, cwd=data[0])


def test_pad_names_itself(data):
    assert "pad: no median of complex numbers" in eval_fails(2, "pad(a * 1j, 1, mode='median')", "a=in.h5:/a", cwd=data[0])


@pytest.mark.parametrize("assign", ["a[0:2, [0, 1]] = 5", "a[1:, i[:3]] = a[1:, 1:] * 2", "a[::-2, [0, 3]] = a[:2, :2] * 3", "a[i[:2], 1:3] = a[:2, :2] * 10", "y[m, 1:4] = y[m, 1:4] * 2",
                                    "y[m, ::-2, ::3] = y[m, 1:5, :3]", "y[1:, [0, 4], ::-1, [1, 2]] = y[:2, :2, :, 0]", "y[0, [0, 1], 2:4] = y[0, :2, 2:4] + 1000", "y[1:1, [0, 1], 2:4] = 1",
                                    "y[:, [], 2:4] = 1", "y[[0, 1], :, 2:, [1, 2]] = y[:2, :, 2:, 3] * 5", "a[a > 3] = a[a > 3] * 2", "a[a > 3] = [7]", "a[a > 30] = a[a > 30]", "a[a > 30] = [1]",
                                    "y[y % 3 == 0] = y[y % 3 == 0] * -1", "x[x > 3] = x[:5] * 2", "a[0] = a[None, None, 1] * 2", "a[:2, ::-1] = a[None, :2] * 3", "a[[0, 2]] = a[None, None, :2] + 1",
                                    "y[m, 1:4] = y[None, m, 1:4] * 2"])
def test_assigning_beside_slices_and_behind_masks(data, assign):
    names = {k: v.copy() for k, v in data[1].items()}
    exec(assign, names)
    assert np.array_equal(evaluated(data, f"{assign}; {assign[0]}")[0], names[assign[0]])


@pytest.mark.parametrize("assign, said", [("a[a > 3] = [1, 2]", "values of shape (2,) behind a mask that selects 8"), ("a[a > 3] = a[:1]", "values of shape (1, 4) behind a mask that selects 8"),
                                          ("a[a > 3] = a[a > 30]", "values of shape (0,) behind a mask that selects 8"), ("a[1:, [0, 1]] = a", "broadcast"), ("a[1:, [0, 4]] = 1", "index 4 is out of bounds for axis 1 with size 4")])
def test_assignments_that_numpy_refuses(data, assign, said):
    with pytest.raises((ValueError, IndexError, TypeError)):
        exec(assign, {k: v.copy() for k, v in data[1].items()})
    assert said in eval_fails(1, f"{assign}; a", "a=in.h5:/a", cwd=data[0])


def test_values_behind_a_mask_out_of_core(tmp_path):
    x = np.random.default_rng(1).random((1500, 1100))
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(125, 220), compression="gzip", compression_opts=1)
    x[x > 0.5] = x[x > 0.5] * 2
    got = eval_json("x[x > 0.5] = x[x > 0.5] * 2; x", "x=in.h5:/x", "-o", "out.h5:/x", "--memory", ceiling(28), cwd=tmp_path)
    assert_held(got)
    with h5py.File(tmp_path / "out.h5") as f:
        assert np.array_equal(f["x"][()], x)
