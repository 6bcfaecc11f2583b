"""Functions of blocks with what lies around them."""
from libchunk._blocks import map_overlap
from libchunk.lib import stride_tricks as _tricks

sliding_window_view = _tricks.sliding_window_view
__all__ = ["map_overlap", "periodic", "push", "reflect", "nearest", "constant", "sliding_window_view"]


def push(array, n, axis):
    """The last value along an axis in place of NaN, at most n in a row."""
    from libchunk._array import call

    return call("ffill", array, axis, limit=n)


def periodic(x, axis, depth):
    """x with its other end before and behind it along an axis."""
    return padded(x, axis, depth, "wrap")


def reflect(x, axis, depth):
    """x with its mirror image, the edge included, before and behind it."""
    return padded(x, axis, depth, "symmetric")


def nearest(x, axis, depth):
    """x with its edge repeated before and behind it."""
    return padded(x, axis, depth, "edge")


def constant(x, axis, depth, value):
    """x with a number before and behind it."""
    return padded(x, axis, depth, "constant", constant_values=value)


def padded(x, axis, depth, mode, **options):
    from libchunk._array import call
    from libchunk._convert import as_array

    x = as_array(x)
    widths = tuple((depth, depth) if a == axis % x.ndim else (0, 0) for a in range(x.ndim))
    return call("pad", x, widths, mode, **options)
