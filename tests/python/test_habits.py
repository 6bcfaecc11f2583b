"""NumPy's calling habits: functions and ufuncs called as NumPy users call them give NumPy's results, lazily, or NumPy's kind of error."""
import operator

import libchunk as lc
import numpy as np
import pytest
from libchunk import _core

A = np.array([[1.5, -2.25, 3.0], [0.5, np.nan, 7.0]])
I = np.array([[3, 1, 2], [9, 4, -4]])
C = np.nan_to_num(A) + 1j * I
V, W = np.array([1.0, 2, 3]), np.array([3, 1, 2])


def flat(values):
    return [y for x in values for y in flat(x)] if isinstance(values, (tuple, list)) else [values]


CALLS = {
    "cumsum": lambda m: np.cumsum(m(I)), "cumprod method": lambda m: m(I).cumprod(), "nancumsum": lambda m: np.nancumsum(m(A)), "cumsum dtype": lambda m: np.cumsum(m(I), dtype="f4"),
    "gradient": lambda m: np.gradient(m(I.astype(float))), "gradient steps": lambda m: np.gradient(m(I.astype(float)), 2.0, [0, 1, 4.0]),
    "atleast_2d": lambda m: np.atleast_2d(m(V), m(I)), "angle": lambda m: np.angle(m(C), deg=True), "where": lambda m: np.where(m(I > 2)),
    "sum where": lambda m: np.sum(m(I), axis=1, where=m(I > 2)), "sum initial": lambda m: m(I).sum(initial=5), "sum where keepdims": lambda m: np.sum(m(I), where=[True, False, True], keepdims=True),
    "prod": lambda m: np.prod(m(I), axis=0, where=I > 2, initial=3), "max": lambda m: np.max(m(I), where=I < 5, initial=-9), "min": lambda m: m(I).min(axis=1, initial=0),
    "max of none": lambda m: np.max(m(np.ones((0, 2))), axis=0, initial=4), "any": lambda m: np.any(m(I > 3), axis=0, where=[[True], [False]]),
    "mean where": lambda m: np.mean(m(I), axis=0, where=[[True], [False]]), "mean where half": lambda m: np.mean(m(V.astype("f2")), where=V > 1),
    "std where": lambda m: np.std(m(I), where=m(I > 2), ddof=1), "var where": lambda m: np.var(m(C), axis=1, where=I > 1),
    "nansum where": lambda m: np.nansum(m(A), where=A > 0), "add.reduce": lambda m: np.add.reduce(m(I), where=I > 2, initial=4),
    "full_like": lambda m: np.full_like(m(I), 7, shape=(2, 2), dtype="f4"), "ones": lambda m: np.ones((2,), like=m(V)), "eye": lambda m: np.eye(2, like=m(V)),
    "full": lambda m: np.full((2,), 3, like=m(V)), "concatenate": lambda m: np.concatenate([m(I), m(I)], dtype="f4"), "block": lambda m: np.block([[m(I), m(I)], [I, m(I)]]),
    "block depths": lambda m: np.block([m(V), 1.0, m(V)]), "stack of lists": lambda m: np.stack([[m(V), m(V)], [m(V), m(V)]]) if m is np.asarray else lc.asarray([[m(V), m(V)], [m(V), m(V)]]),
    "average": lambda m: np.average(m(I), axis=1, weights=W, returned=True), "take clip": lambda m: np.take(m(I), [0, 9, -1], mode="clip"), "take wrap": lambda m: np.take(m(I), [7, -4], axis=1, mode="wrap"),
    "array_equal": lambda m: np.array_equal(m(A), m(A), equal_nan=True), "array_equiv": lambda m: np.array_equiv(m(V), m(np.stack([V, V]))),
    "meshgrid": lambda m: np.meshgrid(m(V), m(W), sparse=True), "broadcast_arrays": lambda m: np.broadcast_arrays(m(V), m(I)), "interp": lambda m: np.interp(m(A), [0, 5], [0, 10.0]),
    "convolve": lambda m: np.convolve(m(V), [1, 2]), "convolve same": lambda m: np.convolve([1, 2, 5], m(W), "same"), "convolve valid": lambda m: np.convolve(m(W), [1, 2], "valid"),
    "correlate": lambda m: np.correlate(m(V), [1, 2]), "correlate complex": lambda m: np.correlate(m(C[0]), [1j, 2], "full"), "norm of integers": lambda m: np.linalg.norm(m(I), ord=1),
    "float_power": lambda m: np.float_power(m(W), 2), "less": lambda m: np.less(m(W), 2, dtype=bool), "modf": lambda m: np.modf(m(V / 2)), "frexp": lambda m: np.frexp(m(V)), "ldexp": lambda m: np.ldexp(m(V), m(W)),
    "gcd": lambda m: np.gcd(m(W), 2), "gcd without axes": lambda m: np.gcd(m(np.array(4)), 6), "heaviside": lambda m: np.heaviside(m(I), 0.5), "bitwise_count": lambda m: np.bitwise_count(m(W)),
    "gcd outer": lambda m: np.gcd.outer(m(W), m(W)), "matvec": lambda m: np.matvec(m(I), m(W)), "vecmat": lambda m: np.vecmat(m(V), m(I.T)), "divmod": lambda m: divmod(7, m(W)),
    "add where": lambda m: np.add(m(W), 1, where=W > 1, out=m(np.array([9, 9, 9]))), "equal None": lambda m: m(I) == None, "not equal text": lambda m: m(I) != "a",  # noqa: E711
    "compress": lambda m: m(I).compress([True, False], axis=0), "item": lambda m: m(I).item(4), "format": lambda m: f"{m(np.array(1.5)):.3f}",
}


