"""x[mask] straight to a dataset: one pass, places claimed in order, the dataset cut to what was found."""
import json
import re
import zlib

import h5py
import numpy as np
import pytest
from chunkcli import SLACK, assert_held, ceiling, chunk_eval, eval_fails, eval_json, eval_ok, is_sanitized, spare

SMALL, SMALLER = ceiling(50), ceiling(32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    d = tmp_path_factory.mktemp("masks")
    x = np.random.default_rng(5).random((1500, 1100))
    with h5py.File(d / "in.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(100, 128))
        f.create_dataset("z", data=x, chunks=(100, 128), compression="gzip", compression_opts=1)
        f.create_dataset("i", data=(x * 1000).astype("int16"))
    return d


def arrays(data):
    with h5py.File(data / "in.h5") as f:
        return f["x"][()], f["i"][()]


def stored(data, text, *options, name="r"):
    out = data / "out.h5"
    out.unlink(missing_ok=True)
    got = eval_json(text, "x=in.h5:/x", "z=in.h5:/z", "i=in.h5:/i", "-o", f"out.h5:/{name}", *options, cwd=data)
    with h5py.File(out) as f:
        return got, f[name][()], f[name].chunks, f[name].maxshape


@pytest.mark.parametrize("limit", [0.9, 0.5, 1e-7, 2.0, -1.0])
def test_selected_in_one_pass(data, limit):
    x, _ = arrays(data)
    want = x[x > limit]
    for name in "xz":
        got, r, chunks, most = stored(data, f"{name}[{name} > {limit}]", "--memory", SMALLER)
        assert np.array_equal(r, want) and r.dtype == want.dtype
        assert got["shapes"] == [list(want.shape)]
        assert_held(got)
        assert most == (None,) and chunks is not None
    got, _, _, _ = stored(data, f"x[x > {limit}]", "--memory", SMALLER)
    assert got["bytes_read"] < 1.1 * x.nbytes, "the array was read more than once"


def test_other_forms_of_the_same(data):
    x, i = arrays(data)
    assert np.array_equal(stored(data, "extract(i < 300, x*2)")[1], (x * 2)[i < 300])
    assert np.array_equal(stored(data, "extract(i[:, 3] < 300, x)")[1], np.extract(i[:, 3] < 300, x)), "raveled, and short"
    assert np.array_equal(stored(data, "extract(permute_dims(i, (1, 0)) < 300, x)")[1], np.extract(i.T < 300, x))
    assert np.array_equal(stored(data, "i[~(x < 0.25)]", "--chunks", "1000")[1], i[~(x < 0.25)])
    assert stored(data, "i[x < 0.25]", "--chunks", "1000")[2] == (1000,)
    assert np.array_equal(stored(data, "x[x > 2*mean(x)*0.9]")[1], x[x > 2 * np.mean(x) * 0.9])


def test_where_a_pass_must_count_first(data):
    """Filters need whole chunks, and several results or further operations an exact shape: the same values then, counted before."""
    x, i = arrays(data)
    assert np.array_equal(stored(data, "x[x > 0.9]", "--filter", "gzip=1")[1], x[x > 0.9])
    assert np.array_equal(stored(data, "x[x > 0.9] + 1")[1], x[x > 0.9] + 1)
    assert np.array_equal(stored(data, "x[x > 0.9][::3]")[1], x[x > 0.9][::3])
    assert np.array_equal(stored(data, "x[np.newaxis][0][i > 500]".replace("np.", ""))[1], x[i > 500])
    (data / "out.h5").unlink(missing_ok=True)
    eval_ok("a = x[x > 0.9]; b = sum(a)", "x=in.h5:/x", "-o", "out.h5:/a", "-o", "out.h5:/b", cwd=data)
    with h5py.File(data / "out.h5") as f:
        assert np.array_equal(f["a"][()], x[x > 0.9]) and np.isclose(f["b"][()], x[x > 0.9].sum())


def test_the_same_file_whatever_threads_and_ceiling(data):
    files = set()
    for threads in (1, 2, 8):
        for memory in (SMALLER, SMALL, ceiling(200)):
            stored(data, "x[x > 0.7]", "--threads", threads, "--memory", memory)
            files.add((data / "out.h5").read_bytes())
    assert len(files) == 1


def test_refusals(data):
    eval_fails(2, "x[y > 0]", "x=in.h5:/x", "-o", "no.h5:/r", cwd=data)
    message = eval_fails(1, "x[i[:10] > 0]", "x=in.h5:/x", "i=in.h5:/i", "-o", "no.h5:/r", cwd=data)
    assert "mask" in message
    done = chunk_eval("x[x > 0.9]", "x=in.h5:/x", "-o", "no.h5:/r", "--memory", "9MiB", cwd=data)
    assert done.returncode == 3 and "needs at least" in done.stderr
    counted = chunk_eval("x[x > 0.9]", "x=in.h5:/x", "-o", "no.h5:/r", "--filter", "gzip=1", "--memory", "9MiB", cwd=data)
    assert counted.returncode == 3 and "needs at least" in counted.stderr  # by the count before the plan: its refusal once freed the command line
    needed = int(done.stderr.split("needs at least ")[1].split()[0])
    eval_ok("x[x > 0.9]", "x=in.h5:/x", "-o", "yes.h5:/r", "--memory", f"{needed + SLACK}MiB", cwd=data)
    needed = int(counted.stderr.split("needs at least ")[1].split()[0])  # by count and plan: it named the count's alone
    eval_ok("x[x > 0.9]", "x=in.h5:/x", "-o", "gz.h5:/r", "--filter", "gzip=1", "--memory", f"{needed + SLACK}MiB", cwd=data)
    assert not (data / "no.h5").exists()


@pytest.mark.skipif(SLACK > 0, reason="the ceilings are those of a plain build")
def test_what_a_refused_count_needs_is_enough(tmp_path):
    """Between what the count needs and what its run needs, and below both."""
    x = np.random.default_rng(6).random((1500, 1100))
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(750, 550), compression="gzip", compression_opts=1)
    for filters in ([], ["--filter", "lz4"], ["--filter", "gzip=1,shuffle", "--chunks", "500000"]):
        for results in (["x[x > 0.9]"], ["a = x[x > 0.9]; b = x[x < 0.1]"], ["x[x > 0.9] + 1"]):
            out = ["-o", "one.h5:/r"] if ";" not in results[0] else ["-o", "two.h5:/"]
            args = [*results, "x=in.h5:/x", *out, *filters, "--overwrite", "--threads", "2"]
            for mib in (9, 14, 20, 26):
                done = chunk_eval(*args, "--memory", f"{mib}MiB", cwd=tmp_path)
                if done.returncode == 0:
                    break
                assert done.returncode == 3
                needed = int(done.stderr.split("needs at least ")[1].split()[0])
                eval_ok(*args, "--memory", f"{needed}MiB", cwd=tmp_path)


@pytest.mark.skipif(SLACK > 0, reason="the ceilings are those of a plain build")
def test_tall_chunks_are_decoded_few_times(tmp_path):
    """Chunks across several bands of the array's C order were decoded for each band, four times here, where the ceiling had no room to keep a row of them."""
    x = np.random.default_rng(5).random((1500, 1100))
    with h5py.File(tmp_path / "in.h5", "w") as f:
        d = f.create_dataset("x", data=x, chunks=(750, 128), compression="gzip", compression_opts=1)
        stored = d.id.get_storage_size()
    for mib, most in ((28, 2.1), (36, 1.1)):
        got = eval_json("x[x > 0.9]", "x=in.h5:/x", "-o", "out.h5:/r", "--overwrite", "--memory", f"{mib}MiB", "--threads", 1, cwd=tmp_path)
        assert_held(got)
        assert stored <= got["bytes_read"] < most * stored
        with h5py.File(tmp_path / "out.h5") as f:
            assert np.array_equal(f["r"][...], x[x > 0.9])


@pytest.mark.skipif(SLACK > 0, reason="the ceilings are those of a plain build")
@pytest.mark.parametrize("text", ["y[m, i]", "y[m, :, i]", "y[::2, n, j]", "v[v > 0] + v[:999]", "reshape(v[v > 0], (27, 37))", "outer(v[v > 0], v[v > 0])", "v[v > 0] + w[3:]"])
def test_what_one_count_only_fits_is_enough_as_well(tmp_path, text):
    """Masks that select everything would not fit beside i, j and v[:999]; and outer's chunks of 999 x 999 take more than those of 20000 x 20000."""
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f.create_dataset("y", data=np.arange(840, dtype=">i4").reshape(3, 5, 8, 7), chunks=(3, 4, 8, 6))
        f.create_dataset("m", data=np.arange(15).reshape(3, 5) < 5, chunks=(2, 3), compression="gzip")
        f["i"] = np.arange(5)
        f["n"] = np.arange(40).reshape(5, 8) % 7 == 0
        f["j"] = np.arange(6)
        f["v"] = np.arange(20000.) - 19000
        f["w"] = np.arange(1002.)
    names = [k for k in "ymivnjw" if k in text.replace("reshape", "").replace("outer", "").replace(",", " ").replace("[", " ").replace("]", " ").split()]
    for filters in ([], ["--filter", "lz4"]):
        args = [text, *(f"{k}=in.h5:/{k}" for k in names), "-o", "out.h5:/r", "--overwrite", "--threads", "2", *filters]
        done = chunk_eval(*args, "--memory", "1MiB", "--json", cwd=tmp_path)
        assert done.returncode == 3
        assert_held(eval_json(*args, "--memory", json.loads(done.stdout)["needed"], cwd=tmp_path))


@pytest.mark.skipif(SLACK > 0, reason="the ceilings are those of a plain build")
@pytest.mark.parametrize("make", [
    lambda x, v: f"reshape(argwhere(x > 0.5), ({np.sum(x > 0.5) * 2 // 4}, 4))",
    lambda x, v: f"sum(reshape(argwhere(x > 0.5), ({np.sum(x > 0.5) // 2}, 2, 2)))",
    lambda x, v: f"sum(compress(v > -0.4, v) + v[:{np.sum(v > -0.4)}]) + sum(v[v < 0.4] + v[:{np.sum(v < 0.4)}])",
    lambda x, v: f"concat((nonzero(v > -0.4)[0], compress(v > 0.49, v) + v[:{np.sum(v > 0.49)}], repeat(compress(v > 0.0, v), 3)[1:]))",
    lambda x, v: f"sum(argwhere(x < 0.01)[:, 1]) + sum(reshape(compress(v > 0.49, v), ({np.sum(v > 0.49)}, 1))) + sum(reshape(argwhere(x > 0.1), (2, -1)))",
    lambda x, v: f"sum(reshape(concat((compress(v > 0.2, v), v)), ({(np.sum(v > 0.2) + v.size) // 2}, 2)))",
])
def test_what_several_counts_need_is_enough(tmp_path, make):
    """Each mask selects another number, and shapes are made of that number by a factor or with others."""
    rng = np.random.default_rng(8)
    x, v = rng.random((294, 262)), np.sort(rng.random(40524) - 0.5)
    if np.sum(x > 0.5) % 2:
        x.flat[np.argmax(x > 0.5)] = 0.2
    if (np.sum(v > 0.2) + v.size) % 2:
        v[np.argmax(v > 0.2)] = 0.1
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(60, 120), compression="gzip")
        f.create_dataset("v", data=v, chunks=(9000,), compression="gzip")
    text = make(x, v)
    names = [f"{k}=in.h5:/{k}" for k in "xv" if f"{k} " in text]
    for args in ([], ["-o", "out.h5:/r", "--overwrite", "--filter", "lz4"]):
        args = [text, *names, *args, "--threads", "2"]
        done = chunk_eval(*args, "--memory", "1MiB", "--json", cwd=tmp_path)
        assert done.returncode == 3
        assert_held(eval_json(*args, "--memory", json.loads(done.stdout)["needed"], cwd=tmp_path))


