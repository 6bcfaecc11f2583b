"""Results stored by -o: names, groups, chunks, filters, overwriting, appearing whole."""
import json
import os
import subprocess
import time
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  registers the filters
import numpy as np
import pytest
from chunkcli import CHUNK, SLACK, ceiling, chunk_eval, eval_fails, eval_json, eval_ok


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(5)
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=rng.random((300, 257)), chunks=(64, 50))
        f["k"] = np.arange(10)
    return tmp_path


def read(path, name):
    with h5py.File(path) as f:
        return f[name][()]


def test_one_result(data):
    got = eval_json("2*x + 1", "x=x.h5:/x", "-o", "out.h5:/a/b/y", cwd=data)
    assert got["value"] is None and got["shapes"] == [[300, 257]] and got["bytes_written"] >= 300 * 257 * 8
    assert np.array_equal(read(data / "out.h5", "a/b/y"), 2 * read(data / "x.h5", "x") + 1)
    assert sorted(os.listdir(data)) == ["out.h5", "x.h5"]


def test_summary_line(data):
    done = chunk_eval("2*x", "x=x.h5:/x", "-o", "out.h5:/y", cwd=data)
    assert done.stdout == "" and "out.h5:/y  300x257 float64" in done.stderr and "<= ceiling" in done.stderr
    done = chunk_eval("2*x", "x=x.h5:/x", "-o", "out.h5:/y", "--overwrite", "-q", cwd=data)
    assert done.stdout == "" and done.stderr == "" and done.returncode == 0


