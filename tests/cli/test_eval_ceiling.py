"""The ceiling of the whole command: measured <= projected <= ceiling, refusals that name what would do."""
import json
import re

import h5py
import numpy as np
import pytest
from chunkcli import assert_held, chunk_eval, eval_fails, eval_json, is_sanitized

pytestmark = pytest.mark.skipif(is_sanitized(), reason="sanitizers multiply memory")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ceiling")
    rng = np.random.default_rng(3)
    with h5py.File(folder / "x.h5", "w") as f:
        x = rng.random((2048, 2048))
        f.create_dataset("x", data=x, chunks=(512, 512))
        f.create_dataset("flat", data=x)
        f.create_dataset("zip", data=x, chunks=(256, 256), compression="gzip", compression_opts=1, shuffle=True)
    return folder


TEXTS = ["mean(x)", "sum(x, axis=0)", "std(x, axis=1)", "exp(-x)*x + 1", "(x - mean(x)) / std(x)", "x[::-1, ::3]", "argmax(x, axis=0)", "max(abs(x[5]))"]


@pytest.mark.parametrize("name", ["x", "flat", "zip"])
@pytest.mark.parametrize("text", TEXTS)
def test_peaks_under_the_ceiling(data, tmp_path, text, name):
    for memory, store in (("32MiB", False), ("64MiB", True), ("200MiB", True)):
        out = ["-o", f"{tmp_path}/{memory}.h5:/y"] if store else []
        got = eval_json(text, f"x={data}/x.h5:/{name}", "--memory", memory, *out)
        assert 0 < got["measured_peak"] <= got["projected_peak"] <= got["ceiling"], got


@pytest.mark.parametrize("text", TEXTS)
def test_refusal_says_what_would_do(data, tmp_path, text):
    """N is rounded up and then accepted; needed is exact, and enough to work with: chunks are decoded a few times at most; nothing is touched."""
    with h5py.File(data / "x.h5") as f:
        stored = f["zip"].id.get_storage_size()
    args = [text, f"x={data}/x.h5:/zip", "-o", f"{tmp_path}/y.h5:/y"]
    for memory in ("0", "1", "1MiB", "8MiB"):
        line = eval_fails(3, *args, "--memory", memory)
        assert list(tmp_path.iterdir()) == []
        mebibytes = int(re.search(r"needs at least (\d+) MiB$", line).group(1))
    failure = chunk_eval(*args, "--memory", "1MiB", "--json")
    needed = int(re.search(r'"needed": (\d+)', failure.stdout).group(1))
    assert (mebibytes - 1) << 20 < needed <= mebibytes << 20
    explained = chunk_eval(*args, "--memory", "1MiB", "--explain")
    assert explained.returncode == 3 and explained.stderr.endswith(f"needs at least {mebibytes} MiB\n")
    assert eval_json(*args, "--memory", f"{mebibytes}MiB", "--explain")["projected_peak"] <= mebibytes << 20
    exact = eval_json(*args, "--memory", needed)
    assert exact["measured_peak"] <= exact["projected_peak"] <= needed
    assert exact["bytes_read"] <= 4 * stored
    assert chunk_eval(*args, "--overwrite", "--memory", needed - 4096).returncode == 3


def test_same_answer_under_every_ceiling(data):
    texts = "a = mean(x); b = sum(x[:, 7]); c = std(x, axis=0)[3]; d = sum(sin(x)*x)"
    values = [eval_json(texts, f"x={data}/x.h5:/zip", "--memory", m, "--threads", t)["values"] for m in ("33MiB", "50MiB", "300MiB") for t in (1, 2, 8)]
    assert all(v == values[0] for v in values)


def test_absent_chunks_cost_nothing(tmp_path):
    """10 TiB of which nothing is stored is planned and summed."""
    with h5py.File(tmp_path / "huge.h5", "w") as f:
        f.create_dataset("x", shape=(1 << 20, 5 << 18), dtype="f8", chunks=(1024, 1024), fillvalue=1.0)
    got = eval_json("max(x[:4096])", f"x={tmp_path}/huge.h5:/x", "--memory", "40MiB")
    assert got["value"] == 1.0 and got["measured_peak"] <= got["ceiling"]
    plan = eval_json("sum(x + 1)", f"x={tmp_path}/huge.h5:/x", "--memory", "40MiB", "--explain")
    assert plan["shapes"] == [[]]


