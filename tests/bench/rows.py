"""The rows of the benchmark. Each function runs one workload and yields Rows; ROWS lists them with the data they need."""
import os

import h5py
import numpy as np

import data
from data import C, MANY, N, SPARSE
from engine import MIB, Failed, Row, close, scaled
from measure import CORES, median, warm
from peers import probe

XYZ = {k: f"xyz.h5:/{k}" for k in "xyz"}
ARRAY = N * N * 8
ROWS = []


def row(name, group, stores=False):
    """stores: results of a GiB and more, so that free memory is made ready before every run of the row (measure.ready)."""
    def deco(fn):
        fn.stores = stores
        ROWS.append((name, group, fn))
        return fn
    return deco


def some(*names):
    return {k: XYZ[k] for k in names}


def output(b, name="out.h5"):
    return h5py.File(os.path.join(b.out, name), "r")["out"]


def through_copy(b, row, file="xyz.h5", n_in=1, n_bytes=ARRAY, text="reading x and writing the result"):
    """The limit of n_in arrays of a file read and one written."""
    row.limit = dict(text=text, seconds=b.copy_limit(file, n_in, n_bytes))


def through_cache(b, row, share, text):
    """The limit of one read of a share of xyz.h5."""
    row.limit = dict(text=text, seconds=share * b.read_limit("xyz.h5"))


# ---------------------------------------------------------------- fused expressions and reductions, in cache


@row("W1", "xyz")
def w1(b):
    r = Row("W1", "mean(sqrt(x*x + y*y) * sin(z))", 64)
    b.versus(r, lambda: b.chunk("mean(sqrt(x*x + y*y) * sin(z))", XYZ, 64), {"dask": ("w1", 10), "numexpr": ("w1", 5), "h5py+numexpr": ("w1", None)},
             check=lambda a: a["value"])
    through_cache(b, r, 1, "reading x, y, z from the page cache")
    yield r


@row("W2", "xyz", stores=True)
def w2(b):
    r = Row("W2", "exp(-x)*y + 1 to a new dataset", 64)
    b.versus(r, lambda: b.chunk("exp(-x)*y + 1", some("x", "y"), 64, out="out.h5"), {"dask": ("w2", 7), "numexpr": ("w2", 2), "h5py": ("w2", None)},
             check=lambda a: probe(output(b)))
    through_copy(b, r, n_in=2, text="reading x and y and writing the result")
    yield r


@row("W3", "xyz")
def w3(b):
    for axis in (0, 1):
        r = Row(f"W3 axis {axis}", f"std(x, axis={axis})", 64)
        b.versus(r, lambda: b.chunk(f"std(x, axis={axis})", some("x"), 64, out="out.h5"),
                 {"dask": (f"w3a{axis}", 12), "numpy": (f"w3a{axis}", 8), "h5py": (f"w3a{axis}", None)}, check=lambda a: float(output(b)[...].sum()))
        through_cache(b, r, 1 / 3, "one read of x")
        yield r


def statistics(b, term):
    """Mean, std, min and max by NumPy, chunk by chunk; term maps the file to a function of a band of rows."""
    with h5py.File(b.path("xyz.h5")) as f:
        n, mean, m2, lo, hi = 0, 0.0, 0.0, np.inf, -np.inf
        for i in range(0, N, C):
            v = term(f, np.s_[i:i + C])
            k, m = v.size, v.mean()
            m2 += v.var() * k + (m - mean) ** 2 * n * k / (n + k)
            mean += (m - mean) * k / (n + k)
            n, lo, hi = n + k, min(lo, v.min()), max(hi, v.max())
    return mean, (m2 / n) ** 0.5, lo, hi


@row("one pass", "xyz")
def one_pass(b):
    r = Row("one pass", "mean(x); std(x); min(x); max(x), against mean(x) alone", 64)
    ratios, alone = [], []
    for _ in range(b.repeat):
        a, four = b.chunk("mean(x)", some("x"), 64), b.chunk("mean(x); std(x); min(x); max(x)", some("x"), 64)
        r.add(four)
        alone.append(a["seconds"])
        ratios.append(four["seconds"] / a["seconds"])
    want = statistics(b, lambda f, s: f["x"][s])
    r.require("agrees with numpy", all(close(g, w) for g, w in zip(four["json"]["values"], want)))
    r.floor("times the mean alone", median(ratios), 1.2, at_most=True)
    r.notes.append(f"mean alone {median(alone):.3f} s")
    through_cache(b, r, 1 / 3, "one read of x")
    yield r


