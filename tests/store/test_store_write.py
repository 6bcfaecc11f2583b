"""Files written through the store's sinks, read back by h5py, h5dump and netCDF's ncdump; overwriting, identical runs, kill -9."""
import hashlib
import os
import shutil
import signal
import subprocess
import time

import h5py
import hdf5plugin  # noqa: F401  (registers the filters)
import numpy as np
import pytest

ORACLE = os.path.join(os.environ["CHUNK_TESTBIN"], "store_write_oracle")
DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "complex64", "complex128"]
# In the quick run, three of them with every filter.
SOME = [t if t in ("bool", "float64", "complex64") else pytest.param(t, marks=pytest.mark.slow) for t in DTYPES]
FILTERS = ["none", "shuffle", "gzip=4", "gzip=1,shuffle", "gzip=4,shuffle,fletcher32", "lz4", "lz4,shuffle", "zstd=3,shuffle", "bitshuffle", "fletcher32"]
# shape, chunk: edges on no, some and all axes, one element, one chunk, many dimensions
GRIDS = [((1,), (1,)), ((100,), (7,)), ((35, 23), (10, 8)), ((16, 16), (16, 16)), ((9, 10, 11), (4, 10, 3)), ((3, 2, 2, 5, 3), (2, 2, 1, 4, 3)), ((5, 6000), (2, 5999))]


def dims(shape):
    return "x".join(map(str, shape)) or "-"


def one_set(path, x, chunk, filters="none", fill=None, block=0):
    fill = "-" if fill is None else x.dtype.type(fill).tobytes().hex()
    return ["set", path, x.dtype.name, dims(x.shape), dims(chunk), filters, fill, block]


def write(file, sets, *options, data=b"", **kw):
    args = [ORACLE, "write", file, *options, *sum(sets, [])]
    return subprocess.run([str(a) for a in args], input=data, capture_output=True, **kw)


def write_ok(file, arrays, *options):
    """arrays: [(path, x, chunk, kw)]"""
    done = write(file, [one_set(p, x, c, **kw) for p, x, c, kw in arrays], *options, data=b"".join(np.ascontiguousarray(x).tobytes() for _, x, _, _ in arrays))
    assert done.returncode == 0, done.stderr.decode()
    return int(done.stdout)


def sample(shape, dtype, seed=0):
    n = int(np.prod(shape))
    rng = np.random.default_rng(seed)
    x = 40 * np.sin(np.arange(n) / 10) + rng.random(n) * (rng.random(n) < 0.3)
    if dtype.startswith("complex"):
        x = x + 1j * x[::-1]
    return (x > 0 if dtype == "bool" else x.astype("i8").astype(dtype) if dtype.startswith("uint") else x.astype(dtype)).reshape(shape)


def leftovers(folder):
    return sorted(p for p in os.listdir(folder) if "chunk-tmp" in p)


