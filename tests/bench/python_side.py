"""What rows_python.py measures inside Python: python_side.py WHAT [ARGS] prints one line of JSON. Run by the interpreter that has libchunk installed."""
import json
import subprocess
import sys
import time

import libchunk as lc
import numpy as np


def least(call, repeat=7):
    """Seconds of the quickest of some calls."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def imported():
    """Processor time of the import alone."""
    code = "import time; t = time.process_time(); import libchunk; print(time.process_time() - t)"
    return {"seconds": min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(7))}


def three():
    a, b = lc.from_array(np.arange(3.0)), lc.from_array(np.ones(3))
    return {"seconds": least(lambda: [(a + b).compute() for _ in range(200)]) / 200}


def building():
    x = lc.zeros((10**6, 100), chunks=(1, 100))

    def build():
        y = x
        for i in range(50):
            y = (y + i) * 1.5

    return {"seconds": least(build)}


def blocks(n, each):
    """A function that does nothing beside its call: processor time, all threads."""
    x = lc.zeros((n, each), chunks=(1, each))

    def cost(y):
        start = time.process_time()
        y.compute()
        return time.process_time() - start

    called, plain = lc.map_blocks(lambda b: b, x, dtype="f8").sum(), x.sum()
    return {"seconds": min(cost(called) for _ in range(5)), "plain_seconds": min(cost(plain) for _ in range(5))}


def sine(b):
    for _ in range(4):
        b = np.sin(b)
    return b


def squares(b):
    """Pure Python, which holds the GIL."""
    return np.full(b.shape, sum(v * v for v in b.ravel().tolist()))


def scaling(kind):
    """Seconds by one worker and by two. Processes: two of them; of the engine's threads as many as work."""
    x = lc.ones((2048, 2048), chunks=(256, 512)) if kind == "processes" else lc.ones((4096, 4096), chunks=(256, 1024))
    out = {}
    with lc.Executor(kind, max_workers=2) as ex:
        y = lc.map_blocks(squares if kind == "processes" else sine, x, dtype="f8", executor=ex).sum()
        y.compute()
        pairs = []
        for _ in range(5):
            for n in (1, 2):
                with lc.options(threads=n):
                    out[n] = least(y.compute, 1)
            pairs.append((out[1] / out[2], out[1], out[2]))
    best = max(pairs)
    return {"seconds": best[2], "one": best[1], "times": best[0]}


def workload(name, memory, path, *rest):
    """One of the W rows, from the first call to the last byte."""
    with lc.options(memory=f"{memory}MiB"):
        start = time.perf_counter()
        x = lc.from_hdf5(path, "x")
        value = None
        if name == "w1":
            y, z = lc.from_hdf5(path, "y"), lc.from_hdf5(path, "z")
            value = float(lc.mean(lc.sqrt(x * x + y * y) * lc.sin(z)).compute())
        elif name == "w2":
            y = lc.from_hdf5(path, "y")
            (lc.exp(-x) * y + 1).to_hdf5(rest[0], "out", overwrite=True)
        elif name == "w3":
            x.std(axis=int(rest[1])).to_hdf5(rest[0], "out", overwrite=True)
        elif name == "w9":
            value = float((x + 1).sum().compute())
        else:
            value = float(x.mean().compute())
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "value": value, "engine_peak": lc.last_report().measured_peak}


SIDES = {"import": imported, "three": three, "building": building, "blocks": blocks, "scaling": scaling, "workload": workload}

if __name__ == "__main__":
    args = [int(a) if a.isdigit() else a for a in sys.argv[2:]]
    print(json.dumps(SIDES[sys.argv[1]](*args)))
