"""Settings, the ceiling and its errors, threads, signals, forks, the end of the interpreter, and what small things cost."""
import ast
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time

import h5py
import libchunk as lc
import numpy as np
import pytest


def python(code, *args, **options):
    """A Python of its own; what it printed."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), *map(str, args)], capture_output=True, text=True, timeout=60, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def big(tmp_path, rng):
    """A dataset of 64 MB."""
    with h5py.File(tmp_path / "big.h5", "w") as f:
        f.create_dataset("x", data=rng.random((4000, 2000)), chunks=(500, 500))
    return tmp_path / "big.h5"


def test_settings(monkeypatch):
    before = repr(lc.config)
    with lc.options(memory="512MiB", threads=1, scratch="/tmp") as c:
        assert c is lc.config and (c.memory, c.threads, c.scratch) == (512 << 20, 1, "/tmp")
        with lc.options(threads=2):
            assert (c.memory, c.threads) == (512 << 20, 2)
            lc.ones(10**6).sum().compute()
            assert lc.last_report().ceiling == 512 << 20
        assert c.threads == 1
    assert repr(lc.config) == before
    for bad, kind in (({"memory": "many"}, ValueError), ({"memory": 0}, ValueError), ({"threads": 0}, ValueError), ({"nothing": 1}, TypeError), ({"threads": 5000}, ValueError)):
        with pytest.raises(kind):
            lc.config.set(**bad)
    assert repr(lc.config) == before
    assert [lc.parse_bytes(s) for s in (5, "5", "2k", "1.5 MiB", "1GB", "1e3")] == [5, 5, 2048, 1572864, 10**9, 1000]
    env = dict(os.environ, LIBCHUNK_MEMORY="100MiB", LIBCHUNK_THREADS="1")
    assert python("import libchunk as lc; print(lc.config.memory, lc.config.threads)", env=env) == f"{100 << 20} 1"


def test_ceiling(big):
    """Results count; the error names the ways out and the smallest ceiling, which works; a quarter of a MiB below does not."""
    x = lc.from_hdf5(big, "x")
    with lc.options(memory="40MiB"):
        with pytest.raises(lc.CeilingError) as caught:
            (x + 1).compute()
        text = str(caught.value)
        assert isinstance(caught.value, MemoryError) and ".to_hdf5" in text and "compute(out=" in text and re.search(r"\d+KiB", text)
        out = np.empty(x.shape)
        (x + 1).compute(out=out)                    # the caller's own does not count
        report = lc.last_report()
        assert report.measured_peak <= report.projected_peak <= 40 << 20
        (x + 1).to_hdf5(big.parent / "out.h5", "y")
    needed = caught.value.needed
    assert needed > x.nbytes
    with lc.options(memory=needed):
        np.testing.assert_array_equal((x + 1).compute(), out)
        report = lc.last_report()
        assert x.nbytes < report.measured_peak <= report.projected_peak <= needed
    with lc.options(memory=needed - (256 << 10)), pytest.raises(lc.CeilingError):
        (x + 1).compute()


def test_results_that_no_memory_holds():
    with pytest.raises(MemoryError):
        lc.zeros(10**15).compute()


def test_threads_share_the_engine(big):
    """Many threads build, compute and drop arrays at once."""
    x = lc.from_hdf5(big, "x")
    want, wrong = x[:100].sum().compute(), []

    def work():
        for i in range(20):
            y = x[:100] * 1
            if y.sum().compute() != want or (y + i)[0].compute().shape != (2000,):
                wrong.append(i)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


SLOW = """
    import libchunk as lc, numpy as np, os, signal, sys, threading, time
    class Slow:
        shape, dtype, chunks = (1000, 1000), np.dtype("f8"), (10, 1000)
        def __getitem__(self, box):
            time.sleep(0.05)
            return np.zeros([s.stop - s.start for s in box])
    x = lc.from_array(Slow())
