"""Python functions in worker processes and in threads."""
import concurrent.futures
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading

import libchunk as lc
import numpy as np
import pytest
from scipy import ndimage


def sums(b, k=1):
    """Pure Python."""
    return b + sum(v * v for v in b.ravel().tolist()) * k


def where_it_runs(b, block_id=None):
    return np.full(b.shape, os.getpid())


def dies(b, block_id=None):
    if block_id == (1, 0):
        os.kill(os.getpid(), signal.SIGKILL)
    return b


def fails(b, block_info=None):
    if block_info[None]["chunk-location"] == (1, 1):
        raise KeyError("told", 3)
    return b


class Strange(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one}{two}")


def fails_strangely(b):
    raise Strange("to", "ld")


def greedy(b):
    return np.stack([b] * 8).mean(axis=0)


def square(b, axis, keepdims):
    return (b * b).sum(axis=axis, keepdims=keepdims)


def both(b):
    return b.min(-1), b.max(-1)


@pytest.fixture(scope="module")
def processes():
    with lc.Executor("processes", max_workers=2) as ex:
        yield ex


@pytest.fixture
def pair(rng):
    n = rng.random((100, 80))
    return n, lc.from_array(n, chunks=(30, 30))


def test_the_same_in_processes(pair, processes):
    """All that calls functions on blocks; results are those of the engine's threads, bit by bit."""
    n, x = pair
    for make in (lambda **k: lc.map_blocks(sums, x, k=2, dtype="f8", **k), lambda **k: x.map_blocks(np.clip, x[:1], 5.0, dtype="f8", **k),
                 lambda **k: lc.map_overlap(ndimage.gaussian_filter, x, depth=8, boundary="reflect", sigma=2, **k),
                 lambda **k: lc.blockwise(np.add.outer, "ij", x[:, 0], "i", x[0], "j", **k),
                 lambda **k: lc.apply_gufunc(np.linalg.norm, "(i)->()", x, vectorize=True, **k), lambda **k: lc.apply_gufunc(both, "(i)->(),()", x, **k)[1],
                 lambda **k: lc.reduction(x, square, np.sum, split_every=2, **k), lambda **k: lc.from_function(np.hypot, (50, 70), chunks=20, **k)):
        np.testing.assert_array_equal(make(executor=processes).compute(), make().compute())
    pids = set(lc.map_blocks(where_it_runs, x, executor=processes, dtype="i8").compute().ravel().tolist())
    assert os.getpid() not in pids and 1 <= len(pids) <= 2
    assert lc.map_blocks(sums, x[:0], executor=processes, dtype="f8").compute().shape == (0, 80)


def test_futures(processes):
    futures = [processes.submit(pow, 2, i) for i in range(20)]
    assert sorted(f.result() for f in concurrent.futures.as_completed(futures)) == [2**i for i in range(20)]
    assert list(processes.map(abs, range(-5, 5))) == [abs(i) for i in range(-5, 5)]
    with pytest.raises(ZeroDivisionError) as caught:
        processes.submit(divmod, 1, 0).result()
    assert "divmod" not in str(caught.value) and "Traceback" in str(caught.value.__cause__)
    assert processes.submit(os.getpid).result() != os.getpid()


def test_what_goes_wrong_in_processes(pair, processes):
    """Exceptions arrive with the process's traceback and the block; a killed process is told with its block, and the next run works."""
    n, x = pair
    with pytest.raises(KeyError) as caught:
        lc.map_blocks(fails, x, executor=processes, dtype="f8").compute()
    assert caught.value.args == ("told", 3) and "fails, block (1, 1) of (4, 3)" in caught.value.__notes__[0] and "in fails" in str(caught.value.__cause__)
    with pytest.raises(RuntimeError, match="Strange: told"):
        lc.map_blocks(fails_strangely, x, executor=processes, dtype="f8").compute()
    with pytest.raises(concurrent.futures.BrokenExecutor, match="killed by signal 9") as caught:
        lc.map_blocks(dies, x, executor=processes, dtype="f8").compute()
    assert "dies, block (1, 0) of (4, 3)" in caught.value.__notes__[0]
    with pytest.raises(concurrent.futures.BrokenExecutor, match="ended with status 7"):
        processes.submit(os._exit, 7).result()
    try:
        import cloudpickle  # noqa: F401
    except ImportError:
        with pytest.raises(pickle.PicklingError, match="cloudpickle"):
            lc.map_blocks(lambda b: b, x, executor=processes, dtype="f8")
    np.testing.assert_array_equal(lc.map_blocks(np.negative, x, executor=processes).compute(), -n)
    for bad in (lambda: lc.Executor("fibers"), lambda: lc.Executor(max_workers=-1)):
        with pytest.raises(ValueError):
            bad()