def test_several_results(data):
    """One -o a result in order, into one file and another; a group for all."""
    text = "m = mean(x, axis=0); k := x - m; s = sum(k*k, axis=0); min(x)"
    eval_ok(text, "x=x.h5:/x", "-o", "a.h5:/m", "-o", "b.h5:/s", "-oa.h5:/g/low", "-q", cwd=data)
    x = read(data / "x.h5", "x")
    np.testing.assert_allclose(read(data / "a.h5", "m"), x.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(read(data / "b.h5", "s"), ((x - x.mean(axis=0)) ** 2).sum(axis=0), rtol=1e-11)
    assert read(data / "a.h5", "g/low") == x.min()
    eval_ok("lo = min(x); hi = max(x)", "x=x.h5:/x", "-o", "c.h5:/stats/", "-q", cwd=data)
    assert read(data / "c.h5", "stats/lo") == x.min() and read(data / "c.h5", "stats/hi") == x.max()
    eval_ok("lo = min(x)", "x=x.h5:/x", "-o", "d.h5:/", "-q", cwd=data)
    assert read(data / "d.h5", "lo") == x.min()


def test_existing_outputs(data):
    eval_ok("k", "k=x.h5:/k", "-o", "out.h5:/y", "-q", cwd=data)
    before = (data / "out.h5").read_bytes()
    assert "out.h5" in eval_fails(1, "k + 1", "k=x.h5:/k", "-o", "out.h5:/y", cwd=data)
    assert "out.h5" in eval_fails(1, "k + 1", "k=x.h5:/k", "-o", "out.h5:/other", cwd=data)
    assert (data / "out.h5").read_bytes() == before
    eval_ok("k + 1", "k=x.h5:/k", "-o", "out.h5:/y", "--overwrite", "-q", cwd=data)
    assert np.array_equal(read(data / "out.h5", "y"), np.arange(10) + 1)


def test_a_user_block_is_kept(data):
    with h5py.File(data / "block.h5", "w", userblock_size=512) as f:
        f["y"] = 1.0
    with open(data / "block.h5", "r+b") as f:
        f.write(b"another program's")
    before = (data / "block.h5").read_bytes()
    assert "a user block" in eval_fails(1, "2", "-o", "block.h5:/y", "--overwrite", cwd=data)
    assert (data / "block.h5").read_bytes() == before


def test_overwriting_an_input(data):
    """A file that holds more than the output is never replaced."""
    before = (data / "x.h5").read_bytes()
    eval_fails(1, "k + 1", "k=x.h5:/k", "-o", "x.h5:/k", "--overwrite", cwd=data)
    assert (data / "x.h5").read_bytes() == before
    eval_ok("k + 1", "k=x.h5:/k", "-o", "one.h5:/k", "-q", cwd=data)
    eval_ok("k * 10", "k=one.h5:/k", "-o", "one.h5:/k", "--overwrite", "-q", cwd=data)
    assert np.array_equal(read(data / "one.h5", "k"), (np.arange(10) + 1) * 10)


@pytest.mark.parametrize("text, filters", [("gzip=4,shuffle", {"gzip", "shuffle"}), ("shuffle,gzip", {"gzip", "shuffle"}), ("gzip=9", {"gzip"}), ("none", set()),
                                           ("lz4", {"32004"}), ("zstd=3,shuffle", {"32015", "shuffle"}), ("bitshuffle", {"32008"}),
                                           ("gzip=1,fletcher32,shuffle", {"gzip", "shuffle", "fletcher32"})])
def test_filters_and_chunks(data, text, filters):
    eval_ok("x * 3", "x=x.h5:/x", "-o", "out.h5:/y", "--filter", text, "--chunks", "100x33", "-q", cwd=data)
    with h5py.File(data / "out.h5") as f:
        d = f["y"]
        plist = d.id.get_create_plist()
        ids = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
        known = {1: "gzip", 2: "shuffle", 3: "fletcher32"}
        assert d.chunks == (100, 33) and {known.get(i, str(i)) for i in ids} == filters
        assert "shuffle" not in filters or ids[0] == 2
    assert np.array_equal(read(data / "out.h5", "y"), 3 * read(data / "x.h5", "x"))


def test_chunks_apply_where_they_fit(data):
    eval_ok("a = x + 1; b = sum(x, axis=0)", "x=x.h5:/x", "-o", "out.h5:/", "--chunks", "10x20", "-q", cwd=data)
    with h5py.File(data / "out.h5") as f:
        assert f["a"].chunks == (10, 20) and f["b"].shape == (257,)


@pytest.mark.parametrize("dtype", "bool int8 uint16 int64 float16 float32 float64 complex64 complex128".split())
def test_dtypes_and_empty_shapes(tmp_path, dtype):
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f["x"] = (np.arange(24).reshape(4, 6) % 2).astype(dtype)
    text = "a = x; s = x[1, 2]; z = x[:0]; f = flip(x)"
    eval_ok(text, "x=x.h5:/x", "-o", "out.h5:/", "-q", cwd=tmp_path)
    x = read(tmp_path / "x.h5", "x")
    for name, expected in (("a", x), ("s", x[1, 2]), ("z", x[:0]), ("f", x[::-1, ::-1])):
        got = np.asarray(read(tmp_path / "out.h5", name))
        assert got.dtype == dtype and got.shape == expected.shape and np.array_equal(got, expected), name


def test_two_runs_write_identical_files(data):
    for name in ("a.h5", "b.h5"):
        eval_ok("y = sin(x); m = mean(x)", "x=x.h5:/x", "-o", f"{name}:/", "--filter", "gzip=4,shuffle", "-q", "--threads", 1 + (name == "b.h5"), cwd=data)
    assert (data / "a.h5").read_bytes() == (data / "b.h5").read_bytes()


def test_durable(data):
    eval_ok("x + 1", "x=x.h5:/x", "-o", "out.h5:/y", "--durable", "-q", cwd=data)
    assert np.array_equal(read(data / "out.h5", "y"), read(data / "x.h5", "x") + 1)


def test_other_programs_read_it(data):
    eval_ok("x + 1", "x=x.h5:/x", "-o", "out.h5:/y", "--filter", "gzip=4,shuffle", "-q", cwd=data)
    assert subprocess.run(["h5dump", "-H", "out.h5"], cwd=data, capture_output=True).returncode == 0
    assert b"double y" in subprocess.run(["ncdump", "-h", "out.h5"], cwd=data, capture_output=True).stdout


def test_full_disk(data):
    """A limit on file size stands in for a full disk: one line, exit 1, nothing left behind."""
    limited = f"ulimit -f 200; trap '' XFSZ; exec {CHUNK} eval 'broadcast_to(x, (8, 300, 257)) + 1' x=x.h5:/x -o out.h5:/y"
    done = subprocess.run(["sh", "-c", limited], cwd=data, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "out.h5" in done.stderr, done.stderr
    assert sorted(os.listdir(data)) == ["x.h5"]


def test_stale_temporaries_are_removed(data):
    (data / ".out.h5.chunk-tmp-abc123").write_bytes(b"x")
    (data / ".other.h5.chunk-tmp-abc123").write_bytes(b"x")
    eval_ok("k", "k=x.h5:/k", "-o", "out.h5:/y", "-q", cwd=data)
    assert sorted(os.listdir(data)) == [".other.h5.chunk-tmp-abc123", "out.h5", "x.h5"]


@pytest.mark.parametrize("text", ["y = x + 0; z = x + 1", "z = x + 1; y = x + 0", "a = x*(k < 5); b = x*(k > 90000); c = x*(k > 40000)",
                                  "y = x + 0; s = sum(x, axis=0)", "y = x + 0; z = x + 1; s = sum(x, axis=1)", "y = where(k > 70000, x[::-1], 0); s = sum(y, axis=0)"])
def test_layout_does_not_depend_on_the_blocks(tmp_path, text):
    """Outputs in one file whose chunks begin with fill values: once, the place of a chunk depended on the block in which its first other value
    was met, and so on the ceiling."""
    rng = np.random.default_rng(8)
    x = rng.random((6, 1 << 17))
    x[0], x[3:] = 0, 0
    x[1, :20000], x[1, 1 << 16:70000], x[5, 131000:] = 0, 0, 3
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(2, 1 << 16))
        f["k"] = np.arange(1 << 17)
    args = ["x=x.h5:/x"] + (["k=x.h5:/k"] if "k" in text else [])
    files = set()
    least = json.loads(chunk_eval(text, *args, "-o", "o.h5:/", "--memory", "1MiB", "--json", cwd=tmp_path).stdout)["needed"] + (SLACK << 20)
    for memory in (least, least + (1 << 16), least + (1 << 18), least + (1 << 19), least + (1 << 20), least + (1 << 22), 100 << 20, 1 << 30):
        for threads in (1, 2, 8):
            eval_ok(text, *args, "-o", "o.h5:/", "--overwrite", "-q", "--memory", memory, "--threads", threads, cwd=tmp_path)
            files.add((tmp_path / "o.h5").read_bytes())
    assert len(files) == 1
    k = np.arange(1 << 17)
    y = np.where(k > 70000, x[::-1], 0) if "where" in text else x
    expected = {"y": y, "z": x + 1, "s": y.sum(axis=1 if "axis=1" in text else 0), "a": x * (k < 5), "b": x * (k > 90000), "c": x * (k > 40000)}
    with h5py.File(tmp_path / "o.h5") as f:
        assert all(np.allclose(f[name][...], expected[name], rtol=0, atol=1e-9 if name == "s" else 0) for name in f)


def start_reading(folder):
    """A run that has opened x.h5 and goes on for a while; x itself is read in its last pass."""
    args = ["eval", "x + 0*sum(sin(arange(100000000) * 0.5))", "x=x.h5:/x", "-o", "y.h5:/y", "--threads", "1", "--json"]
    p = subprocess.Popen([CHUNK, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
    for _ in range(5000):
        with open(f"/proc/{p.pid}/task/{p.pid}/children") as f:
            workers = f.read().split()
        for fd in Path(f"/proc/{workers[0]}/fd").iterdir() if workers else []:
            try:
                if os.readlink(fd) == str(folder / "x.h5"):
                    return p
            except OSError:
                pass
        time.sleep(0.002)
    raise AssertionError("x.h5 was not opened")


def test_input_changed_during_a_run(tmp_path):
    """Only a change of the size was noticed: new values of the same size gave a mixture of old and new."""
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f["x"] = np.arange(1000.0)
    p = start_reading(tmp_path)
    valid = (tmp_path / "x.h5").read_bytes()
    (tmp_path / "x.h5").open("r+b").write(valid[:-8] + bytes(8))
    out, err = p.communicate(timeout=120)
    assert p.returncode == 1
    assert err == "chunk: x.h5: changed while it was open for reading; nothing was written\n"
    assert json.loads(out) == {"error": err[7:-1], "exit": 1}
    assert os.listdir(tmp_path) == ["x.h5"]


def test_input_replaced_during_a_run(tmp_path):
    """A new file under the old name is another file: the run reads on in the one that it opened."""
    for name, first in ("x.h5", 0.0), ("new.h5", 7.0):
        with h5py.File(tmp_path / name, "w") as f:
            f["x"] = np.arange(first, first + 1000)
    p = start_reading(tmp_path)
    os.replace(tmp_path / "new.h5", tmp_path / "x.h5")
    out, err = p.communicate(timeout=120)
    assert p.returncode == 0, err
    assert (read(tmp_path / "y.h5", "y") == np.arange(1000.0)).all()


@pytest.mark.parametrize("shape,chunks", [((40, 200000), (20, 150000)), ((3, 30, 90000), (3, 12, 70000)), ((200000, 3), (140000, 2))])
def test_edge_chunks_of_one_block(tmp_path, shape, chunks):
    """Chunks of several blocks a row, which one window is put over, beside edge chunks whose rows are one block: a window over several rows is larger."""
    x = np.random.default_rng(3).integers(-100, 100, shape).astype("i1")
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=chunks)
    for memory in ("1GiB", ceiling(24)):
        eval_json("x + 1", "x=x.h5:/x", "-o", "y.h5:/y", "--overwrite", "--memory", memory, cwd=tmp_path)
        with h5py.File(tmp_path / "y.h5") as f:
            assert np.array_equal(f["y"][()], x + np.int8(1))


def test_one_file_by_several_names(tmp_path):
    """./o.h5 is o.h5: one writer, one rename."""
    (tmp_path / "l.h5").symlink_to("o.h5")
    for again in ([], ["--overwrite"]):
        eval_ok("a = 1; b = 2; c = 3", "-o", "o.h5:/a", "-o", "./o.h5:/b", "-o", f"{tmp_path}/../{tmp_path.name}/o.h5:/c", *again, "-q", cwd=tmp_path)
        with h5py.File(tmp_path / "o.h5") as f:
            assert {k: int(v[()]) for k, v in f.items()} == {"a": 1, "b": 2, "c": 3}
    eval_ok("a = 4; b = 5; c = 6", "-o", "o.h5:/a", "-o", "l.h5:/b", "-o", "o.h5:/c", "--overwrite", "-q", cwd=tmp_path)
    before = (tmp_path / "o.h5").read_bytes()
    eval_fails(2, "3; 2", "-o", "o.h5:/a", "-o", "./o.h5:/a", "--overwrite", cwd=tmp_path)
    assert (tmp_path / "o.h5").read_bytes() == before
