"""Results asked for together read their inputs once, reductions over other axes included, with the bits that each has alone."""
import json
import re

import h5py
import numpy as np
import pytest
from chunkcli import assert_held, ceiling, chunk, eval_json, eval_ok, has_faults, is_sanitized

OPS = ["sum", "mean", "std", "max", "argmin", "count_nonzero", "nanmin", "all", "prod"]
#            shape            chunks          chunks that are stored, filter
LAYOUTS = {"plain": ((700, 900), (300, 256), 1, {}), "cut": ((2100, 1700), (1024, 1024), 1, {}), "gzip": ((90, 80, 70), (40, 33, 70), 1, {"compression": "gzip"}),
           "absent": ((1300, 1100), (256, 256), 3, {}), "small chunks": ((60, 50, 40), (7, 5, 9), 2, {}), "one chunk": ((33, 2000, 9), (33, 2000, 9), 1, {}),
           "many axes": ((3, 4, 5, 6, 7, 8), (2, 4, 3, 6, 2, 8), 1, {}), "line": ((700_001,), (90_000,), 2, {})}


def write(path, shape, chunks, every, options):
    x = np.random.default_rng(len(shape)).integers(-9, 10, shape).astype("f8")
    with h5py.File(path, "w") as f:
        d = f.create_dataset("x", shape, "f8", chunks=chunks, fillvalue=1.5, **options)
        for i, box in enumerate(d.iter_chunks()):
            if i % every == 0:
                d[box] = x[box]
        return d[...], d.id.get_storage_size()


def texts(ndim, seed):
    """Some reductions over different axes, of different values; sometimes a value is stored beside them."""
    rng = np.random.default_rng(seed)
    made = []
    for op in rng.choice(OPS, 4, replace=False):
        axes = tuple(int(a) for a in range(ndim) if rng.random() < 0.5) or (int(rng.integers(ndim)),)
        value = rng.choice(["x", "x + 1", "x * 2"])
        axis = ("None" if rng.random() < 0.3 else axes[0]) if op == "argmin" else axes
        made.append(f"{op}({value}, axis={axis}, keepdims={bool(rng.random() < 0.3)})")
    return made + (["x * 2"] if seed % 3 == 0 else [])


def by_numpy(text, x):
    found = re.fullmatch(r"(\w+)\((.*), axis=(.*), keepdims=(\w+)\)", text)
    if not found:
        return x * 2
    value = eval(found[2], {"x": x})
    kept = {} if found[1] == "count_nonzero" and found[4] == "False" else {"keepdims": found[4] == "True"}
    return getattr(np, found[1])(value, axis=eval(found[3]), **kept)


def run(cwd, names, *options, env=None):
    (cwd / "y.h5").unlink(missing_ok=True)
    got = eval_json("; ".join(f"{n} = {t}" for n, t in names.items()), "x=x.h5:/x", "-o", "y.h5:/", *options, cwd=cwd, env=env)
    assert_held(got)
    return got, (cwd / "y.h5").read_bytes()