def test_counting_is_read_too(data):
    """What was read to count a mask while the expression was built."""
    x, _ = arrays(data)
    assert eval_json("nonzero(x > 1e9)[0]", "x=in.h5:/x", cwd=data)["bytes_read"] >= x.nbytes
    assert eval_json("sum(x[x > 0.5])", "x=in.h5:/x", cwd=data)["bytes_read"] >= 2 * x.nbytes
    assert eval_json("arange(5)[arange(5) > 2]")["bytes_read"] == 0


def test_summary_has_the_true_count(data):
    x, _ = arrays(data)
    n = int((x > 0.999).sum())
    done = chunk_eval("x[x > 0.999]", "x=in.h5:/x", "-o", "count.h5:/r", cwd=data)
    (data / "count.h5").unlink()
    assert done.returncode == 0 and done.stderr.splitlines()[0] == f"count.h5:/r  {n} float64  {n * 8 / 1024:.1f} KiB"


def test_explain_shows_the_count(tmp_path):
    """What was read for a mask's exact shape before its plan could be made stood nowhere."""
    x = np.random.default_rng(6).random((300, 1000))
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f["x"] = x
    args = ["x=in.h5:/x", "-o", "o.h5:/r", "--explain"]
    text = chunk_eval("x[x > 0.5] + 1", *args, cwd=tmp_path).stdout
    assert f"({(x > 0.5).sum()},)" in text and "first, for shapes and values: 1 run, 2.3 MiB read\n" in text
    evaluated = eval_json("x[x > 0.5] + 1", *args, cwd=tmp_path)["plan"]["evaluated"]
    assert evaluated["runs"] == 1 and x.nbytes <= evaluated["bytes_read"] < 1.1 * x.nbytes
    assert "first, for" not in chunk_eval("x + 1", *args, cwd=tmp_path).stdout