@pytest.mark.parametrize("fill", [0.0, 2.5, -2.5, np.nan])
@pytest.mark.parametrize("shape, chunks", [((450, 700), (64, 96)), ((2100, 2500), (1024, 1024)), ((30, 40, 50), (8, 16, 7))])
def test_reductions_over_absent_chunks(tmp_path, shape, chunks, fill):
    """States of blocks of fill alone are taken from the last one, but for indices, which are those of the block's first elements."""
    random = np.random.default_rng(len(shape) + shape[0])
    x = np.full(shape, fill)
    with h5py.File(tmp_path / "x.h5", "w") as f:
        d = f.create_dataset("x", shape, "f8", chunks=chunks, fillvalue=fill)
        for chunk in list(d.iter_chunks())[3::5]:
            d[chunk] = x[chunk] = random.integers(-2, 3, [k.stop - k.start for k in chunk])
    names = ["argmax", "argmin", "max", "sum", "nanargmax", "nanargmin"] if not np.isnan(fill) else ["argmax", "argmin", "max"]
    for axis in (None, *range(len(shape))):
        texts = [f"{name}(x, axis={axis})" for name in names]
        expected = [eval(f"np.{t}", {"np": np, "x": x}) for t in texts]
        for which in *([k] for k in range(len(names))), range(len(names)):  # one by one, and all in one pass
            outs = [a for k in which for a in ("-o", f"{tmp_path}/r.h5:/{names[k]}")]
            eval_json("; ".join(texts[k] for k in which), f"x={tmp_path}/x.h5:/x", *outs, "--memory", "40MiB")
            with h5py.File(tmp_path / "r.h5") as f:
                for k in which:
                    assert np.array_equal(f[names[k]][()], expected[k], equal_nan=True), texts[k]
            (tmp_path / "r.h5").unlink()


def test_absent_chunks_of_several_fills(tmp_path):
    """One array after the other: blocks of one shape, but not of one value."""
    with h5py.File(tmp_path / "x.h5", "w") as f:
        for name, fill in ("x", 1.0), ("y", 5.0), ("z", -2.0):
            f.create_dataset(name, (200, 300), "f8", chunks=(50, 60), fillvalue=fill)
    x, y, z = (np.full((200, 300), fill) for fill in (1.0, 5.0, -2.0))
    bindings = [f"{name}={tmp_path}/x.h5:/{name}" for name in "xyz"]
    for threads in 1, 2:
        got = eval_json("c := concat([x, y, z, x]); sum(c); max(c); argmax(c); argmin(c); mean(c, axis=1)[390:410]; sum(c, axis=0)[7]; sum(c + x[0, 0])",
                        *bindings, "--threads", threads)["values"]
        c = np.concatenate([x, y, z, x])
        assert got == [c.sum(), c.max(), c.argmax(), c.argmin(), c.mean(axis=1)[390:410].tolist(), c.sum(axis=0)[7], (c + 1).sum()]
    for text, expected in ("sum(concat([x, y, z, x]))", 5 * 60000.0), ("max(concat([x, y]))", 5.0), ("min(concat([y, z, x]))", -2.0), ("var(concat([x, y]))", 4.0):
        assert eval_json(text, *(b for b in bindings if b[0] in text.split("(", 2)[2]))["value"] == expected, text


@pytest.mark.parametrize("text", ["x", "x[::64, ::64]", "x[1000:1030, ::-5]", "permute_dims(x[:, 3:9])", "sum(x)"])
def test_one_input_in_large_filtered_chunks(tmp_path, text):
    """40 MiB are enough for chunks of 8 MiB. Printing a part of them once decoded them whole, unshuffled, in a third buffer."""
    x = np.random.default_rng(6).random((1536, 1024))
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(1024, 1024), compression="gzip", compression_opts=1, shuffle=True)
    done = chunk_eval(text, f"x={tmp_path}/x.h5:/x", "--memory", "40MiB")
    assert done.returncode == 0, done.stderr
    expected = eval(text, {"x": x, "sum": np.sum, "permute_dims": np.transpose})
    if np.ndim(expected):
        assert done.stdout == f"{expected}\n"
    else:
        assert float(done.stdout) == pytest.approx(expected, rel=1e-12)
    stored = eval_json(text, f"x={tmp_path}/x.h5:/x", "--memory", "64MiB", "-o", f"{tmp_path}/y.h5:/y")
    assert stored["measured_peak"] <= stored["projected_peak"]
    with h5py.File(tmp_path / "y.h5") as f:
        assert np.allclose(f["y"][()], expected, rtol=1e-12, atol=0) if not np.ndim(expected) else (f["y"][...] == expected).all()