"""


def test_interrupt():
    """Ctrl-C ends a run at once, and the engine works on."""
    assert python(SLOW + """
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    try:
        x.sum().compute()
    except KeyboardInterrupt:
        print(time.monotonic() - start < 4, lc.arange(3).sum().compute())
    """) == "True 3"


def test_interpreter_ends_during_a_run():
    """A run in a daemon thread is canceled: no hang, no crash."""
    start = time.monotonic()
    python(SLOW + """
    threading.Thread(target=lambda: x.sum().compute(), daemon=True).start()
    time.sleep(0.5)
    """)
    assert time.monotonic() - start < 20


def test_fork(big):
    """In a child the parent's arrays and its HDF5 raise; new arrays in memory work."""
    out = python("""
    import libchunk as lc, numpy as np, os, pickle, sys
    x = lc.from_hdf5(sys.argv[1], "x")
    print(x[0, :3].sum().compute() > 0, flush=True)
    sent = pickle.dumps(x[0, :3])
    if os.fork() == 0:
        for bad in (x.sum, lambda: x + 1, lambda: pickle.loads(sent)):
            try:
                bad().compute()
            except RuntimeError as e:
                print("fork" in str(e), flush=True)
        del x
        print(lc.from_array(np.arange(3)).sum().compute(), flush=True)
        os._exit(0)
    print(os.wait()[1], (x[0, :3] + 1).compute().shape)
    """, big)
    assert out.splitlines() == ["True", "True", "True", "True", "3", "0 (3,)"]


def test_beside_h5py(big):
    """Two copies of HDF5 in one process, in either order of loading."""
    for first in ("import h5py, libchunk as lc", "import libchunk as lc, h5py"):
        assert python(f"""
        {first}
        import sys
        x = lc.from_hdf5(sys.argv[1], "x").mean().compute()
        with h5py.File(sys.argv[1]) as f:
            print(abs(f["x"][...].mean() - x) < 1e-12)
        """, big) == "True"


def test_progress_and_profile(big, capsys):
    x = lc.from_hdf5(big, "x")
    with lc.ProgressBar(), lc.Profiler() as profiler:
        x.std().compute()
    assert "100 %" in capsys.readouterr().err
    assert profiler.reports[0].bytes_read >= x.nbytes and profiler.profiles[0]
    x.mean().compute()
    assert len(profiler.reports) == 1 and capsys.readouterr().err == ""


def test_report_tells_what_happened(big):
    """Events tell every task and byte; booked memory never passes the measured peak; functions that take more than they were granted are found out."""
    x = lc.from_hdf5(big, "x")
    calls = []

    def greedy(b):
        calls.append(1)
        return np.stack([b] * 8).mean(axis=0)

    lc.map_blocks(lambda b: b + 1, lc.map_blocks(greedy, x, dtype="f8", memory="1MiB")).sum().compute()
    r = lc.last_report()
    ran = [e for e in r.events if e.kind == "run"]
    assert sum(e.tasks for e in ran) == r.tasks and sum(e.bytes for e in r.events) == r.bytes_read + r.bytes_written + r.bytes_spilled
    assert max(e.held for e in r.events) <= r.measured_peak and {e.worker for e in ran} <= set(range(r.threads))
    assert max(e.end for e in r.events) <= r.seconds and any(e.resident for e in r.events)
    costs = {f.name.rpartition(".")[2]: f for f in r.functions}
    one, two = costs["greedy"], costs["<lambda>"]
    assert one.calls == two.calls == len(calls) == x.npartitions and one.granted == 1 << 20
    assert 9 * 500 * 500 * 8 <= one.used <= 11 * 500 * 500 * 8 and one.excess == one.used - one.granted
    assert 500 * 500 * 8 <= two.used < 500 * 500 * 8 + 4096 and two.excess == 0
    lc.arange(3).sum().compute()
    assert lc.last_report().functions == []


def test_long_runs_are_told_in_bounded_memory(tmp_path):
    """Events are joined when there are many: none of the tasks is lost."""
    lc.ones((9000, 64), chunks=(1, 64)).to_hdf5(tmp_path / "many.h5", "x", filter="lz4")
    r = lc.last_report()
    assert r.tasks == 9000 and len(r.events) <= 8192
    for kind in ("run", "claim", "write"):
        assert sum(e.tasks for e in r.events if e.kind == kind) == 9000
        for w in range(r.threads):
            mine = sorted((e.begin, e.end) for e in r.events if e.worker == w and e.kind == kind)
            assert all(a[1] <= b[0] for a, b in zip(mine, mine[1:]))


