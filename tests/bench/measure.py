"""Clocks, memory and caches, for bench.py and peers.py alike: whatever one side gets, the other gets."""
import contextlib
import ctypes
import json
import mmap
import os
import subprocess
import tempfile

TICK = os.sysconf("SC_CLK_TCK")
CORES = len(os.sched_getaffinity(0))
FREE = 6 << 30  # bytes: outputs are 2 GiB, and so are the arrays that NumPy makes on the way; which of what is free they get is the kernel's choice


def status_mib(key, pid="self"):
    """A line of /proc/PID/status in MiB, as VmHWM; 0 when the process is gone."""
    try:
        with open(f"/proc/{pid}/status") as f:
            for line in f:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def busy_seconds():
    """CPU seconds that the whole machine has spent so far, idle and waiting for disks excluded."""
    with open("/proc/stat") as f:
        v = [int(x) for x in f.readline().split()[1:9]]
    return (sum(v) - v[3] - v[4]) / TICK


class Load:
    """Mean number of cores that others used while this was open: the noise of a run."""

    def __enter__(self):
        self.busy = busy_seconds()
        return self

    def __exit__(self, *exc):
        self.busy = busy_seconds() - self.busy

    def others(self, cpu_s, seconds):
        return round(max(0.0, self.busy - cpu_s) / max(seconds, 0.05), 2)


def files_below(path):
    if os.path.isfile(path):
        return [path]
    return [os.path.join(d, f) for d, _, names in os.walk(path) for f in names]


def warm(paths):
    """Reads files once, so that they are in the page cache; what was not there comes as large pages, where the kernel has them for files, and not as it happens."""
    buf = bytearray(1 << 20)
    for path in paths:
        for name in files_below(path):
            with open(name, "rb", buffering=0) as f:
                if os.fstat(f.fileno()).st_size:
                    with mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m, contextlib.suppress(OSError):
                        m.madvise(mmap.MADV_HUGEPAGE)
                        for at in range(0, len(m), 1 << 16):
                            m[at]
                while f.readinto(buf):
                    pass


@contextlib.contextmanager
def ready():
    """For rows that store: free memory that is really there. FREE is taken up, and given back at the end. The host of a virtual machine may have taken away
    what is free, and brings it back page by page when it is used again: that would be clocked (2 GiB stored in 0.6 s, or in 2)."""
    with open("/proc/meminfo") as f:
        free = next(int(line.split()[1]) << 10 for line in f if line.startswith("MemFree:"))
    n = min(FREE, free - (512 << 20)) >> 21 << 21  # nothing is pushed out of the page cache for it
    if n <= 0 or os.environ.get("BENCH_STORES") != "1":
        yield
        return
    with mmap.mmap(-1, n, flags=mmap.MAP_PRIVATE) as m:
        with contextlib.suppress(OSError):
            m.madvise(mmap.MADV_HUGEPAGE)
        try:
            m.madvise(23)  # MADV_POPULATE_WRITE, since Linux 5.14
        except OSError:
            for at in range(0, n, mmap.PAGESIZE):
                m[at] = 1
        yield


def drop(paths):
    """Takes files out of the page cache: all caches where this process may, else page by page by advice."""
    os.sync()
    for path in paths:
        for name in files_below(path):
            fd = os.open(name, os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)
    try:
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("3")
    except OSError:
        pass


def resident_share(path):
    """The share of a file's pages that are in the page cache: a cold row is only cold when this is about 0."""
    size = os.path.getsize(path)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    fd = os.open(path, os.O_RDONLY)
    at = libc.mmap(None, size, 1, 1, fd, 0)
    os.close(fd)
    pages = (size + 4095) // 4096
    vec = (ctypes.c_ubyte * pages)()
    if at in (None, ctypes.c_void_p(-1).value) or libc.mincore(ctypes.c_void_p(at), ctypes.c_size_t(size), vec):
        return float("nan")
    libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(size))
    return bytes(vec).count(1) / pages


def launch(launcher, cmd, limit, env=None):
    """Runs cmd from exec to exit under launch.c: seconds, cpu_s, peak_mib (from outside), exit, others, stdout, stderr."""
    with tempfile.NamedTemporaryFile("r", prefix="launch-") as result:
        with Load() as load:
            p = subprocess.run([launcher, result.name, str(limit), *map(str, cmd)], capture_output=True, text=True, env=env)
        line = result.read()
    if not line:
        raise RuntimeError(f"{cmd[0]}: {p.stderr.strip() or 'the launcher failed'}")
    r = json.loads(line)
    r.update(peak_mib=r.pop("peak_kib") / 1024, others=load.others(r["cpu_s"], r["seconds"]), stdout=p.stdout, stderr=p.stderr)
    return r


def median(values):
    v = sorted(values)
    return v[len(v) // 2] if len(v) % 2 else (v[len(v) // 2 - 1] + v[len(v) // 2]) / 2