def test_external_links(tmp_path):
    """Read in the file that they lead to, however deep; a link that leads nowhere says so."""
    x, c = np.arange(5000.0), np.arange(6000.0).reshape(60, 100)
    (tmp_path / "sub").mkdir()
    with h5py.File(tmp_path / "sub" / "b.h5", "w") as f:
        f["x"] = x
        f["g/c"] = c
        f.create_dataset("g/z", data=c, chunks=(7, 13), compression="gzip")
        f.create_dataset("g/k", data=c, chunks=(7, 13))
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f["pad"] = np.full(20000, 7.5)
        f["x"] = h5py.ExternalLink("sub/b.h5", "/x")
        f["g"] = h5py.ExternalLink("sub/b.h5", "/g")
        f["gone"] = h5py.ExternalLink("no.h5", "/x")
        f["soft"] = h5py.SoftLink("/g/c")
    with h5py.File(tmp_path / "c.h5", "w") as f:
        f["x"] = h5py.ExternalLink("a.h5", "/x")
    for name, want in (("a.h5:/x", x), ("c.h5:/x", x), ("a.h5:/g/c", c), ("a.h5:/g/z", c), ("a.h5:/g/k", c)):
        assert eval_json("sum(v)", f"v={name}", cwd=tmp_path)["value"] == want.sum(), name
    assert "external link" in eval_fails(1, "sum(v)", "v=a.h5:/gone", cwd=tmp_path)
    assert "b.h5" in eval_fails(1, "sum(v)", "v=a.h5:/soft", cwd=tmp_path)


def nest(times, fn, x):
    for _ in range(times):
        x = fn(x)
    return x


NESTED = {
    "gradient": lambda np, x: nest(7, lambda e: np.gradient(e, axis=0), x),
    "pad": lambda np, x: np.pad(np.pad(np.pad(x, 1, mode="reflect"), 2, mode="wrap"), 1, mode="symmetric"),
    "roll": lambda np, x: nest(4, lambda e: np.roll(e, 1, axis=(0, 1, 2)), x),
    "roll flat": lambda np, x: nest(9, lambda e: np.roll(e, 5), x),
    "concatenate": lambda np, x: nest(4, lambda e: np.concatenate((e[3:], e[:3][::-1])) + np.roll(e, 2, axis=1), x),
    "mixture": lambda np, x: nest(4, lambda e: np.pad(np.gradient(e, axis=1) + np.roll(e, 1, axis=0), 1, mode="edge"), x),
    "deep": lambda np, x: nest(8, lambda e: np.gradient(e, axis=1) + 1, x),
    "scans": lambda np, x: nest(4, lambda e: np.cumulative_sum(np.gradient(e, axis=0), axis=1) + np.tile(e, 2)[:, :, :5], x),
}


class Spelled(str):
    """Operators and calls of NumPy as the text of an expression."""
    def __add__(self, other):
        return Spelled(f"({str(self)} + {str(other)})")

    def __getitem__(self, key):
        keys = key if isinstance(key, tuple) else (key,)
        parts = [":".join("" if v is None else str(v) for v in (k.start, k.stop, 1 if k.step is None else k.step)) for k in keys]
        return Spelled(f"{str(self)}[{', '.join(parts)}]")


class Speller:
    def __getattr__(self, name):
        def call(*args, **kw):
            spelled = [f"({', '.join(map(str, a))})" if isinstance(a, tuple) else str(a) for a in args]
            return Spelled(f"{name}({', '.join(spelled + [f'{k}={v!r}' for k, v in kw.items()])})")
        return call


