"""Where Python functions run: in threads of this process, or in worker processes that get tiles through shared memory.

A worker process has one pipe for words and one memfd for tiles. Whoever calls a function on a block (a thread of the engine) takes an idle process, copies the
block's tiles into its memory, says which function, waits, and copies the result back. The memory counts as what the function takes for the block. Functions
are sent to a process once and known by number from then on."""
import itertools
import mmap
import os
import pickle
import threading
from concurrent.futures import Executor as Base, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from libchunk import _core

ALIGN = 64
KNOWN_MOST = 64             # functions that a process remembers


class RemoteTraceback(Exception):
    """The traceback of what a worker process raised, as text: the cause of the exception."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return f"\n{self.text}"


class Worker:
    """A worker process, as its parent sees it; used by one thread at a time."""

    def __init__(self, context):
        from multiprocessing import reduction

        self.file = None
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other,), daemon=True, name="libchunk worker")
        self.process.start()
        other.close()
        self.file = os.memfd_create("libchunk tiles")
        self.size, self.memory, self.known, self.is_ready = 0, None, set(), False
        reduction.send_handle(self.pipe, self.file, self.process.pid)

    def ready(self):
        """Waits until it has imported what it needs."""
        if self.is_ready:
            return
        try:
            self.pipe.recv()
        except (EOFError, OSError):
            raise self.broken(' before it was ready: a script that starts processes needs its `if __name__ == "__main__":`') from None
        self.is_ready = True

    def broken(self, when=""):
        self.process.join(5)
        code = self.process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with status {code}"
        return BrokenProcessPool(f"libchunk: worker process {self.process.pid} {how}{when}")

    def room(self, n_bytes):
        """The shared memory, of at least so many bytes."""
        if n_bytes > self.size or n_bytes < self.size // 4:
            self.memory = None
            self.size = -(-n_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
            os.ftruncate(self.file, 0)
            os.ftruncate(self.file, self.size)
            self.memory = mmap.mmap(self.file, self.size)
        return memoryview(self.memory)

    def trim(self):
        self.memory, self.size = None, 0
        os.ftruncate(self.file, 0)

    def resident(self):
        """Bytes that it holds by itself."""
        try:
            with open(f"/proc/{self.process.pid}/status") as f:
                return next(int(line.split()[1]) << 10 for line in f if line.startswith("RssAnon"))
        except (OSError, StopIteration):
            return 0

    def ask(self, *message):
        """Its answer: what the function gave, and how many bytes of NumPy's arrays it took. Raises what the function raised."""
        try:
            self.pipe.send(message)
            ok, value, used = self.pipe.recv()
        except (EOFError, OSError):
            raise self.broken() from None
        if ok:
            return value, used
        error, text = value
        raise error from RemoteTraceback(text)

    def end(self):
        """The process ends when its pipe does; it may be called twice."""
        file, self.file = self.file, None
        if file is not None:
            self.pipe.close()
            os.close(file)

    __del__ = end

    def alive(self):
        return self.process.is_alive()


