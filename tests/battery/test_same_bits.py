"""The same bits always: whole output files are compared byte for byte over threads, ceilings from the smallest accepted on, chunks larger than the
ceiling, tasks in scrambled order and, where no function is transcendental, instruction set levels."""
import hashlib
import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from families import gather
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
from chunkcli import SLACK, ceiling, has_faults  # noqa: E402

CHUNK = os.path.join(os.environ.get("CHUNK_BIN", "build/dev/bin"), "chunk")
LEVEL = os.environ.get("CHUNK_TEST_LEVEL", "standard")
SEED = os.environ.get("SEED", "1")
MIB = 1 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Data whose sums depend on their order, in several layouts; `wide` has one chunk of 40 MiB, larger than the smallest ceiling."""
    where = tmp_path_factory.mktemp("bits")
    rng = np.random.default_rng(5)

    def noise(shape):
        return rng.standard_normal(shape) * 10.0 ** rng.integers(-8, 8, shape)

    with h5py.File(where / "x.h5", "w") as f:
        f.create_dataset("flat", data=noise((900, 1100)))
        f.create_dataset("odd", data=noise((300, 420)), chunks=(37, 41))
        f.create_dataset("zip", data=noise((900, 1100)), chunks=(256, 300), compression="gzip", compression_opts=1, shuffle=True)
        f.create_dataset("rows", data=noise((1100, 900)), chunks=(1, 900))
        f.create_dataset("half", data=rng.standard_normal((700, 300)).astype("f2"), chunks=(111, 300))
        f.create_dataset("deep", data=noise((40, 50, 60)), chunks=(7, 50, 9))
        f.create_dataset("wide", data=noise((2560, 2048)), chunks=(2560, 2048))
    return where


def run(folder, name, text, out, memory, threads, isa=None, scramble=0, extra=()):
    env = dict(os.environ, **({"CHUNK_ISA": isa} if isa else {}), **({"CHUNK_SCRAMBLE": str(scramble), "CHUNK_WINDOWS": str(scramble % 3)} if scramble else {}))
    done = subprocess.run([CHUNK, "eval", text, f"x={folder}/x.h5:/{name}", "-o", f"{out}:/r/", "--overwrite", "--memory", str(memory), "--threads",
                           str(threads), "--json", *extra], capture_output=True, text=True, env=env, timeout=120)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def reductions(ndim):
    axes = [c for n in range(1, ndim + 1) for c in itertools.combinations(range(ndim), n)]
    names = itertools.cycle(["sum", "mean", "std", "prod", "max", "argmax", "nansum", "var"])
    parts = []
    for i, a in enumerate(axes):
        name = next(names)
        parts.append(f"a{i} = {name}(x, axis={a[0] if len(a) == 1 else a})" if name != "argmax" or len(a) == 1 else f"a{i} = argmax(x)")
    return "; ".join(parts)


EXACT = {
    "reduced": reductions,
    "fused": lambda n: "a = x*2 + 1; b = sum((x - 3)*x); c = (x > 0)*x[..., ::-1]",
    "standardised": lambda n: "a = (x - mean(x))/std(x)",
    "statistics": lambda n: "a = mean(x); b = var(x); c = min(x, axis=0); d = sum(x, axis=-1); e = sum(x*x)",
    "kept": lambda n: "k := x*0.5 - 7; a = sum(k); b = k - mean(k, axis=0)",
    "turned": lambda n: "a = x[::-1, ::3] + 1; b = sum(x[5:, 1::2], axis=0)",
}
EXACT.update(gather("BITS"))
ROUNDED = {"functions": lambda n: "a = exp(-abs(x))*sin(x); b = sum(sin(x)*x); c = std(log1p(abs(x)), axis=0)", **gather("ROUNDED")}
CASES = [(t, d) for t in {**EXACT, **ROUNDED} for d in ("flat", "odd", "zip", "rows", "half", "deep", "wide")]


def drawn(cases, n, what):
    """All of them in full runs; else n, by the seed."""
    return cases if LEVEL == "full" else sorted(random.Random(f"{SEED}:{what}").sample(cases, min(n, len(cases))))


CEILINGS = drawn(CASES, 60, "ceilings")


@pytest.mark.parametrize("kind, name", CEILINGS)
def test_threads_and_ceilings(folder, tmp_path, seed, sampled, kind, name):
    ndim = 3 if name == "deep" else 2
    text = {**EXACT, **ROUNDED}[kind](ndim)
    code, failure = run(folder, name, text, tmp_path / "y.h5", 1, 1)
    assert code == 3, failure
    least = failure["needed"] + SLACK * MIB
    ceilings = [least, least + 64 * 1024, least + MIB, least + 3 * MIB, least + 10 * MIB, 2 * least, 128 * MIB, 512 * MIB]
    settings = [(m, t) for m in ceilings for t in (1, 2, 8)]
    # The smallest and the largest always, five others by the seed: 24 for every case would take hours, and each commit draws its own.
    rng = np.random.default_rng([seed, CASES.index((kind, name))])
    chosen = [0, 23, *rng.choice(np.arange(1, 23), 5, replace=False)]
    if (kind, name) == CEILINGS[0]:
        sampled("settings of threads and ceilings", len(CEILINGS) * len(chosen), len(CASES) * len(settings))
    seen = {}
    for memory, threads in (settings[i] for i in chosen):
        out = tmp_path / "y.h5"
        code, got = run(folder, name, text, out, memory, threads)
        assert code == 0, f"{text} of {name}, {memory} bytes, {threads} threads: {got}"
        seen.setdefault(digest(out), []).append((memory, threads))
    assert len(seen) == 1, f"{text} of {name}: results differ between {list(seen.values())}"


@pytest.mark.skipif(not has_faults(), reason="this build has no scrambled order (CHUNK_FAULTS)")
@pytest.mark.parametrize("kind, name", ORDERS := drawn(CASES, 40, "orders"))
def test_order_of_tasks(folder, tmp_path, seed, sampled, kind, name):
    """Tasks that start in an order drawn from a seed, on one worker and several, with blocks of several sizes."""
    if (kind, name) == ORDERS[0]:
        sampled("scrambled orders", len(ORDERS) * 4, len(CASES) * 5)
    text = {**EXACT, **ROUNDED}[kind](3 if name == "deep" else 2)
    rng = np.random.default_rng([seed, 1, CASES.index((kind, name))])
    seen = {}
    for threads, scrambled, extra in ((2, 0, 64), (1, 1, 0), (2, 1, 1), (8, 1, 4), (8, 1, 64))[: None if LEVEL == "full" else 4]:
        order = int(rng.integers(1, 1 << 31)) if scrambled else 0
        code, failure = run(folder, name, text, tmp_path / "y.h5", 1, threads, scramble=order)
        assert code == 3, failure
        code, got = run(folder, name, text, tmp_path / "y.h5", failure["needed"] + (extra + SLACK) * MIB, threads, scramble=order)
        assert code == 0, f"{text} of {name}, order {order}, {threads} threads: {got}"
        seen.setdefault(digest(tmp_path / "y.h5"), []).append((order, threads, extra))
    assert len(seen) == 1, f"{text} of {name}: results differ between {list(seen.values())}"


@pytest.mark.parametrize("kind, name", drawn([(k, d) for k in EXACT for d in ("flat", "odd", "half", "deep")], 40, "instruction sets"))
def test_instruction_sets(folder, tmp_path, kind, name):
    text = EXACT[kind](3 if name == "deep" else 2)
    seen = {}
    for isa in ("c", "avx2", "avx512"):
        code, got = run(folder, name, text, tmp_path / "y.h5", ceiling(64), 2, isa)
        assert code == 0, got
        seen.setdefault(digest(tmp_path / "y.h5"), []).append(isa)
    assert len(seen) == 1, f"{text} of {name}: results differ between {list(seen.values())}"


@pytest.mark.parametrize("name", ["flat", "odd", "zip", "wide"])
def test_kept_or_computed_again(folder, tmp_path, name):
    """An intermediate that is kept, in memory or spilled, gives what computing it again gives."""
    kept, again = "k := exp(-x*x)*3; a = (k - mean(k))/std(k); b = sum(k)", "a = (exp(-x*x)*3 - mean(exp(-x*x)*3))/std(exp(-x*x)*3); b = sum(exp(-x*x)*3)"
    values = set()
    for text in (kept, again):
        seen = set()
        for memory in (ceiling(40), ceiling(400)):
            code, got = run(folder, name, text, tmp_path / "y.h5", memory, 2, extra=["--scratch", str(tmp_path)])
            assert code == 0, got
            seen.add(digest(tmp_path / "y.h5"))
        assert len(seen) == 1
        with h5py.File(tmp_path / "y.h5") as f:
            values.add(b"".join(f[f"r/{result}"][()].tobytes() for result in "ab"))
    assert len(values) == 1


@pytest.mark.parametrize("filters", ["none", "gzip=1,shuffle", "lz4", "zstd=1,shuffle"])
def test_encoded_files_are_identical(folder, tmp_path, filters):
    seen = set()
    for memory, threads in ((ceiling(40), 1), (ceiling(40), 8), (ceiling(300), 2), (ceiling(300), 8)):
        code, got = run(folder, "zip", "a = x*2 + 1; b = x[::2] > 0", tmp_path / "y.h5", memory, threads, extra=["--filter", filters, "--chunks", "100x130"])
        assert code == 0, got
        seen.add(digest(tmp_path / "y.h5"))
    assert len(seen) == 1


def patches(shape, rng):
    """Zeros, and boxes of numbers: chunks that hold nothing, that begin with nothing, that are full."""
    x = np.zeros(shape)
    for _ in range(25):
        lo = [int(rng.integers(n)) for n in shape]
        box = tuple(slice(a, a + 1 + int(rng.integers(n // 3))) for a, n in zip(lo, shape))
        x[box] = rng.standard_normal(x[box].shape)
    return x


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """Chunks large and many enough for several of a row to be made by one task: of the last group some are missing, and the last chunks are cut."""
    where = tmp_path_factory.mktemp("sides")
    rng = np.random.default_rng(11)
    with h5py.File(where / "x.h5", "w") as f:
        f.create_dataset("plane", data=patches((3000, 2500), rng), chunks=(256, 260))
        f.create_dataset("space", data=patches((40, 300, 500), rng), chunks=(16, 64, 70))
    return where


SIDES = {
    "laplace(x)": ndimage.laplace,
    "sobel(x, axis=-1, mode='constant')*2 - x": lambda x: ndimage.sobel(x, axis=-1, mode="constant") * 2 - x,
    "uniform_filter(x, 5, mode='wrap')": lambda x: ndimage.uniform_filter(x, 5, mode="wrap"),
    "laplace(laplace(x)) > 0": lambda x: ndimage.laplace(ndimage.laplace(x)) > 0,
    "gaussian_filter(x, 1.5)": lambda x: ndimage.gaussian_filter(x, 1.5),
}


@pytest.mark.parametrize("name", ["plane", "space"])
@pytest.mark.parametrize("text", SIDES)
def test_stencils_over_the_sides_of_chunks(sides, tmp_path, text, name):
    """Chunks beside each other are made together, and placed in an order that depends neither on the ceiling nor on threads."""
    code, failure = run(sides, name, "y = " + text, tmp_path / "y.h5", 1, 1)
    assert code == 3, failure
    least, seen = failure["needed"] + SLACK * MIB, {}
    for memory, threads in ((least, 1), (least + 256 * 1024, 2), (least + MIB, 8), (2 * least, 2), (ceiling(128), 1), (ceiling(128), 2), (ceiling(512), 8)):
        code, got = run(sides, name, "y = " + text, tmp_path / "y.h5", memory, threads)
        assert code == 0, got
        seen.setdefault(digest(tmp_path / "y.h5"), []).append((memory, threads))
    assert len(seen) == 1, f"results differ between {list(seen.values())}"
    with h5py.File(tmp_path / "y.h5") as f, h5py.File(sides / "x.h5") as x:
        want, y = SIDES[text](x[name][...]), f["r/y"]
        got = y[...]
        if want.dtype == bool:
            assert np.mean(got != want) < 1e-3  # sums of zeros and of what is about zero
        else:
            assert np.allclose(got, want, rtol=1e-10, atol=1e-12 * np.abs(want).max())
        for c in np.ndindex(*(-(-n // k) for n, k in zip(y.shape, y.chunks))):
            box = tuple(slice(i * k, (i + 1) * k) for i, k in zip(c, y.chunks))
            stored = y.id.get_chunk_info_by_coord(tuple(i * k for i, k in zip(c, y.chunks))).byte_offset is not None
            assert stored == bool(got[box].view("u1").any()), f"chunk {c}"
