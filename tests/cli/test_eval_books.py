"""What --explain says that each pass reads, spills and reads again, against what a run then counts."""
import h5py
import numpy as np
import pytest
from chunkcli import eval_json, eval_ok, is_sanitized, spare

pytestmark = pytest.mark.skipif(is_sanitized(), reason="ceilings that make a plan spill are those of the plain build")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("books")
    rng = np.random.default_rng(9)
    with h5py.File(folder / "x.h5", "w") as f:
        f.create_dataset("x", data=rng.random((1400, 1000)), chunks=(500, 300))
        f.create_dataset("z", data=rng.random((1400, 1000)), chunks=(500, 300))
    return folder


def passes(*args, **kw):
    return eval_json(*args, "--explain", **kw)["plan"]["passes"]


def test_inputs_read_twice_are_recomputed(data):
    """x is 1400 x 1000 float64."""
    args = ["(x - mean(x)) / std(x)", "x=x.h5:/x", "-o", "a.h5:/y"]
    plan = passes(*args, cwd=data)
    again = [p["bytes_recomputed"] for p in plan]
    assert again[0] == 0 and sum(again) == 1400 * 1000 * 8 and sum(p["bytes_spilled"] for p in plan) == 0
    assert all(p["bytes_recomputed"] <= p["bytes_read"] for p in plan)
    text = eval_ok(*args, "--explain", cwd=data)
    assert "recomputed 10.7 MiB" in text and text.count("recomputed 0 bytes") == len(plan) - 1
    ran = eval_json(*args, "--overwrite", cwd=data)
    assert ran["bytes_read"] >= 2 * 1400 * 1000 * 8


def test_one_reading_is_not_recomputed(data):
    plan = passes("mean(x); std(x); min(x*z); max(z)", "x=x.h5:/x", "z=x.h5:/z", cwd=data)
    assert sum(p["bytes_recomputed"] for p in plan) == 0 and sum(p["bytes_read"] for p in plan) == 2 * 1400 * 1000 * 8


def test_spilled_bytes_by_pass(data):
    """What is written to scratch, edge chunks as they are; a ceiling with more room keeps more in memory."""
    args = ["k := x*z; y = (k - mean(k)) / std(k)", "x=x.h5:/x", "z=x.h5:/z", "-o", "b.h5:/", "--overwrite", "--threads", "2"]
    spilled = []
    for memory in (spare(20), "24MiB", "28MiB", "64MiB"):
        plan = passes(*args, "--memory", memory, cwd=data)
        ran = eval_json(*args, "--memory", memory, cwd=data)
        spilled.append(ran["bytes_spilled"])
        assert [p["bytes_spilled"] for p in plan][1:] == [0] * (len(plan) - 1)
        assert plan[0]["bytes_spilled"] == ran["bytes_spilled"] == eval_json(*args, "--memory", memory, "--explain", cwd=data)["bytes_spilled"]
        assert sum(p["bytes_recomputed"] for p in plan) == 0
    assert spilled == sorted(spilled, reverse=True) and spilled[0] == 1400 * 1000 * 8 > spilled[1] > 0 and spilled[-1] == 0
    with h5py.File(data / "x.h5") as f, h5py.File(data / "b.h5") as g:
        k = f["x"][...] * f["z"][...]
        np.testing.assert_allclose(g["y"][...], (k - k.mean()) / k.std(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("chunks", [(100, 1000), None], ids=["chunked", "contiguous"])
@pytest.mark.parametrize("text", ["x[5] + 0", "sum(x[0:100])", "sum(x[::100])", "x[:, 5] + 0", "x[::-1, :500][3] * 2", "x[:, ::2] + 1"])
def test_explain_reads_what_a_slice_reads(tmp_path, text, chunks):
    """Slices once counted for the whole dataset."""
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=np.ones((1200, 2000)), chunks=chunks)
    command = [text, "x=x.h5:/x", "-o", "y.h5:/y", "--overwrite"]
    planned, read = (eval_json(*command, *more, cwd=tmp_path)["bytes_read"] for more in (["--explain"], []))
    assert 0.99 * read <= planned <= 1.1 * read + 8192


def test_explain_reads_chunks_that_a_slice_meets(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=np.random.default_rng(1).random((1200, 2000)), chunks=(100, 1000), compression="gzip", compression_opts=1)
    for text, part in [("x[5] + 0", 1 / 12), ("x[::100, :3] + 0", 1 / 2), ("x[-101:-99] + 0", 1 / 6)]:
        assert eval_json(text, "x=x.h5:/x", "-o", "y.h5:/y", "--explain", cwd=tmp_path)["bytes_read"] == pytest.approx(1200 * 2000 * 8 * part), text


def test_what_is_kept_anyway_is_kept_once(data):
    """Scans have passes that keep their result, and reductions are kept: NAME := made another copy of them."""
    bound = ["x=x.h5:/x", "-o", "k.h5:/y", "--memory", spare(20), "--overwrite"]
    for named, plain in (("y := cumsum(x, axis=1); y / max(y)", "cumsum(x, axis=1) / max(cumsum(x, axis=1))"),
                         ("y := sum(x, axis=0); (y - 1) * 2", "(sum(x, axis=0) - 1) * 2")):
        assert len(passes(named, *bound, cwd=data)) == len(passes(plain, *bound, cwd=data)), named
    assert eval_json("y := cumsum(x, axis=1); y / max(y)", *bound, cwd=data)["bytes_spilled"] <= 1400 * 1000 * 8
