"""The ceiling for every operation, on the release build: the smallest ceiling M comes from the refusal, works, and 4 KiB less is refused; measured
high-water <= projected peak <= ceiling; on incompressible data that is all there the projection is tight. run: alone"""
import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

BIN = os.environ.get("CHUNK_RELEASE_BIN")
CHUNK = f"{BIN}/chunk"
LEVEL = os.environ.get("CHUNK_TEST_LEVEL", "standard")
MIB = 1 << 20
pytestmark = [pytest.mark.skipif(not BIN, reason="memory is measured on the release build, which is not there"), pytest.mark.slow]

CALLS = {
    "where": "where(x > 0.5, x, y)", "clip": "clip(x, 0.2, 0.7)", "astype": "astype(x, float32)", "broadcast_to": "broadcast_to(x[:1], (3000, 2900))",
    "expand_dims": "expand_dims(x, 0)", "swapaxes": "swapaxes(x, 0, 1)", "moveaxis": "moveaxis(x, 0, 1)", "arange": "arange(9000000)",
    "linspace": "linspace(0.0, 1.0, 9000000)", "eye": "eye(3000, 2900)", "zeros": "zeros((3000, 2900))", "ones": "ones((3000, 2900))",
    "full": "full((3000, 2900), 2.5)", "full_like": "full_like(x, 2.5)", "squeeze": "squeeze(expand_dims(x, 0))",
}
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "battery"))
from families import gather, listed  # noqa: E402

CALLS.update(gather("MEMORY"))
INTEGERS = ("bitwise_",)
WORKLOADS = ["mean(sin(x)*y + x)", "sin(x)*y + x", "std(x, axis=0)", "std(x, axis=1)", "(x - mean(x))/std(x)", "k := exp(y)*x; a = (k - mean(k))/std(k)",
             "x[::64, ::64]", "x[:, 5]", "a = mean(x); b = std(x); c = min(x); d = max(x)", "sum(x + y, axis=1)", "argmax(x, axis=0)", "x[::-1] - y", *listed("WORKLOADS")]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    rng = np.random.default_rng(11)
    with h5py.File(folder / "x.h5", "w") as f:
        for name in "xy":
            f.create_dataset(name, data=rng.random((3000, 2900)), chunks=(500, 500))
        f.create_dataset("i", data=rng.integers(0, 30, (3000, 2900)), chunks=(500, 500))
        f.create_dataset("xz", data=rng.random((3072, 2816)), chunks=(256, 256), compression="gzip", compression_opts=1, shuffle=True)
    return folder


def eval_json(text, folder, *args, threads=2, program=None):
    names = [n for n in ("xz", "x", "y", "i") if re.search(rf"\b{n}\b", text)]
    done = subprocess.run([*(program or [CHUNK]), "eval", text, *[f"{n}={folder}/x.h5:/{n}" for n in names], "--json", "--threads", str(threads), *map(str, args)],
                          capture_output=True, text=True, timeout=300)
    return done.returncode, json.loads(done.stdout)


def least(text, folder, *args, threads=2):
    code, got = eval_json(text, folder, *args, "--memory", 1, threads=threads)
    assert code == 3, got
    if "argwhere" in text or "nonzero" in text or "extract" in text or "[" in text:  # masks could not even be counted: that was the need at most
        code, got = eval_json(text, folder, *args, "--memory", got["needed"] - 128 * 1024, threads=threads)
        assert code == 3, got
    return got["needed"]


def operations():
    """(name, call) for every operation of the table, by its signature."""
    if not BIN:
        return []
    listed = subprocess.run([CHUNK, "ops"], capture_output=True, text=True, check=True).stdout
    found = []
    for name, arguments in re.findall(r"^  (\w+)\(([^)]*)", listed, re.M):
        if arguments.startswith("function"):
            continue  # the caller's: tests/api/
        first = "i" if name.startswith(INTEGERS) else "x"
        second = "i % 5" if name.startswith(INTEGERS) else "y"
        call = CALLS.get(name) or (f"{name}({first}, {second})" if "x2" in arguments else f"{name}({first})")
        found.append((name, call))
    return found


OPERATIONS = operations()


@pytest.fixture(autouse=True)
def windows(monkeypatch, seed):
    """Whether windows pay is timed once a process, and projections go by it: here the seed says what comes of it, for all runs."""
    monkeypatch.setenv("CHUNK_WINDOWS", str(seed % 3))


