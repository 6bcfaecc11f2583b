"""The Python package: what small things cost, how functions on blocks scale, and the engine's workloads through it beside the command line."""
import json
import os
import subprocess

from data import MANY
from engine import CHUNK_SECONDS, HERE, MIB, Failed, Row, close
from measure import CORES, median, warm
from rows import XYZ, row, some

PYTHON = os.path.join(HERE, "..", "..", "build", "venv", "bin", "python")
BLOCKS, EACH = 5000, 64


def side(*args, program="python_side.py"):
    """What python_side.py says, or another program beside it."""
    p = subprocess.run([PYTHON, os.path.join(HERE, program), *map(str, args)], capture_output=True, text=True, timeout=CHUNK_SECONDS)
    if p.returncode:
        raise Failed(f"{program} {args[0]} ended with {p.returncode} (./dev python installs the package): {p.stderr.strip()[-300:]}")
    return json.loads(p.stdout)


@row("python small", "none")
def small(b):
    for what, text, unit, need in (("import", "import libchunk", "ms", 100), ("three", "(a + b).compute() on three elements", "us", 100),
                                   ("building", "100 operations over a million chunks, not computed", "ms", 10)):
        r = Row(f"python {what}", text, None)
        got = [side(what) for _ in range(b.repeat)]
        r.seconds = median([g["seconds"] for g in got])
        r.floor(unit, r.seconds * (1e6 if unit == "us" else 1e3), need, at_most=True)
        yield r


@row("python blocks", "none")
def blocks(b):
    r = Row("python blocks", f"map_blocks with an empty function, {BLOCKS:,} blocks of {EACH} elements", None)
    got = [side("blocks", BLOCKS, EACH) for _ in range(b.repeat)]
    r.seconds = median([g["seconds"] for g in got])
    r.floor("us of processor time a block", 1e6 * median([g["seconds"] - g["plain_seconds"] for g in got]) / BLOCKS, 15, at_most=True)
    yield r
    for kind, text in (("threads", "np.sin four times a block, which releases the GIL"), ("processes", "pure Python over blocks in worker processes")):
        r = Row(f"python {kind}", f"{text}: 1 to 2 workers", None)
        got = [side("scaling", kind) for _ in range(b.repeat)]
        r.seconds = median([g["seconds"] for g in got])
        r.floor("times one worker", median([g["times"] for g in got]) if CORES >= 2 else None, 1.8)
        yield r


def beside(b, name, what, expr, inputs, args, out=None):
    """In turn: the run's own time by the command line, and the time of the same through Python."""
    r = Row(f"python {name}", what, None)
    ratios, agrees = [], []
    for _ in range(b.repeat):
        c = b.chunk(expr, inputs, 64, out=out and "out.h5")
        warm(sorted({b.path(v.split(":/")[0]) for v in inputs.values()}))
        b.clear_outputs()
        p = side("workload", *args)
        r.add(dict(seconds=p["seconds"], engine_seconds=c["json"]["seconds"], engine_peak_mib=p["engine_peak"] / MIB))
        ratios.append(p["seconds"] / c["json"]["seconds"])
        if p["value"] is not None:
            agrees.append(close(p["value"], c["value"], 1e-12))
    r.floor("times the engine's own time", median(ratios), 1.05, at_most=True)
    r.floor("peak by the engine's account, MiB", max(a["engine_peak_mib"] for a in r.runs), 64, at_most=True)
    if agrees:
        r.require("agrees with chunk eval", all(agrees))
    return r


@row("python W1", "xyz")
def w1(b):
    yield beside(b, "W1", "mean(sqrt(x*x + y*y) * sin(z))", "mean(sqrt(x*x + y*y) * sin(z))", XYZ, ("w1", 64, b.path("xyz.h5")))


@row("python W2", "xyz", stores=True)
def w2(b):
    out = os.path.join(b.out, "python.h5")
    yield beside(b, "W2", "exp(-x)*y + 1 to a new dataset", "exp(-x)*y + 1", some("x", "y"), ("w2", 64, b.path("xyz.h5"), out), out)


@row("python W3", "xyz")
def w3(b):
    out = os.path.join(b.out, "python.h5")
    for axis in (0, 1):
        yield beside(b, f"W3 axis {axis}", f"std(x, axis={axis})", f"std(x, axis={axis})", some("x"), ("w3", 64, b.path("xyz.h5"), out, axis), out)


@row("python W9", "many")
def w9(b):
    yield beside(b, "W9", f"sum(x + 1) over {MANY} chunks of 256", "sum(x + 1)", {"x": "many.h5:/x"}, ("w9", 64, b.path("many.h5")))


@row("python W11", "smooth")
def w11(b):
    for kind in ("gzip4", "lz4", "zstd"):
        yield beside(b, f"W11 {kind}", f"mean of compressed data ({kind})", "mean(x)", {"x": f"smooth_{kind}.h5:/x"}, ("w11", 64, b.path(f"smooth_{kind}.h5")))


@row("python climate", "climate")
def climate(b):
    """In turn with xarray on Dask, both from build/venv."""
    r = Row("python climate", "xarray: monthly climatology of twenty years of days, anomalies written as netCDF-4", None)
    got = {who: [] for who in ("libchunk", "dask")}
    for _ in range(b.repeat):
        for who, runs in got.items():
            warm([b.path("climate.nc")])
            runs.append(side(who, b.path("climate.nc"), os.path.join(b.out, "anomaly.nc"), program="climate_side.py"))
    ours, theirs = ({key: median([g[key] for g in runs]) for key in runs[0]} for runs in got.values())
    r.seconds = ours["seconds"]
    r.floor("times xarray on Dask", theirs["seconds"] / ours["seconds"], 4)
    r.floor("of its peak above the libraries", ours["peak"] / theirs["peak"], 0.1, at_most=True)
    r.require("agrees with Dask", close(ours["mean"], theirs["mean"], 1e-5) and close(ours["sample"], theirs["sample"], 1e-4))
    yield r
