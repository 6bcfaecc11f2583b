"""Datasets stored in other chunks, by `chunk rechunk` and by expressions: any grid, dtype and filter to any other, h5py's values, the same file
whatever the threads and the ceiling."""
import json
import os

import h5py
import hdf5plugin
import numpy as np
import pytest
from chunkcli import SLACK, assert_held, ceiling, chunk, eval_ok

SEED = int(os.environ.get("SEED", "0"))
CASES = {"quick": 4, "standard": 12, "full": 120}[os.environ.get("CHUNK_TEST_LEVEL", "standard")]
DTYPES = "bool i1 <i2 >i4 <i8 u1 >u2 <u4 >u8 <f2 <f4 >f4 <f8 >f8 <c8 >c16".split()
FILTERS = {"none": {}, "gzip=1": {"compression": "gzip", "compression_opts": 1}, "gzip=1,shuffle": {"compression": "gzip", "shuffle": True},
           "lz4": hdf5plugin.LZ4(), "bitshuffle": hdf5plugin.Bitshuffle(), "fletcher32": {"fletcher32": True}}


def rechunk(*args, **kw):
    return chunk("rechunk", *args, **kw)


def ok(*args, **kw):
    done = rechunk(*args, "--json", **kw)
    assert done.returncode == 0, f"{args}: exit {done.returncode}: {done.stderr}"
    got = json.loads(done.stdout)
    if "measured_peak" in got:
        assert_held(got)
    return got


def read(path, name="y"):
    with h5py.File(path) as f:
        return f[name][()], f[name].chunks


def needed(*args, **kw):
    done = rechunk(*args, "--explain", "--json", "--memory", "1MiB", **kw)
    assert done.returncode == 3
    return json.loads(done.stdout)["needed"] + (SLACK << 20)


def make(path, rng, shape, dtype, chunks, filters, absent=0.0):
    """Values that compress a little; some chunks may never be written."""
    x = (rng.integers(-100, 100, shape) if np.dtype(dtype).kind != "b" else rng.integers(0, 2, shape)).astype(dtype)
    with h5py.File(path, "w") as f:
        d = f.create_dataset("x", shape, dtype, chunks=chunks, **filters)
        for s in d.iter_chunks():
            if rng.random() < absent:
                x[s] = 0
            else:
                d[s] = x[s]
    return x


def text(chunks):
    return "x".join(map(str, chunks))