CALLS.update({
    "coarsen": lambda m: m(np.arange(12.0).reshape(2, 6).reshape(2, 3, 2)).mean(axis=-1) if m is np.asarray else lc.coarsen(np.mean, lc.arange(12.0).reshape(2, 6), {-1: 2}),
    "quantile": lambda m: np.quantile(m(I), 0.3, axis=0, method="nearest"), "quantiles": lambda m: np.quantile(m(V.astype("f4")), [0.1, 0.5]), "percentile": lambda m: np.percentile(m(V.astype("f4")), 50),
    "astype": lambda m: m(W).astype("f4", casting="same_kind"), "cumsum method": lambda m: m(I).cumsum(axis=1) if m is np.asarray else m(I).cumsum(axis=1, method="blelloch"),
    "split_every": lambda m: m(I).std(axis=0, ddof=1) if m is np.asarray else m(I).std(axis=0, ddof=1, split_every=2), "ones_like": lambda m: (np if m is np.asarray else lc).ones_like(m(I), shape=(2, 2)),
    **{f"{f} of {d}": (lambda m, f=f, d=d: getattr(np, f)(m(W.astype(d)))) for f in ("modf", "frexp", "spacing") for d in ("i1", "i2", "i4")},
    "ldexp of int8": lambda m: np.ldexp(m(W.astype("i1")), 2), "logaddexp2 of int16": lambda m: np.logaddexp2(m(W.astype("i2")), m(W.astype("i1"))),
    "eye M": lambda m: (np if m is np.asarray else lc).eye(5, M=7, k=1), "linspace": lambda m: (np if m is np.asarray else lc).linspace(0, 1, 7),
})


