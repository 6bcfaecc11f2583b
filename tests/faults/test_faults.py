"""Each allocation, read, write and thread start of `chunk eval` failing, one after the other, once and from then on; disks that fill up; kill -9.
Always one clear line, exit 1, no crash, no file left behind, and what was there before still there, byte for byte."""
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "battery"))
from families import gather  # noqa: E402
from chunkcli import CHUNK, ceiling, has_faults, is_sanitized, small_disk  # noqa: E402

LEVEL = os.environ.get("CHUNK_TEST_LEVEL", "standard")
KINDS = ("alloc", "read", "write", "thread")
needs_faults = pytest.mark.skipif(not has_faults(), reason="this build has no failure on demand")

CASES = {
    "reduce": ("sum(x*2)", "plain", []),
    "store": ("x*2 + 1", "plain", []),
    "encode": ("x*2 + 1", "zip", ["--filter", "gzip=1,shuffle", "--chunks", "70x90"]),
    "passes": ("(x - mean(x))/std(x)", "zip", []),
    "flat": ("x[::-1, ::2] + 1", "flat", ["--filter", "zstd=1"]),
    **gather("FAULTS"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    x = np.random.default_rng(1).random((300, 400))
    with h5py.File(folder / "x.h5", "w") as f:
        f.create_dataset("plain", data=x, chunks=(100, 128))
        f.create_dataset("zip", data=x, chunks=(100, 128), compression="gzip", compression_opts=1, shuffle=True)
        f.create_dataset("flat", data=x)
    return folder


def run(data, case, out, fault=None, **kw):
    text, name, options = CASES[case]
    env = dict(os.environ, CHUNK_FAULT=fault) if fault else None
    return subprocess.run([CHUNK, "eval", text, f"x={data}/x.h5:/{name}", "-o", f"{out}:/y", "--overwrite", "--memory", ceiling(64), "--threads", "2", *options],
                          capture_output=True, text=True, env=env, timeout=60, **kw)


def failed_cleanly(done, told):
    """One line, and not a crash."""
    assert done.returncode == 1, f"{told}: exit {done.returncode}: {done.stderr}"
    lines = [line for line in done.stderr.splitlines() if not line.startswith("chunk: warning")]
    assert len(lines) == 1 and lines[0].startswith("chunk: ") and len(lines[0]) > 20, f"{told}: {done.stderr!r}"
    assert "crashed" not in lines[0] and "was killed" not in lines[0], f"{told}: {lines[0]}"


def folder_holds(folder, out, told):
    left = sorted(p.name for p in folder.iterdir())
    assert left == [out.name], f"{told}: left behind {left}"


@needs_faults
@pytest.mark.parametrize("mode", ["once", "all"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_fault_at_every_site(data, tmp_path, seed, sampled, case, kind, mode):
    out = tmp_path / "y.h5"
    assert run(data, case, out).returncode == 0
    good = out.read_bytes()
    out.write_bytes(b"")
    with h5py.File(out, "w") as f:
        f["y"] = np.arange(10)
    old = out.read_bytes()
    suffix = ":all" if mode == "all" else ""
    last = last_site(data, case, out, kind)
    assert last or kind == "thread", f"{kind} never failed"
    sites, failures = np.arange(1, last + 4), 0
    # A second free is seen by the address sanitizer alone: there every allocation that fails once.
    every = LEVEL == "full" or (LEVEL == "standard" and (kind, mode) == ("alloc", "once") and is_sanitized("address"))
    n = len(sites) if every else min(len(sites), 12)
    if kind == "alloc":
        sampled(f"{case}, {kind} failing {mode}", n, len(sites))
    for site in np.random.default_rng([seed, KINDS.index(kind), list(CASES).index(case)]).choice(sites, n, replace=False):
        fault = f"{kind}:{site}{suffix}"
        out.write_bytes(old)
        done = run(data, case, out, fault)
        told = f"{case}, CHUNK_FAULT={fault} of {last}"
        folder_holds(tmp_path, out, told)
        if done.returncode == 0:
            assert out.read_bytes() == good, f"{told}: succeeded with another result"
        else:
            failed_cleanly(done, told)
            assert out.read_bytes() == old, f"{told}: the old output changed"
            failures += 1
    assert failures or kind == "thread" or mode == "once", f"{kind} never failed"


def last_site(data, case, out, kind):
    """The largest n from which on failing for good still makes a run fail: as many sites as there are, give or take what threads share."""
    low, high = 0, 1
    while run(data, case, out, f"{kind}:{high}:all").returncode:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if run(data, case, out, f"{kind}:{middle}:all").returncode else (low, middle)
    return low


def limit_files(n_bytes):
    def set_limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))

    return set_limit


@pytest.mark.parametrize("n_bytes", [0, 100, 4096, 50000, 300000, 900000])
def test_fault_of_file_size_limit(data, tmp_path, n_bytes):
    """RLIMIT_FSIZE: a write gets EFBIG, with SIGXFSZ unless it is ignored."""
    if n_bytes == 0 and os.environ.get("CHUNK_PRESET") == "tsan":
        pytest.skip("the thread sanitizer's runtime writes a file of its own before main")
    out = tmp_path / "y.h5"
    out.write_bytes(b"")
    with h5py.File(out, "w") as f:
        f["y"] = np.arange(10)
    old = out.read_bytes()
    done = run(data, "store", out, preexec_fn=limit_files(n_bytes))
    failed_cleanly(done, f"limit {n_bytes}")
    assert out.read_bytes() == old
    folder_holds(tmp_path, out, f"limit {n_bytes}")


@pytest.mark.parametrize("size", ["64k", "512k", "900k"])
def test_fault_of_full_disk(data, tmp_path, size):
    disk = small_disk(tmp_path, size)
    try:
        out = disk / "y.h5"
        with h5py.File(out, "w") as f:
            f["y"] = np.arange(10)
        old = out.read_bytes()
        for case in CASES:
            assert run(data, case, tmp_path / "good.h5").returncode == 0
            good = (tmp_path / "good.h5").read_bytes()
            out.write_bytes(old)
            done = run(data, case, out)
            folder_holds(disk, out, f"{size}, {case}")
            if done.returncode == 0 and case not in ("store", "passes"):
                assert out.read_bytes() == good, case
                continue
            failed_cleanly(done, f"{size}, {case}")
            assert re.search("space|full|room", done.stderr, re.I), done.stderr
            assert out.read_bytes() == old
    finally:
        subprocess.run(["umount", str(disk)], check=True)


STOPPED = {"store": "exp(-x)*x + sin(x)", "mask": "x[x > 0.9]", "scan": "cumulative_sum(x, axis=0)", "stencil": "gaussian_filter(x, 2)",
           "rechunk": "rechunk(x, (-1, 64))", "spill": "k := exp(x); (k - mean(k))/std(k)"}


class Stopped:
    """A run whose output replaces another, stopped after a random time; how long it takes, and what it leaves, are known."""

    def __init__(self, tmp_path, text):
        with h5py.File(tmp_path / "x.h5", "w") as f:
            f.create_dataset("x", data=np.random.default_rng(1).random((1500, 2000)), chunks=(100, 128))
        self.folder = tmp_path / "out"
        self.folder.mkdir()
        self.out = self.folder / "y.h5"
        self.command = [CHUNK, "eval", text, f"x={tmp_path}/x.h5:/x", "-o", f"{self.out}:/y", "--overwrite", "--filter", "gzip=1", "--threads", "2",
                        "--memory", ceiling(48), "-q"]
        start = time.monotonic()
        assert subprocess.run(self.command, timeout=60).returncode == 0
        self.whole, self.new = time.monotonic() - start, self.out.read_bytes()
        with h5py.File(self.out, "w") as f:
            f["y"] = np.arange(10)
        self.old = self.out.read_bytes()

    def start(self, rng):
        self.out.write_bytes(self.old)
        process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        time.sleep(rng.random() * self.whole * 1.1)
        return process

    def left(self):
        """What lies beside the output, which is the old one or the whole new one."""
        assert self.out.read_bytes() in (self.old, self.new)
        return [p.name for p in self.folder.iterdir() if p != self.out]


@pytest.mark.skipif(is_sanitized(), reason="slow starts under sanitizers leave nothing to kill")
@pytest.mark.parametrize("whom", ["launcher", "worker"])
@pytest.mark.parametrize("name", STOPPED)
def test_fault_of_kill(tmp_path, seed, name, whom):
    """kill -9 at random points: the old file or the whole new one, at most one temporary, which the next run removes."""
    run = Stopped(tmp_path, STOPPED[name])
    rng = np.random.default_rng([seed, 9, list(STOPPED).index(name)])
    for _ in range(40 if LEVEL == "full" else 4):
        process = run.start(rng)
        target = process.pid
        if whom == "worker":
            found = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            pids = found.read_text().split() if process.poll() is None and found.exists() else []
            target = int(pids[0]) if pids else None
        if target is not None and process.poll() is None:
            try:
                os.kill(target, signal.SIGKILL)
            except ProcessLookupError:
                pass
        _, err = process.communicate(timeout=60)   # ends with the worker, which has the same standard error
        left = run.left()
        assert len(left) <= 1 and all(re.fullmatch(r"\.y\.h5\.chunk-tmp.*", name) for name in left), left
        if whom == "worker":
            assert process.returncode in (0, 1) and not left, (process.returncode, left)
            assert process.returncode == 0 or len(err.splitlines()) == 1, err
    assert subprocess.run(run.command, timeout=60).returncode == 0
    assert not run.left() and run.out.read_bytes() == run.new


@pytest.mark.parametrize("name", STOPPED)
def test_fault_of_interrupt(tmp_path, seed, name):
    """Ctrl-C at random points, as a terminal sends it to both processes: 130 with the old file as it was, or done; never anything beside it."""
    run = Stopped(tmp_path, STOPPED[name])
    rng = np.random.default_rng([seed, 10, list(STOPPED).index(name)])
    for _ in range(40 if LEVEL == "full" else 4):
        process = run.start(rng)
        try:
            os.killpg(process.pid, signal.SIGINT)
        except ProcessLookupError:
            pass
        _, err = process.communicate(timeout=60)
        assert not run.left()
        if process.returncode == 0:
            assert run.out.read_bytes() == run.new and err == ""
        else:
            # -SIGINT: before the launcher had a handler.
            assert process.returncode in (130, -signal.SIGINT) and run.out.read_bytes() == run.old, (process.returncode, err)
            assert len(err.splitlines()) <= 1, err


@needs_faults
def test_what_cannot_be_read_is_not_missing(tmp_path):
    """An error of the device while names are looked up is told as such, not as a dataset that does not exist."""
    with h5py.File(tmp_path / "x.h5", "w") as f:
        for i in range(300):
            f[f"g{i % 10}/d{i}"] = np.arange(5.0)
    told = set()
    for site in range(1, 20):
        done = subprocess.run([CHUNK, "eval", "sum(c)", f"c={tmp_path}/x.h5:/g3/d133"], capture_output=True, text=True, env=dict(os.environ, CHUNK_FAULT=f"read:{site}:all"), timeout=60)
        if done.returncode:
            failed_cleanly(done, site)
            assert "Input/output error" in done.stderr and "no dataset" not in done.stderr, done.stderr
            told.add("open" if "cannot open" in done.stderr else "read")
    assert told == {"open", "read"}