@pytest.mark.parametrize("dtype", SOME)
@pytest.mark.parametrize("filters", FILTERS)
def test_h5py_reads_it(tmp_path, dtype, filters):
    f = tmp_path / "a.h5"
    arrays = [(f"/g{i}/x", sample(s, dtype, i), c, dict(filters=filters, block=b)) for i, (s, c) in enumerate(GRIDS) for b in [[0, 1, 5, 17, 1000][i % 5]]]
    write_ok(f, arrays, "seed=3")
    with h5py.File(f) as h:
        for path, x, chunk, _ in arrays:
            d = h[path]
            assert d.dtype == x.dtype and d.shape == x.shape and d.chunks == chunk
            assert d[:].tobytes() == np.ascontiguousarray(x).tobytes(), path
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("block", [0, 1, 3, 8, 9, 40, 100])
@pytest.mark.parametrize("filters", ["none", "gzip=4,shuffle", "lz4"])
@pytest.mark.parametrize("fill", [None, 7.5])
def test_fill_only_chunks_are_not_written(tmp_path, filters, fill, block):
    f = tmp_path / "a.h5"
    x = np.full((37, 29), fill or 0.0)
    x[12, 3] = 1.0     # one element; in the middle of its chunk
    x[36, 28] = -0.0   # equal to the fill value as a number, not as bytes; in the corner chunk
    x[20, 10:20] = 5
    write_ok(f, [("/x", x, (10, 8), dict(filters=filters, fill=fill, block=block))], "seed=9")
    touched = {(i // 10, j // 8) for i, j in [(12, 3), (36, 28), *((20, j) for j in range(10, 20))]}
    with h5py.File(f) as h:
        d = h["x"]
        assert d.id.get_num_chunks() == len(touched)
        assert {tuple(np.array(d.id.get_chunk_info(k).chunk_offset) // (10, 8)) for k in range(len(touched))} == touched
        dirty = np.full(x.shape, np.nan)
        d.read_direct(dirty)
        assert dirty.tobytes() == x.tobytes()
        assert d.fillvalue == (fill or 0.0)
    dump = subprocess.run(["h5dump", "-d", "/x", "-y", "-w", "0", f], capture_output=True, text=True)
    if filters != "lz4":  # h5dump has no plugin for it here
        values = dump.stdout[dump.stdout.index("DATA {"):].replace("}", " ").replace("DATA {", "").replace(",", " ").split()
        assert np.array_equal(np.array(values, float), x.ravel())


@pytest.mark.parametrize("fill", [None, 3])
def test_what_lies_outside_the_array_is_fill(tmp_path, fill):
    """Edge chunks are stored in full size; their padding is the fill value, not what was in memory."""
    f = tmp_path / "a.h5"
    x = np.arange(1, 1 + 23 * 13, dtype="int32").reshape(23, 13)
    for filters, block in [("none", 0), ("none", 4), ("none", 20), ("gzip=4", 0), ("shuffle,gzip=4", 0), ("fletcher32", 0), ("bitshuffle", 0)]:
        write_ok(f, [("/x", x, (10, 8), dict(filters=filters, fill=fill, block=block))], "overwrite")
        want = np.full((30, 16), fill or 0, "int32")
        want[:23, :13] = x
        with h5py.File(f, "r+") as h:
            # the same chunks, seen as an array of whole chunks
            e = h.create_dataset("whole", (30, 16), "int32", chunks=(10, 8), **filters_of(h["x"]))
            for i in range(3):
                for j in range(2):
                    mask, raw = h["x"].id.read_direct_chunk((i * 10, j * 8))
                    e.id.write_direct_chunk((i * 10, j * 8), raw, mask)
        with h5py.File(f) as h:
            assert np.array_equal(h["whole"][:], want), (filters, block)
        f.unlink()


def filters_of(d):
    options = {k: True for k in ["shuffle", "fletcher32"] if getattr(d, k)}
    if d.compression == "gzip":
        options.update(compression="gzip", compression_opts=d.compression_opts)
    elif "32008" in d._filters:
        options.update(hdf5plugin.Bitshuffle(cname="lz4"))
    return options


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (100,)])
def test_small_datasets_are_contiguous(tmp_path, shape):
    f = tmp_path / "a.h5"
    arrays = [(f"/{t}", sample(shape, t), (), {}) for t in DTYPES]
    write_ok(f, arrays)
    with h5py.File(f) as h:
        for path, x, _, _ in arrays:
            assert h[path].chunks is None and h[path].shape == shape and h[path].dtype == x.dtype
            assert h[path][()].tobytes() == x.tobytes()


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("filters", ["none", "gzip=4,shuffle", "zstd=3", "lz4", "bitshuffle"])
def test_two_runs_write_the_same_bytes(tmp_path, filters):
    arrays = [("/g/x", sample((301, 203), "float64"), (64, 50), dict(filters=filters, block=1000)), ("/y", sample((5, 6000), "int16"), (2, 5999), dict(block=100)),
              ("/g/deep/er/z", sample((), "bool"), (), {})]
    write_ok(tmp_path / "a.h5", arrays, "seed=1")
    time.sleep(1.1)  # times in the file would differ now
    write_ok(tmp_path / "b.h5", arrays, "seed=77", "durable")
    assert digest(tmp_path / "a.h5") == digest(tmp_path / "b.h5")


def test_h5dump_and_ncdump_read_it(tmp_path):
    f = tmp_path / "a.nc"
    x = sample((20, 30), "float32")
    write_ok(f, [("/x", x, (8, 8), dict(filters="gzip=4,shuffle")), ("/g/y", x, (8, 8), {})])
    assert subprocess.run(["h5dump", "-H", f], capture_output=True).returncode == 0
    if shutil.which("ncdump") is None:
        pytest.skip("ncdump is not installed")
    out = subprocess.run(["ncdump", "-h", f], capture_output=True, text=True)
    assert out.returncode == 0 and "float x(" in out.stdout, out.stderr


def test_where_chunks_begin(tmp_path):
    """At large bounds, up to a quarter of their size and 2 MiB; datasets that take turns in one file leave no gaps to speak of, nor do metadata."""
    f = tmp_path / "a.h5"
    x = np.arange(48 * 1024 * 1024 // 8, dtype="f8").reshape(-1, 1024)
    write_ok(f, [("x", x, (512, 1024), {}), ("b", x.astype("u1"), (512, 1024), {}), ("odd", x[:100, :125], (50, 125), {}), ("y", x[:2048], (1024, 1024), {})])
    with h5py.File(f) as h:
        at = {n: [h[n].id.get_chunk_info(i).byte_offset for i in range(h[n].id.get_num_chunks())] for n in "xby"}
        assert all((h[n][...] == x[:h[n].shape[0]].astype(h[n].dtype)).all() for n in "xby")
    assert all(a % 2**20 == 0 for a in at["x"]) and all(a % 2**17 == 0 for a in at["b"]) and all(a % 2**21 == 0 for a in at["y"])
    raw = x.nbytes + x.size + 2**24 + 100 * 125 * 8
    assert raw < f.stat().st_size < raw + 8 * 2**20


@pytest.mark.slow
def test_more_than_a_million_chunks(tmp_path):
    """From a million chunks on, the dataset has the newer index; it is read by h5py and by this machine's h5dump."""
    f = tmp_path / "a.h5"
    n = 1000003
    x = np.arange(1, n + 1, dtype="uint32")
    write_ok(f, [("/x", x, (1,), {}), ("/y", x[:100], (10,), {})])
    with h5py.File(f) as h:
        at = np.random.default_rng(1).integers(0, n, 200)
        assert all(h["x"][k] == x[k] for k in at) and np.array_equal(h["y"][:], x[:100])
    out = subprocess.run(["h5dump", "-d", "/x", "-s", "999990", "-c", "5", "-y", f], capture_output=True, text=True)
    assert "999991, 999992, 999993, 999994, 999995" in out.stdout
    assert f.stat().st_size < n * (4 + 24)


# ---- overwriting

X = np.arange(12.0).reshape(3, 4)


def try_write(file, paths, *options):
    return write(file, [one_set(p, X, (2, 2)) for p in paths], *options, data=X.tobytes() * len(paths))


def test_overwrite_rules(tmp_path):
    f = tmp_path / "a.h5"
    assert try_write(f, ["/g/x"]).returncode == 0
    before = digest(f)

    def refused(words, paths, *options, code=-8):
        done = try_write(f, paths, *options)
        text = done.stderr.decode()
        assert done.returncode == 1 and text.startswith(f"{code} ") and words in text and text.count("\n") == 1, text
        assert digest(f) == now and leftovers(tmp_path) == []

    now = before
    refused("/g/x exists already; --overwrite", ["/g/x"])
    refused("holds /g", ["/y"])
    refused("holds /g", ["/y"], "overwrite")
    refused("holds /g", ["/g"], "overwrite")
    assert try_write(f, ["/g/x", "/y"], "overwrite").returncode == 0
    now = digest(f)
    assert now != before
    refused("holds /y", ["/g/x"], "overwrite")
    for what, make in {
        "attributes of /": lambda h: h.attrs.update(a=1), "attributes of /g": lambda h: h["g"].attrs.update(a=1),
        "/g/other": lambda h: h["g"].create_group("other"), "the link /soft": lambda h: h.update({"soft": h5py.SoftLink("/g/x")}),
        "the link /ext": lambda h: h.update({"ext": h5py.ExternalLink("b.h5", "/x")}), "/type": lambda h: h.update({"type": np.dtype("f8")}),
    }.items():
        f.unlink()
        assert try_write(f, ["/g/x"]).returncode == 0
        with h5py.File(f, "r+") as h:
            make(h) if what != "/type" else h.__setitem__("type", np.dtype("f8"))
        now = digest(f)
        refused(what, ["/g/x"], "overwrite")
    f.write_bytes(b"not HDF5 at all")
    now = digest(f)
    refused("not an HDF5 file", ["/x"], "overwrite")
    f.write_bytes(b"")
    now = digest(f)
    refused("exists", ["/x"])
    assert try_write(f, ["/x"], "overwrite").returncode == 0


def test_overwrite_keeps_permissions_and_links(tmp_path):
    f, link = tmp_path / "a.h5", tmp_path / "link.h5"
    assert try_write(f, ["/x"]).returncode == 0
    f.chmod(0o640)
    link.symlink_to("a.h5")
    assert try_write(link, ["/x"], "overwrite").returncode == 0
    assert link.is_symlink() and f.stat().st_mode & 0o777 == 0o640
    link.unlink()
    link.symlink_to("nowhere.h5")
    done = try_write(link, ["/x"])
    assert done.returncode == 1 and b"leads nowhere" in done.stderr


def test_places_that_cannot_be(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    for path, words in [(folder, "is a folder"), (f"{folder}/", "is a folder"), (tmp_path / "none" / "a.h5", "No such file"), ("/dev/null", "not a regular file"),
                        (f"{tmp_path}/{'n' * 300}", "File name too long"), ("", "empty name")]:
        done = try_write(path, ["/x"])
        assert done.returncode == 1 and words in done.stderr.decode(), done.stderr
    for name, words in [("", "empty"), ("/", "empty"), ("/a/./b", "'.'")]:
        done = try_write(tmp_path / "a.h5", [name])
        assert done.returncode == 1 and words in done.stderr.decode()
    done = try_write(tmp_path / "a.h5", ["/x", "x"])
    assert done.returncode == 1 and b"written twice" in done.stderr
    done = try_write(tmp_path / "a.h5", ["/x", "/x/y"])
    assert done.returncode == 1 and b"cannot create the dataset /x/y" in done.stderr
    assert os.listdir(tmp_path) == ["d"] and os.listdir(folder) == []
    assert try_write(tmp_path / ("n" * 250 + ".h5"), ["//a///b/"]).returncode == 0


def test_a_file_that_another_program_writes(tmp_path):
    f = tmp_path / "a.h5"
    with h5py.File(f, "w", locking=True) as h:
        h["x"] = X
        h.flush()
        done = try_write(f, ["/x"], "overwrite")
        assert done.returncode == 1 and b"in use" in done.stderr, done.stderr


# ---- endings

def test_abort_leaves_nothing(tmp_path):
    assert try_write(tmp_path / "a.h5", ["/x"], "abort").returncode == 3
    assert os.listdir(tmp_path) == []


def start_half(f, *options):
    args = [ORACLE, "write", str(f), "half", *options, *map(str, one_set("/x", X, (2, 2)))]
    p = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdin.write(X.tobytes())
    p.stdin.close()
    assert p.stdout.readline() == b"half\n"
    return p


def test_kill_9_leaves_the_old_file(tmp_path):
    f = tmp_path / "a.h5"
    assert try_write(f, ["/x"]).returncode == 0
    before = digest(f)
    (tmp_path / ".a.h5.chunk-tmp-keepmeplease").write_text("not one of ours: the name is longer")
    p = start_half(f, "overwrite")
    live = leftovers(tmp_path)
    assert len(live) == 2
    # one that is alive is not touched by another run
    assert try_write(f, ["/x"], "overwrite").returncode == 0
    assert leftovers(tmp_path) == live
    before = digest(f)
    p.send_signal(signal.SIGKILL)
    p.wait()
    p.stdout.close()
    assert digest(f) == before and leftovers(tmp_path) == live
    # the next run removes it
    assert try_write(f, ["/x"], "overwrite").returncode == 0
    assert leftovers(tmp_path) == [".a.h5.chunk-tmp-keepmeplease"]
    assert np.array_equal(h5py.File(f)["x"][:], X)


def test_file_size_limit_is_a_clean_error(tmp_path):
    """A real failing write: the process may not make files larger than 64 KiB."""
    x = np.random.default_rng(1).random((200, 200))

    def limit():
        import resource
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    done = write(tmp_path / "a.h5", [one_set("/x", x, (50, 50))], data=x.tobytes(), preexec_fn=limit)
    assert done.returncode == 1 and b"File too large" in done.stderr and os.listdir(tmp_path) == []


def test_full_disk_is_said_so(tmp_path):
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", tmp_path], capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        x = np.random.default_rng(1).random((300, 300))
        done = write(tmp_path / "a.h5", [one_set("/x", x, (50, 50))], data=x.tobytes())
        assert done.returncode == 1 and done.stderr.startswith(b"-9 ") and b"No space left" in done.stderr and os.listdir(tmp_path) == []
    finally:
        subprocess.run(["umount", tmp_path])
