"""NumPy's numpy.lib, as far as it is about arrays: stride_tricks.sliding_window_view."""
from libchunk._array import call
from libchunk._convert import as_array


class stride_tricks:
    """numpy.lib.stride_tricks."""

    @staticmethod
    def sliding_window_view(x, window_shape, axis=None, *, subok=False, writeable=False, **ignored):
        """Windows that slide over axes, their places in new last axes; nothing is stored.

        Parameters
        ----------
        x : array_like
        window_shape : int or tuple of int
        axis : int or tuple of int, optional
            Default: all axes.

        Returns
        -------
        Array
        """
        x = as_array(x)
        axis = tuple(range(x.ndim)) if axis is None else axis
        windows, axes = (tuple(v) if isinstance(v, (tuple, list)) else (v,) for v in (window_shape, axis))
        if len(axes) != len(windows):
            raise ValueError(f"window_shape has {len(windows)} entries for {len(axes)} axes")
        for n, a in zip(windows, axes):
            a %= x.ndim
            left = x.shape[a] - n + 1
            if n < 0 or left < 1:
                raise ValueError("window shape cannot be larger than input array shape")
            whole = (slice(None),) * a
            x = call("stack", [x[(*whole, slice(i, i + left))] for i in range(n)], -1)
        return x
