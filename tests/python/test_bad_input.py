"""What goes wrong around a computation: files that vanish or change, forks, arrays of other processes, an interpreter that ends. A clear exception each
time; no hang, no crash, and the engine works on."""
import errno
import os
import pickle
import subprocess
import sys
import textwrap
import time

import h5py
import libchunk as lc
import numpy as np
import pytest


def make(path, values, dtype="f8"):
    with h5py.File(path, "w") as f:
        f.create_dataset("x", data=np.asarray(values, dtype), chunks=tuple(min(20, n) for n in np.shape(values)) if np.size(values) > 1 else None)
    return path


def python(code, *args):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), *map(str, args)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def files(tmp_path, rng):
    """Seven files with datasets that differ in their first axis."""
    parts = [rng.random((n, 30)) for n in (20, 5, 40, 1, 20, 0, 13)]
    return [make(tmp_path / f"run{i}.h5", p) for i, p in enumerate(parts)], parts


def test_several_files(files, tmp_path):
    paths, parts = files
    whole = np.concatenate(parts)
    for path in (str(tmp_path / "run*.h5"), tmp_path / "run?.h5", paths, [str(p) for p in paths], [tmp_path / "run[0-3].h5", *paths[4:]], str(tmp_path / "**" / "*.h5")):
        x = lc.from_hdf5(path, "x")
        np.testing.assert_array_equal(x.compute(), whole)
    np.testing.assert_array_equal(lc.from_hdf5(paths[::-1], "x")[3:50].compute(), np.concatenate(parts[::-1])[3:50])
    np.testing.assert_array_equal(lc.from_hdf5([paths[0], paths[4]], "x", axis=-1).compute(), np.concatenate([parts[0], parts[4]], axis=1))
    for axis in (0, 1, -1):
        np.testing.assert_array_equal(lc.from_hdf5([paths[0], paths[4]], "x", new_axis=axis).compute(), np.stack([parts[0], parts[4]], axis))
    np.testing.assert_allclose(pickle.loads(pickle.dumps(x.mean(axis=0))).compute(), whole.mean(axis=0))
    one = lc.from_hdf5(paths[:1], "x")
    assert one.shape == (20, 30)
    odd = make(tmp_path / "odd[0].h5", parts[1])
    np.testing.assert_array_equal(lc.from_hdf5(odd, "x").compute(), parts[1])
    many = lc.from_hdf5([paths[3]] * 300, "x")
    np.testing.assert_array_equal(many.compute(), np.repeat(parts[3], 300, axis=0))


def test_several_files_that_do_not_fit(files, tmp_path):
    paths, parts = files
    other = make(tmp_path / "other.h5", np.ones((3, 31)))
    typed = make(tmp_path / "typed.h5", np.ones((3, 30)), "f4")
    scalar = make(tmp_path / "scalar.h5", 3.0)
    for bad in ([paths[0], other], [paths[0], typed], [paths[0], scalar]):
        with pytest.raises(ValueError, match=bad[1].name):
            lc.from_hdf5(bad, "x")
    with pytest.raises(ValueError, match="shape"):
        lc.from_hdf5([paths[0], paths[1]], "x", new_axis=0)
    with pytest.raises(ValueError, match="new_axis"):
        lc.from_hdf5([scalar, scalar], "x")
    assert lc.from_hdf5([scalar, scalar], "x", new_axis=0).compute().tolist() == [3, 3]
    with pytest.raises(ValueError):
        lc.from_hdf5([], "x")
    with pytest.raises(np.exceptions.AxisError):
        lc.from_hdf5(paths[:2], "x", axis=2)
    for missing in (tmp_path / "no*.h5", [paths[0], tmp_path / "none.h5"]):
        with pytest.raises(FileNotFoundError):
            lc.from_hdf5(missing, "x")
    with pytest.raises(OSError):
        lc.from_hdf5(paths, "none")