@pytest.mark.parametrize("name", CALLS)
def test_as_numpy_and_lazy(name, monkeypatch):
    want, runs, run = CALLS[name](np.asarray), [], _core.run
    monkeypatch.setattr(_core, "run", lambda *args, **kwargs: runs.append(1) or run(*args, **kwargs))
    got = CALLS[name](lc.from_array)
    assert not runs or name in ("item", "format", "where")      # a mask is counted
    assert isinstance(got, tuple) == isinstance(want, tuple)
    for g, w in zip(flat(got), flat(want), strict=True):
        assert isinstance(g, lc.Array) == (name not in ("item", "format"))
        g, w = np.asarray(g), np.asarray(w)
        assert g.dtype == w.dtype and g.shape == w.shape
        if g.dtype.kind == "U":
            assert g == w
        else:
            np.testing.assert_allclose(g, w, rtol=1e-3 if g.dtype == "f2" else 1e-12)


@pytest.mark.parametrize("error, call", {
    "casting": (TypeError, lambda x: np.add(x, 1.5, casting="no")), "no identity": (ValueError, lambda x: x.max(where=x > 2)), "no initial": (TypeError, lambda x: x.mean(initial=2)),
    "float into integers": (TypeError, lambda x: np.multiply(x, 1.5, out=lc.zeros(x.shape, dtype="i8"))), "number too large": (OverflowError, lambda x: x.astype("u1") + 300),
    "negative power": (ValueError, lambda x: x ** -1), "float of complex": (TypeError, lambda x: float(x[0, 0] + 1j)), "block of depths": (ValueError, lambda x: np.block([[x], x])),
    "concatenate": (TypeError, lambda x: np.concatenate([x + 0.5, x], dtype="i4")), "take": (ValueError, lambda x: np.take(x, [0], mode="around")),
    "pad": (TypeError, lambda x: np.pad(x, 1.5)), "no number": (TypeError, lambda x: x < "a"), "where alone": (ValueError, lambda x: np.where(x, 1)),
}.values(), ids=str)
def test_errors(error, call):
    with pytest.raises(error):
        call(lc.from_array(I))


def test_ufuncs_of_scipy(rng):
    special = pytest.importorskip("scipy.special", reason="scipy is not installed")
    n = rng.random((5, 7))
    x = lc.from_array(n).rechunk((2, 3))
    for f in (special.erf, lambda t: special.jv(1, t), lambda t: special.hyp2f1(1, 2, 3, t)):
        got = f(x)
        assert isinstance(got, lc.Array)
        np.testing.assert_array_equal(got.compute(), f(n))


SIGNS = {"iadd": operator.iadd, "isub": operator.isub, "imul": operator.imul, "itruediv": operator.itruediv, "ifloordiv": operator.ifloordiv, "imod": operator.imod,
         "ipow": operator.ipow, "iand": operator.iand, "ilshift": operator.ilshift}


@pytest.mark.parametrize("sign", SIGNS)
def test_in_place_keeps_the_dtype(sign):
    """As NumPy's: the result has x's dtype and shape, or there is an error; whoever holds the old x keeps it."""
    for dtype in ("bool", "int8", "uint8", "int64", "float32", "complex64"):
        for other in (2, 2.5, True, W, V, np.ones((2, 3)), np.float64(2)):
            a, want = np.array([1, 2, 3]).astype(dtype), None
            x = y = lc.from_array(a.copy())
            try:
                want = SIGNS[sign](a.copy(), other)
            except (TypeError, ValueError) as e:
                with pytest.raises(TypeError if isinstance(e, TypeError) and np.ndim(other) < 2 else (TypeError, ValueError)):
                    SIGNS[sign](x, other)
                continue
            x = SIGNS[sign](x, other)
            got = x.compute()
            assert got.dtype == want.dtype and (y.compute() == a).all()
            np.testing.assert_allclose(got, want, rtol=1e-6)


def test_without_axes_becomes_what_the_operator_gives():
    total = lc.from_array(W).sum()
    total /= 4
    assert total.compute() == 1.5


