"""Scans of stored data: one line over many tiles, tiles that reach a chunk out of its order, data read once, bad input."""
import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
from chunkcli import ceiling  # noqa: E402

CHUNK = os.path.join(os.environ.get("CHUNK_BIN", "build/dev/bin"), "chunk")


def run(text, path, out, *args):
    done = subprocess.run([CHUNK, "eval", text, f"x={path}:/x", "-o", f"{out}:/y", "--overwrite", "--json", *map(str, args)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def stored(out):
    with h5py.File(out) as f:
        return f["y"][...]


@pytest.mark.parametrize("options", [{}, {"compression": "gzip", "compression_opts": 1}])
@pytest.mark.parametrize("threads", [1, 2, 8])
def test_one_line(tmp_path, options, threads):
    x = np.random.default_rng(1).standard_normal(1_000_003) * 1e3
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(70_000,), **options)
    got = run("cumulative_sum(x)", tmp_path / "x.h5", tmp_path / "y.h5", "--threads", threads)
    assert np.array_equal(stored(tmp_path / "y.h5"), np.cumsum(x))
    with h5py.File(tmp_path / "x.h5") as f:
        assert got["bytes_read"] <= 1.01 * f["x"].id.get_storage_size()
    run("bfill(where(x > 0, x, nan))", tmp_path / "x.h5", tmp_path / "y.h5", "--threads", threads, *(["--filter", "gzip=1"] if options else []))
    y = np.where(x > 0, x, np.nan)[::-1]
    at = np.maximum.accumulate(np.where(np.isnan(y), 0, np.arange(len(y))))
    assert np.array_equal(stored(tmp_path / "y.h5"), y[at][::-1], equal_nan=True)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("fill", [0.0, -1.0])
def test_chunks_whose_tiles_come_out_of_order(tmp_path, axis, fill):
    """Rows of fill alone in front of others of the same chunk: a chunk was taken for complete when its last row had come, though the first had not."""
    x = np.ones((6, 300_000))
    x[:3], x[:, :70_000] = 0, 0
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(6, 200_000), fillvalue=fill)
    for text, want in ((f"cumulative_sum(x, axis={axis})", np.cumsum(x, axis=axis)), (f"bfill(x, axis={axis})", x), (f"cummax(x, axis={axis})", np.maximum.accumulate(x, axis=axis))):
        run(text, tmp_path / "x.h5", tmp_path / "y.h5", "--chunks", "6x200000")
        assert np.array_equal(stored(tmp_path / "y.h5"), want), text


def test_inside_an_expression(tmp_path):
    x = np.random.default_rng(2).standard_normal((700, 900))
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(128, 256))
    run("max(x - cumulative_sum(x, axis=0), axis=1)", tmp_path / "x.h5", tmp_path / "y.h5", "--memory", ceiling(24))
    assert np.array_equal(stored(tmp_path / "y.h5"), np.max(x - np.cumsum(x, axis=0), axis=1))
    run("cumulative_sum(cumulative_sum(x, axis=1), axis=0)", tmp_path / "x.h5", tmp_path / "y.h5", "--memory", ceiling(24))
    assert np.array_equal(stored(tmp_path / "y.h5"), np.cumsum(np.cumsum(x, axis=1), axis=0))


BAD = {
    "cumulative_sum(x)": "say along which axis",
    "cumulative_sum(x, axis=2)": "out of",
    "cummax(x + 1j, axis=0)": "not defined for complex128",
    "ffill(x, limit=0)": "limit must be at least 1",
    "ewm_mean(x)": "exactly one of com, span, halflife and alpha",
    "ewm_mean(x, span=3, com=1)": "exactly one of com, span, halflife and alpha",
    "ewm_mean(x, alpha=1.5)": "at most 1",
    "ewm_mean(x, span=0.5)": "at least 1",
}


@pytest.mark.parametrize("text", BAD)
def test_bad_input(tmp_path, text):
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f["x"] = np.ones((3, 4))
    done = subprocess.run([CHUNK, "eval", text, f"x={tmp_path}/x.h5:/x"], capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 2) and BAD[text] in done.stderr.splitlines()[-1], done.stderr