@pytest.mark.parametrize("change", ["rewritten", "cut short", "emptied", "replaced", "gone"])
def test_file_that_changes(tmp_path, change):
    """Between opening and computing. One that is deleted or replaced is read as it was, as everywhere on Unix."""
    path = make(tmp_path / "a.h5", np.ones((100, 100)))
    x = lc.from_hdf5(path, "x")
    text = path.read_bytes()
    if change == "rewritten":
        path.write_bytes(text[::-1])
    elif change == "cut short":
        os.truncate(path, len(text) // 3)
    elif change == "emptied":
        os.truncate(path, 0)
    elif change == "replaced":
        os.replace(make(tmp_path / "b.h5", np.zeros((100, 100))), path)
    else:
        os.unlink(path)
    if change in ("replaced", "gone"):
        assert x.sum().compute() == 10**4
    else:
        for ways in (x.sum().compute, x.compute, lambda: x.to_hdf5(tmp_path / "out.h5", "x"), lambda: list(lc.stream(x))):
            with pytest.raises(OSError, match="changed|short|read"):
                ways()
        assert not (tmp_path / "out.h5").exists()
    if change == "gone":
        with pytest.raises(OSError, match="No such file"):
            pickle.loads(pickle.dumps(x))
    del x
    assert lc.ones(5).sum().compute() == 5


def test_file_that_changes_during_a_run(tmp_path):
    """Cut short while workers read it: an OSError, and no result is left."""
    path = make(tmp_path / "a.h5", np.random.default_rng(1).random((400, 400)))
    x = lc.from_hdf5(path, "x")

    def cut(b, block_id=None):
        if block_id == (2, 2):
            os.truncate(path, 4096)
        return b

    with pytest.raises(OSError):
        lc.map_blocks(cut, x, dtype="f8").to_hdf5(tmp_path / "out.h5", "x")
    assert not (tmp_path / "out.h5").exists()
    assert lc.ones(5).sum().compute() == 5


def test_arrays_of_other_processes(tmp_path):
    """Expressions over files go anywhere, what lies in memory with its values; functions of this process are refused when they are sent."""
    x = lc.from_hdf5(make(tmp_path / "a.h5", np.ones((50, 50))), "x")
    sent = pickle.dumps((x + 1).sum(axis=0))
    assert python("import pickle, sys; print(pickle.loads(bytes.fromhex(sys.argv[1])).compute()[0])", sent.hex()) == ["100.0"]
    sent = pickle.dumps(x[[1, 0]] + lc.from_array(np.arange(50.0)))
    assert python("import pickle, sys; print(pickle.loads(bytes.fromhex(sys.argv[1])).compute()[1, 7])", sent.hex()) == ["8.0"]
    with pytest.raises(pickle.PicklingError, match="only expressions over files"):
        pickle.dumps(lc.map_blocks(np.sin, x))
    with pytest.raises((ValueError, TypeError)):
        lc.from_json(lc._core.to_json(x)[:-5])


@pytest.mark.filterwarnings("error")
def test_file_systems_that_have_no_files():
    """They have 0 bytes free: the error was, or a warning said, that there is no room."""
    if os.statvfs("/proc").f_blocks:
        pytest.skip("/proc has blocks here")
    for x in (lc.ones(3) + 1, lc.from_array(np.ones(3)) + 1):
        with pytest.raises(OSError, match="/proc/a.h5: cannot create") as caught:
            x.to_hdf5("/proc/a.h5", "x")
        assert caught.value.errno != errno.ENOSPC


@pytest.mark.filterwarnings("ignore:.*open for writing")
def test_file_of_h5py_that_is_closed_before_the_run(tmp_path):
    """An error of h5py's about identifiers told nobody what was wrong."""
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f["x"] = np.ones((5, 5))
        x = lc.from_array(f["x"])
        assert x.sum().compute() == 25
    with pytest.raises(OSError, match=r"/x was closed before it was read"):
        (x + 1).compute()


def test_fork_during_a_run():
    """The child of a process in whose other thread a run goes on gets errors for the parent's arrays, and can make its own."""
    assert python("""
    import os, threading, time
    import libchunk as lc, numpy as np

    def slow(b):
        time.sleep(0.02)
        return b

    x = lc.map_blocks(slow, lc.ones((50, 100), chunks=(1, 100)), dtype="f8").sum()
    done = []
    thread = threading.Thread(target=lambda: done.append(x.compute()))
    thread.start()
    time.sleep(0.2)
    if os.fork() == 0:
        try:
            x.compute()
        except RuntimeError as e:
            print("fork" in str(e), flush=True)
        print(lc.from_array(np.arange(4)).sum().compute(), flush=True)
        os._exit(0)
    os.wait()
    thread.join()
    print(*done)
    """) == ["True", "6", "5000.0"]


@pytest.mark.parametrize("ending", ["", "sys.exit()", "raise SystemExit", "os.kill(os.getpid(), signal.SIGINT)"])
def test_interpreter_that_ends_during_runs(ending):
    """With a run in a daemon thread, and a stream open: the process ends soon and without a crash."""
    code = f"""
    import os, signal, sys, threading, time
    import libchunk as lc

    def slow(b):
        time.sleep(0.01)
        return b

    x = lc.map_blocks(slow, lc.ones((12000, 100), chunks=(1, 100)), dtype="f8")
    s = lc.stream(x)
    next(s)
    threading.Thread(target=lambda: x.sum().compute(), daemon=True).start()
    time.sleep(0.2)
    {ending}
    """
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert time.monotonic() - start < 30           # the runs would take a minute
    assert done.returncode in ((0,) if "SIGINT" not in ending else (1, -2, 130)), done.stderr
    assert "Fatal" not in done.stderr and (("SIGINT" in ending) == ("KeyboardInterrupt" in done.stderr))
