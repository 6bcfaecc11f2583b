"""Room on the disk is looked at before a run: refused where outputs certainly do not fit, a warning where only the most they may take does not."""
import json
import subprocess

import h5py
import numpy as np
import pytest
from chunkcli import chunk_eval, eval_fails, eval_ok, has_faults, is_sanitized, small_disk


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    d = tmp_path_factory.mktemp("room")
    with h5py.File(d / "x.h5", "w") as f:
        x = np.random.default_rng(1).random((1000, 1000))
        f.create_dataset("x", data=x, chunks=(100, 100))
        f.create_dataset("k", data=np.round(x, 1), chunks=(100, 100))
        s = f.create_dataset("s", (10000, 1000), "float64", chunks=(100, 100))
        s[:100] = 1
    return d


@pytest.fixture
def disk(tmp_path):
    folder = small_disk(tmp_path, "4m")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_what_cannot_fit_is_refused(data, disk):
    x = f"x={data}/x.h5:/x"
    assert "y.h5: no room: 4 MiB free on its disk, this run writes 7.6 MiB there" in eval_fails(1, "x + 1", x, "-o", "y.h5:/y", cwd=disk)
    assert "this run writes 4.6 MiB there" in eval_fails(1, "a = x[:300]; b = x[:300]*2", x, "-o", "y.h5:/", cwd=disk)
    assert "no room" in eval_fails(1, "x", x, "-o", "y.h5:/y", "--overwrite", cwd=disk)
    assert list(disk.iterdir()) == []
    eval_ok("x[:300]", x, "-o", "y.h5:/y", cwd=disk)


@pytest.mark.parametrize("text, most, options", [("k", "7.6 MiB", ["--filter", "gzip=1,shuffle"]), ("x[x > 0.9]", "8 MiB", []), ("s*2", "76.3 MiB", [])])
def test_what_may_not_fit_is_a_warning(data, disk, text, most, options):
    """What filters leave, what masks select, and chunks that are not stored, are known by their bound only."""
    args = [text, *(f"{n}={data}/x.h5:/{n}" for n in "xks" if n in text), "-o", "y.h5:/y", *options]
    done = chunk_eval(*args, cwd=disk)
    warned = f"chunk: warning: y.h5: 4 MiB free on its disk, this run may write up to {most} there"
    assert done.returncode == 0 and done.stderr.splitlines()[0] == warned, done.stderr
    (disk / "y.h5").unlink()
    assert chunk_eval(*args, "-q", cwd=disk).stderr == ""
    with h5py.File(data / "x.h5") as f:
        x, k, s = f["x"][...], f["k"][...], f["s"][...]
    with h5py.File(disk / "y.h5") as f:
        assert np.array_equal(f["y"][...], {"k": k, "x[x > 0.9]": x[x > 0.9], "s*2": s * 2}[text])


def test_a_disk_that_fills_up_is_survived(data, disk):
    done = chunk_eval("x", f"x={data}/x.h5:/x", "-o", "y.h5:/y", "--filter", "gzip=1", cwd=disk)
    assert done.returncode == 1 and "may write up to" in done.stderr and "No space left" in done.stderr.splitlines()[-1], done.stderr
    assert list(disk.iterdir()) == []


@pytest.mark.skipif(is_sanitized() or not has_faults(), reason="the ceiling is that of a plain build")
def test_scratch_counts(data, disk):
    """Scratch goes beside the output: both must fit, unless another folder is named."""
    args = ["k := broadcast_to(x, (4, 1000, 1000))*2; (k - mean(k))[0, :300]", f"x={data}/x.h5:/x", "-o", "y.h5:/y", "--scratch"]
    for mib in range(30, 70):
        done = chunk_eval(*args, data, "--memory", f"{mib}MiB", "--explain", "--json", cwd=disk)
        spilled = json.loads(done.stdout)["bytes_spilled"] / 2 if done.returncode == 0 else 0     # written and read
        if 2 << 20 < spilled < 4 << 20:
            break
    else:
        pytest.fail("no ceiling spills about as much as the disk has room for")
    assert "scratch included (--scratch names another folder)" in eval_fails(1, *args, disk, "--memory", f"{mib}MiB", cwd=disk)
    eval_ok(*args, data, "--memory", f"{mib}MiB", cwd=disk)