def test_refusals_of_large_plans_come_soon(tmp_path):
    """Each plan of this one took a second: not all numbers that a mask may select are tried."""
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f.create_dataset("v", data=np.ones((53, 212, 29), "i2"), chunks=(27, 29, 4))
        f.create_dataset("w", data=np.ones((53, 212, 29), "i1"), chunks=(4, 212, 24), fletcher32=True)
        f.create_dataset("m", data=np.arange(29) % 2 == 0, chunks=(17,))
        f.create_dataset("k", data=np.arange(29), chunks=(21,), compression="gzip")
    text = "a = compress(m, k, axis=0); b = where(v > 0, flip(repeat(w, 1, 1), axis=(2, 0)), w) & 7"
    args = [*(f"{n}=in.h5:/{n}" for n in "kmvw"), "-o", "o.h5:/", "--memory", spare(16), "--threads", "64"]
    assert chunk_eval(text, *args, cwd=tmp_path, timeout=400 if is_sanitized() else 60).returncode == 3


@pytest.mark.parametrize("layout", [dict(chunks=(5,)), dict(chunks=(5,), compression="gzip"), {}], ids=["chunked", "gzip", "contiguous"])
def test_any_byte_of_a_bool(tmp_path, layout):
    """Files may hold others than 0 and 1: they are true."""
    raw, truth = bytes([0, 2, 128, 1, 255]), np.array([0, 1, 1, 1, 1], bool)
    with h5py.File(tmp_path / "x.h5", "w") as f:
        d = f.create_dataset("m", data=np.zeros(5, bool), **layout)
        if layout:
            d.id.write_direct_chunk((0,), zlib.compress(raw) if "compression" in layout else raw)
        offset = None if layout else d.id.get_offset()
    if offset:
        with open(tmp_path / "x.h5", "r+b") as f:
            f.seek(offset)
            f.write(raw)
    texts = ["m", "sum(m)", "astype(m, 'int8')", "m == True", "m[m]", "concat([m, m])", "where(m, 1, 2)", "~m", "m[::-1]", "nonzero(m)[0]", "arange(5)[m]", "m * 2.5"]
    names = {"m": truth, "sum": np.sum, "astype": lambda a, t: a.astype(t), "concat": np.concatenate, "where": np.where, "nonzero": np.nonzero, "arange": np.arange}
    got = eval_json("; ".join(texts), "m=x.h5:/m", cwd=tmp_path)["values"]
    for text, value in zip(texts, got):
        assert np.array_equal(value, eval(text, {}, names)), text
    eval_json("m", "m=x.h5:/m", "-o", "y.h5:/m", cwd=tmp_path)
    with h5py.File(tmp_path / "y.h5") as f:
        stored = np.empty(5, "u1")
        f["m"].read_direct(stored.view(bool))
        assert stored.tolist() == [0, 1, 1, 1, 1]


