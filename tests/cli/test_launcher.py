"""The launcher: what it answers itself, crashes of the worker, signals, temporaries, its size."""
import json
import os
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest
from chunkcli import BIN, CHUNK, CHUNK_INFO, chunk, has_faults, is_sanitized

needs_faults = pytest.mark.skipif(not has_faults(), reason="this build cannot be made to fail (CHUNK_FAULTS)")


@pytest.fixture
def data(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f["x"] = np.arange(1000.0)
    return tmp_path


def test_version_and_help():
    assert chunk("--version").stdout.startswith("chunk 0.")
    assert chunk("eval", "--version").stdout == chunk("--version").stdout
    assert chunk("--version", program=CHUNK_INFO).stdout.startswith("chunk-info 0.")
    for args in (["--help"], ["help"], ["eval", "--help"], ["info", "--help"], ["ops", "--help"], ["help", "eval"]):
        done = chunk(*args)
        assert done.returncode == 0 and done.stdout.startswith("usage: chunk"), args
    assert chunk("help", "eval").stdout == chunk("eval", "--help").stdout


def test_unknown_command():
    done = chunk("evil", "1", "--json")
    assert done.returncode == 2 and "evil" in done.stderr and done.stderr.count("\n") == 1
    assert json.loads(done.stdout)["exit"] == 2
    done = chunk()
    assert done.returncode == 2 and done.stdout == "" and done.stderr.startswith("usage:")


def test_info_by_name(data):
    a = chunk("info", data / "x.h5")
    assert a.returncode == 0 and a.stdout == chunk(data / "x.h5", program=CHUNK_INFO).stdout


@needs_faults
def test_crash_is_one_line(data):
    """HDF5 crashes on broken files; whoever runs chunk sees one line, exit 1, and a folder as it was."""
    before = sorted(os.listdir(data))
    for place in ("open", "run"):
        done = chunk("eval", "x + 1", f"x={data}/x.h5:/x", "-o", f"{data}/out.h5:/y", "--json", env={"CHUNK_CRASH": place})
        assert done.returncode == 1
        assert done.stderr == f"chunk: {data}/x.h5: the HDF5 library crashed (SIGSEGV) while reading; nothing was written\n"
        assert json.loads(done.stdout) == {"error": done.stderr[7:-1], "exit": 1}
        assert sorted(os.listdir(data)) == before
    done = chunk("info", data / "x.h5", env={"CHUNK_CRASH": "open"})
    assert done.returncode == 1 and done.stdout == "" and str(data / "x.h5") in done.stderr


@needs_faults
def test_a_file_is_named_once(data):
    os.link(data / "x.h5", data / "y.h5")
    args = ["x + y + z", "x=x.h5:/x", "y=y.h5:/x", "z=x.h5:/z"]
    done = chunk("eval", *args, cwd=data, env={"CHUNK_CRASH": "open"})
    assert done.stderr == "chunk: x.h5, y.h5: the HDF5 library crashed (SIGSEGV) while reading; nothing was written\n"


@needs_faults
def test_damaged_heap_is_one_line(data):
    """The C library's own words about a heap that HDF5 damaged came before the launcher's line."""
    if is_sanitized():
        pytest.skip("sanitizers report on standard error themselves")
    for args in (["eval", "x + 1", f"x={data}/x.h5:/x"], ["info", data / "x.h5"]):
        done = chunk(*args, env={"CHUNK_CRASH": "open:heap"})
        assert done.returncode == 1 and done.stdout == ""
        assert done.stderr == f"chunk: {data}/x.h5: the HDF5 library crashed (SIGABRT) while reading; nothing was written\n"


@needs_faults
@pytest.mark.parametrize("args", [["eval", "x + 1", "x=x.h5:/x", "-o", "out.h5:/y", "--json"], ["info", "x.h5", "--json"]])
def test_endless_loop_is_ended(data, args):
    """HDF5 1.10.8 never comes back from some damaged files."""
    if is_sanitized("thread"):
        pytest.skip("the thread sanitizer holds signals back until a function of the C library is called, which the loop does not")
    done = chunk(*args, cwd=data, env={"CHUNK_CRASH": "open:loop"})
    assert done.returncode == 1
    assert done.stderr == "chunk: x.h5: damaged: the HDF5 library runs in circles reading its tables; nothing was written\n"
    assert json.loads(done.stdout) == {"error": done.stderr[7:-1], "exit": 1}
    assert os.listdir(data) == ["x.h5"]


@needs_faults
def test_crash_leaves_locked_temporaries(data):
    """Another process may be writing a file of the same name: its temporary is locked and stays."""
    import fcntl

    other = data / ".out.h5.chunk-tmp-other"
    with open(other, "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        chunk("eval", "x + 1", f"x={data}/x.h5:/x", "-o", f"{data}/out.h5:/y", env={"CHUNK_CRASH": "run"})
        assert other.exists()


@needs_faults
def test_worker_missing(data):
    shutil.copy(CHUNK, data / "chunk")
    for done in (chunk("eval", "1", program=str(data / "chunk")), chunk("eval", "1", env={"CHUNK_WORKER": str(data / "nothing")})):
        assert done.returncode == 1 and "chunk-worker" in done.stderr and done.stderr.count("\n") == 1


@needs_faults
def test_worker_without_its_libraries(data):
    """The dynamic linker's exit status is none of chunk's."""
    worker = data / "worker"
    worker.write_text("#!/bin/sh\necho error while loading shared libraries >&2\nexit 127\n")
    worker.chmod(0o755)
    done = chunk("eval", "1", "--json", env={"CHUNK_WORKER": str(worker)})
    assert done.returncode == 1 and done.stderr.endswith("\nchunk: cannot start chunk-worker: a shared library that it needs was not found\n")
    assert json.loads(done.stdout)["exit"] == 1


def find_child(pid):
    for _ in range(500):
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            children = f.read().split()
        if children:
            with open(f"/proc/{children[0]}/comm") as f:
                if f.read().strip() == "chunk-worker":
                    return int(children[0])
        time.sleep(0.002)
    raise AssertionError("no worker was started")


def start_long(data, *more):
    """A run that takes a while, by its sheer number of elements."""
    args = ["eval", "sum(sin(arange(40000000000) * 0.5))", *more]
    heard = lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL)  # noqa: E731  under nohup it is ignored, and chunk leaves that so
    return subprocess.Popen([CHUNK, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=data, preexec_fn=heard)


def gone(pid):
    """All of its threads: a process that has ended keeps its files, locks included, as long as one of them is ending."""
    for _ in range(500):
        try:
            with open(f"/proc/{pid}/stat") as f:
                if f.read().rsplit(")", 1)[1].split()[0] == "Z" and len(os.listdir(f"/proc/{pid}/task")) == 1:
                    return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_worker_dies_with_launcher(data):
    p = start_long(data)
    worker = find_child(p.pid)
    p.kill()
    p.communicate()
    assert gone(worker)


def test_launcher_is_small(data):
    if is_sanitized():
        pytest.skip("sanitizers make every process large")
    p = start_long(data)
    find_child(p.pid)
    with open(f"/proc/{p.pid}/status") as f:
        peak = [int(line.split()[1]) for line in f if line.startswith("VmHWM")][0]
    p.send_signal(signal.SIGINT)
    p.communicate(timeout=20)
    assert peak <= 1024, f"{peak} KiB: more than the worker counts for it"


@pytest.mark.parametrize("sig, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_interrupt(data, sig, code):
    """To the launcher alone, as `kill` does; early and late."""
    for delay in (0, 0.02, 0.5):
        p = start_long(data, "--json")
        find_child(p.pid)
        time.sleep(delay)
        p.send_signal(sig)
        out, err = p.communicate(timeout=20)
        assert p.returncode == code, err
        assert json.loads(out)["exit"] == code


def test_interrupt_leaves_outputs(data):
    with h5py.File(data / "out.h5", "w") as f:
        f["y"] = 7
    before = (data / "out.h5").read_bytes()
    args = ["eval", "sin(arange(400000000) * 0.5)", "-o", f"{data}/out.h5:/y", "--overwrite"]
    for delay in (0.05, 0.3):
        p = subprocess.Popen([CHUNK, *args], stderr=subprocess.PIPE, text=True, start_new_session=True)
        time.sleep(delay)
        os.killpg(p.pid, signal.SIGINT)  # as the terminal sends it: to both
        p.communicate(timeout=20)
        assert p.returncode == 130
        assert (data / "out.h5").read_bytes() == before
        assert sorted(os.listdir(data)) == ["out.h5", "x.h5"]


def group(pgid):
    """The processes of a group."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.getpgid(int(pid)) == pgid:
                yield int(pid)
        except ProcessLookupError:
            pass


def test_kill_leaves_outputs(data):
    """kill -9 of both processes at any moment: what was there is intact, at most one temporary, gone after the next run."""
    with h5py.File(data / "out.h5", "w") as f:
        f["y"] = 7
    before = (data / "out.h5").read_bytes()
    args = ["eval", "arange(40000000) * 0.5", "-o", f"{data}/out.h5:/y", "--overwrite", "-q"]
    for delay in (0.01, 0.03, 0.06, 0.1):
        p = subprocess.Popen([CHUNK, *args], start_new_session=True)
        time.sleep(delay)
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()
        assert all(map(gone, group(p.pid)))  # the worker too: until then its temporary is locked, and the next run's sweep leaves it alone
        if (data / "out.h5").read_bytes() != before:  # it was faster than we
            with h5py.File(data / "out.h5") as f:
                assert f["y"].shape == (40000000,)
            (data / "out.h5").write_bytes(before)
        left = [name for name in os.listdir(data) if name not in ("out.h5", "x.h5")]
        assert len(left) <= 1 and all(name.startswith(".out.h5.chunk-tmp") for name in left)
    assert chunk("eval", "x + 1", f"x={data}/x.h5:/x", "-o", f"{data}/out.h5:/y", "--overwrite").returncode == 0
    assert sorted(os.listdir(data)) == ["out.h5", "x.h5"]
    with h5py.File(data / "out.h5") as f:
        assert (f["y"][:] == np.arange(1000.0) + 1).all()


def test_closed_standard_output(data):
    """A reader that goes away, and a full disk behind standard output."""
    done = subprocess.run(f"{CHUNK} eval 'arange(900)' > /dev/full", shell=True, capture_output=True, text=True)
    assert done.returncode == 1 and "standard output" in done.stderr
    assert (BIN / "chunk-worker").exists()


@pytest.mark.parametrize("args", [["eval", "1 + 1"], ["eval", "1 + 1", "--json"], ["eval", "1 + 1", "-o", "out.h5:/y", "--json"], ["eval", "x[:3]", "x=x.h5:/x"],
                                  ["eval", "sum(x)", "x=x.h5:/x", "--explain"], ["info", "x.h5"], ["info", "x.h5", "--json"], ["ops"], ["--help"], ["--version"]])
def test_standard_output_that_is_not_open(data, args):
    """The next file that was opened took its place, so that results were lost without a word."""
    before = (data / "x.h5").read_bytes()
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", CHUNK, *args], cwd=data, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and done.stderr.startswith("chunk: cannot write to standard output") and done.stderr.count("\n") == 1
    assert (data / "x.h5").read_bytes() == before


def test_closed_descriptors_that_are_not_needed(data):
    done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", CHUNK, "eval", "x + 1", "x=x.h5:/x", "-o", "out.h5:/y"], cwd=data)
    assert done.returncode == 0
    with h5py.File(data / "out.h5") as f:
        assert np.array_equal(f["y"][()], np.arange(1000.0) + 1)
