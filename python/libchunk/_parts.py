"""Parts of an array by the numbers of its chunks, and by points: x.blocks and x.vindex."""
from libchunk._array import call


class Blocks:
    """x.blocks: indexed by numbers of chunks."""

    def __init__(self, array):
        self.array = array

    @property
    def shape(self):
        """Number of chunks along each axis."""
        return self.array.numblocks

    @property
    def ndim(self):
        """The number of axes."""
        return self.array.ndim

    @property
    def size(self):
        """The number of chunks."""
        return self.array.npartitions

    def __len__(self):
        return self.shape[0]

    def ravel(self):
        """The arrays of all chunks in C order, a list."""
        import itertools

        return [self[at] for at in itertools.product(*map(range, self.shape))]

    def __getitem__(self, key):
        key = key if isinstance(key, tuple) else (key,)
        if any(k is None for k in key):
            raise ValueError("blocks have no new axes")
        if sum(isinstance(k, (list, tuple)) or getattr(k, "ndim", 0) > 0 for k in key) > 1:
            raise ValueError("blocks are indexed by at most one list")
        at = [i for i, k in enumerate(key) if k is Ellipsis]
        if len(at) > 1 or len(key) - len(at) > self.ndim:
            raise IndexError(f"too many indices for the blocks of an array of {self.ndim} dimensions")
        split = at[0] if at else len(key)
        key = (*key[:split], *(slice(None),) * (self.ndim - len(key) + len(at)), *key[split + len(at):])
        x = self.array
        for axis, item in enumerate(key):
            if not (isinstance(item, slice) and item == slice(None)):
                x = x[(slice(None),) * axis + (elements(self.array._bounds(axis), item, axis),)]
        return x


def elements(bounds, item, axis):
    """The elements along an axis of chunks by number: a slice where they lie together, else their indices."""
    import numpy as np

    n = len(bounds) - 1
    if isinstance(item, int) and not -n <= item < n:
        raise IndexError(f"block {item} is out of bounds for axis {axis} with {n} blocks")
    numbers = np.atleast_1d(np.arange(n)[item])
    if not len(numbers) or (np.diff(numbers) == 1).all():
        return slice(bounds[numbers[0]], bounds[numbers[-1] + 1]) if len(numbers) else slice(0, 0)
    return np.concatenate([np.arange(bounds[k], bounds[k + 1]) for k in numbers])


class Points:
    """x.vindex: indexed point by point."""

    def __init__(self, array):
        self.array = array

    def __getitem__(self, key):
        import numpy as np

        key = key if isinstance(key, tuple) else (key,)
        if any(k is None or k is Ellipsis for k in key):
            raise IndexError("vindex takes arrays, integers and slices")
        key += (slice(None),) * (self.array.ndim - len(key))
        at = [a for a, k in enumerate(key) if not isinstance(k, slice)]
        x = self.array[tuple(k if isinstance(k, slice) else slice(None) for k in key)]
        x = call("permute_dims", x, (*at, *(a for a in range(x.ndim) if a not in at)))
        return x[tuple(np.asarray(key[a]) for a in at)] if at else x
