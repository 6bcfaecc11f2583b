"""Arrays block after block, awaited, reduced by Python functions, and made from indices."""
import asyncio
import gc
import subprocess
import sys
import textwrap
import threading
import time

import libchunk as lc
import numpy as np
import pytest


@pytest.fixture
def pair(rng):
    n = rng.random((100, 80))
    return n, lc.from_array(n, chunks=(30, 30))


class Slow:
    """An object that takes 20 ms to be read from, and notes what was asked for."""

    shape, dtype, chunks = (50, 20000), np.dtype("f8"), (1, 20000)

    def __init__(self, fails_at=None):
        self.read, self.fails_at = [], fails_at

    def __getitem__(self, box):
        time.sleep(0.02)
        self.read.append(box[0].start)
        if box[0].start == self.fails_at:
            raise KeyError("told")
        return np.full([s.stop - s.start for s in box], float(box[0].start))


def test_stream_gives_every_block(pair):
    n, x = pair
    for kwargs, count in (({}, 12), ({"chunks": (50, -1)}, 2), ({"prefetch": 1, "chunks": 40}, 6)):
        got, boxes = np.zeros_like(n), []
        for box, block in lc.stream(x - x.mean(axis=0), **kwargs):
            got[box] = block
            boxes.append(box)
        np.testing.assert_allclose(got, n - n.mean(axis=0))
        assert len(boxes) == len(set(map(str, boxes))) == count
    (box, value), = lc.stream(x.sum())
    assert box == () and value == pytest.approx(n.sum())
    assert list(lc.stream(lc.zeros((0, 3)))) == []
    with pytest.raises(ValueError):
        lc.stream(x, prefetch=0)


def test_stream_runs_ahead_but_not_far():
    """Blocks are computed while the consumer does something else, no more than it asked for; closing ends the run."""
    slow = Slow()
    with lc.options(threads=1), lc.stream(lc.from_array(slow), prefetch=3) as s:
        assert next(s)[1][0, 0] == 0
        time.sleep(0.5)
        ahead = len(slow.read)
        assert 4 <= ahead <= 16         # what a task has read before it gives out blocks counts too
        time.sleep(0.2)
        assert len(slow.read) == ahead
    assert list(s) == []
    assert lc.arange(3).sum().compute() == 3


def test_blocks_ahead_count_under_the_ceiling():
    x = lc.ones((64, 1 << 17), chunks=(1, 1 << 17))
    with lc.options(memory="40MiB"):
        assert sum(float(b[0, 0]) for _, b in lc.stream(x, prefetch=4)) == 64
        assert lc.last_report().projected_peak > 6 << 20
        with pytest.raises(lc.CeilingError):
            list(lc.stream(x, prefetch=50))


def test_stream_that_is_left(pair):
    """A dropped, closed or failed stream leaves the engine free; its thread is told instead of waiting for itself."""
    n, x = pair
    s = lc.stream(x, prefetch=1)
    next(s)
    for bad in (lambda: x.sum().compute(), lambda: x + 1, lambda: next(lc.stream(x))):
        with pytest.raises(RuntimeError, match="stream is open in this thread"):
            bad()
    s.close()
    assert (x + 1).sum().compute() == pytest.approx(n.sum() + n.size)
    s = lc.stream(x, prefetch=1)
    next(s)
    del s
    gc.collect()
    assert x.sum().compute() == pytest.approx(n.sum())
    s = lc.stream(lc.from_array(Slow(fails_at=5)))
    with pytest.raises(KeyError, match="told"):
        for _ in s:
            pass
    assert list(s) == [] and x.max().compute() == n.max()
    with pytest.raises(ZeroDivisionError):
        for _ in lc.stream(x):
            1 / 0
    gc.collect()
    assert x.max().compute() == n.max()