def hold(text, data, out, threads=2, tight=True):
    """All that is promised of one expression."""
    args = ["-o", f"{out}:/r/", "--overwrite"] if ":=" in text or ";" in text else ["-o", f"{out}:/r", "--overwrite"]
    m = least(text, data, *args, threads=threads)
    assert m % 4096 == 0 or m % 1024 == 0, f"{text}: needed {m}"
    code, got = eval_json(text, data, *args, "--memory", m - 4096, threads=threads)
    assert code == 3, f"{text}: runs at {m} - 4 KiB: {got}"
    for factor in (1, 2, 4):
        code, got = eval_json(text, data, *args, "--memory", m * factor, threads=threads)
        assert code == 0, f"{text} at {factor} M = {m * factor}: {got}"
        told = f"{text} at {factor} M = {m * factor}: measured {got['measured_peak']}, projected {got['projected_peak']}, ceiling {got['ceiling']}"
        assert got["measured_peak"] <= got["projected_peak"] <= got["ceiling"] == m * factor, told
        for _ in range(8):  # of two tasks one worker may take both before the other has started
            if not tight or factor == 2 or got["projected_peak"] <= 1.25 * got["measured_peak"] + 4 * MIB:
                break
            again = eval_json(text, data, *args, "--memory", m * factor, threads=threads)[1]
            assert again["measured_peak"] <= again["projected_peak"] == got["projected_peak"], told
            got["measured_peak"] = max(got["measured_peak"], again["measured_peak"])
        if tight and factor in (1, 4) and got["projected_peak"] > 1.25 * got["measured_peak"] + 4 * MIB:
            plan = eval_json(text, data, *args, "--memory", m * factor, "--explain", threads=threads)[1]["plan"]
            lent = sum(t["bytes"] for t in plan["tiles"])  # for decoded chunks: used as far as the slices that are read have chunks
            assert got["projected_peak"] - lent <= 1.25 * got["measured_peak"] + 4 * MIB, f"{told}: not tight"
    return m


def test_memory_of_operations(data, tmp_path, seed, sampled):
    chosen = OPERATIONS
    if LEVEL != "full":
        chosen = [OPERATIONS[i] for i in np.random.default_rng([seed, 1]).choice(len(OPERATIONS), 16, replace=False)]
    sampled("operations at their smallest ceiling", len(chosen), len(OPERATIONS))
    failures = []
    for name, call in chosen:
        try:
            hold(call, data, tmp_path / "y.h5")
        except AssertionError as e:
            failures.append(str(e).split("\nassert")[0])
    assert not failures, f"{len(failures)} of {len(chosen)}\n" + "\n".join(failures)


def drawn_workloads():
    """All of them in full runs; else thirty, by the seed."""
    return WORKLOADS if LEVEL == "full" else sorted(random.Random(os.environ.get("SEED", "0")).sample(WORKLOADS, 30))


@pytest.mark.parametrize("text", drawn_workloads())
def test_memory_of_workloads(data, tmp_path, sampled, text):
    if text == drawn_workloads()[0]:
        sampled("workloads at their smallest ceiling", len(drawn_workloads()), len(WORKLOADS))
    hold(text, data, tmp_path / "y.h5")


@pytest.mark.parametrize("text", ["mean(xz)", "xz*2", "std(xz, axis=0)"])
def test_memory_of_compressed_data(data, tmp_path, text):
    hold(text, data, tmp_path / "y.h5")


def test_memory_seen_from_outside(data, tmp_path):
    """What the kernel shows of launcher and worker while they run, not what they say of themselves."""
    for text in ("sin(x)*y + x", "std(xz, axis=0)"):
        m = least(text, data, "-o", f"{tmp_path}/y.h5:/r", "--overwrite")
        names = [n for n in ("xz", "x", "y") if re.search(rf"\b{n}\b", text)]
        process = subprocess.Popen([CHUNK, "eval", text, *[f"{n}={data}/x.h5:/{n}" for n in names], "-o", f"{tmp_path}/y.h5:/r", "--overwrite", "--json", "--memory",
                                    str(m), "--threads", "1"], stdout=subprocess.PIPE, text=True)
        seen = {}
        while process.poll() is None:
            for pid in [process.pid, *children(process.pid)]:
                program, high = high_water(pid)
                if "chunk" in program:  # not this test's own image before exec
                    seen[pid] = max(seen.get(pid, 0), high)
            time.sleep(0.001)
        got = json.loads(process.stdout.read())
        assert process.returncode == 0, got
        assert len(seen) == 2, seen
        outside = sum(seen.values())
        assert outside <= got["projected_peak"] <= m, f"{text}: outside {outside}, {got}"
        assert got["measured_peak"] >= outside - MIB, f"{text}: outside {outside}, {got}"


def children(pid):
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def high_water(pid):
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+)", status)
        return Path(f"/proc/{pid}/comm").read_text(), int(found[1]) * 1024 if found else 0
    except OSError:
        return "", 0


# ---- the stated ceilings

