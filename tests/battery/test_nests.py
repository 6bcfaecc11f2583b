"""Stencils over stencils: in one pass where their halos cost less than storing what lies between, in several where not; the same bits either way."""
import os
import re
import subprocess

import h5py
import numpy as np
import pytest
from scipy import ndimage

CHUNK = os.path.join(os.environ.get("CHUNK_BIN", "build/dev/bin"), "chunk")


@pytest.fixture(scope="module")
def x(tmp_path_factory):
    """Large enough that what lies between is worth storing."""
    path = tmp_path_factory.mktemp("nests") / "x.h5"
    with h5py.File(path, "w") as f:
        f.create_dataset("x", data=np.random.default_rng(3).standard_normal((900, 1000)), chunks=(300, 250))
    return path


def nested(call, times):
    text = "x"
    for _ in range(times):
        text = call.format(text)
    return text


def run(path, text, *args):
    done = subprocess.run([CHUNK, "eval", text, f"x={path}:/x", *map(str, args)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("call, times, passes", [
    ("laplace({})", 3, 1), ("laplace({})", 60, None), ("gaussian_filter({}, 1)", 2, 1), ("gaussian_filter({}, 40)", 2, 2), ("gaussian_filter({}, 40)", 3, 3),
    ("move_mean({}, 700, 1, axis=0) * 2", 2, 2), ("move_max({}, 3, 1)", 2, 1),
])
def test_passes(x, tmp_path, call, times, passes):
    text = nested(call, times)
    n = int(re.match(r"plan: (\d+) pass", run(x, text, "-o", f"{tmp_path}/y.h5:/y", "--explain")).group(1))
    assert n == passes if passes else n > 1
    run(x, text, "-o", f"{tmp_path}/y.h5:/y", "-q")
    one_by_one = "; ".join(f"v{k} := " + call.format(f"v{k - 1}" if k else "x") for k in range(times)) + f"; y = v{times - 1}"
    run(x, one_by_one, "-o", f"{tmp_path}/z.h5:/", "-q")
    with h5py.File(tmp_path / "y.h5") as f, h5py.File(tmp_path / "z.h5") as g:
        assert f["y"][...].tobytes() == g["y"][...].tobytes()


def test_deep_nests_of_small_arrays(tmp_path):
    """What would not be worth storing is stored all the same before a worker's stack ends."""
    x = np.random.default_rng(4).standard_normal((200, 300))
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(50, 60))
    run(tmp_path / "x.h5", nested("laplace({})/8", 95), "-o", f"{tmp_path}/y.h5:/y", "-q")
    run(tmp_path / "x.h5", nested("laplace(({}) + x)/8", 60), "-o", f"{tmp_path}/z.h5:/y", "-q")
    z = x
    for k in range(95):
        x = ndimage.laplace(x) / 8
    with h5py.File(tmp_path / "y.h5") as f:
        assert np.allclose(f["y"][...], x, rtol=1e-9, atol=1e-12)
    y = z
    for k in range(60):
        y = ndimage.laplace(y + z) / 8
    with h5py.File(tmp_path / "z.h5") as f:
        assert np.allclose(f["y"][...], y, rtol=1e-9, atol=1e-12)


def test_against_scipy(x, tmp_path):
    run(x, "gaussian_filter(gaussian_filter(x, 40) + x, 40)", "-o", f"{tmp_path}/y.h5:/y", "-q")
    with h5py.File(x) as f, h5py.File(tmp_path / "y.h5") as g:
        want = ndimage.gaussian_filter(ndimage.gaussian_filter(f["x"][...], 40) + f["x"][...], 40)
        assert np.allclose(g["y"][...], want, rtol=1e-12, atol=1e-14)