def test_streams_of_several_threads(pair):
    n, x = pair
    sums = []
    threads = [threading.Thread(target=lambda: sums.append(sum(b.sum() for _, b in lc.stream(x)))) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    np.testing.assert_allclose(sums, n.sum())


def test_stream_that_is_open_at_the_end():
    code = """
    import libchunk as lc
    s = lc.stream(lc.ones((100, 100), chunks=(1, 100)))
    next(s)
    print("left")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "left\n", "")


def test_async(pair):
    n, x = pair

    async def total():
        return sum([b.sum() async for _, b in lc.stream(x)])

    async def value(a):
        return await a

    async def main():
        assert await total() == pytest.approx(n.sum())
        np.testing.assert_array_equal(await x, n)
        assert await asyncio.gather(value(x.min()), value(x.max())) == [n.min(), n.max()]
        slow = Slow()
        begin = time.monotonic()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(value(lc.from_array(slow).sum()), 0.2)
        assert x.sum().compute() == pytest.approx(n.sum())
        assert len(slow.read) < 50 and time.monotonic() - begin < 20
        async with lc.stream(x) as s:
            await anext(s)
        with pytest.raises(KeyError):
            await lc.from_array(Slow(fails_at=0)).sum()

    asyncio.run(main())


def square(b, axis, keepdims):
    return (b * b).sum(axis=axis, keepdims=keepdims)


def root(p, axis, keepdims):
    return np.sqrt(p.sum(axis=axis, keepdims=keepdims))


@pytest.mark.parametrize("axis", [0, -1, None, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("split", [2, None, {0: 3}])
def test_reduction(pair, axis, keepdims, split):
    n, x = pair
    got = lc.reduction(x, square, root, axis=axis, keepdims=keepdims, combine=np.sum, split_every=split)
    want = np.sqrt((n * n).sum(axis=axis, keepdims=keepdims))
    assert got.shape == want.shape and got.dtype == want.dtype
    np.testing.assert_allclose(got.compute(), want)


def test_reduction_of_other_kinds(pair):
    """Partial results of several numbers and of another dtype; the default combine; what cannot be done."""
    n, x = pair

    def extremes(b, axis, keepdims):
        return np.concatenate([b.min(axis=axis, keepdims=True), b.max(axis=axis, keepdims=True)], axis=axis[0]).astype("f4")

    def span(p, axis, keepdims):
        return p.max(axis=axis, keepdims=keepdims) - p.min(axis=axis, keepdims=keepdims)

    got = lc.reduction(x, extremes, span, axis=0, output_size=2, combine=lambda p, axis, keepdims: extremes(p, axis, keepdims), split_every=2, dtype="f4")
    np.testing.assert_allclose(got.compute(), np.ptp(n.astype("f4"), axis=0))
    assert lc.reduction(x > 0.5, np.any, np.any).compute() == True  # noqa: E712
    assert lc.reduction(x, np.sum, np.sum, split_every=2).compute() == pytest.approx(n.sum())
    with lc.options(threads=1):
        one = lc.reduction(x, square, root, split_every=2).compute()
    assert lc.reduction(x, square, root, split_every=2).compute() == one
    for bad, kind in ((lambda: lc.reduction(x, lambda b, axis, keepdims: {"n": 1}, root), TypeError), (lambda: lc.reduction(x, square, root, axis=2), ValueError),
                      (lambda: lc.reduction(x, lambda b, axis, keepdims: b.sum(), root), TypeError), (lambda: lc.reduction(x, square, root, split_every=1), ValueError),
                      (lambda: lc.reduction(x, square, root, concatenate=False), NotImplementedError), (lambda: lc.reduction(x[:0], square, root), ValueError)):
        with pytest.raises(kind):
            bad()


def test_from_function():
    def far(i, j, power=2):
        return abs(i - 50) ** power + abs(j - 50) ** power

    for chunks in ("auto", 25, (7, -1)):
        x = lc.from_function(far, (100, 120), chunks=chunks, power=3)
        np.testing.assert_array_equal(x.compute(), np.fromfunction(far, (100, 120), dtype="i8", power=3))
        assert x.dtype == "int64"
    assert lc.from_function(lambda i: 7, 5, dtype="f4", chunks=2).compute().tolist() == [7] * 5
    big = lc.from_function(lambda i, j: i + j, (10**6, 10**6), chunks=1000)
    np.testing.assert_array_equal(big[999_990:, 5:7].compute(), np.add.outer(np.arange(999_990, 10**6), [5, 6]))

    def failing(i, j):
        if i.max() > 60:
            raise KeyError("told")
        return i

    with pytest.raises(KeyError) as caught:
        lc.from_function(failing, (100, 10), chunks=(30, 10)).sum().compute()
    assert "failing, block (2, 0) of (4, 1)" in caught.value.__notes__[0] and caught.traceback[-1].name == "failing"
