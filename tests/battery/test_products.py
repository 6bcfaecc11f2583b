"""Products by half (X'X) and expressions over products: what they must not do, seen in the plan and the counters, at several sizes of tiles."""
import json
import re
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
from chunkcli import SLACK, assert_held, ceiling, chunk_eval, eval_json, is_sanitized  # noqa: E402

N, K = 1300, 700
SMALL = ["--chunks", "250x125"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("products") / "x.h5"
    rng = np.random.default_rng(4)
    with h5py.File(path, "w") as f:
        f.create_dataset("x", data=rng.standard_normal((K, N)), chunks=(200, 250))
        f.create_dataset("y", data=rng.standard_normal((K, N)), chunks=(200, 250))
        f.create_dataset("w", data=rng.standard_normal((K, N)) + 1j*rng.standard_normal((K, N)), chunks=(200, 250))
        f.create_dataset("c", data=rng.standard_normal((N, N)), chunks=(250, 250), compression="gzip", compression_opts=1)
        f.create_dataset("bias", data=rng.standard_normal(N))
    return path


def arguments(data, tmp_path, text):
    names = [n for n in ("x", "y", "w", "c", "bias") if re.search(rf"\b{n}\b", text)]
    return [text, *[f"{n}={data}:/{n}" for n in names], "-o", f"{tmp_path}/r.h5:/r", "--overwrite"]


def least_mib(data, tmp_path, text, *options):
    done = chunk_eval(*arguments(data, tmp_path, text), "--memory", "1MiB", "--json", *options)
    assert done.returncode == 3, done.stderr
    return (json.loads(done.stdout)["needed"] >> 20) + 1 + SLACK


def stored(data, tmp_path, text, mib=400, threads=2, *options):
    args = [*arguments(data, tmp_path, text), "--memory", ceiling(mib), "--threads", threads, *options]
    plan = eval_json(*args, "--explain")["plan"]
    got = eval_json(*args)
    assert_held(got)
    with h5py.File(tmp_path / "r.h5") as f:
        return f["r"][...], plan, got


def read(data, *names):
    with h5py.File(data) as f:
        return [f[n][...] for n in names]


@pytest.mark.parametrize("text, said", [("permute_dims(x) @ x", "symmetric"), ("permute_dims(w) @ conj(w)", "Hermitian"), ("einsum('ki,kj->ij', w, w)", "symmetric"),
                                        ("tensordot(conj(w), w, ((0,), (0,)))", "Hermitian")])
def test_half_of_the_blocks_at_any_size_of_tiles(data, tmp_path, text, said):
    x, w = read(data, "x", "w")
    want = {"x": lambda: x.T @ x, "w": lambda: w.T @ w.conj(), "e": lambda: w.T @ w, "t": lambda: w.conj().T @ w}[text[0] if text[0] in "et" else text[13]]()
    seen, tiles = set(), set()
    least = least_mib(data, tmp_path, text, "--threads", "1", *SMALL)
    for mib, threads in ((400, 2), (least + 12, 3), (least + 4, 1), (least, 1)):
        got, plan, _ = stored(data, tmp_path, text, mib, threads, *SMALL)
        does = plan["passes"][0]["does"]
        assert f"{said}: half the blocks" in does
        seen.add(got.tobytes())
        tiles.add(does.split(",")[0])
        assert np.abs(got - want).max() < 1e-10
        assert np.array_equal(got, got.conj().T if said == "Hermitian" else got.T)
    assert len(seen) == 1 and (len(tiles) > 1 or is_sanitized()), tiles  # a sanitized process has room for the largest always


def test_other_products_are_computed_in_full(data, tmp_path):
    for text in ("permute_dims(x) @ y", "permute_dims(x) @ (x + 1)", "permute_dims(x)[:, ::-1] @ x", "x[:, :700] @ x"):
        assert "half" not in stored(data, tmp_path, text)[1]["passes"][0]["does"]


def test_one_panel_serves_as_both_factors(data, tmp_path):
    _, _, half = stored(data, tmp_path, "permute_dims(x) @ x")
    _, _, whole = stored(data, tmp_path, "permute_dims(x) @ y")
    size = K * N * 8
    assert size <= half["bytes_read"] < 1.2 * size and whole["bytes_read"] >= 2 * size


@pytest.mark.parametrize("text, numpy", [
    ("2*(permute_dims(x) @ y) + 3*c", lambda x, y, c, bias: 2*(x.T @ y) + 3*c),
    ("maximum(permute_dims(x) @ y + bias, 0)", lambda x, y, c, bias: np.maximum(x.T @ y + bias, 0)),
    ("c - permute_dims(x) @ x", lambda x, y, c, bias: c - x.T @ x),
    ("astype(permute_dims(x) @ y - mean(c), float32)", lambda x, y, c, bias: (x.T @ y - c.mean()).astype("f4")),
    ("(permute_dims(x) @ y)*(permute_dims(y) @ x)", lambda x, y, c, bias: (x.T @ y)*(y.T @ x)),
])
def test_expressions_over_a_product_are_computed_from_its_tile(data, tmp_path, text, numpy):
    """The same bits as when the product is kept first, and nothing of it in memory but its tile, nothing in scratch."""
    want = numpy(*read(data, "x", "y", "c", "bias"))
    two = text.count("@") == 2
    seen = set()
    for mib, threads in ((400, 2), (64, 2), (64, 1)):
        got, plan, counted = stored(data, tmp_path, text, mib, threads)
        last = plan["passes"][-1]
        assert "the expression over it from the tile" in last["does"] and sum("tiles of" in p["does"] for p in plan["passes"]) == 1 + two
        assert two or counted["bytes_spilled"] == 0
        assert two or len(plan["passes"]) == (3 if "mean" in text else 1)
        seen.add(got.tobytes())
        assert np.allclose(got, want, rtol=1e-4 if got.dtype == np.float32 else 1e-9, atol=1e-9)
    part = "permute_dims(x) @ x" if "@ x" in text and not two else "permute_dims(x) @ y"
    kept, *names, _, _, _ = arguments(data, tmp_path, f"k := {part}; r = {text.replace(part, 'k')}")
    eval_json(kept, *names, "-o", f"{tmp_path}/kept.h5:/", "--memory", ceiling(64))
    with h5py.File(tmp_path / "kept.h5") as f:
        seen.add(f["r"][...].tobytes())
    assert len(seen) == 1


def test_a_product_that_others_read_is_kept(data, tmp_path):
    for text in ("permute_dims(x) @ y - mean(permute_dims(x) @ y)", "permute_dims(x) @ y + permute_dims(permute_dims(x) @ y)", "cumulative_sum(permute_dims(x) @ y, axis=0)"):
        got, plan, _ = stored(data, tmp_path, text)
        assert not any("from the tile" in p["does"] for p in plan["passes"])
        x, y = read(data, "x", "y")
        p = x.T @ y
        want = {"-": p - p.mean(), "+": p + p.T, "c": np.cumsum(p, axis=0)}["c" if text[0] == "c" else text[20]]
        assert np.allclose(got, want, atol=1e-8)


def test_blocks_that_do_not_halve_into_chunks(tmp_path):
    """7 blocks of 999 rows: fewer than are wanted, and 500 and 999 meet too late."""
    rng = np.random.default_rng(8)
    with h5py.File(tmp_path / "a.h5", "w") as f:
        x, y = (f.create_dataset(n, data=rng.standard_normal(shape), chunks=chunks)[...] for n, shape, chunks in (("x", (6993, 20), (999, 20)), ("y", (20, 100), None)))
    eval_json("x @ y", f"x={tmp_path}/a.h5:/x", f"y={tmp_path}/a.h5:/y", "-o", f"{tmp_path}/r.h5:/r", "--memory", ceiling(100))
    with h5py.File(tmp_path / "r.h5") as f:
        assert np.allclose(f["r"][...], x @ y, atol=1e-12)
