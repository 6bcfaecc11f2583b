"""OpenBLAS and threads: never more runnable threads than workers, whatever OMP_NUM_THREADS says; and a host that has the library keeps what it had set."""
import os
import subprocess
import sys
from pathlib import Path

import h5py
import lc
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
from chunkcli import is_sanitized  # noqa: E402

CHUNK = os.path.join(os.environ.get("CHUNK_BIN", "build/dev/bin"), "chunk")


@pytest.fixture(scope="module")
def square(tmp_path_factory):
    path = tmp_path_factory.mktemp("square") / "x.h5"
    with h5py.File(path, "w") as f:
        f.create_dataset("x", data=np.random.default_rng(1).standard_normal((2400, 2400)), chunks=(400, 400))
    return path


def threads_of(pid):
    """Names and states of a process's threads and its children's."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            found.append((task / "stat").read_text().rsplit(")", 1)[1].split()[0])
            for child in (task / "children").read_text().split():
                found += threads_of(child)
        except OSError:
            pass  # it has ended
    return found


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("omp", [None, "7"])
def test_no_more_runnable_threads_than_workers(square, tmp_path, workers, omp):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "OPENBLAS_"))}
    if omp:
        env["OMP_NUM_THREADS"] = omp
    own = 1 if is_sanitized("thread") else 0  # the sanitizer's
    # Threads are looked at one after the other: one that fell asleep may be counted beside the one it woke, and on a busy machine that can be seen more than
    # now and then. Threads too many are there every time.
    for _ in range(3):
        p = subprocess.Popen([CHUNK, "eval", "x @ x", f"x={square}:/x", "-o", f"{tmp_path}/y.h5:/r", "--overwrite", "--memory", "300MiB", "--threads", str(workers)],
                             env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        seen, most = [], 0
        while p.poll() is None:
            states = threads_of(p.pid)
            seen.append(states.count("R"))
            most = max(most, len(states))
        assert p.returncode == 0, p.stderr.read()
        assert len(seen) > 20 and max(seen) >= 1
        too_many = sum(n > workers + own for n in seen)
        if too_many <= len(seen) // 20:
            break
    assert too_many <= len(seen) // 20, f"{workers} workers, but runnable: {seen}"
    assert most <= workers + 3, f"{most} threads: the launcher, the worker's main thread and {workers} workers are expected"


HOST = """
import ctypes, sys
import numpy as np
sys.path.insert(0, {battery!r})
blas = ctypes.CDLL("libopenblas.so.0")
blas.openblas_set_num_threads(2)
import lc
context = lc.Context(memory=200 << 20, threads=2)
x = np.random.default_rng(1).standard_normal((1500, 1400))
y = context.eval("x @ permute_dims(x)", x=context.array(x))
plan = str(context.explain(y))
assert "as this process has it" in plan, plan
assert np.abs(context.compute(y) - x @ x.T).max() < 1e-10
assert blas.openblas_get_num_threads() == 2
"""


@pytest.mark.skipif(lc.LIBRARY is None, reason=lc.WHY or "")
def test_a_hosts_library_is_used_and_left_as_it_was():
    try:
        import ctypes
        ctypes.CDLL("libopenblas.so.0")
    except OSError:
        pytest.skip("no libopenblas.so.0 here")
    done = subprocess.run([sys.executable, "-c", HOST.format(battery=str(Path(__file__).parent))], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