def test_processes_are_under_the_ceiling(processes):
    """Shared tiles and what processes hold count; what a function takes too much is found out over there."""
    x = lc.ones((16, 1 << 17), chunks=(1, 1 << 17))
    y = lc.map_blocks(greedy, x, executor=processes, memory="1MiB", dtype="f8").sum()
    with lc.options(threads=2):
        for _ in range(2):       # what the excess has left behind counts, too
            held = processes.held()
            assert y.compute() == x.size
        cost, = lc.last_report().functions
        assert cost.calls == 16 and cost.used >= 8 << 20 and cost.excess == cost.used - cost.granted and cost.granted >= 3 << 20
        assert 5 << 20 < held < 200 << 20
        assert lc.last_report().measured_peak >= held
        held = processes.held()
        with lc.options(memory=held + (4 << 20)), pytest.raises(lc.CeilingError) as caught:
            y.compute()
        with lc.options(memory=caught.value.needed + (4 << 20)):
            assert y.compute() == x.size


def test_many_functions(pair, processes):
    """More functions than a process remembers."""
    n, x = pair
    kept = [lc.map_blocks(sums, x, k=k, executor=processes, dtype="f8") for k in range(80)]
    for k in (*range(80), *range(5)):
        assert kept[k][0, 0].compute() == sums(n[:30, :30], k)[0, 0]


def test_threads(pair):
    n, x = pair
    most, now, lock = [0], [0], threading.Lock()

    def counting(b):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        got = np.sort(b, axis=0)
        with lock:
            now[0] -= 1
        return got

    with lc.Executor("threads", max_workers=1) as ex:
        lc.map_blocks(counting, x, executor=ex, dtype="f8").sum().compute()
        assert most == [1] and ex.submit(len, "abc").result() == 3
        y = lc.map_blocks(counting, x, executor=ex, dtype="f8")
    with pytest.raises(RuntimeError, match="after shutdown"):
        y.compute()
    with pytest.raises(RuntimeError, match="after shutdown"):
        ex.submit(len, "abc")


def test_processes_end_with_their_parent(tmp_path):
    """Whether the executor is shut down, dropped, or open when the interpreter ends; after fork it says so."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent("""
        import os, sys
        import libchunk as lc

        def run(kind):
            ex = lc.Executor("processes", max_workers=2)
            print(*{ex.submit(os.getpid).result() for _ in range(4)}, flush=True)
            if kind == "shut down":
                ex.shutdown()
            elif kind == "open":
                globals()["kept"] = ex
            elif kind == "forked":
                if os.fork() == 0:
                    try:
                        ex.submit(os.getpid)
                    except RuntimeError as e:
                        print("fork" in str(e), flush=True)
                    os._exit(0)
                os.wait()

        if __name__ == "__main__":
            run(sys.argv[1])
    """))
    for kind in ("shut down", "dropped", "open", "forked"):
        done = subprocess.run([sys.executable, script, kind], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        words = done.stdout.split()
        if kind == "forked":
            assert words.pop() == "True"
        for pid in words:
            assert not os.path.exists(f"/proc/{pid}") or open(f"/proc/{pid}/stat").read().split()[2] == "Z"


def test_script_without_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import libchunk as lc\nprint(lc.Executor('processes', 1).submit(abs, -1).result())\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert done.returncode and "if __name__ ==" in done.stderr.splitlines()[-1]
