"""--into FILE:/DATASET[REGION]: elements of a dataset that exists get new values where they lie."""
import fcntl
import os
import random
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest
from chunkcli import CHUNK, SLACK, assert_held, ceiling, chunk_eval, eval_fails, eval_json, eval_ok, has_faults, small_disk

LEVEL = os.environ.get("CHUNK_TEST_LEVEL", "standard")
LAYOUTS = ("contiguous", "chunked", "half", "empty", "contiguous, empty")


def item(rng, n):
    if rng.random() < 0.2:
        i = int(rng.integers(-n, n))
        return str(i), i
    a, b = int(rng.integers(-n - 2, n + 3)), int(rng.integers(-n - 2, n + 3))
    step = int(rng.choice([1, 1, 1, 2, 3, -1, -2, 7]))
    return (f"{a}:{b}:{step}", slice(a, b, step)) if rng.random() < 0.8 else (":", slice(None))


def dataset(path, rng, layout):
    ndim = int(rng.integers(1, 4))
    shape = tuple(int(n) for n in rng.integers(1, (60, 30, 14)[ndim - 1], ndim))
    dtype = rng.choice(["float64", "float32", "int16", "uint8"])
    options = {} if layout.startswith("contiguous") else {"chunks": tuple(int(rng.integers(1, n + 1)) for n in shape)}
    if rng.random() < 0.3:
        options["fillvalue"] = 7
    version = "v110" if rng.random() < 0.5 else "earliest"
    with h5py.File(path, "w", libver=(version, "v110")) as f:
        d = f.create_dataset("g/x", shape, dtype, **options)
        values = (rng.random(shape) * 100).astype(dtype)
        if layout in ("contiguous", "chunked"):
            d[...] = values
        elif layout == "half":
            part = tuple(slice(0, (n + 1) // 2) for n in shape)
            d[part] = values[part]
        x = d[...]
        f["y"] = x[::-1]
        return x


@pytest.mark.parametrize("layout", LAYOUTS)
def test_into_regions(tmp_path, seed, layout):
    """Any region of any layout, chunks that are not stored included; values of every kind, also such as are read elsewhere in what they overwrite."""
    path = tmp_path / "p.h5"
    for k in range(60 if LEVEL == "full" else 8):
        rng = np.random.default_rng([seed, LAYOUTS.index(layout), k])
        x = dataset(path, rng, layout)
        items = [item(rng, n) for n in x.shape][: int(rng.integers(1, x.ndim + 1))]
        region, key = "[" + ", ".join(t for t, _ in items) + "]", tuple(v for _, v in items)
        text, values = {0: ("3", 3), 1: (f"x{region}*2 + 1", x[key] * 2 + 1), 2: (f"y{region}", x[::-1][key]), 3: (f"flip(atleast_1d(x{region}))", np.flip(x[key])),
                        4: (f"x{region} + max(x)", x[key] + x.max())}[int(rng.integers(5))]
        want = x.copy()
        want[key] = np.asarray(values).astype(x.dtype)
        names = [f"{n}={path}:{p}" for n, p in (("x", "/g/x"), ("y", "/y")) if n in text.replace("max", "")]
        eval_ok(text, *names, "--into", f"{path}:/g/x{region}", "--threads", int(rng.integers(1, 3)), "-q")
        with h5py.File(path) as f:
            assert np.array_equal(f["g/x"][...], want), f"{text} into {region} of {x.shape}, {layout}"
            assert np.array_equal(f["y"][...], x[::-1])


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    d = tmp_path_factory.mktemp("into")
    with h5py.File(d / "x.h5", "w") as f:
        f.create_dataset("x", data=np.arange(2000 * 3000, dtype="float64").reshape(2000, 3000), chunks=(100, 300))
    return d


def fresh(large, tmp_path):
    path = tmp_path / "x.h5"
    path.write_bytes((large / "x.h5").read_bytes())
    return path


@pytest.mark.parametrize("text, region, change", [
    ("x[:-1]", "1:", lambda x: x[:-1]),
    ("x[1:]", ":-1", lambda x: x[1:]),
    ("x[:, ::-1]", "...", lambda x: x[:, ::-1]),
    ("x[:1000, 1:] + x[1000:, :-1]", ":1000, 1:", lambda x: x[:1000, 1:] + x[1000:, :-1]),
    ("cumulative_sum(x, axis=0)", ":", lambda x: np.cumsum(x, axis=0)),
    ("x[::-1]*0 + x", "...", lambda x: x[::-1] * 0 + x),
])
def test_into_what_is_read_elsewhere(large, tmp_path, text, region, change):
    """Input and output overlap: as if all values had been computed first, under a ceiling that does not hold them."""
    path = fresh(large, tmp_path)
    with h5py.File(path) as f:
        x = f["x"][...]
    got = eval_json(text, f"x={path}:/x", "--into", f"{path}:/x[{region}]", "--memory", ceiling(32), "--threads", 2)
    assert_held(got)
    assert got["bytes_spilled"] > 0 or SLACK  # with a sanitizer's room nothing has to be
    want = x.copy()
    want[{"1:": np.s_[1:], ":-1": np.s_[:-1], "...": np.s_[...], ":": np.s_[:], ":1000, 1:": np.s_[:1000, 1:]}[region]] = change(x)
    with h5py.File(path) as f:
        assert np.array_equal(f["x"][...], want)


@pytest.mark.parametrize("text, region", [("x[5:100]*2", "5:100"), ("where(x > 1000, 0, x)", "..."), ("x[x > 1000] = 0; x", "..."), ("x - mean(x, axis=0)", ":"), ("x[::-2, 3] + 1", "::-2, 3")])
def test_into_where_it_is_read_needs_no_copy(large, tmp_path, text, region):
    path = fresh(large, tmp_path)
    got = eval_json(text, f"x={path}:/x", "--into", f"{path}:/x[{region}]", "--memory", ceiling(32), "--explain")
    assert got["bytes_spilled"] == 0 and "keep" not in str(got["plan"])


def test_into_adds_only_the_chunks_it_needs(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", (1000, 1000), "float64", chunks=(100, 100), fillvalue=2.5)
    eval_ok("arange(30)", "--into", "x.h5:/x[5:305:10, 120]", "-q", cwd=tmp_path)
    with h5py.File(tmp_path / "x.h5") as f:
        want = np.full((1000, 1000), 2.5)
        want[5:305:10, 120] = np.arange(30)
        assert f["x"].id.get_num_chunks() == 3 and np.array_equal(f["x"][...], want)
    assert subprocess.run(["h5dump", "-H", tmp_path / "x.h5"], capture_output=True).returncode == 0


def test_into_refusals(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("z", data=np.zeros((10, 20)), chunks=(5, 5), compression="gzip")
        f.create_dataset("x", data=np.zeros((10, 20)))
        f.create_dataset("big", data=np.zeros(10, ">f8"))
        f["text"] = "a"
    before = (tmp_path / "x.h5").read_bytes()

    def refused(code, words, *args):
        assert words in eval_fails(code, *args, cwd=tmp_path)

    refused(1, "x.h5:/z cannot be changed in place: it is stored with filters; store the new version of it with -o in another file", "1", "--into", "x.h5:/z[2]")
    refused(1, "other byte order", "1", "--into", "x.h5:/big")
    refused(1, "cannot be computed with", "1", "--into", "x.h5:/text")
    refused(1, "values of shape (3,) do not fit into the region's (10, 20)", "arange(3)", "--into", "x.h5:/x")
    refused(1, "index 10 is out of bounds for axis 0 with size 10", "1", "--into", "x.h5:/x[10]")
    refused(1, "3 indices for 2 axes", "1", "--into", "x.h5:/x[1, 2, 3]")
    refused(1, "complex values do not go into", "1j", "--into", "x.h5:/x")
    refused(1, "no dataset", "1", "--into", "x.h5:/nothing")
    for region in ("[1:2:3:4]", "[a]", "[1,,2]", "[]", "[::0]", "[..., ...]", "[1"):
        refused(2 if region != "[1" else 1, "--into" if region != "[1" else "no dataset", "1", "--into", f"x.h5:/x{region}")
    refused(2, "--into takes one result, the expression has 2", "1; 2", "--into", "x.h5:/x")
    refused(2, "give one of them", "1", "--into", "x.h5:/x", "-o", "y.h5:/y")
    refused(2, "mean nothing with it", "1", "--into", "x.h5:/x", "--filter", "gzip")
    refused(3, "needs at least", "1", "--into", "x.h5:/x", "--memory", "1")
    assert (tmp_path / "x.h5").read_bytes() == before
    with h5py.File(tmp_path / "x.h5"):
        refused(1, "in use: another program has it open", "1", "--into", "x.h5:/x")
    assert (tmp_path / "x.h5").read_bytes() == before
    eval_ok("1.5", "--into", "x.h5:/x[3, 4]", "-q", cwd=tmp_path)
    with h5py.File(tmp_path / "x.h5") as f:
        assert f["x"][3, 4] == 1.5 and np.count_nonzero(f["x"][...]) == 1


def test_into_read_only(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f["x"] = np.zeros(10)
    (tmp_path / "x.h5").chmod(0o444)
    if os.access(tmp_path / "x.h5", os.W_OK):
        pytest.skip("nothing is read-only for root")
    assert "cannot open for writing" in eval_fails(1, "1", "--into", "x.h5:/x", cwd=tmp_path)


def old_or_new(path, old, new):
    """The file opens, and every element is one of the two."""
    with h5py.File(path) as f:
        got = f["x"][...]
    assert np.all((got == old) | (got == new)) and not np.isnan(got).any()
    return got


def gone(path):
    """The process that had the file locked has ended."""
    with open(path) as f:
        fcntl.flock(f, fcntl.LOCK_EX)


def end_of_allocation(path):
    """What the superblock says, of version 0: the last thing that HDF5 writes when it has entered chunks."""
    with open(path, "rb") as f:
        return int.from_bytes(f.read(48)[40:], "little")


def test_into_killed(large, tmp_path, seed):
    """kill -9 at any time after the new chunks are entered leaves a sound file (the moment in which HDF5 writes its index is not safe: h5place.c); what was not
    stored before is there or is not."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as f:
        d = f.create_dataset("x", (2000, 3000), "float64", chunks=(100, 300))
        d[:1000] = 1.0
    first, some, before = path.read_bytes(), 0, end_of_allocation(path)
    assert before == len(first)
    with h5py.File(path) as f:
        old = f["x"][...]
    command = [CHUNK, "eval", "exp(sin(x))*0 + 5", f"x={large}/x.h5:/x", "--into", f"{path}:/x", "--threads", "2", "--memory", ceiling(48), "-q"]
    start = time.monotonic()
    subprocess.run(command, check=True)
    full = time.monotonic() - start
    assert np.all(old_or_new(path, old, 5.0) == 5.0)
    rng = random.Random(seed)
    for _ in range(40 if LEVEL == "full" else 8):
        path.write_bytes(first)
        run = subprocess.Popen(command, start_new_session=True)
        end = time.monotonic() + rng.random() * full
        while (time.monotonic() < end or end_of_allocation(path) == before) and run.poll() is None:
            time.sleep(0.0001)
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
        gone(path)
        some += 0 < np.count_nonzero(old_or_new(path, old, 5.0) == 5.0) < old.size
    assert LEVEL != "full" or some, "no run was killed between its first and last element"


@pytest.mark.skipif(not has_faults(), reason="this build has no failure on demand")
@pytest.mark.parametrize("kind", ["alloc", "read", "write", "thread"])
def test_into_fault_at_every_site(tmp_path, seed, kind):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as f:
        d = f.create_dataset("x", (300, 400), "float64", chunks=(100, 128))
        d[:100] = 1.0
    first = path.read_bytes()
    with h5py.File(path) as f:
        old = f["x"][...]

    def run(fault):
        path.write_bytes(first)
        return chunk_eval("x[:, ::-1]*0 + 5", f"x={path}:/x", "--into", f"{path}:/x[:, ::3]", "--threads", 2, "--memory", ceiling(48), "-q", env={"CHUNK_FAULT": fault})

    last = 1
    while run(f"{kind}:{last}:all").returncode and last < 1 << 14:
        last *= 2
    sites, failures = range(1, last + 1), 0
    for site in random.Random(seed).sample(sites, min(150 if LEVEL == "full" else 12, len(sites))):
        for mode in ("", ":all"):
            done = run(f"{kind}:{site}{mode}")
            failures += done.returncode != 0
            assert done.returncode in (0, 1), f"{kind}:{site}{mode}: {done.stderr}"
            assert done.returncode == 0 or (done.stderr.count("chunk: ") == 1 and "crashed" not in done.stderr), done.stderr
            got = old_or_new(path, old, 5.0)
            assert np.array_equal(got == 5, np.zeros_like(got, bool)) or np.all(np.argwhere(got == 5)[:, 1] % 3 == 0)
            assert done.returncode or np.all(got[:, ::3] == 5)
            if "have new values" in done.stderr:
                assert (got == 5).any()
    assert failures or kind == "thread"
    assert os.listdir(tmp_path) == ["x.h5"]


def test_into_full_disk(tmp_path):
    """Room for chunks that are not stored is had before anything changes; what is stored needs none."""
    disk = small_disk(tmp_path, "3m")
    try:
        with h5py.File(disk / "x.h5", "w") as f:
            d = f.create_dataset("x", (1000, 1000), "float64", chunks=(100, 100))
            d[:200] = 1.0
        before = (disk / "x.h5").read_bytes()
        assert "x.h5: no room for 80 new chunks of /x, which need 6.2 MiB" in eval_fails(1, "3", "--into", "x.h5:/x", cwd=disk)
        assert (disk / "x.h5").read_bytes() == before
        rest = os.open(disk / "rest", os.O_WRONLY | os.O_CREAT)
        with pytest.raises(OSError):
            while True:
                os.write(rest, bytes(4096))
        os.close(rest)
        eval_ok("3", "--into", "x.h5:/x[:200]", "-q", cwd=disk)
        with h5py.File(disk / "x.h5") as f:
            assert np.all(f["x"][:200] == 3) and not f["x"][200:].any()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("chunks", [None, (3000,)])
@pytest.mark.parametrize("text, region", [("x", "::-1"), ("x[::-1]", ":"), ("x[1:]", ":-1"), ("x[:-1]", "1:"), ("flip(x[::-1])", "::-1")])
def test_a_dataset_into_itself_in_another_order(tmp_path, chunks, text, region):
    """Nothing but the dataset itself, read elsewhere than where it is written: it was overwritten while it was read."""
    x = np.arange(20000)
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=chunks)
    eval_ok(text, "x=in.h5:/x", "--into", f"in.h5:/x[{region}]", cwd=tmp_path)
    want = x.copy()
    if region == "::-1":
        want[::-1] = x
    elif region == ":":
        want[:] = x[::-1]
    else:
        want[:-1 if region == ":-1" else None][0 if region == ":-1" else 1:] = x[1:] if region == ":-1" else x[:-1]
    with h5py.File(tmp_path / "in.h5") as f:
        assert np.array_equal(f["x"], want)


def test_through_an_external_link(tmp_path):
    """What a link shows of another file is changed there, and nothing in the file that was named."""
    with h5py.File(tmp_path / "b.h5", "w") as f:
        f["x"] = np.arange(5000.0)
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f["pad"] = np.full(20000, 7.5)
        f["x"] = h5py.ExternalLink("b.h5", "/x")
    named = (tmp_path / "a.h5").read_bytes()
    eval_ok("-1", "--into", "a.h5:/x[0:3]", cwd=tmp_path)
    with h5py.File(tmp_path / "b.h5") as f:
        assert np.array_equal(f["x"][:5], [-1, -1, -1, 3, 4])
    assert (tmp_path / "a.h5").read_bytes() == named


@pytest.mark.parametrize("text, region, says", [("1.5", "[0, 0]", "int8  1 B"), ("1.5", "[8:2:-2]", "3x4 int8  12 B"), ("arange(4)", "[-1, ...]", "4 int8  4 B"),
                                                ("7", "", "10x4 int8  40 B"), ("7", "[..., 3:9]", "10x1 int8  10 B"), ("7", "[20:30]", "0x4 int8  0 B")])
def test_summary_names_what_is_there(tmp_path, text, region, says):
    with h5py.File(tmp_path / "f.h5", "w") as f:
        f["b"] = np.zeros((10, 4), "int8")
    done = chunk_eval(text, "--into", f"f.h5:/b{region}", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr.splitlines()[0] == f"f.h5:/b  {says}"


@pytest.mark.parametrize("text", ["v[i]", "2*take(v, i, axis=0) + 1", "take_along_axis(v, i, axis=0)", "put(v, i, 7)", "v[i] = 7; v",
                                  "reshape(put(reshape(v, (30, -1)), i, 7), -1)"])
def test_bad_index_changes_nothing(tmp_path, text):
    """Elements before the bad index had been overwritten when it was found; what the indices are is now looked at first."""
    n = 300_000
    for bad in (n, -n - 1):
        with h5py.File(tmp_path / "x.h5", "w") as f:
            f.create_dataset("x", data=np.zeros(n), chunks=(10_000,))
            f.create_dataset("v", data=np.ones(n), chunks=(10_000,))
            i = np.arange(n)
            i[-5] = bad
            f.create_dataset("i", data=i, chunks=(10_000,))
        inputs = [f"{k}={tmp_path}/x.h5:/{k}" for k in "vi"]
        text_of_error = eval_fails(1, text, *inputs, "--into", f"{tmp_path}/x.h5:/x", "--threads", "2")
        assert f"index {bad} is out of bounds for axis 0 with size {n}" in text_of_error and "new values already" not in text_of_error
        with h5py.File(tmp_path / "x.h5", "r+") as f:
            assert not f["x"][...].any()
            f["i"][-5] = 0
        eval_ok(text, *inputs, "--into", f"{tmp_path}/x.h5:/x")
        with h5py.File(tmp_path / "x.h5") as f:
            assert f["x"][...].all()