def test_report_as_a_page(big, tmp_path):
    """Well-formed, whole in itself, and every part is there; a profiler shows all its runs."""
    from xml.etree import ElementTree

    x = lc.from_hdf5(big, "x")
    with lc.Profiler() as p:
        lc.map_blocks(np.sin, x).std(axis=0).compute()
        (x + 1).sum().compute()
    p.reports[0].to_html(tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert text == p.reports[0].to_html() and "http" not in text and "<script" not in text and len(text) < 300_000
    tree = ElementTree.fromstring(text.split("\n", 1)[1].replace("<meta charset='utf-8'>", ""))
    headings = [e.text for e in tree.iter("h2")]
    assert headings == ["Run", "What the workers did", "Memory", "Time per operation", "Python functions"]
    drawn = {s.get("aria-label"): s for s in tree.iter("svg")}
    assert len(list(drawn["timeline"].iter("rect"))) >= p.reports[0].threads and drawn["memory"].find("path") is not None and "sin" in text
    assert p.visualize().count("What the workers did") == 2 and lc.last_report()._repr_html_() in p._repr_html_()
    p.clear()
    assert not p.reports and not p.profiles


def test_import_needs_no_numpy():
    """NumPy is loaded when it is first needed: importing costs less than it alone."""
    assert python("import sys, libchunk; print('numpy' in sys.modules, 'h5py' in sys.modules)") == "False False"


def test_import_is_fast():
    """Under 100 ms of processor time, the interpreter's own start taken off."""
    code = "import time; t = time.process_time(); import libchunk; print(time.process_time() - t)"
    assert min(float(python(code)) for _ in range(5)) < 0.1


def test_small_computation_is_fast():
    """(a + b).compute() on three elements: under 100 us."""
    a, b = lc.from_array(np.arange(3.0)), lc.from_array(np.ones(3))
    best = min(timed(lambda: (a + b).compute()) for _ in range(20))
    assert best < 100e-6


def timed(call, n=200):
    start = time.perf_counter()
    for _ in range(n):
        call()
    return (time.perf_counter() - start) / n


def test_versions_agree():
    from importlib.metadata import version

    assert version("libchunk") == lc.__version__


def test_no_array_is_left_behind(big):
    """Handles that die while a run goes on are freed later: memory does not grow."""
    x, used = lc.from_hdf5(big, "x")[:10], []
    for _ in range(3):
        for _ in range(20000):
            x + 1
        used.append(int(re.search(r"VmRSS:\s+(\d+)", open("/proc/self/status").read())[1]))
    assert used[2] - used[0] < 4096


def test_stubs_parse():
    """The type stubs are valid and name every operation."""
    folder = os.path.dirname(lc.__file__)
    tree = ast.parse(open(os.path.join(folder, "__init__.pyi")).read())
    named = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert {"Array", "from_hdf5", "compute", "options"} <= named
    operations = ast.parse(open(os.path.join(folder, "_table.pyi")).read())
    from libchunk import _core

    assert {entry[0] for entry in _core.operations()} <= {node.name for node in operations.body if isinstance(node, ast.FunctionDef)}


def test_signal_handlers_cannot_wait_for_the_run():
    """A handler that computes during a run gets an error, which ends the run; no deadlock."""
    assert python(SLOW + """
    y = lc.arange(3)
    signal.signal(signal.SIGALRM, lambda *_: y.sum().compute())
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        x.sum().compute()
    except RuntimeError as e:
        print("cannot use libchunk" in str(e), y.sum().compute())
    """) == "True 3"


def test_building_does_not_depend_on_chunks():
    """100 operations over a million chunks: under 10 ms."""
    x = lc.zeros((10**6, 100), chunks=(1, 100))
    assert x.npartitions == 10**6

    def build():
        start = time.process_time()
        y = x
        for i in range(50):
            y = (y + i) * 1.5
        return time.process_time() - start

    assert min(build() for _ in range(5)) < 0.010