def least(cwd, names):
    text = "; ".join(f"{n} = {t}" for n, t in names.items())
    return json.loads(chunk("eval", text, "x=x.h5:/x", "-o", "n.h5:/", "--memory", "1MiB", "--explain", "--json", cwd=cwd).stdout)["needed"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", range(2 if is_sanitized() else 4))
def test_one_read_same_bits(tmp_path, layout, seed):
    shape, chunks, every, options = LAYOUTS[layout]
    x, stored = write(tmp_path / "x.h5", shape, chunks, every, options)
    names = {f"r{i}": t for i, t in enumerate(texts(len(shape), seed))}
    got, whole = run(tmp_path, names)
    same_walk = seed % 3 or layout in ("plain", "cut", "absent")  # else what is stored goes along chunks of its own
    assert got["bytes_read"] <= (1 if same_walk else 2) * stored * 1.02, names
    together = {}
    with h5py.File(tmp_path / "y.h5") as f:
        for name, text in names.items():
            together[name] = f[name][...]
            with np.errstate(all="ignore"):
                want = by_numpy(text, x)
            assert together[name].shape == np.shape(want), text
            if not text.startswith("prod"):
                np.testing.assert_allclose(together[name], want, rtol=1e-12, err_msg=text)
    needed = least(tmp_path, names)
    ways = [(["--threads", "1"], {}), (["--threads", "8"], {}), (["--memory", str(needed + 2**20), "--threads", "2"], {})]
    if has_faults():
        ways += [(["--threads", str(t)], {"CHUNK_SCRAMBLE": str(seed * 31 + t)}) for t in (1, 3)]
    for how, env in ways:
        assert run(tmp_path, names, *how, env=env)[1] == whole, (how, env, names)
    for name, text in names.items():
        run(tmp_path, {name: text})
        with h5py.File(tmp_path / "y.h5") as f:
            assert f[name][...].tobytes() == together[name].tobytes(), text


def test_large_results_read_again(tmp_path):
    """Where partial results over other axes would take much of the room, each has a walk of its own, and the least ceiling is what that needs."""
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", (3000, 3000), "f8", chunks=(1000, 1000), fillvalue=2)[...] = 3
    names = {"a": "sum(x, axis=0)", "b": "sum(x, axis=1)"}
    once, file = run(tmp_path, names, "--memory", ceiling(256))
    assert once["bytes_read"] <= 72e6 * 1.01
    twice, other = run(tmp_path, names, "--memory", str(least(tmp_path, names)))
    assert file == other
    assert is_sanitized() or twice["bytes_read"] >= 143e6


@pytest.mark.parametrize("first", ["a @ d + 1", "-(a @ d)", "exp(a @ d)", "a.T @ a + 1", "einsum('ij,jk->ik', a, d) + 1", "tensordot(a, d, 1) * 2", "2 * (a @ d) + 3 * e"])
def test_results_of_a_product_and_of_each_other(tmp_path, first):
    """A product whose only reader is elementwise is finished with it and not kept; results that have the same inside are readers too, whichever comes first."""
    rng = np.random.default_rng(7)
    values = {n: rng.standard_normal((20, 20)) for n in "ade"}
    with h5py.File(tmp_path / "x.h5", "w") as f:
        for n, v in values.items():
            f[n] = v
    r = eval(first.replace("einsum", "np.einsum").replace("tensordot", "np.tensordot").replace("exp", "np.exp"), {"np": np, **values})
    others = {"sum(r)": r.sum(), "r.T": r.T, "r[0]": r[0], "r": r, "roll(r, 1)": np.roll(r, 1), "abs(r) + 1": abs(r) + 1, "r @ e": r @ values["e"]}
    for other, want in others.items():
        for text in (f"r = {first}; s = {other}", f"s = {other.replace('r', f'({first})') if other in ('r.T', 'r[0]', 'r') else f'sum({first})'}; r = {first}"):
            (tmp_path / "y.h5").unlink(missing_ok=True)
            eval_ok(text, *(f"{n}=x.h5:/{n}" for n in "ade" if re.search(rf"\b{n}\b", text)), "-o", "y.h5:/", cwd=tmp_path)
            with h5py.File(tmp_path / "y.h5") as f:
                np.testing.assert_allclose(f["r"][...], r, rtol=1e-12, err_msg=text)
                np.testing.assert_allclose(f["s"][...], want if text.startswith("r") or other in ("r.T", "r[0]", "r") else r.sum(), rtol=1e-11, err_msg=text)


@pytest.mark.skipif(is_sanitized(), reason="32,768 chunks that are not stored take long")
def test_many_quick_tasks(tmp_path):
    """Workers take many tasks of next to no work at once: what one has not done yet while it waits for a core leaves gaps in every result over other axes."""
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", (2048, 16, 65536), "f8", chunks=(1, 1, 65536), fillvalue=1)
    for threads in (2, 4, 8):
        got, _ = run(tmp_path, {"a": "sum(x, axis=(1, 2))", "b": "sum(x, axis=(0, 2))"}, "--threads", threads, "--memory", ceiling(200))
        with h5py.File(tmp_path / "y.h5") as f:
            assert np.all(f["a"][...] == 16 * 65536) and np.all(f["b"][...] == 2048 * 65536)


@pytest.mark.parametrize("names", [{"t": "x * 1.5", "a": "sum(x, axis=1)", "b": "var(x, axis=0)"},
                                   {**{f"a{k}": f"sum(x * {k}, axis=0)" for k in range(30)}, **{f"b{k}": f"sum(x * {k}, axis=1)" for k in range(40)}, "t": "x * 1.5"}], ids=["few", "many"])
def test_what_is_stored_lies_alike(tmp_path, names):
    """Whether reductions over other axes have room in the pass decides neither how chunks are cut nor in which pass a value is stored."""
    x = np.random.default_rng(3).random((512, 4096) if len(names) < 9 else (512, 512))
    x[:128, :2048] = 0
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(256, 2048) if len(names) < 9 else (64, 64))
    least_bytes = least(tmp_path, names)
    files = [run(tmp_path, names, "--memory", str(memory), "--threads", 2)[1] for memory in (least_bytes + 2**20, least_bytes + 2**23, 2**30)]
    assert files[0] == files[1] == files[2]