@pytest.mark.parametrize("case", range(CASES))
def test_any_to_any(case, tmp_path):
    rng = np.random.default_rng(SEED * 1000 + case)
    ndim = int(rng.integers(1, 6))
    shape = tuple(int(n) for n in rng.integers(1, [0, 90000, 400, 60, 22, 12][ndim], ndim))
    grids = [tuple(int(rng.integers(1, n + 1)) if rng.random() < 0.6 else n for n in shape) for _ in range(2)]
    for g in grids:
        assert len(g) == ndim
    most = 400  # chunks, so that h5py is done in reasonable time
    grids = [g if np.prod([-(-n // c) for n, c in zip(shape, g)]) < most else tuple(max(c, n // 4 + 1) for n, c in zip(shape, g)) for g in grids]
    names = list(FILTERS)
    before, after = names[int(rng.integers(len(names)))], names[int(rng.integers(len(names)))]
    dtype = DTYPES[int(rng.integers(len(DTYPES)))]
    x = make(tmp_path / "a.h5", rng, shape, dtype, grids[0], FILTERS[before], absent=float(rng.choice([0, 0.4, 1])))
    what = ["a.h5:/x", "b.h5:/y", "--chunks", text(grids[1]), "--filter", after, "--overwrite"]
    ok(*what, cwd=tmp_path)
    got, chunks = read(tmp_path / "b.h5")
    note = f"{shape} {dtype} {grids} {before} {after}"
    assert got.dtype == x.dtype.newbyteorder("=") and chunks == grids[1] and np.array_equal(got, x), note
    first = (tmp_path / "b.h5").read_bytes()
    least = needed(*what, cwd=tmp_path)
    for memory, threads in ((least, 1), (2 * least, 2), (least + (3 << 20), 2)):
        ok(*what, "--memory", memory, "--threads", threads, cwd=tmp_path)
        assert (tmp_path / "b.h5").read_bytes() == first, f"{note} {memory} {threads}"


@pytest.mark.parametrize("before", ["none", "gzip=1,shuffle"])
@pytest.mark.parametrize("after", ["none", "lz4"])
@pytest.mark.parametrize("grids", [((16, 400), (400, 16)), ((400, 16), (16, 400)), ((100, 100), (70, 130)), ((400, 1), (1, 400))])
def test_rows_to_columns(grids, before, after, tmp_path):
    """The text of an expression gives the same file; transposes and arithmetic on the way, too, under small and large ceilings."""
    rng = np.random.default_rng(SEED)
    x = make(tmp_path / "a.h5", rng, (400, 400), "<f8", grids[0], FILTERS[before])
    shape = text(grids[1])
    for memory in ("1GiB", ceiling(24)):
        ok("a.h5:/x", "b.h5:/y", "--chunks", shape, "--filter", after, "--memory", memory, "--overwrite", cwd=tmp_path)
        assert np.array_equal(read(tmp_path / "b.h5")[0], x)
        whole = (tmp_path / "b.h5").read_bytes()
        eval_ok(f"y = rechunk(x, {grids[1]})", "x=a.h5:/x", "-o", "c.h5:/y", "--filter", after, "--memory", memory, "--overwrite", cwd=tmp_path)
        assert (tmp_path / "c.h5").read_bytes() == whole
        for expr, want in (("permute_dims(x)", x.T), ("2 * x[::-1, 3:] - permute_dims(x)[:, 3:]", 2 * x[::-1, 3:] - x.T[:, 3:]), ("x[5:, ::3]", x[5:, ::3])):
            eval_ok(expr, "x=a.h5:/x", "-o", "c.h5:/y", "--chunks", shape, "--filter", after, "--memory", memory, "--overwrite", cwd=tmp_path)
            assert np.array_equal(read(tmp_path / "c.h5")[0], want), (expr, memory)


def test_expressions(tmp_path):
    """Inputs in several grids, layouts and byte orders, broadcast, reversed, transposed, partly absent: NumPy's values, one file under every ceiling."""
    rng = np.random.default_rng(SEED)
    path, x = tmp_path / "a.h5", rng.integers(-99, 99, (350, 450))
    with h5py.File(path, "w") as f:
        f["c"] = x.astype(">i4")
        f.create_dataset("z", data=x.astype("<f8"), chunks=(33, 450), compression="gzip", shuffle=True)
        f.create_dataset("w", data=x.astype("<f4"), chunks=(350, 7), **FILTERS["lz4"])
        f.create_dataset("v", data=np.arange(350.0), chunks=(50,))
        f.create_dataset("k", data=x[:, :1].astype("f2"), chunks=(50, 1))
        f.create_dataset("p", (350, 450), "f8", chunks=(20, 20), fillvalue=7.0)[100:200, 300:400] = 1
        f.create_dataset("q", data=rng.integers(0, 60000, (30, 40, 50)), dtype=">u2", chunks=(1, 40, 50), fletcher32=True)
        whole = h5py.VirtualLayout((350, 450), "f8")
        whole[:] = h5py.VirtualSource(".", "z", (350, 450))
        f.create_virtual_dataset("d", whole)
    arrays = {n: read(path, n)[0] for n in "czwvkpq"}
    arrays["d"] = arrays["z"]
    names = dict(arrays, permute_dims=np.transpose, where=np.where, rechunk=lambda a, chunks: a)
    for text_ in ("c", "d", "permute_dims(c)[:, :350] + v", "permute_dims(d)", "z*2 + k", "w[::-1, ::2] + z[:, 225:]", "where(z > 0, c, w)", "p", "2*p - 7", "permute_dims(p)",
                  "permute_dims(z)[:350]*2 - w[:, 100:]", "permute_dims(q, (2, 0, 1))", "q[::-1, 3:, ::-3]", "rechunk(permute_dims(z), 91) / 2"):
        want, after = eval(text_, {}, names), str(rng.choice(["none", "lz4", "gzip=1,shuffle"]))
        shape = text([max(int(rng.integers(1, n + 1)), n // 30 + 1) for n in want.shape])
        files = set()
        for memory in (ceiling(20), ceiling(26), "1GiB"):
            args = [f"{n}=a.h5:/{n}" for n in arrays if n in text_.replace("permute_dims", "").replace("where", "").replace("rechunk", "")]
            done = chunk("eval", text_, *args, "-o", "o.h5:/y", "--overwrite", "-q", "--filter", after, "--chunks", shape, "--memory", memory, cwd=tmp_path)
            assert done.returncode == 0 or (done.returncode == 3 and memory == ceiling(20)), done.stderr
            if done.returncode == 0:
                assert np.array_equal(read(tmp_path / "o.h5")[0], want), (text_, after, shape, memory)
                files.add((tmp_path / "o.h5").read_bytes())
        assert len(files) == 1, (text_, after, shape)


@pytest.mark.parametrize("shape", ["64x64", "10x7", "512x512", "70x900", "700x900"])
def test_chunks_of_fill_alone_are_left_out(tmp_path, shape):
    """Of values that are stored: whichever way the plan takes, and the space is given back."""
    rng = np.random.default_rng(SEED)
    x = np.zeros((700, 900))
    x[:90] = rng.random((90, 900))
    x[333, 444], x[500:640, 130:131], x[260, 700] = -0.0, 2, np.nan
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(100, 100))
        f.create_dataset("z", data=x, chunks=(90, 130), compression="gzip")
    extent = [int(n) for n in shape.split("x")]
    for expr, want in (("rechunk(x, -1)", x), ("permute_dims(x)", x.T), ("z + x[:, ::-1]", x + x[:, ::-1]), ("z * 0", np.where(np.isnan(x), np.nan, np.copysign(0, x)))):
        chunks = [min(c, n) for c, n in zip(extent, want.shape)]
        parts = [want[i : i + chunks[0], k : k + chunks[1]] for i in range(0, want.shape[0], chunks[0]) for k in range(0, want.shape[1], chunks[1])]
        stored = sum(np.any(part.view("u8") if part.flags.c_contiguous else np.ascontiguousarray(part).view("u8")) for part in parts)
        assert stored < len(parts) or shape not in ("64x64", "10x7")
        files = set()
        for memory in (ceiling(20), "1GiB"):
            names = [f"{n}=a.h5:/{n}" for n in "xz" if n in expr.replace("permute_dims", "").replace("rechunk", "")]
            eval_ok(expr, *names, "-o", "o.h5:/y", "--chunks", "x".join(map(str, chunks)), "--memory", memory, "--overwrite", "-q", cwd=tmp_path)
            with h5py.File(tmp_path / "o.h5") as f:
                assert f["y"].id.get_num_chunks() == stored, (expr, memory)
                got = np.full(want.shape, 7.0)
                f["y"].read_direct(got)
            assert np.array_equal(got, want, equal_nan=True) and np.array_equal(np.signbit(got), np.signbit(want)), (expr, memory)
            files.add((tmp_path / "o.h5").read_bytes())
        assert len(files) == 1, expr
        disk = os.stat(tmp_path / "o.h5").st_blocks * 512
        assert disk <= stored * 8 * chunks[0] * chunks[1] * 1.1 + 40 * len(parts) + 300_000, (expr, disk, stored)


def test_shapes_without_chunks(tmp_path):
    """Nothing to copy, one element, a contiguous dataset."""
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f["none"] = np.zeros((0, 5), "f4")
        f["one"] = np.full((1, 1, 1), 7, ">i2")
        f["plain"] = np.arange(6000.0).reshape(60, 100)
    for name, chunks in (("none", "3x2"), ("one", "9x9x9"), ("plain", "7x100")):
        ok(f"a.h5:/{name}", f"{name}.h5:/y", "--chunks", chunks, cwd=tmp_path)
        assert np.array_equal(read(tmp_path / f"{name}.h5")[0], read(tmp_path / "a.h5", name)[0])


@pytest.mark.parametrize("before, after, chunks, shape", [
    ("lz4", "lz4", (16, 1024), (1024, 16)), ("none", "gzip=1,shuffle", (1024, 8), (8, 1024)), ("gzip=1,shuffle", "lz4", (100, 100), (70, 333)),
    ("none", "none", (1, 20, 30, 40), (40, 3, 2, 1))])
def test_two_passes(before, after, chunks, shape, tmp_path):
    """The same file, one pass or two, whatever lies in scratch; chunks are decoded once, or as the plan says."""
    rng = np.random.default_rng(SEED)
    dims = (1024, 1024) if len(chunks) == 2 else (40, 40, 30, 40)
    x = make(tmp_path / "a.h5", rng, dims, "<f8", chunks, FILTERS[before], absent=0.1)
    what = ["a.h5:/x", "b.h5:/y", "--chunks", text(shape), "--filter", after, "--overwrite"]
    least, seen, files, spilled = needed(*what, cwd=tmp_path), set(), set(), 0
    for memory in (least, least + (1 << 20), least + (4 << 20), "64MiB", "1GiB"):
        plan = ok(*what, "--memory", memory, "--explain", cwd=tmp_path)
        seen.add(len(plan["plan"]["passes"]))
        got = ok(*what, "--memory", memory, cwd=tmp_path)
        spilled += got["bytes_spilled"]
        assert np.array_equal(read(tmp_path / "b.h5")[0], x), memory
        files.add((tmp_path / "b.h5").read_bytes())
    assert len(files) == 1
    assert 2 in seen and spilled > 0 or SLACK or before == "gzip=1,shuffle" or (before, after) == ("none", "gzip=1,shuffle"), seen


@pytest.mark.skipif(SLACK > 0, reason="with a sanitizer's room nothing goes to scratch")
def test_scratch_folder(tmp_path):
    """Scratch goes where it is told, into memory only then; a folder that is not there is one line, and nothing is left behind."""
    rng = np.random.default_rng(SEED)
    make(tmp_path / "a.h5", rng, (1024, 1024), "<f8", (16, 1024), FILTERS["lz4"])
    what = ["a.h5:/x", "b.h5:/y", "--chunks", "1024x16", "--filter", "lz4"]
    what += ["--memory", needed(*what, cwd=tmp_path)]
    assert fails(1, *what, "--scratch", tmp_path / "nowhere", cwd=tmp_path)
    assert os.listdir(tmp_path) == ["a.h5"]
    ok(*what, "--scratch", tmp_path, cwd=tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["a.h5", "b.h5"]


def fails(code, *args, **kw):
    done = rechunk(*args, **kw)
    assert done.returncode == code and done.stdout == "" and done.stderr.count("\n") == 1, (done.returncode, done.stderr)
    return done.stderr


def test_bad_input(tmp_path):
    make(tmp_path / "a.h5", np.random.default_rng(1), (300, 3000), "<f8", (30, 300), {})
    before = (tmp_path / "a.h5").read_bytes()
    os.symlink("a.h5", tmp_path / "link.h5")
    for same in ("a.h5:/x", "./a.h5://x", "link.h5:/x"):
        assert "same dataset" in fails(2, "a.h5:/x", same, "--chunks", "3x3", "--overwrite", cwd=tmp_path)
    assert "--chunks is needed" in fails(2, "a.h5:/x", "b.h5:/y", cwd=tmp_path)
    assert "give two" in fails(2, "a.h5:/x", "--chunks", "3x3", cwd=tmp_path)
    assert "not a shape" in fails(2, "a.h5:/x", "b.h5:/y", "--chunks", "3,3", cwd=tmp_path)
    assert "names no dataset" in fails(2, "a.h5:/x", "b.h5:/", "--chunks", "3x3", cwd=tmp_path)
    assert "3 axes" in fails(1, "a.h5:/x", "b.h5:/y", "--chunks", "3x3x3", cwd=tmp_path)
    assert "nosuch" in fails(1, "a.h5:/nosuch", "b.h5:/y", "--chunks", "3x3", cwd=tmp_path)
    assert "needs at least" in fails(3, "a.h5:/x", "b.h5:/y", "--chunks", "300x3000", "--filter", "lz4", "--memory", "20MiB", cwd=tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["a.h5", "link.h5"] and (tmp_path / "a.h5").read_bytes() == before