class Executor(Base):
    """Runs Python functions: those that `map_blocks` and its like call (executor=), and those that are submitted.

    Parameters
    ----------
    kind : {"threads", "processes"}, optional
        Threads share the interpreter: right for functions that release the GIL, as most of NumPy does. Processes run pure Python on all cores. They are started by
        spawn: functions must be found by import, or `cloudpickle` be installed, and scripts need their `if __name__ == "__main__":`.
    max_workers : int, optional
        How many at once; default: the cores that this process may use. Of blocks no more are worked on at once than the engine has threads.

    Notes
    -----
    Worker processes get tiles through shared memory, which counts under the ceiling like what the function takes; so does what the processes hold by
    themselves, some 30 MB each. One that dies is reported with the block that it worked on, and another takes its place.

    Examples
    --------
    >>> with lc.Executor("processes", max_workers=2) as ex:
    ...     lc.map_blocks(slow, x, executor=ex, dtype="f8").mean().compute()
    ...     futures = [ex.submit(pow, 2, n) for n in range(9)]
    ...     results = [f.result() for f in concurrent.futures.as_completed(futures)]
    """

    def __init__(self, kind="threads", max_workers=None):
        if kind not in ("threads", "processes"):
            raise ValueError(f"kind is {kind!r}: 'threads' or 'processes'")
        self.kind, self.max_workers = kind, max_workers or len(os.sched_getaffinity(0))
        if self.max_workers < 1:
            raise ValueError(f"max_workers is {max_workers}: at least 1")
        self._pid, self._lock = os.getpid(), threading.Lock()
        self._free = threading.BoundedSemaphore(self.max_workers)
        self._threads = ThreadPoolExecutor(self.max_workers, "libchunk executor")
        self._idle, self._workers, self._numbers, self._context, self._down = [], [], itertools.count(1), None, False

    # ---- concurrent.futures

    def submit(self, fn, /, *args, **kwargs):
        """A Future of fn(*args, **kwargs)."""
        self._check()
        if self.kind == "threads":
            return self._threads.submit(fn, *args, **kwargs)
        return self._threads.submit(self._call, dumped((fn, args, kwargs)))

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Ends the workers when what was submitted is done."""
        with self._lock:
            self._down = True
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()
            if wait:
                worker.process.join()

    def _check(self):
        if self._pid != os.getpid():
            raise RuntimeError("libchunk: this executor belongs to the parent process: make one anew after fork")
        if self._down:
            raise RuntimeError("cannot schedule new futures after shutdown")

    # ---- processes

    def _take(self):
        self._check()
        self._free.acquire()
        worker = None
        try:
            with self._lock:
                while self._idle and worker is None:
                    worker = self._idle.pop()
                    if not worker.alive():
                        self._drop(worker)
                        worker = None
                worker = worker or self._begin()
            worker.ready()
            return worker
        except BaseException:
            if worker is not None:
                with self._lock:
                    self._drop(worker)
            self._free.release()
            raise

    def _begin(self):
        """Another process, which may not be ready yet; with the lock."""
        if self._context is None:
            import multiprocessing

            self._context = multiprocessing.get_context("spawn")
        worker = Worker(self._context)
        self._workers.append(worker)
        return worker

    def _give(self, worker):
        with self._lock:
            if self._down or not worker.alive():
                self._drop(worker)
            else:
                self._idle.append(worker)
        self._free.release()

    def _drop(self, worker):
        self._workers.remove(worker)
        worker.end()

    def _call(self, task):
        worker = self._take()
        try:
            return worker.ask("call", task)[0]
        finally:
            self._give(worker)

    # ---- blocks

    def caller(self, function, kwargs, place, crop):
        """What the engine calls for a block in place of _blocks.caller."""
        from libchunk import _blocks

        if self.kind == "threads":
            return self._bounded(_blocks.caller(function, kwargs, place, crop))
        self._check()
        number, what = next(self._numbers), _blocks.label(function)
        task = dumped((function, kwargs, place, crop))

        def call(inputs, out, block, blocks):
            try:
                worker = self._take()
                try:
                    return on_block(worker, number, task, inputs, out, block, blocks)
                finally:
                    self._give(worker)
            except (BrokenProcessPool, RuntimeError) as e:
                if not getattr(e, "__notes__", None):
                    e.add_note(f"libchunk: in {what}, block {block} of {blocks}")
                raise

        return call

    def _bounded(self, function):
        def call(*block):
            self._check()
            with self._free:
                return function(*block)

        return call

    def held(self):
        """Bytes that worker processes hold before a run: all are started, and what idle ones have shared is given back."""
        if self.kind == "threads":
            return 0
        self._check()
        with self._lock:
            while len(self._workers) < self.max_workers:
                self._idle.append(self._begin())
            for worker in self._idle:
                worker.ready()
                worker.trim()
            return sum(w.resident() for w in self._workers)


def dumped(task):
    try:
        return pickle.dumps(task, protocol=5)
    except Exception as e:
        try:
            import cloudpickle
        except ImportError:
            raise pickle.PicklingError(f"{e}: worker processes import functions by name; for others install cloudpickle") from e
        return cloudpickle.dumps(task)


def places(tiles):
    """Where tiles begin in shared memory, and their end."""
    at, out = 0, []
    for tile in tiles:
        out.append(at)
        at += -(-tile[0].nbytes // ALIGN) * ALIGN
    return out, at


def on_block(worker, number, task, inputs, out, block, blocks):
    """Has a worker process compute a block; gives the bytes that the function took for arrays."""
    import numpy as np

    tiles = [*inputs, out]
    starts, end = places(tiles)
    memory = np.frombuffer(worker.room(end), "u1")
    for tile, at in zip(inputs, starts):
        np.copyto(memory[at:at + tile[0].nbytes], np.frombuffer(tile[0], "u1"))
    told = None
    if number not in worker.known:
        told = task
    described = [(at, t[0].nbytes, *t[1:]) for t, at in zip(tiles, starts)]
    used = worker.ask("block", number, told, worker.size, described, block, blocks)[1]
    if told is not None:
        if len(worker.known) >= KNOWN_MOST:
            worker.known.clear()        # as the process does
        worker.known.add(number)
    np.copyto(np.frombuffer(out[0], "u1"), memory[starts[-1]:starts[-1] + out[0].nbytes])
    return used


# ---- in the worker process

def serve(pipe):
    """What a worker process does until its parent ends it or dies."""
    import signal
    from multiprocessing import reduction

    signal.signal(signal.SIGINT, signal.SIG_IGN)       # while it waits; a function that runs is interrupted
    file = reduction.recv_handle(pipe)
    known, memory = {}, None
    count_memory()
    pipe.send("ready")
    while True:
        try:
            message = pipe.recv()
        except (EOFError, OSError):
            return
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            if message[0] == "call":
                fn, args, kwargs = pickle.loads(message[1])
                answer = True, fn(*args, **kwargs), 0
            else:
                _, number, task, size, tiles, block, blocks = message
                if task is not None:
                    learn(known, number, task)
                if memory is None or len(memory) != size:
                    memory = mmap.mmap(file, size)
                answer = True, None, work(known[number], memoryview(memory), tiles, block, blocks)
        except BaseException as e:
            answer = False, told(e), 0
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            pipe.send(answer)
        except (OSError, EOFError):
            return
        except Exception as e:          # what the function gave cannot be sent
            pipe.send((False, told(e), 0))


def count_memory():
    from libchunk import _blocks

    _blocks.count_memory()


def learn(known, number, task):
    from libchunk import _blocks

    if len(known) >= KNOWN_MOST:
        known.clear()
    known[number] = _blocks.caller(*pickle.loads(task))


def work(function, memory, tiles, block, blocks):
    *inputs, out = [(memory[at:at + n].toreadonly() if k < len(tiles) - 1 else memory[at:at + n], *rest) for k, (at, n, *rest) in enumerate(tiles)]
    return _core.measured(lambda: function(inputs, out, block, blocks))


def told(e):
    """An exception as it can be sent, and its traceback as text."""
    import traceback

    text = "".join(traceback.format_exception(e))
    try:
        pickle.loads(pickle.dumps(e))
    except Exception:
        notes = getattr(e, "__notes__", [])
        e = RuntimeError(f"{type(e).__name__}: {e}")
        for note in notes:
            e.add_note(note)
    return e, text
