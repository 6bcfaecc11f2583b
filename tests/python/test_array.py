"""Arrays behave as NumPy's: operators with plain and NumPy numbers, indexing and assignment, conversion, properties, methods."""
import copy
import operator

import libchunk as lc
import numpy as np
import pytest

DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()


def same(got, want):
    """Values, dtype and shape; computed where it is lazy."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_array_equal(got, want)


def sample(rng, shape, dtype):
    x = rng.integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
    return x + x.dtype.type(1j) if x.dtype.kind == "c" else x


OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow, operator.lt, operator.le,
             operator.gt, operator.ge, operator.eq, operator.ne, operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
@pytest.mark.parametrize("dtype", DTYPES)
def test_operators_as_numpy(op, dtype, rng):
    """With an array, with plain numbers from both sides (weak), with NumPy's (not weak); or the same kind of error."""
    a, b = sample(rng, (3, 4), dtype), sample(rng, (4,), dtype)
    if op in (operator.pow, operator.lshift, operator.rshift) and dtype != "bool":
        a, b = a % 3 if a.dtype.kind != "c" else a, b % 3 if b.dtype.kind != "c" else b
    x, y = lc.from_array(a), lc.from_array(b)
    for other, lazy in ((b, y), (b, b), (3, 3), (True, True), (np.int16(3), np.int16(3)), (2.5, 2.5), (np.float32(2), np.float32(2)), (2j, 2j)):
        for left, right, lazy_left, lazy_right in ((a, other, x, lazy), (other, a, lazy, x)):
            with np.errstate(all="ignore"):
                try:
                    want = op(left, right)
                except (TypeError, ValueError, OverflowError) as e:
                    with pytest.raises((TypeError, ValueError, OverflowError)) as caught:
                        op(lazy_left, lazy_right)
                    assert issubclass(caught.type, TypeError) == isinstance(e, TypeError)
                    continue
            got = np.asarray(op(lazy_left, lazy_right))
            assert got.dtype == want.dtype and got.shape == want.shape
            if got.dtype.kind in "fc":
                np.testing.assert_allclose(got, want, rtol={"e": 2e-3, "f": 1e-5, "F": 1e-5}.get(got.dtype.char, 1e-13), equal_nan=True)
            else:
                np.testing.assert_array_equal(got, want)


def test_numbers_that_do_not_fit():
    x = lc.from_array(np.arange(3, dtype="uint8"))
    with pytest.raises(OverflowError):
        x + 2**70
    same(lc.from_array(np.arange(3, dtype="uint64")) + 2**63, np.arange(3, dtype="uint64") + 2**63)


FULL = slice(None)
KEYS = [0, -1, (1, 2), slice(None, None, -1), slice(-100, None, -2), slice(4, None, -1), slice(3, 1), (slice(1, 3), None, slice(None, None, 2)), ..., (..., 1),
        (0, ...), None, (None, 2, None), ([0, 2],), (slice(None), [1, 3]), ([[0], [1]], [1, 2]), (1, [1, 2]), ([1, 2], slice(1, 3), None),
        ([], slice(None)), (np.array([True, False, True, True, False]),), (slice(1, None), np.arange(6) % 2 == 0), (np.int8(2), slice(None)), True, False, (1, 2, ...),
        (slice(None, None, 2), slice(5, None, -3)), (slice(2, 2), 0), ([True, False, False, True, True], 0)]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_indexing_as_numpy(key):
    n = np.arange(30.0).reshape(5, 6)
    same(lc.from_array(n)[key], n[key])
    lazy = tuple(lc.from_array(np.array(k)) if isinstance(k, (list, np.ndarray)) and len(k) else k for k in key) if isinstance(key, tuple) else key
    same(lc.from_array(n)[lazy], n[key])


TRUTHS = [(FULL, True, FULL, [[0, 1]]), (True, [[0, 1]]), ([0, 1], FULL, True), ([0, 1], None, np.True_), (False, 0), (0, FULL, True), (0, True, FULL, [1, 0]), (FULL, True, True),
          (True, FULL, True), (True, FULL, False), (..., True), (False, FULL, np.zeros((3, 0), int)), (np.array(True), np.array([True, False, True]))]


@pytest.mark.parametrize("key", TRUTHS, ids=repr)
def test_truth_values_are_index_arrays(key):
    """Their axis lay where they stood, also beside index arrays, and each had its own."""
    n = np.arange(24.0).reshape(3, 2, 4)
    same(lc.from_array(n)[key], n[key])
    x, want = lc.from_array(n), n.copy()
    x[key] = want[key] = np.arange(n[key].size).reshape(n[key].shape)
    same(x, want)
    with pytest.raises(IndexError, match="shape mismatch"):
        lc.from_array(n)[False, [[0, 1]]]