def test_assignment_with_new_axes():
    for key, value in (((None, 0), 5), ((0, None, slice(1, 3)), [[7, 8]]), ((..., None), np.arange(6).reshape(2, 3, 1)), ((True, 1), 4), ((slice(None), [0, 2], None), np.ones((2, 2, 1))), ((False, 0), 3)):
        want, x = I.copy(), lc.from_array(I)
        want[key] = value
        x[key] = value
        np.testing.assert_array_equal(x.compute(), want)


def test_blocks():
    n = np.arange(48).reshape(6, 8)
    x = lc.from_array(n, chunks=(2, 3))
    b = x.blocks
    assert (b.shape, b.size, b.ndim, len(b), [t.shape for t in b]) == ((3, 3), 9, 2, 3, [(2, 8)] * 3)
    for key, want in (([2, 0], n[[4, 5, 0, 1]]), ((..., slice(None, None, -1)), n[:, [6, 7, 3, 4, 5, 0, 1, 2]]), (np.int64(1), n[2:4]), ([False, True, True], n[2:]), ((1, [0]), n[2:4, :3])):
        np.testing.assert_array_equal(b[key].compute(), want)
    assert [t.shape for t in b.ravel()] == [(2, 3), (2, 3), (2, 2)] * 3
    for bad in (3, (0, -4), (0, 0, 0)):
        with pytest.raises(IndexError):
            b[bad]


def test_rechunk():
    x = lc.from_array(np.arange(24).reshape(4, 6))
    for chunks, want in ((((2, 2), (3, 3)), ((2, 2), (3, 3))), ("64B", ((1,) * 4, (6,))), (np.array([2, 4]), ((2, 2), (4, 2))), ({-1: 3}, ((4,), (3, 3)))):
        assert x.rechunk(chunks).chunks == want
    assert x.rechunk("auto", block_size_limit=64).chunks == x.rechunk("64B").chunks == lc.from_array(np.zeros((4, 6)), chunks="64B").chunks
    for bad in (((1, 1), (3, 3)), {5: 2}, (1, 2, 3), 0, -2):
        with pytest.raises(ValueError):
            x.rechunk(bad)


def test_wrong_names_of_files_and_datasets(tmp_path):
    for error, args in ((TypeError, (5, "x")), (TypeError, ("a.h5", 5)), (TypeError, ("a.h5", None)), (ValueError, ("a.h5", "a\0b"))):
        with pytest.raises(error):
            lc.from_hdf5(*args)


def test_values_that_do_not_fit():
    for dtype, value, error in (("i8", np.nan, ValueError), ("i4", np.inf, OverflowError), ("i1", 300, OverflowError), ("u2", -1, OverflowError)):
        x = lc.from_array(np.arange(3, dtype=dtype))
        with pytest.raises(error):
            np.arange(3, dtype=dtype)[0] = value
        with pytest.raises(error):
            x[0] = value
        assert (x.compute() == np.arange(3)).all()


def test_values_with_axes_before_those_of_their_place():
    x, n = lc.from_array(V), V.copy()
    x[1:], n[1:] = np.array([[7, 8]]), np.array([[7, 8]])
    np.testing.assert_array_equal(x.compute(), n)
    with pytest.raises(ValueError):
        x[1:] = np.array([[7, 8], [9, 9]])


def test_objects_that_give_other_shapes_than_asked_for():
    class Short:
        shape, dtype = (2, 3), np.dtype("f8")

        def __getitem__(self, key):
            return np.ones((2, 3))[key][:1]

    with pytest.raises(ValueError, match=r"shape \(1, 3\)"):
        lc.from_array(Short()).compute()


