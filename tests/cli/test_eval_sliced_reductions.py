"""Slices of reductions: the bits of the whole result, and only the chunks read that hold what is asked for."""
import h5py
import numpy as np
import pytest
from chunkcli import eval_json, eval_ok

SHAPE, CHUNK = (230, 190, 37), (64, 50, 37)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sliced")
    rng = np.random.default_rng(12)
    with h5py.File(folder / "x.h5", "w") as f:
        f.create_dataset("x", data=rng.standard_normal(SHAPE), chunks=CHUNK)
        f.create_dataset("z", data=rng.standard_normal(SHAPE), chunks=CHUNK, compression="gzip", shuffle=True)
        f.create_dataset("w", data=rng.standard_normal((3, 700000)), chunks=(2, 90000))
    return folder


def stored(data, tmp_path, **results):
    text = "; ".join(f"{name} = {expr}" for name, expr in results.items())
    bound = [f"{n}={data}/x.h5:/{n}" for n in "xzw" if f"({n}" in text or f" {n}" in text]
    (tmp_path / "y.h5").unlink(missing_ok=True)
    got = eval_json(text, *bound, "-o", f"{tmp_path}/y.h5:/")
    with h5py.File(tmp_path / "y.h5") as f:
        return {name: f[name][()] for name in results}, got["bytes_read"]


@pytest.mark.parametrize("name", ["x", "z"])
@pytest.mark.parametrize("whole, part, chunks", [
    ("sum(NAME, axis=0)", "[5:10]", 4 * 1), ("sum(NAME, axis=0)", "[185:]", 4 * 1), ("std(NAME, axis=(0, 2))", "[49:51]", 4 * 2),
    ("mean(NAME, axis=1)", "[-1]", 1 * 4), ("max(NAME, axis=1, keepdims=True)", "[70:60:-3, :, 5]", 2 * 4), ("argmin(NAME, axis=2)", "[100, 100]", 1),
    ("var(NAME, axis=0)", "[::100, 36]", 4 * 3), ("prod(NAME, axis=(0, 1))", "[3:5]", 4 * 4)])
def test_bits_and_reads(data, tmp_path, name, whole, part, chunks):
    whole = whole.replace("NAME", name)
    full, _ = stored(data, tmp_path, r=whole)
    sliced, n_bytes = stored(data, tmp_path, r=whole + part)
    expected = eval(f"r{part}", {"r": full["r"]})
    assert np.array_equal(sliced["r"], expected) and sliced["r"].shape == np.shape(expected)
    assert n_bytes <= chunks * np.prod(CHUNK) * 8 * 1.05 + 65536


def test_several_readers(data, tmp_path):
    """What is left out is what none of them reads; a reader that cannot be told has it all."""
    full, _ = stored(data, tmp_path, s="sum(x, axis=0)", m="max(x, axis=0)")
    both, n_bytes = stored(data, tmp_path, a="sum(x, axis=0)[5:10]", b="sum(x, axis=0)[60:70] - max(x, axis=0)[70:80]")
    assert np.array_equal(both["a"], full["s"][5:10]) and np.array_equal(both["b"], full["s"][60:70] - full["m"][70:80])
    assert n_bytes <= 8 * np.prod(CHUNK) * 8 * 1.05
    mixed, _ = stored(data, tmp_path, a="sum(x, axis=0)[5:10]", b="cumulative_sum(sum(x, axis=0), axis=0)", c="x - sum(x, axis=0)[0]")
    with h5py.File(data / "x.h5") as f:
        assert np.array_equal(mixed["c"], f["x"][...] - full["s"][0])
    assert np.array_equal(mixed["a"], full["s"][5:10])
    assert np.allclose(mixed["b"], np.cumsum(full["s"], axis=0), rtol=1e-12, atol=1e-9)


def test_results_that_do_not_fit_in_a_region(data, tmp_path):
    full, _ = stored(data, tmp_path, r="sum(w, axis=0)")
    part, n_bytes = stored(data, tmp_path, r="sum(w, axis=0)[100000:100010]")
    assert np.array_equal(part["r"], full["r"][100000:100010]) and n_bytes < 3 * 90000 * 8 * 1.4


def test_explain_expects_as_much(data):
    whole = eval_json("sum(x, axis=0)", f"x={data}/x.h5:/x", "-o", "y.h5:/y", "--explain")["plan"]["passes"][0]["bytes_read"]
    part = eval_json("sum(x, axis=0)[5:10]", f"x={data}/x.h5:/x", "-o", "y.h5:/y", "--explain")["plan"]["passes"][0]["bytes_read"]
    assert whole == np.prod(SHAPE) * 8 and abs(part - whole / 4) < 8
    assert "sum" in eval_ok("sum(x, axis=0)[5:10]", f"x={data}/x.h5:/x", "--explain")
