"""Parts of targets that get new values, as NumPy's basic indexing tells them: of datasets in files, of NumPy arrays, of any object with __setitem__."""
import operator
import os

from libchunk import _convert

FAR = 2**63 - 1      # an end that is as far away as can be


def items(key, ndim):
    """One int or slice an axis.

    Raises
    ------
    IndexError
        For what is not basic indexing of so many axes.
    """
    key = key if isinstance(key, tuple) else (key,)
    if sum(k is Ellipsis for k in key) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if len(key) - any(k is Ellipsis for k in key) > ndim:
        raise IndexError(f"too many indices for a region: it has {ndim} axes, {key!r} was given")
    at = next((i for i, k in enumerate(key) if k is Ellipsis), len(key))
    key = (*key[:at], *(slice(None),) * (ndim - len(key) + any(k is Ellipsis for k in key)), *key[at + 1:])
    return [k if isinstance(k, slice) else whole(k) for k in key]


def whole(k):
    if not hasattr(k, "__index__") or isinstance(k, bool):
        raise IndexError(f"a region is told by integers, slices and '...', not by {k!r}")
    return operator.index(k)


def in_file(path, dataset, key):
    """The target of a run that changes a part of a dataset in a file."""
    path = os.path.abspath(os.fsdecode(path))
    start, stop, step = [], [], []
    for k in items(key, _convert.open_hdf5(path, dataset).ndim):
        if not isinstance(k, slice):
            k = slice(k, 0, 0)
        elif k.step is not None and operator.index(k.step) == 0:
            raise ValueError("slice step cannot be zero")
        by = 1 if k.step is None else operator.index(k.step)
        start.append(k.start if k.start is not None else 0 if by > 0 else FAR)
        stop.append(k.stop if k.stop is not None else FAR if by > 0 else -FAR)
        step.append(by)
    return os.fsencode(path), dataset.encode(), (start, stop, step)


def of_array(array, key):
    """The part of a NumPy array, which is no copy."""
    return array[tuple(items(key, array.ndim)) + (...,)]


class Part:
    """Part of an object with __setitem__ as an array of its own."""

    def __init__(self, key, shape):
        self.along = [range(n)[k] for k, n in zip(items(key, len(shape)), shape)]
        self.shape = tuple(len(r) for r in self.along if isinstance(r, range))

    def of(self, box):
        """Where a box of the part lies in the object."""
        at, slices = [], iter(box)
        for r in self.along:
            if isinstance(r, range):
                s = next(slices)
                r = r[s.start:s.stop]
                r = slice(r.start, r.stop if r.stop >= 0 else None, r.step)
            at.append(r)
        return tuple(at)