@pytest.mark.parametrize("name", NESTED)
def test_nested_operations_by_blocks(tmp_path, name):
    """Seven gradients became 56,000 sources, 1.9 GB of them where 18 MiB were projected, and read their input 128 times."""
    x = np.random.default_rng(8).integers(-999, 999, (12, 12, 5)).astype("f8")
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(5, 12, 4))
    expected = NESTED[name](np, x)
    text = NESTED[name](Speller(), Spelled("x"))
    for memory, threads in (("18MiB", 1), ("24MiB", 2)):
        args = [text, f"x={tmp_path}/x.h5:/x", "-o", f"{tmp_path}/y.h5:/y", "--overwrite", "--threads", threads]
        failure = chunk_eval(*args, "--memory", memory, "--json")
        assert failure.returncode in (0, 3), failure.stderr
        if failure.returncode == 3:
            memory = re.search(r'"needed": (\d+)', failure.stdout).group(1)
        got = eval_json(*args, "--memory", memory)
        assert 0 < got["measured_peak"] <= got["projected_peak"] <= got["ceiling"], got
        assert got["bytes_read"] <= 40 * x.nbytes
        with h5py.File(tmp_path / "y.h5") as f:
            assert np.array_equal(f["y"][...], expected)


@pytest.mark.parametrize("text", ["laplace(" * 10 + "x" + ")" * 10, "gradient(gradient(x, axis=0), axis=1)", "pad(x, 1, mode='reflect')", "roll(x, 1, axis=(0, 1, 2, 3))"])
def test_few_sources_are_one_pass(tmp_path, text):
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=np.zeros((8, 9, 10, 11)), chunks=(4, 5, 6, 7))
    assert chunk_eval(text, f"x={tmp_path}/x.h5:/x", "-o", f"{tmp_path}/y.h5:/y", "--explain").stdout.startswith("plan: 1 pass, ")


def test_many_nodes_and_datasets(tmp_path):
    """Nodes, open datasets and views beyond some hundred: a hundred datasets joined took 1.3 MiB more than was projected, 3,000 parts 6 MiB."""
    with h5py.File(tmp_path / "in.h5", "w") as f:
        for i in range(280):  # more than 256: those beyond were charged as if each had a file of its own
            f.create_dataset(f"x{i}", data=np.arange(1000.0) + i, chunks=(250,))
        f["v"] = np.arange(3000.0)
    many = [f"x{i}=in.h5:/x{i}" for i in range(280)]
    names = ", ".join(f"x{i}" for i in range(280))
    slices = ", ".join(f"v[{i}:{i + 300}]" for i in range(900))
    for text, args in ((f"concat(({names}))", many), (f"stack(({names}))", many), (" + ".join(names.split(", ")), many),
                       ("unstack(v)[0]", ["v=in.h5:/v"]), ("split(v, 1500)[3]", ["v=in.h5:/v"]), (f"concat(({slices}))", ["v=in.h5:/v"])):
        done = chunk_eval(text, *args, "-o", "out.h5:/r", "--memory", "1MiB", "--json", cwd=tmp_path)
        least = json.loads(done.stdout)["needed"]
        assert least < 40 << 20, text[:20]
        assert_held(eval_json(text, *args, "-o", "out.h5:/r", "--overwrite", "--memory", least, cwd=tmp_path))


@pytest.mark.parametrize("text", ["insert(x, 5, 7)", "x[3::7] + 1", "append(y[1:, ::-2, 1:40:13], y[:2, ::5])"])
def test_many_small_chunks_that_hdf5_reads(tmp_path, text):
    """HDF5 takes some KiB for each chunk of one of its reads, so that these are cut."""
    x = np.random.default_rng(5).integers(-9, 9, 600000).astype("int32")
    y = x[:75000].reshape(3, 100, 250)
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(120,), scaleoffset=0)
        f.create_dataset("y", data=y, chunks=(1, 7, 30), scaleoffset=0)
    got = eval_json(text, f"x={tmp_path}/x.h5:/x", f"y={tmp_path}/x.h5:/y", "-o", f"{tmp_path}/o.h5:/r")
    assert 0 < got["measured_peak"] <= got["projected_peak"], got
    with h5py.File(tmp_path / "o.h5") as f:
        assert np.array_equal(f["r"][...], eval(text, {"insert": np.insert, "append": np.append, "x": x, "y": y}))


