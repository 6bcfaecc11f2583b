"""Runs the tools for the tests of this folder: CHUNK_BIN is the folder of `chunk`, else the dev or release build."""
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def find_bin():
    if "CHUNK_BIN" in os.environ:
        return Path(os.environ["CHUNK_BIN"])
    for preset in ("dev", "release"):
        if (ROOT / "build" / preset / "bin" / "chunk").exists():
            return ROOT / "build" / preset / "bin"
    raise RuntimeError("no chunk found: build first, or set CHUNK_BIN")


BIN = find_bin()
CHUNK = str(BIN / "chunk")
CHUNK_INFO = str(BIN / "chunk-info")


def has_faults():
    cache = BIN.parent / "CMakeCache.txt"
    return cache.exists() and re.search(r"^CHUNK_FAULTS:\w+=(ON|1|TRUE)$", cache.read_text(), re.M) is not None


def is_sanitized(by=""):
    """Whether by any sanitizer, or by this one."""
    cache = BIN.parent / "CMakeCache.txt"
    found = re.search(r"^CHUNK_SANITIZE:\w+=(\S+)$", cache.read_text(), re.M) if cache.exists() else None
    return found is not None and by in found[1]


SLACK = 32 if is_sanitized() else 0  # MiB by which a sanitized process differs from run to run


def ceiling(mib):
    """A ceiling for --memory; sanitizers take tens of MiB themselves, on another machine another number."""
    return f"{mib + 3 * SLACK}MiB"


def spare(mib):
    """A ceiling that leaves as much as `mib` does where HDF5 is a shared library; linked in, the process takes 6 MiB less."""
    fixed = eval_json("1 + 1", "--explain")["plan"]["fixed_bytes"]
    return f"{mib - max(0, 16 - (fixed >> 20))}MiB"


def assert_held(got):
    """measured peak <= projected peak <= ceiling; what a sanitizer takes is not in a projection."""
    assert got["projected_peak"] <= got["ceiling"], got
    assert is_sanitized() or 0 < got["measured_peak"] <= got["projected_peak"], got


def chunk(*args, cwd=None, env=None, timeout=120, program=CHUNK):
    full_env = dict(os.environ, **env) if env else None
    return subprocess.run([program, *map(str, args)], capture_output=True, text=True, cwd=cwd, env=full_env, timeout=timeout)


def chunk_eval(*args, **kw):
    return chunk("eval", *args, **kw)


def eval_ok(*args, **kw):
    done = chunk_eval(*args, **kw)
    assert done.returncode == 0, f"{args}: exit {done.returncode}: {done.stderr}"
    return done.stdout


def eval_json(*args, **kw):
    """The object that --json prints, on success."""
    out = eval_ok(*args, "--json", **kw)
    assert out.endswith("\n") and out.count("\n") == 1, out
    return json.loads(out)


def eval_fails(code, *args, **kw):
    """Fails with this exit, plainly and with --json; the message."""
    plain = chunk_eval(*args, **kw)
    assert plain.returncode == code, f"{args}: exit {plain.returncode}, not {code}: {plain.stderr}"
    assert plain.stdout == ""
    last = plain.stderr.rstrip("\n").rsplit("\n", 1)[-1]
    assert last.startswith("chunk: "), plain.stderr
    js = chunk_eval(*args, "--json", **kw)
    assert js.returncode == code
    failure = json.loads(js.stdout)
    assert js.stdout.count("\n") == 1 and failure["exit"] == code and failure["error"]
    assert [line for line in js.stderr.splitlines() if not line.startswith("chunk: warning")] == ["chunk: " + failure["error"]]
    if code == 3:
        assert isinstance(failure["needed"], int)
        assert re.search(r"needs at least \d+ MiB$", last), last
    return last


def small_disk(folder, size):
    """A file system of its own, of this size, in the folder; the caller unmounts it. The test is skipped where that is not allowed."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root: " + mounted.stderr.strip())
    return disk
