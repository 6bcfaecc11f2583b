"""Arrays block after block: an iterator over a run that goes on in a thread of its own, a few blocks ahead of who asks; and what `await x` does."""
import atexit
import threading
import weakref
from collections import deque

from libchunk import _core, _run
from libchunk._convert import CanceledError, as_array

_open = weakref.WeakSet()       # feeds whose runs go on


class Feed:
    """What a run's thread and its consumer share. The thread does not hold the Stream, so that one that is dropped is closed."""

    def __init__(self, array, most):
        self.array, self.most = array, most
        self.blocks, self.changed = deque(), threading.Condition()
        self.closed = self.ended = False
        self.error = None

    def put(self, box, memory):
        """Called by the run with a dense block, one at a time: waits until there is room for its copy."""
        import numpy as np

        with self.changed:
            while len(self.blocks) >= self.most and not self.closed:
                self.changed.wait()
            if self.closed:
                raise CanceledError("the stream was closed")
        block = np.frombuffer(memory, self.array.dtype_name).reshape([s.stop - s.start for s in box]).copy()
        with self.changed:
            self.blocks.append((box, block))
            self.changed.notify_all()

    def work(self, chunks, reserved):
        try:
            _run.run([(self.array, (self.put, chunks))], reserved)
        except BaseException as e:
            self.error = e
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def take(self):
        """The next block, or None at the end."""
        with self.changed:
            while not self.blocks and not self.ended and not self.closed:
                self.changed.wait()
            if self.blocks and not self.closed:
                block = self.blocks.popleft()
                self.changed.notify_all()
                return block
        if self.error is not None and not self.closed:
            error, self.error = self.error, None
            raise error
        return None

    def close(self, thread):
        with self.changed:
            self.closed = True
            self.blocks.clear()
            self.changed.notify_all()
        if thread is not None:
            thread.join()
        _open.discard(self)


class Stream:
    """Iterates over the blocks of an array while they are computed: see `stream`."""

    def __init__(self, array, chunks, prefetch):
        self._array, self._chunks, self._prefetch = array, chunks, prefetch
        self._feed = self._thread = None
        self._done, self._consumer = False, None

    def _begin(self):
        me = threading.get_ident()
        if not self._done and self._consumer != me:
            if me in _core.consumers:
                raise RuntimeError("libchunk: another stream is open in this thread, and runs go on one at a time: take its last block or close() it")
            _core.consumers.discard(self._consumer)
            _core.consumers.add(me)
            self._consumer = me
        if self._feed is None and not self._done:
            block = self._array.itemsize
            for n in self._chunks:
                block *= n
            self._feed = Feed(self._array, self._prefetch)
            # Besides those that wait: one that is being copied, and one that the consumer holds.
            reserved = block * (self._prefetch + 2)
            self._thread = threading.Thread(target=self._feed.work, args=(self._chunks if self._array.ndim else None, reserved), daemon=True,
                                            name="libchunk stream")
            _open.add(self._feed)
            self._feed.thread = self._thread
            self._thread.start()

    def _next(self):
        if self._done or not self._array.size:
            return None
        block = self._feed.take()
        if block is None:
            self.close()
        return block

    def __iter__(self):
        return self

    def __next__(self):
        self._begin()
        try:
            block = self._next()
        except BaseException:
            self.close()
            raise
        if block is None:
            raise StopIteration
        return block

    def __aiter__(self):
        return self

    async def __anext__(self):
        import asyncio

        self._begin()
        try:
            block = await asyncio.to_thread(self._next)
        except BaseException:
            self.close()
            raise
        if block is None:
            raise StopAsyncIteration
        return block

    def close(self):
        """Ends the run; the blocks that have not been asked for are lost."""
        self._done = True
        _core.consumers.discard(self._consumer)
        self._consumer = None           # or the end of this object would take the thread away from a later stream
        if self._feed is not None:
            self._feed.close(self._thread)
            self._feed = self._thread = None

    async def aclose(self):
        """As `close`."""
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc):
        self.close()

    def __del__(self):
        _core.consumers.discard(self._consumer)
        if self._feed is not None:
            self._feed.close(None)         # whoever drops it may be a thread that its run waits for


def stream(x, chunks=None, prefetch=2):
    """The blocks of an array, one after the other, while the next ones are computed: an iterator, and an asynchronous one.

    Parameters
    ----------
    x : array_like
    chunks : tuple of int, optional
        Extents of the blocks; default: the array's own chunks.
    prefetch : int, optional
        Blocks that are computed ahead, at most. They count under the ceiling, and so do two more: the one that is handed over and the one before it.

    Returns
    -------
    Stream
        Gives (slices, numpy.ndarray) for each block, in an order that follows from the expression alone. One run computes them all. Until it has ended, or
        `close` was called, the thread that takes the blocks cannot use libchunk otherwise, and others wait; leaving a `with` block closes it, too.

    Examples
    --------
    >>> for box, block in lc.stream(x - x.mean(axis=0)):
    ...     socket.send(block)
    >>> async for box, block in lc.stream(x):
    ...     await send(block)
    """
    x = as_array(x)
    if prefetch < 1:
        raise ValueError(f"prefetch is {prefetch}: at least one block must be computed ahead")
    if chunks is None:
        chunks = tuple(max(1, c) for c in x.chunksize)
    else:
        from libchunk._creation import chunk_shape

        chunks = chunk_shape(chunks, x.shape)
    return Stream(x, chunks, int(prefetch))


@atexit.register
def close_all():
    for feed in list(_open):
        feed.close(feed.thread)


class Stopper(_run.ProgressBar):
    """A watcher of one run that ends it when it is told to."""

    def __init__(self):
        self.stopped = False

    def start(self):
        pass

    def progress(self, *numbers):
        if self.stopped:
            raise CanceledError("canceled")

    def stop(self):
        pass


async def awaited(x):
    """What `await x` gives: the values, computed in another thread. When the task is canceled, so is the run."""
    import asyncio

    stopper = Stopper()
    try:
        return await asyncio.get_running_loop().run_in_executor(None, lambda: _run.compute_one(x, watch=stopper))
    except asyncio.CancelledError:
        stopper.stopped = True
        raise