def same_bytes(a, b):
    return all(np.array_equal(a[i:i + C].view("u8"), b[i:i + C].view("u8")) for i in range(0, N, C))


@row("standardise", "xyz", stores=True)
def standardise(b):
    r = Row("standardise x", "(x - mean(x)) / std(x), stored", 64)
    for _ in range(b.repeat):
        r.add(b.chunk("(x - mean(x)) / std(x)", some("x"), 64, out="out.h5"))
    mean, std, *_ = statistics(b, lambda f, s: f["x"][s])
    with h5py.File(b.path("xyz.h5")) as f:
        r.require("agrees with numpy", np.allclose(output(b)[:C], (f["x"][:C] - mean) / std, rtol=1e-9, atol=1e-12))
    r.floor("reads of x", r.runs[-1]["json"]["bytes_read"] / ARRAY, 2.01, at_most=True)
    r.limit = dict(text="two reads of x and writing", seconds=b.read_limit("xyz.h5") / 3 + b.copy_limit("xyz.h5", 1, ARRAY))
    yield r

    kept = Row("standardise y, kept", "y := exp(x)*z; (y - mean(y)) / std(y), stored", 64)
    again = Row("standardise y, recomputed", "the same with exp(x)*z written out twice", 64)
    y = "exp(x)*z"
    forms = [(kept, f"y := {y}; (y - mean(y)) / std(y)"), (again, f"({y} - mean({y})) / std({y})")]
    kept_file = os.path.join(b.dir, "kept.h5")
    try:
        for _ in range(b.repeat):
            for form, expr in forms:
                form.add(b.chunk(expr, some("x", "z"), 64, out="out.h5"))
                if form is kept:
                    os.replace(os.path.join(b.out, "out.h5"), kept_file)
        with h5py.File(kept_file) as f:
            again.require("same bits as the kept form", same_bytes(f["out"], output(b)))
        mean, std, *_ = statistics(b, lambda f, s: np.exp(f["x"][s]) * f["z"][s])
        with h5py.File(b.path("xyz.h5")) as f:
            want = (np.exp(f["x"][:C]) * f["z"][:C] - mean) / std
        kept.require("agrees with numpy", np.allclose(output(b)[:C], want, rtol=1e-9, atol=1e-12))
    finally:
        data.remove(kept_file)
    if ARRAY > 64 * MIB:
        kept.require("the intermediate was spilled", kept.runs[-1]["json"]["bytes_spilled"] > 0)
    for form, _ in forms:
        form.floor("reads of x and z", form.runs[-1]["json"]["bytes_read"] / (2 * ARRAY), 2.01, at_most=True)
        form.notes.append(f"spilled {form.runs[-1]['json']['bytes_spilled'] / MIB:.0f} MiB")
    again.limit = dict(text="two reads of x and z, and writing", seconds=2 / 3 * b.read_limit("xyz.h5") + b.copy_limit("xyz.h5", 2, ARRAY))
    kept.limit = dict(text="one read of x and z, writing twice", seconds=2 / 3 * b.read_limit("xyz.h5") + 2 * b.write_limit(ARRAY))
    yield kept
    yield again


@row("threads", "xyz")
def threads(b):
    r = Row("threads", "sum(sin(x)*y): 1 thread against 2", 64)
    if CORES < 2:
        r.floor("times one thread", None, 1.9)
        r.notes.append("this machine has one core")
    else:
        ratios, possible, ones, values = [], [], [], set()
        for _ in range(3 * max(b.repeat, 3)):  # in turn: others take part of the cores for seconds on end
            work = b.shared_work("xyz.h5", 2 * ARRAY)
            one, two = (b.chunk("sum(sin(x)*y)", some("x", "y"), 64, extra=["--threads", str(n)]) for n in (1, 2))
            r.add(two)
            values |= {one["value"], two["value"]}
            ones.append(one["seconds"])
            ratios.append(one["seconds"] / two["seconds"])
            possible.append(work[0] / work[1])
        r.require("the same bits", len(values) == 1)
        r.floor("times one thread", median(ratios), 1.9, peer=True)
        r.limit = dict(text=f"one thread's time, were it shared as other arithmetic over the same pages is (limits work: {median(possible):.2f})",
                       seconds=median(ones) / median(possible))
    yield r


