"""What numpy.ma's functions give for arrays in which nothing is masked. There are no masked arrays: gaps are NaN, and `libchunk.where` makes them."""
from libchunk._array import call
from libchunk._convert import as_array
from libchunk._more import average

__all__ = ["average", "count", "empty_like", "filled", "fix_invalid", "getdata", "getmaskarray", "nonzero", "ones_like", "where", "zeros_like"]


def getdata(a):
    """The array itself."""
    return as_array(a)


def getmaskarray(a):
    """Where it is masked: nowhere."""
    return call("zeros_like", as_array(a), dtype="bool")


def filled(a, fill_value=None):
    """The array itself."""
    return as_array(a)


def fix_invalid(a, fill_value=1e20):
    """With a number where it is NaN or infinite."""
    a = as_array(a)
    return call("where", call("isfinite", a), a, fill_value).astype(a.dtype)


def count(a, axis=None, keepdims=False):
    """Number of elements along axes."""
    return call("sum", call("ones_like", as_array(a), dtype="int64"), axis, keepdims=keepdims)


def where(condition, x, y):
    """As `libchunk.where`."""
    return call("where", condition, x, y)


def nonzero(a):
    """As `libchunk.nonzero`."""
    import libchunk

    return libchunk.nonzero(a)


def empty_like(a, **options):
    """As `libchunk.empty_like`."""
    return call("zeros_like", a, **options)


def ones_like(a, **options):
    """As `libchunk.ones_like`."""
    return call("ones_like", a, **options)


def zeros_like(a, **options):
    """As `libchunk.zeros_like`."""
    return call("zeros_like", a, **options)