@pytest.mark.skipif(SLACK > 0, reason="the ceilings are those of a plain build")
@pytest.mark.parametrize("text", ["repeat(x, c, axis=1)", "argwhere(tile(q, (2, 2)))", "argwhere(tile(q, (3, 3))) @ [1, 2]", "nonzero(pad(p, ((0, 3), (3, 1)), 'minimum'))[1]",
                                  "y[b][::2] @ y[:750]", "w := y[b]; w[768:] = y[:731]; w + 1", "v[v > 2] = 7; v", "reshape(q[q > 5], (0, 2, 2))", "squeeze(x[x > 0])"])
def test_needed_is_enough_at_once(tmp_path, text):
    """Shapes that fit one count only, masks larger than any input, none selected, counts in a file: the number of bytes of the first refusal is accepted."""
    rng = np.random.default_rng(4)
    half = np.zeros(3000, bool)
    half[rng.permutation(3000)[:1499]] = True
    values = {"x": rng.standard_normal((40, 30)), "c": rng.integers(0, 5, 30), "q": rng.random((30, 30)) * (rng.random((30, 30)) < 0.5), "b": half,
              "p": rng.integers(0, 3, (10, 8)).astype("i2"), "y": rng.random(3000), "v": np.arange(2, dtype="u1")}
    with h5py.File(tmp_path / "in.h5", "w") as f:
        for n, v in values.items():
            f.create_dataset(n, data=v, chunks=tuple(-(-s // 2) for s in v.shape), compression="gzip" if n in "qp" else None)
    used = [f"{n}=in.h5:/{n}" for n in values if re.search(rf"\b{n}\b", text)]
    for options in ([], ["-o", "out.h5:/r", "--overwrite"], ["-o", "out.h5:/r", "--chunks", "7", "--overwrite"] if "squeeze" in text else []):
        refused = chunk_eval(text, *used, *options, "--memory", "1MiB", "--json", cwd=tmp_path)
        lines = refused.stdout.splitlines()
        assert refused.returncode == 3 and len(lines) == 1 and len([line for line in refused.stderr.splitlines() if "not used" not in line]) == 1, refused
        assert_held(eval_json(text, *used, *options, "--memory", json.loads(lines[0])["needed"], cwd=tmp_path))
