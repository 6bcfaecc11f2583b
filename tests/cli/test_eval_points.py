"""Many index tuples in no order: sorted, fetched chunk by chunk, put back (ops/points.h). All against NumPy, at small ceilings where the intermediates are spilled."""
import h5py
import hdf5plugin
import numpy as np
import pytest
from chunkcli import assert_held, ceiling, chunk_eval, eval_json, eval_ok

@pytest.fixture(scope="module")
def data(tmp_path_factory):
    d = tmp_path_factory.mktemp("points")
    rng = np.random.default_rng(11)
    with h5py.File(d / "in.h5", "w") as f:
        x = rng.random((1500, 1400))
        f.create_dataset("x", data=x, chunks=(256, 300))
        f.create_dataset("z", data=x, chunks=(256, 300), compression="gzip", compression_opts=1, shuffle=True)
        f.create_dataset("big", data=x.astype(">f4"), chunks=(100, 1400), **hdf5plugin.LZ4())
        f.create_dataset("c", data=rng.integers(-9, 9, (60, 70, 300)) * (1 + 2j), chunks=(7, 70, 41), compression="gzip", compression_opts=1)
        f.create_dataset("flat", data=rng.integers(0, 1 << 40, 2_000_000))
        f.create_dataset("tiny", data=rng.random(2_000_000), chunks=(1000,))
        f["i"] = rng.integers(-1500, 1500, 70_001)
        f["j"] = rng.integers(-1400, 1400, 70_001)
        f["k"] = rng.integers(0, 50, (3, 10, 8))
        f["rows"] = rng.permutation(1500)[:700]
        f["same"] = np.full(50_000, 7)
        f["wrong"] = np.r_[np.zeros(60_000, int), 1500]
    return d


def arrays(data):
    with h5py.File(data / "in.h5") as f:
        return {k: f[k][()] for k in f}


def bindings(text, names):
    return [f"{k}=in.h5:/{k}" for k in names if k in "".join(ch if ch.isalnum() else " " for ch in text).split()]


SMALL = ceiling(36)


@pytest.mark.parametrize("memory", [SMALL, ceiling(120)])
@pytest.mark.parametrize("text", ["x[i, j]", "z[i, j]", "z[j, i % 1400]", "z[rows]", "z[:, rows % 1400]", "z[rows, ::-1]", "big[i, j] * 2", "big[rows]", "c[k]", "c[k, k + 20]", "c[i % 60, j % 70, i % 299]",
                                  "c[:, k[0]]", "c[k, :, k]", "c[:, :, i[:900] % 300]", "flat[i * 1000]", "tiny[i * 1300]", "x[same, j[:50000]]", "z[same[:3000]]", "x[i, j][::-3]", "z[rows][5:9, ::7]",
                                  "x[i, j] - x[i, 3]", "take(z, rows % 1400, axis=1)"])
def test_values(data, text, memory):
    names = arrays(data)
    want = eval(text, {"take": np.take, **names})
    (data / "out.h5").unlink(missing_ok=True)
    got = eval_json(text, *bindings(text, names), "-o", "out.h5:/r", "--memory", memory, cwd=data)
    assert_held(got)
    with h5py.File(data / "out.h5") as f:
        assert f["r"].dtype == want.dtype.newbyteorder("=") and np.array_equal(f["r"][()], want)


def test_each_chunk_is_read_once(data):
    for text, array in (("z[i, j]", "z"), ("z[rows]", "z"), ("x[i, j]", "x")):
        (data / "out.h5").unlink(missing_ok=True)
        got = eval_json(text, *bindings(text, arrays(data)), "-o", "out.h5:/r", "--memory", ceiling(64), cwd=data)
        with h5py.File(data / "in.h5") as f:
            stored = f[array].id.get_storage_size() + 3 * 2 * f["i"].nbytes
        assert got["bytes_read"] <= 1.05 * stored, text


def test_explain_tells_the_passes(data):
    plan = eval_ok("z[i, j]", *bindings("z i j", arrays(data)), "--explain", cwd=data)
    assert "sort 70001 index tuples" in plan and "each once" in plan
    assert "sort" not in eval_ok("z[::2][5:, 3]", "z=in.h5:/z", "--explain", cwd=data)


def test_an_index_out_of_bounds_leaves_nothing(data):
    for text in ("z[wrong]", "x[wrong, wrong]"):
        done = chunk_eval(text, "z=in.h5:/z", "x=in.h5:/x", "wrong=in.h5:/wrong", "-o", "no.h5:/r", cwd=data)
        assert done.returncode == 1 and done.stderr.strip().splitlines()[-1].endswith("index 1500 is out of bounds for axis 0 with size 1500"), done.stderr
        assert not (data / "no.h5").exists() and not list(data.glob(".no.h5*"))