def test_masks_of_all_axes():
    n = np.arange(30.0).reshape(5, 6)
    x = lc.from_array(n)
    same(x[x > 7], n[n > 7])
    assert x[x > 7].shape == (22,)
    same(x[n > 100], n[n > 100])


@pytest.mark.parametrize("key, kind", [(5, IndexError), ((0, 6), IndexError), ((0, 0, 0), IndexError), ("a", IndexError), (1.5, IndexError), ([0.5], IndexError),
                                       ((..., ...), IndexError), ([7], IndexError), (np.ones(4, bool), IndexError), (slice(None, None, 0), ValueError)])
def test_bad_keys(key, kind):
    n = np.arange(30.0).reshape(5, 6)
    with pytest.raises(kind):
        n[key]
    with pytest.raises(kind):
        lc.from_array(n)[key].compute()


@pytest.mark.parametrize("key, value", [(2, 7), ((slice(1, 4), slice(None, None, 2)), 1.5), (slice(None, None, -1), np.arange(6)), ((..., 0), [1, 2, 3, 4, 5]),
                                        (([0, 2],), 9), ((slice(None), [1, 3]), np.arange(10).reshape(5, 2)), ((4, 5), -1), (..., 3)], ids=repr)
def test_assignment_rebinds(key, value):
    n = np.arange(30.0).reshape(5, 6)
    x = lc.from_array(n.copy())
    old, other = x + 0, x
    x[key] = value
    want = n.copy()
    want[key] = value
    same(x, want)
    same(old, n)
    same(other, want)       # the same object
    y = lc.from_array(n)
    y[y > 20] = 0
    same(y, np.where(n > 20, 0, n))


def test_in_place_operators_rebind():
    x = y = lc.from_array(np.arange(3.0))
    x += 1
    x *= 2
    same(x, (np.arange(3.0) + 1) * 2)
    same(y, np.arange(3.0))


def test_properties():
    n = np.zeros((3, 1000, 4), "complex64")
    x = lc.from_array(n)
    assert (x.shape, x.dtype, x.ndim, x.size, x.nbytes, x.itemsize) == (n.shape, n.dtype, 3, n.size, n.nbytes, 8)
    assert tuple(map(sum, x.chunks)) == x.shape and x.npartitions == np.prod(x.numblocks) == np.prod([len(c) for c in x.chunks])
    assert x.T.shape == (4, 1000, 3) and x.mT.shape == (3, 4, 1000) and x.real.dtype == "float32" and len(x) == 3
    assert x.transpose(1, 0, 2).shape == x.transpose((1, 0, 2)).shape == (1000, 3, 4)
    assert repr(x).startswith("libchunk.Array(shape=(3, 1000, 4), dtype=complex64")
    same(lc.from_array(np.arange(3)).imag, np.arange(3).imag)
    with pytest.raises(TypeError):
        len(lc.from_array(np.float64(1)))
    with pytest.raises(AttributeError):
        x.no_such_thing


def test_conversion():
    x = lc.from_array(np.array([3]))
    assert bool(x) is True and x.item() == 3 and int(x[0]) == 3 and float(x[0]) == 3.0 and complex(x[0]) == 3 and operator.index(x[0]) == 3
    assert range(5)[x[0]] == 3 and [int(v) for v in lc.arange(3)] == [0, 1, 2] and x.tolist() == [3] and 3 in x
    assert isinstance(lc.arange(3).sum().compute(), np.int64)
    for bad, kind in ((lambda: bool(lc.arange(3)), ValueError), (lambda: bool(lc.zeros(0)), ValueError), (lambda: int(x), TypeError),
                      (lambda: operator.index(lc.ones(())), TypeError), (lambda: np.asarray(x, copy=False), ValueError)):
        with pytest.raises(kind):
            bad()
    assert np.asarray(x, dtype="f4").dtype == "f4"


def test_compute_out():
    x = lc.from_array(np.arange(12.0).reshape(3, 4))
    out = np.empty((4, 3)).T
    assert (x * 2).compute(out=out) is out
    same(out, np.arange(12.0).reshape(3, 4) * 2)
    backwards = np.empty((3, 4))[::-1]
    (x + 1).compute(out=backwards)
    same(backwards, np.arange(12.0).reshape(3, 4) + 1)
    for bad, kind in ((np.empty((3, 5)), ValueError), (np.empty((3, 4), "f4"), TypeError), ([1], TypeError), (np.broadcast_to(1.0, (3, 4)), ValueError)):
        with pytest.raises(kind):
            x.compute(out=bad)