def test_dasks_habits():
    step = lc.linspace(0, 1, 5, retstep=True)[1]
    assert step == 0.25 and lc.linspace(0, 1, 4, endpoint=False, retstep=True)[1] == 0.25
    x, out = lc.from_array(I), lc.zeros(I.shape)
    assert lc.add(x, 1, out=out) is out and (out.compute() == I + 1).all()
    into = np.zeros(I.shape)
    assert lc.sum(x, axis=0, out=into[0]) is not None and (into[0] == I.sum(0)).all()
    got = lc.map_blocks(lambda block_info=None: np.full(2, block_info[None]["array-location"][0][0]), chunks=((2, 2, 2),), dtype=float)
    assert got.chunks == ((2, 2, 2),) and got.compute().tolist() == [0, 0, 2, 2, 4, 4]
    for bad in (lambda: lc.coarsen(np.mean, x, {5: 2}), lambda: lc.map_blocks(np.ones), lambda: lc.map_blocks(np.ones, chunks=(2,))):
        with pytest.raises(ValueError):
            bad()
    with pytest.raises(TypeError):
        x.astype("i1", casting="safe")


def near(got, want):
    assert isinstance(got, lc.Array) and got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-5 if got.itemsize == 4 else 1e-12)


def test_einsum_by_lists(rng):
    n = rng.random((4, 5))
    x = lc.from_array(n)
    for args in (([0, 1], 1, [2, 1], [0, 2]), ([0, 1], 1, [2, 1]), ([5, 1],), ([30, 40], [40, 30]), ([..., 0], 1, [..., 1], [..., 0, 1])):
        near(lc.einsum(x, *(n if a == 1 else a for a in args)), np.einsum(n, *(n if a == 1 else a for a in args)))


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "c16"])
def test_variance_around_a_mean(rng, dtype):
    n = (rng.random((4, 5)) * 10).astype(dtype)
    x = lc.from_array(n)
    for axis in (0, (0, 1), None):
        mean = n.mean(axis, keepdims=True)
        for name in ("std", "var"):
            for options in ({}, {"keepdims": True, "ddof": 1}, {"where": n.real > 2}):
                want = np.asarray(getattr(np, name)(n, axis, mean=mean, **options))
                near(getattr(lc, name)(x, axis, mean=mean, **options), want)
                near(getattr(np, name)(x, axis, mean=lc.from_array(mean), **options), want)
    near(x.var(axis=0, mean=np.full((1, 5), 3, dtype)), n.var(axis=0, mean=np.full((1, 5), 3, dtype)))


def test_linspace_between_arrays(rng):
    n = rng.random((4, 5))
    for start, stop in ((0, [1, 2]), ([0, 1], [[3, 4], [5, 1]]), (n[0], 9), (n[0].astype("f4"), 3), ([1, 1], [1, 3]), (1j, [2, 3])):
        lazy = [lc.from_array(x) if isinstance(x, np.ndarray) else x for x in (start, stop)]
        for options in ({}, {"num": 1}, {"num": 0}, {"num": 7, "endpoint": False}, {"num": 4, "axis": -1}):
            near(lc.linspace(*lazy, **options), np.linspace(start, stop, **options))
        near(lc.linspace(*lazy, 5, retstep=True)[1], np.linspace(start, stop, 5, retstep=True)[1])
    np.testing.assert_array_equal(lc.linspace(0, [5, -5], 7, dtype="i4"), np.linspace(0, [5, -5], 7, dtype="i4"), strict=True)


def test_more_methods_of_ufuncs(rng):
    n = (rng.random((9, 6)) * 9).astype("i1")
    for axis in (0, 1, None):
        np.testing.assert_array_equal(np.logical_xor.reduce(lc.from_array(n > 4), axis=axis), np.logical_xor.reduce(n > 4, axis=axis))
    for ufunc in (np.add, np.multiply, np.maximum, np.logical_or):
        for dtype in ("i1", "f4", "?"):
            for at in ([0], [0, 3, 5], [4, 1, 1, 0, 2]):
                for axis in (0, -1):
                    near(ufunc.reduceat(lc.from_array(n.astype(dtype)), at, axis=axis), ufunc.reduceat(n.astype(dtype), at, axis=axis))
    with pytest.raises(IndexError, match="out-of-bounds"):
        np.add.reduceat(lc.from_array(n), [9])