@row("cold", "xyz")
def cold(b):
    """Pages dropped before each run; the device is measured beside each run, past the cache."""
    for name, expr, names, out in (("W1 cold", "mean(sqrt(x*x + y*y) * sin(z))", "xyz", None), ("W2 cold", "exp(-x)*y + 1", "xy", "out.h5")):
        r = Row(name, f"{expr}, pages dropped", 64)
        rates, shares = [], []
        for _ in range(b.repeat):
            b.clear_outputs()
            data_file = b.path("xyz.h5")
            device = b.limit("device", data_file, 0, os.path.getsize(data_file))
            a = b.chunk(expr, some(*names), 64, out=out, cold=True)
            warm_share = a["resident_share"]
            if warm_share > 0.02:
                raise Failed(f"{warm_share:.0%} of {data_file} stayed in the page cache: without root, drop_caches is not to be had")
            r.add(a)
            rates.append(device["bytes_per_s"])
            shares.append(a["json"]["bytes_read"] / a["seconds"] / device["bytes_per_s"])
        rate = median(rates)
        r.floor("of the device's rate", median(shares), 0.9)
        r.limit = dict(text=f"the device at {rate / 1e9:.2f} GB/s ({device['way']})", seconds=len(names) * ARRAY / rate)
        yield r


# ---------------------------------------------------------------- sparse reads inside one process