def test_compute_many():
    x = lc.from_array(np.arange(12.0))
    total, (mean, other), named = lc.compute(x.sum(), [x.mean(), 5], {"low": x.min()})
    assert (total, mean, other, named) == (66.0, 5.5, 5, {"low": 0.0})
    assert lc.compute() == ()
    out = np.empty(12)
    a, b = lc.compute(x + 1, x.max(), out=[out, None])
    assert a is out and b == 11.0


def test_memory_is_not_copied():
    n = np.arange(5.0)
    x = lc.from_array(n[::2])
    n[0] = 100
    same(x, [100.0, 2.0, 4.0])
    index = np.array([0, 1])
    y = x[index]
    index[:] = 2            # an index is copied: loops reuse them
    same(y, [100.0, 2.0])
    same(lc.from_array(np.arange(3, dtype=">i4")), np.arange(3, dtype="i4"))


def test_handles_are_independent():
    x = lc.from_array(np.arange(3.0))
    for y in (copy.copy(x), copy.deepcopy(x), x.copy()):
        y[0] = 9
        same(x, np.arange(3.0))
    with pytest.raises(ValueError):
        lc.Array().shape


def test_creation():
    same(lc.zeros((2, 3), dtype="i4"), np.zeros((2, 3), "i4"))
    same(lc.ones(3), np.ones(3))
    same(lc.full((2,), 7), np.full((2,), 7))
    same(lc.full_like(lc.arange(3), 2.5, dtype="f4"), np.full(3, 2.5, "f4"))
    same(lc.arange(2, 10, 3), np.arange(2, 10, 3))
    same(lc.linspace(0, 1, 5), np.linspace(0, 1, 5))
    same(lc.eye(3, k=1), np.eye(3, k=1))
    same(lc.asarray([[1, 2], [3, 4]], dtype="u1"), np.array([[1, 2], [3, 4]], "u1"))
    same(lc.array([1, 2], ndmin=2), np.array([1, 2], ndmin=2))
    assert lc.empty((2, 2)).shape == lc.empty_like(lc.zeros((2, 2))).shape == (2, 2)
    with pytest.raises(ValueError):
        lc.zeros(3, device="gpu")
    for bad in (np.array(["a"]), np.array([object()]), np.zeros(2, "M8[s]"), np.zeros(2, "i4,i4"), np.zeros(2, "f16")):
        with pytest.raises(TypeError):
            lc.from_array(bad)


def test_functions_of_python(rng):
    n = rng.random((4, 5))
    x = lc.from_array(n)
    same(lc.stack([x, x], axis=1), np.stack([n, n], axis=1))
    same(lc.tril(x, k=1), np.tril(n, 1))
    same(lc.triu(x), np.triu(n))
    for got, want in zip(lc.meshgrid(x[0], x[:, 0]), np.meshgrid(n[0], n[:, 0])):
        same(got, want)
    for got, want in zip(lc.nonzero(x > 0.5), np.nonzero(n > 0.5)):
        same(got, want)
    assert isinstance(lc.nonzero(x), tuple) and len(lc.nonzero(x)) == 2
    same(lc.nonzero(x > 0.5, part=1), np.nonzero(n > 0.5)[1])
    parts = lc.array_split(x, 3, axis=1)
    assert isinstance(parts, list) and len(parts) == 3
    for got, want in zip(parts + lc.vsplit(x, 2) + lc.hsplit(x, (1, 3)), np.array_split(n, 3, axis=1) + np.vsplit(n, 2) + np.hsplit(n, (1, 3))):
        same(got, want)
    for got, want in zip(lc.unstack(x, axis=1), n.T):
        same(got, want)
    np.testing.assert_allclose(lc.average(x, axis=0, weights=[1, 2, 3, 4]).compute(), np.average(n, axis=0, weights=[1, 2, 3, 4]))
    np.testing.assert_allclose(lc.vecdot(x, x).compute(), (n * n).sum(-1))
    assert lc.allclose(x, x + 1e-12) and not lc.array_equal(x, x[0]) and lc.result_type(x, np.float32) == "f8" and lc.can_cast(x, "f8")
    y = n + 1
    same(lc.evaluate("x * y + z", z=2), n * y + 2)
    with pytest.raises(NameError):
        lc.evaluate("x * no_such_name")
    with pytest.raises(SyntaxError):
        lc.evaluate("x * * x")