@pytest.fixture(scope="module")
def chunks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chunks")
    rng = np.random.default_rng(2)
    x = rng.random((2048, 2048))
    with h5py.File(folder / "c.h5", "w") as f:
        f.create_dataset("flat", data=x)
        for name, side in (("plain128K", 128), ("plain8M", 1024), ("plain32M", 2048)):
            f.create_dataset(name, data=x, chunks=(side, side))
        for name, filters in (("gzip1M", {"compression": "gzip", "compression_opts": 1, "shuffle": True}), ("lz1M", dict(hdf5plugin.LZ4())),
                              ("zstd1M", dict(hdf5plugin.Zstd(), shuffle=True)), ("bits1M", dict(hdf5plugin.Bitshuffle()))):
            f.create_dataset(name, data=x, chunks=(256, 512), **filters)
        for k in range(3):
            f.create_dataset(f"gzip8M_{k}", data=x + k, chunks=(1024, 1024), compression="gzip", compression_opts=1, shuffle=True)
        f.create_dataset("zstd8M", data=x, chunks=(1024, 1024), **dict(hdf5plugin.Zstd(), shuffle=True))
    return folder


def accepted(folder, text, bindings, memory, *args, threads=8):
    done = subprocess.run([CHUNK, "eval", text, *[f"{k}={folder}/c.h5:/{v}" for k, v in bindings.items()], "--memory", str(memory), "--threads", str(threads),
                           "--json", *args], capture_output=True, text=True, timeout=120)
    got = json.loads(done.stdout)
    assert done.returncode == 0, f"{text} of {bindings}: {got}"
    assert got["measured_peak"] <= got["projected_peak"] <= got["ceiling"], f"{text} of {bindings}: {got}"


@pytest.mark.parametrize("name", ["flat", "plain128K", "plain8M", "plain32M", "gzip1M", "lz1M", "zstd1M", "bits1M"])
def test_ceiling_of_32_mebibytes(chunks, tmp_path, name):
    for text in ("mean(x)", "std(x, axis=0)", "std(x, axis=1)", "x*2 + 1"):
        accepted(chunks, text, {"x": name}, 32 * MIB)
        accepted(chunks, text, {"x": name}, 32 * MIB, "-o", f"{tmp_path}/y.h5:/y", "--overwrite")


@pytest.mark.parametrize("name", ["gzip8M_0", "zstd8M"])
def test_ceiling_of_40_mebibytes(chunks, tmp_path, name):
    for text in ("mean(x)", "sum(x, axis=0)"):    # reduced
        accepted(chunks, text, {"x": name}, 40 * MIB)
    for text in ("mean(x)", "sum(x, axis=0)", "x*2 + 1"): # stored; printing the corners of x*2 + 1 decodes four chunks aside and needs 43 MiB
        accepted(chunks, text, {"x": name}, 40 * MIB, "-o", f"{tmp_path}/y.h5:/y", "--overwrite")


@pytest.mark.parametrize("filters", ["gzip=1,shuffle", "gzip=1", "lz4", "zstd=1,shuffle", "bitshuffle", "lz4,fletcher32"])
def test_ceiling_of_40_mebibytes_stored_with_filters(chunks, tmp_path, filters):
    with h5py.File(chunks / "c.h5") as f:
        x = f["gzip8M_0"][:]
    for text, want in (("x*2 + 1", x * 2 + 1), ("x[:-5, 3:1500]*2", x[:-5, 3:1500] * 2), ("x", x)):  # the second: chunks on the edge, and across the input's
        memory = 40 if "[" not in text else 64
        accepted(chunks, text, {"x": "gzip8M_0"}, memory * MIB, "-o", f"{tmp_path}/y.h5:/y", "--overwrite", "--chunks", "1024x1024", "--filter", filters)
        with h5py.File(tmp_path / "y.h5") as f:
            assert f["y"].chunks == (1024, 1024)
            assert np.array_equal(f["y"][:], want), text


def test_ceiling_of_several_inputs(chunks, tmp_path):
    """Base, which is what one input needs without its two chunks, and a chunk for each input and one more."""
    base = 40 * MIB - 2 * 8 * MIB
    for k, text in ((1, "sum(a)"), (2, "sum(a*b)"), (3, "sum(a*b + c)")):
        accepted(chunks, text, {n: f"gzip8M_{i}" for i, n in enumerate("abc"[:k])}, base + (k + 1) * 8 * MIB)


def test_memory_of_absent_chunks(tmp_path):
    """10 TiB of which 20 chunks are there: the plan's own memory does not grow with the number of chunks."""
    peaks = {}
    with h5py.File(tmp_path / "c.h5", "w") as f:
        for name, rows in (("small", 1 << 12), ("huge", 1 << 20)):
            d = f.create_dataset(name, shape=(rows, 5 << 18), dtype="f8", chunks=(1024, 1024))
            for i in range(20):
                d[i % 4 * 1024, i * 1024] = 1.0
    for name in ("small", "huge"):
        done = subprocess.run([CHUNK, "eval", "sum(x + 1)", f"x={tmp_path}/c.h5:/{name}", "--memory", "1", "--json"], capture_output=True, text=True, timeout=120)
        peaks[name] = json.loads(done.stdout)["needed"]
    assert abs(peaks["huge"] - peaks["small"]) <= 8 * MIB, peaks
    accepted(tmp_path, "sum(x + 1)", {"x": "huge"}, 64 * MIB)
    accepted(tmp_path, "max(x)", {"x": "huge"}, 64 * MIB)