@row("W16", "sparse reads")
def w16(b):
    at = data.chunk_list(b.path("xyz.h5"))
    strided = [(byte + i * C * 8, C * 8) for _, byte, _ in at for i in range(0, C, 64)]
    column = [((byte + i * C * 8 + 5 * 8) // 4096 * 4096, 4096) for where, byte, _ in at if where[1] == 0 for i in range(C)]
    for work, expr, pages in (("w16s", "x[::64, ::64]", strided), ("w16c", "x[:, 5]", column)):
        r = Row(f"W16 {expr}", f"{expr} into memory, inside one process", 64)

        def ours():
            warm([b.path("xyz.h5")])
            run = b.inproc("w16_inproc", b.path("xyz.h5"), "/x", expr, 15)[0]
            return dict(run, peak_json_mib=run["peak_kib"] / 1024)
        b.versus(r, ours, {p: (work, None) for p in ("h5py", "tensorstore", "blosc2")}, check=lambda a: a["check_value"])
        there = [p["ratio"] for p in r.peers.values() if "ratio" in p]
        r.floor("times the best peer", min(there) if there else None, 5, peer=True)
        r.limit = dict(text="the pages that hold selected elements", seconds=b.limit_listed(pages, "pages", b.path("xyz.h5"))["seconds"])
        yield r


# ---------------------------------------------------------------- many chunks, absent chunks


@row("W9", "many")
def w9(b):
    r = Row("W9", f"sum(x + 1) over {MANY} chunks of 256", 64)
    b.versus(r, lambda: b.chunk("sum(x + 1)", {"x": "many.h5:/x"}, 64), {"numpy loop": ("w9", None)})
    with h5py.File(b.path("many.h5")) as f:
        d = f["x"]
        want = sum(float(d[i:i + (1 << 23)].sum()) for i in range(0, d.size, 1 << 23)) + d.size
    r.require("agrees with numpy", close(r.runs[-1]["value"], want))
    r.floor("us a chunk", 1e6 * median([a["seconds"] for a in r.runs]) / MANY, 2, at_most=True)
    r.limit = dict(text="preads of the file, no look-up", seconds=b.limit("pread", b.path("many.h5"))["seconds"])
    yield r


@row("10 TiB", "sparse")
def sparse(b):
    """Expected values follow from how the data was made: each chunk is one block plus a constant."""
    x = {"x": "sparse.h5:/x"}
    explain = Row("10 TiB explain", "--explain of sum(x + 1), max(x), mean(x, axis=0)", 64)
    for expr in ("sum(x + 1)", "max(x)", "mean(x, axis=0)"):
        times = []
        for _ in range(b.repeat):
            run = b.chunk(expr, x, 64, extra=["--explain"])
            explain.add(run)
            times.append(run["seconds"])
        explain.floor(f"ms, {expr}", 1e3 * median(times), 50, at_most=True)
    yield explain

    block, chunks = data.sparse_block(), data.sparse_chunks()
    total = sum(float(block.sum()) + add * block.size for *_, add in chunks)
    columns = np.zeros(SPARSE[1])
    for _, col, add in chunks:
        columns[col:col + C] += block.sum(axis=0) + add * C
    columns /= SPARSE[0]
    for expr, check in (("sum(x + 1)", lambda a: close(a["value"], total + SPARSE[0] * SPARSE[1])),
                        ("max(x)", lambda a: a["value"] == max(float((block + add).max()) for add in {add for *_, add in chunks})),
                        ("mean(x, axis=0)", lambda a: np.allclose(output(b)[...], columns, rtol=1e-9, atol=1e-300))):
        r = Row(f"10 TiB {expr}", f"{expr}, {len(chunks)} chunks present", 64)
        for _ in range(b.repeat):
            r.add(b.chunk(expr, x, 64, out="out.h5" if "axis" in expr else None))
        r.require("agrees with how it was made", check(r.runs[-1]))
        r.floor("seconds", median([a["seconds"] for a in r.runs]), scaled(5), at_most=True)
        r.limit = dict(text="one read of the chunks that are there", seconds=b.read_limit("sparse.h5"))
        yield r


# ---------------------------------------------------------------- compressed data


def codec_limit(b, way, codec, file):
    """Seconds of the codec alone, on every core, over all chunks of a file."""
    chunks = [(at, n) for _, at, n in data.chunk_list(b.path(file))]
    return b.limit_listed(chunks, way, codec, b.path(file), C * C * 8)["seconds"]


@row("W11", "smooth")
def w11(b):
    for kind, codec, peers in (("gzip4", "gzip", {"h5py": 6.5, "h5py+libdeflate": None}), ("lz4", "lz4", {"h5py": 5, "blosc2": 1.5}),
                               ("zstd", "zstd", {"h5py": 5, "blosc2": 1.5})):
        r = Row(f"W11 {kind}", f"mean of {dict(gzip4='gzip-4 + shuffle', lz4='Bitshuffle-LZ4', zstd='zstd-3 + shuffle')[kind]}", 64)
        b.versus(r, lambda: b.chunk("mean(x)", {"x": f"smooth_{kind}.h5:/x"}, 64), {p: ("w11" + kind, floor) for p, floor in peers.items()},
                 check=lambda a: a["value"])
        r.limit = dict(text="the codec alone on every core", seconds=codec_limit(b, "decode", codec, f"smooth_{kind}.h5"))
        yield r


@row("W11 write", "smooth", stores=True)
def w11_write(b):
    import hdf5plugin  # noqa: F401: reads what was written
    x = {"x": "smooth_none.h5:/x"}
    for kind, codec, spec, peers in (("gzip4", "gzip", "gzip=4,shuffle", {"libdeflate pool": 0.95}), ("lz4", "lz4", "lz4", {"h5py": 4})):
        r = Row(f"W11 write {kind}", f"storing x with {spec}", 128)
        b.versus(r, lambda: b.chunk("x", x, 128, out="out.h5", extra=["--filter", spec]), {p: (f"w11write_{kind}", f) for p, f in peers.items()},
                 repeat=min(b.repeat, 2), check=lambda a: probe(output(b)))
        size = os.path.getsize(os.path.join(b.out, "out.h5"))
        if kind == "gzip4":
            r.floor("of the size by zlib", size / os.path.getsize(b.path("smooth_gzip4.h5")), 1.02, at_most=True)
        coded, written = codec_limit(b, "encode", codec, "smooth_none.h5"), b.write_limit(size)
        r.limit = dict(text="the codec alone on every core, then writing the result", seconds=coded + written)  # both are the cores' work
        r.notes.append(f"stored {size / MIB:.0f} MiB")
        yield r


# ---------------------------------------------------------------- in cache, and small


KERNELS = ("exp", "sin", "log", "pow", "sqrt", "divide")
MOVES = ("where", "to_float64", "to_float32", "to_int32")


def through_core(row, runs, short):
    """The limit of a kernel that is short of its floor in a cache: its loads and stores alone there, in the run in which it came nearest. (In the L2 cache a memcpy may
    be faster than any loads and stores: a string instruction does not read what it overwrites.) short(line): whether it is."""
    missed = [[ln for ln in lines if short(ln)] for lines in runs]
    if not all(ln["stream_Melem_s"] for lines in missed for ln in lines):
        return
    worst = [min(lines, key=lambda ln: ln["Melem_s"] / ln["stream_Melem_s"]) for lines in missed if lines]
    if len(worst) == len(runs):
        best = max(worst, key=lambda ln: ln["Melem_s"] / ln["stream_Melem_s"])
        row.seconds = 1e-3 / best["Melem_s"]
        row.limit = dict(text=f"1,000 elements in {best['cache']} by loads and stores alone", seconds=1e-3 / best["stream_Melem_s"])


@row("kernels", "none")
def kernels(b):
    """Per core, in L1 and L2, the slower counting: transcendental functions against NumExpr, sqrt and / against the divider, moves against a
    copy that reads and writes as many bytes. The best of the repeats on either side: what a machine's neighbours take from the caches and units
    of a core slows whole runs, not single ones."""
    ours, numexpr, divider = [], [], []
    for _ in range(b.repeat):
        lines = b.inproc("kern_bench", "-w", *KERNELS, *MOVES)
        ours.append({k: [ln for ln in lines if (ln["kernel"], ln["dtype"]) == k] for k in {(ln["kernel"], ln["dtype"]) for ln in lines}})
        numexpr.append(b.peer("numexpr", "kernels"))
        divider.append(b.inproc("divider")[0])
    why = next((p.get("absent") or p.get("error") for p in numexpr if "rates" not in p), None)
    wanted = [(k, d) for k in KERNELS for d in ("float64", "float32")]
    wanted += [(k, d) for k in MOVES for d in ("float64", "float32", "int32") if k != "to_" + d]
    for kernel, dtype in wanted:
        rates = [min(ln["Melem_s"] for ln in o[kernel, dtype]) for o in ours]
        r = Row(f"{kernel} {dtype}", f"{kernel} in cache, one core, {ours[0][kernel, dtype][0]['isa']}", None)
        r.notes.append(f"{max(rates):.0f} M/s")
        name = ("div" if kernel == "divide" else kernel) + "_" + dtype
        if kernel in MOVES:
            r.floor("of a copy's rate", max(min(ln["Melem_s"] / ln["copy_Melem_s"] for ln in o[kernel, dtype]) for o in ours), 0.8, peer=True)
            through_core(r, [o[kernel, dtype] for o in ours], lambda ln: ln["Melem_s"] < 0.8 * ln["copy_Melem_s"])
        elif kernel in ("sqrt", "divide"):
            pace = max(d[name] for d in divider)
            r.floor("of the divider's rate", max(rates) / pace, 0.9, peer=True)
            through_core(r, [o[kernel, dtype] for o in ours], lambda ln: ln["Melem_s"] < 0.9 * pace)
        else:
            r.floor("times numexpr", None if why else max(rates) / max(p["rates"][name] for p in numexpr), 3, peer=True)
            if why:
                r.notes.append(f"numexpr is absent: {why}")
        yield r


@row("small", "none")
def small(b):
    r = Row("ten elements", "wrap ten elements, two operations, run, free: C API", None)
    got = [b.inproc("small_latency")[0] for _ in range(b.repeat)]
    calls = median([g["calls_us"] for g in got])
    r.seconds = calls * 1e-6
    r.floor("us", calls, 20, at_most=True)
    r.notes.append(f"running alone {median([g['run_us'] for g in got]):.1f} us, from text {median([g['text_us'] for g in got]):.1f} us")
    yield r