@pytest.mark.parametrize("call, kind", [(lambda x: lc.sum(x, axis=3), ValueError), (lambda x: lc.sum(x, axis=3), IndexError), (lambda x: lc.sum(), TypeError),
                                        (lambda x: lc.sum(x, nothing=1), TypeError), (lambda x: lc.sin(x, x), TypeError), (lambda x: lc.sum(x, x=x), TypeError),
                                        (lambda x: x + np.ones(7), ValueError), (lambda x: x & 1.5, TypeError), (lambda x: lc.no_such_name, AttributeError),
                                        (lambda x: lc.zeros(-1), ValueError), (lambda x: x.astype("no such"), TypeError), (lambda x: lc.add(x, object()), TypeError)])
def test_errors_are_numpys(call, kind):
    with pytest.raises(kind):
        call(lc.from_array(np.arange(6).reshape(2, 3)))


def test_compositions(rng):
    """pad, roll, tensordot, einsum: made of operations of the table, as NumPy has them."""
    n, m = rng.random((4, 5)), rng.random((5, 3))
    x, y = lc.from_array(n), lc.from_array(m)
    for mode in ("constant", "edge", "reflect", "symmetric", "wrap"):
        same(lc.pad(x, ((1, 2), (0, 3)), mode=mode), np.pad(n, ((1, 2), (0, 3)), mode=mode))
        same(np.pad(x, 2, mode=mode), np.pad(n, 2, mode=mode))
    same(lc.pad(x, {1: (1, 0)}, constant_values=np.nan), np.pad(n, ((0, 0), (1, 0)), constant_values=np.nan))
    for shift, axis in ((2, None), (-1, 0), ((1, 2), (0, 1)), (7, 1)):
        same(lc.roll(x, shift, axis=axis), np.roll(n, shift, axis=axis))
    np.testing.assert_allclose(lc.tensordot(x, y, axes=1).compute(), n @ m)
    np.testing.assert_allclose(lc.tensordot(x, x, axes=((0, 1), (0, 1))).compute(), np.tensordot(n, n, 2))
    np.testing.assert_allclose((x @ y).compute(), n @ m)
    for text, arrays in (("ij,jk->ik", (n, m)), ("ij,ij", (n, n)), ("...j,j->...", (n, n[0])), ("ij->ji", (n,)), ("i,j", (n[0], n[:, 0]))):
        np.testing.assert_allclose(np.asarray(lc.einsum(text, *arrays)), np.einsum(text, *arrays))
    for got, want in zip((x > 0.5).nonzero(), (n > 0.5).nonzero()):
        same(got, want)
    for options in ({"mode": "mean", "stat_length": 2}, {"mode": "linear_ramp", "end_values": 5}, {"mode": "median"}, {"mode": "reflect", "reflect_type": "odd"}):
        np.testing.assert_allclose(np.asarray(lc.pad(x, 2, **options)), np.pad(n, 2, **options))
    with pytest.raises(ValueError):
        lc.tensordot(x, x, axes=1)


def test_linear_algebra(rng):
    n, m = rng.random((4, 3)), rng.random((4, 3))
    x, y = lc.from_array(n), lc.from_array(m)
    for got, want in ((lc.linalg.outer(x[:, 0], y[0]), np.outer(n[:, 0], m[0])), (lc.linalg.diagonal(x, offset=-1), np.diagonal(n, -1)), (lc.linalg.trace(x), np.trace(n)),
                      (lc.linalg.cross(x, y), np.cross(n, m)), (lc.linalg.cross(x.T, y.T, axis=0), np.cross(n.T, m.T, axis=0)), (np.linalg.norm(x), np.linalg.norm(n)),
                      (lc.linalg.vector_norm(x, axis=1, ord=3), np.linalg.norm(n, 3, axis=1)), (lc.linalg.vector_norm(x, ord=np.inf), n.max()),
                      (lc.linalg.matrix_norm(x, ord=1), np.linalg.norm(n, 1)), (lc.linalg.matrix_norm(x, ord=-np.inf), np.linalg.norm(n, -np.inf)),
                      (lc.linalg.vecdot(x, y), (n * m).sum(-1)), (lc.linalg.matmul(x, y.T), n @ m.T)):
        np.testing.assert_allclose(np.asarray(got), want)
    with pytest.raises(NotImplementedError):
        lc.linalg.matrix_norm(x, ord=2)
    same(lc.tile(x, (2, 3)), np.tile(n, (2, 3)))
    same(lc.repeat(x, 2, axis=1), np.repeat(n, 2, axis=1))
    same(lc.repeat(x, [1, 0, 2, 3], axis=0), np.repeat(n, [1, 0, 2, 3], axis=0))
    same(np.concatenate([x, y], axis=None), np.concatenate([n, m], axis=None))
    same(lc.arange(6)[np.True_], np.arange(6)[np.True_])
    same(np.lib.stride_tricks.sliding_window_view(n, 3, axis=0), lc.lib.stride_tricks.sliding_window_view(x, 3, axis=0))