def test_virtual_datasets(tmp_path):
    """HDF5 keeps each file and dataset that a virtual one shows open: 40 files took 19 MiB more than was projected, 1,000 rows of one file 21 MiB."""
    rows = np.random.default_rng(6).random((1000, 50))
    files, own = h5py.VirtualLayout((40, 50), "f8"), h5py.VirtualLayout((1000, 50), "f8")
    for k in range(40):
        with h5py.File(tmp_path / f"s{k}.h5", "w") as f:
            f["d"] = rows[k]
        files[k] = h5py.VirtualSource(f"s{k}.h5", "d", (50,))
    with h5py.File(tmp_path / "v.h5", "w", libver=("v110", "v110")) as f:
        f["d"] = rows
        for k in range(1000):
            own[k] = h5py.VirtualSource(".", "d", (1000, 50))[k]
        f.create_virtual_dataset("files", files)
        f.create_virtual_dataset("own", own)
    for name, n in (("files", 40), ("own", 1000)):
        got = eval_json("v*2", f"v={tmp_path}/v.h5:/{name}", "-o", f"{tmp_path}/{name}.h5:/r")
        assert 0 < got["measured_peak"] <= got["projected_peak"], got
        with h5py.File(tmp_path / f"{name}.h5") as f:
            assert np.array_equal(f["r"][...], rows[:n] * 2)
        needed = json.loads(chunk_eval("sum(v)", f"v={tmp_path}/v.h5:/{name}", "--memory", "17MiB", "--json").stdout)["needed"]
        assert_held(eval_json("sum(v)", f"v={tmp_path}/v.h5:/{name}", "--memory", needed))


def test_virtual_datasets_over_large_chunks(tmp_path):
    """What HDF5 decodes and keeps for the datasets that are shown: one chunk of 8 MiB took 30 MB of a projected 18."""
    x = np.random.default_rng(6).integers(0, 9, (1024, 1024)).astype("f8")
    with h5py.File(tmp_path / "v.h5", "w", libver=("v110", "v110")) as f:
        f.create_dataset("d", data=x, chunks=x.shape, compression="gzip", compression_opts=1)
        one, many, deep = (h5py.VirtualLayout(shape, "f8") for shape in (x.shape, (16, 65536), x.shape))
        one[:] = h5py.VirtualSource(".", "d", x.shape)
        for k in range(16):  # each with a chunk cache of its own
            f.create_dataset(f"c{k}", data=x.ravel()[k * 65536 : (k + 1) * 65536], chunks=(8192,), compression="gzip", compression_opts=1)
            many[k] = h5py.VirtualSource(".", f"c{k}", (65536,))
        deep[:] = h5py.VirtualSource("v.h5", "one", x.shape)
        for name, layout in (("one", one), ("many", many), ("deep", deep)):
            f.create_virtual_dataset(name, layout)
    for name, wanted in (("one", x.sum()), ("deep", x.sum()), ("many", x.sum())):
        refused = chunk_eval("sum(v)", f"v={tmp_path}/v.h5:/{name}", "--memory", "17MiB", "--json")
        assert refused.returncode == 3
        got = eval_json("sum(v)", f"v={tmp_path}/v.h5:/{name}", "--memory", json.loads(refused.stdout)["needed"])
        assert got["value"] == wanted
        assert_held(got)


def test_room_for_kept_values_of_uneven_chunks(tmp_path):
    """Every chunk that was kept had the place of the largest: of a padded array, whose first and last chunks are small, several times its size."""
    x = np.random.default_rng(0).random((21, 22, 23, 24))
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(10, 10, 10, 10))
    want = np.pad(np.pad(x, 7, "reflect"), 9, "symmetric")
    for memory in ([], ["--memory", "30MiB"]):
        report = eval_json("pad(pad(x, 7, 'reflect'), 9, 'symmetric')", f"x={tmp_path}/x.h5:/x", "-o", f"{tmp_path}/o.h5:/r", "--overwrite", *memory)
        with h5py.File(tmp_path / "o.h5") as f:
            assert (f["r"][...] == want).all()
        assert (report["bytes_spilled"] > 0) == bool(memory)
        if not memory:
            assert report["projected_peak"] < 70 << 20
