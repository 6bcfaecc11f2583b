"""Linear algebra of the array API, as far as the engine has it: products, norms, diagonals. What needs a factorisation is not there yet."""
from libchunk import _core
from libchunk._array import call
from libchunk._convert import as_array
from libchunk._more import tensordot, vecdot

__all__ = ["cross", "diagonal", "lstsq", "matmul", "matrix_norm", "matrix_transpose", "norm", "outer", "tensordot", "trace", "vecdot", "vector_norm"]


def matmul(x1, x2, /):
    """Product of matrices, the last two axes of arrays."""
    return call("matmul", x1, x2)


def matrix_transpose(x, /):
    """The last two axes exchanged."""
    return call("matrix_transpose", x)


def outer(x1, x2, /):
    """All products of the elements of two vectors."""
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError("outer takes two arrays of one dimension")
    return x1[:, None] * x2


def diagonal(x, /, *, offset=0):
    """A diagonal of the last two axes."""
    x = as_array(x)
    if x.ndim < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    return call("diagonal", x, offset, -2, -1)


def trace(x, /, *, offset=0, dtype=None):
    """Sum of a diagonal of the last two axes."""
    return call("sum", diagonal(x, offset=offset), -1, dtype=dtype)


def cross(x1, x2, /, *, axis=-1):
    """Cross products of vectors of three elements along an axis."""
    x1, x2 = as_array(x1), as_array(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError("cross takes vectors of three elements")
    a, b = ([call("moveaxis", x, axis, -1)[..., i] for i in range(3)] for x in (x1, x2))
    parts = [a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3] for i in range(3)]
    ndim = parts[0].ndim + 1
    at = axis if axis < 0 else axis - max(x1.ndim, x2.ndim)
    return call("stack", parts, ndim + at)


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """Norms of vectors over axes: the root of the sum of powers, or for infinite and zero ord the largest, smallest and number of elements.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        Default: all axes.
    keepdims : bool, optional
    ord : int or float, optional

    Returns
    -------
    Array
    """
    size = call("abs", x)
    if ord == float("inf"):
        return call("max", size, axis, keepdims=keepdims)
    if ord == -float("inf"):
        return call("min", size, axis, keepdims=keepdims)
    if ord == 0:
        return call("astype", call("count_nonzero", size, axis, keepdims=keepdims), size.dtype)
    if ord == 1:
        return call("sum", size, axis, keepdims=keepdims)
    if ord == 2:
        return call("sqrt", call("sum", size * size, axis, keepdims=keepdims))
    return call("sum", size**ord, axis, keepdims=keepdims) ** (1 / ord)


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    """Norms of matrices, the last two axes: "fro", and 1, -1, inf, -inf by sums of columns and rows."""
    if ord == "fro":
        return vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord not in (1, -1, float("inf"), -float("inf")):
        raise NotImplementedError(f"matrix_norm: ord={ord!r} needs singular values, which this version does not have")
    sums = call("sum", call("abs", x), -2 if ord in (1, -1) else -1, keepdims=True)
    norm = call("max" if ord > 0 else "min", sums, (-2, -1), keepdims=keepdims)
    return norm


def norm(x, ord=None, axis=None, keepdims=False):
    """NumPy's norm, of vectors over axes: see `vector_norm` and `matrix_norm`."""
    x = as_array(x)
    x = x if x.dtype.kind in "fc" else x.astype("float64")
    matrix = ord is not None and (isinstance(axis, tuple) and len(axis) == 2 or axis is None and x.ndim == 2)
    if not matrix:
        return vector_norm(x, axis=axis, keepdims=keepdims, ord=2 if ord is None else ord)
    if axis is not None and tuple(a % x.ndim for a in axis) != (x.ndim - 2, x.ndim - 1):
        raise NotImplementedError("norm of matrices that are not the last two axes: moveaxis first")
    return matrix_norm(x, keepdims=keepdims, ord=ord)


def lstsq(a, b, rcond=None):
    """Least squares solutions of a x = b for a matrix that is in memory and right-hand sides that need not be.

    Parameters
    ----------
    a : numpy.ndarray
        Shape (m, n).
    b : array_like
        Shape (m,) or (m, ...): each column is a problem of its own.
    rcond : float, optional
        Singular values below rcond times the largest count as zero; default: NumPy's.

    Returns
    -------
    x : Array
        Shape (n, ...).
    residuals : Array
        Sums of squares of b - a x, shape (...); NaN where NumPy gives none, for m <= n or a of lower rank.
    rank : int
    s : numpy.ndarray
        Singular values of a.
    """
    import numpy as np

    if isinstance(a, _core.Base):
        raise NotImplementedError("lstsq: the matrix must be a NumPy array: this version has no factorisation of lazy ones")
    a, b = np.asarray(a), as_array(b)
    if a.ndim != 2 or not b.ndim or b.shape[0] != a.shape[0]:
        raise np.linalg.LinAlgError(f"lstsq: shapes {a.shape} and {b.shape}")
    dtype = np.result_type(a.dtype, b.dtype, np.float32)
    u, s, vh = np.linalg.svd(a.astype(dtype), full_matrices=False)
    cut = (np.finfo(dtype).eps * max(a.shape) if rcond is None else rcond) * (s[0] if s.size else 0)
    rank = int((s > cut).sum())
    inverse = (vh[:rank].conj().T / s[:rank]) @ u[:, :rank].conj().T
    b = b.astype(dtype)
    x = tensordot(inverse, b, axes=1)
    off = call("abs", b - tensordot(a.astype(dtype), x, axes=1))
    residuals = call("sum", off * off, 0)
    return x, residuals if rank == a.shape[1] < a.shape[0] else residuals * np.nan, rank, s
