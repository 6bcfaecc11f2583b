"""Small valid HDF5 files with bytes changed, through chunk-info and chunk eval: a result or one line, never a hang, never a crash that shows as
anything but the launcher's line, and a clean folder."""
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
from chunkcli import CHUNK, CHUNK_INFO, is_sanitized  # noqa: E402

# A sanitizer that finds HDF5 at fault ends the worker as the fault itself would without one.
ENVIRONMENT = dict(os.environ) | {o: os.environ.get(o, "") + ":abort_on_error=1" for o in ("ASAN_OPTIONS", "TSAN_OPTIONS")} if is_sanitized() else None

LEVEL = os.environ.get("CHUNK_TEST_LEVEL", "standard")
SECONDS = {"quick": 3, "standard": 15}.get(LEVEL, min(900, 3 * float(os.environ.get("FUZZ_SECONDS", "300"))))
MOST_SECONDS = 120    # the worker ends itself after 3 s of computing without progress; other tests may have the cores
LAYOUTS = {
    "btree": {"chunks": (5, 6)},
    "gzip": {"chunks": (5, 6), "compression": "gzip", "shuffle": True, "fletcher32": True},
    "contiguous": {},
    "fixed_array": {"chunks": (5, 6), "libver": "v110"},
    "extensible": {"chunks": (5, 6), "maxshape": (None, 20), "libver": "v110"},
    "btree2": {"chunks": (5, 6), "maxshape": (None, None), "libver": "v110", "compression": "gzip"},
}


def make(path, libver=None, **options):
    with h5py.File(path, "w", libver=(libver or "earliest", "v110")) as f:
        d = f.create_dataset("x", data=np.random.default_rng(0).random((23, 20)), **options)
        d.attrs["note"] = "text"
    return path.read_bytes()


def damage(rng, valid):
    """A few bytes of it changed; the headers, at the front, more often."""
    bad = bytearray(valid)
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(len(bad))) if rng.random() < 0.4 else int(rng.integers(min(len(bad), 2500)))
        way = int(rng.integers(4))
        if way == 0:
            bad[at] ^= 1 << int(rng.integers(8))
        elif way == 1:
            bad[at] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF]))
        elif way == 2:
            n = int(rng.integers(1, 9))
            bad[at : at + n] = rng.bytes(len(bad[at : at + n]))
        elif rng.random() < 0.2:
            del bad[max(at, 100) :]
    return bytes(bad)


def claims_terabytes(command):
    file = next(a for a in command if "bad.h5" in a).removeprefix("x=").removesuffix(":/x")
    told = subprocess.run([CHUNK_INFO, file, "--json"], capture_output=True, timeout=MOST_SECONDS)
    return told.returncode == 0 and any(d["logical_bytes"] > 1 << 40 for d in json.loads(told.stdout))


def without_report(err):
    """What was said besides the report of a sanitizer that blames HDF5: the first frame outside the C library and the sanitizer lies in it."""
    frames = re.findall(r"^ +#\d+ .*$", err, re.M)
    blamed = next((f for f in frames if not re.search(r"sanitizer|lib[act]san|libc\.so|/sysdeps/", f)), "")
    if not is_sanitized() or "libhdf5" not in blamed:
        return err
    return "".join(line for line in err.splitlines(keepends=True) if line.startswith("chunk"))


def ends_well(command, told):
    try:
        done = subprocess.run(command, capture_output=True, timeout=MOST_SECONDS, env=ENVIRONMENT)
    except subprocess.TimeoutExpired:
        if claims_terabytes(command):                 # damaged into an array that really takes that long
            return
        raise AssertionError(f"{told}: no end after {MOST_SECONDS} s") from None
    try:
        err = done.stderr.decode()
    except UnicodeDecodeError:
        raise AssertionError(f"{told}: not UTF-8: {done.stderr!r}") from None
    assert done.returncode in (0, 1, 3), f"{told}: exit {done.returncode}: {err}"
    lines = [line for line in without_report(err).splitlines() if "warning" not in line and "WARNING: AddressSanitizer failed to allocate" not in line]
    assert len(lines) == (done.returncode != 0), f"{told}: exit {done.returncode} with {err!r}"


@pytest.mark.parametrize("name", LAYOUTS)
def test_fuzz_of_files(tmp_path, seed, name, sampled):
    valid = make(tmp_path / "valid.h5", **LAYOUTS[name])
    bad = tmp_path / "bad.h5"
    end = time.monotonic() + SECONDS / len(LAYOUTS)
    n = 0
    while time.monotonic() < end:
        rng = np.random.default_rng([seed, list(LAYOUTS).index(name), n])
        bad.write_bytes(damage(rng, valid))
        told = f"{name}, SEED={seed}, file {n}"
        ends_well([CHUNK_INFO, str(bad), "-v"] if n % 3 == 0 else
                  [CHUNK, "eval", "sum(x + 1)" if n % 3 == 1 else "x*2", f"x={bad}:/x", *(["-o", f"{tmp_path}/out/y.h5:/y", "--overwrite"] if n % 3 == 2 else []), "-q"], told)
        (tmp_path / "out").mkdir(exist_ok=True)
        left = [p.name for p in (tmp_path / "out").iterdir() if p.name != "y.h5"]
        assert not left, f"{told}: left {left}"
        n += 1
    sampled(f"damaged files, {name}", n, n)
