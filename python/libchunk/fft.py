"""Fourier transforms as in numpy.fft: NumPy's own, called on blocks in which the transformed axes are whole. float32 and complex64 keep single precision."""
from libchunk._array import call
from libchunk._convert import as_array

ALONG = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
OVER = ("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")
__all__ = sorted([*ALONG, *OVER, "fftfreq", "rfftfreq", "fftshift", "ifftshift"])


def dtype_of(name, dtype):
    import numpy as np

    single = dtype in (np.float16, np.float32, np.complex64)
    if name in ("irfft", "hfft"):
        return "float32" if single else "float64"
    return "complex64" if single else "complex128"


def transform(name, a, n, axis, norm):
    """One of NumPy's along an axis."""
    import numpy as np

    from libchunk._blocks import apply_gufunc

    x = as_array(a)
    if not x.ndim:
        raise ValueError(f"{name}: an array without axes")
    if not -x.ndim <= axis < x.ndim:
        raise np.exceptions.AxisError(axis, x.ndim)
    if x.dtype.kind == "c" and name in ("rfft", "ihfft"):
        raise TypeError(f"{name} takes real numbers, not {x.dtype}")
    function, length = getattr(np.fft, name), x.shape[axis]
    if n is None and length == 0 or n is not None and n < 1:
        raise ValueError(f"Invalid number of FFT data points ({n if n is not None else length}) specified.")
    extent = function(np.zeros(1, "f8"), n if n is not None else 2 * (length - 1) if name in ("irfft", "hfft") else length).shape[0]
    dtype = dtype_of(name, x.dtype)

    def along(block):
        return function(block, n, -1, norm).astype(dtype, copy=False)

    along.__name__ = name
    return apply_gufunc(along, "(i)->(j)", x, axes=[(axis,), (axis,)], output_sizes={"j": extent}, output_dtypes=dtype)


def made_along(name):
    def function(a, n=None, axis=-1, norm=None):
        return transform(name, a, n, axis, norm)

    function.__doc__ = f"""numpy.fft.{name} along an axis, whose lines must fit into memory.

    Parameters
    ----------
    a : array_like
    n : int, optional
        The length that is transformed; the axis is cut, or filled with zeros.
    axis : int, optional
    norm : {{"backward", "ortho", "forward"}}, optional

    Returns
    -------
    Array
    """
    return function


def made_over(name):
    pair = name.endswith("2")

    def function(a, s=None, axes=(-2, -1) if pair else None, norm=None):
        x = as_array(a)
        if axes is None:
            axes = tuple(range(-len(s), 0)) if s is not None else tuple(range(-x.ndim, 0))
        lengths = (None,) * len(axes) if s is None else tuple(None if n == -1 else n for n in s)
        if len(lengths) != len(axes):
            raise ValueError("Shape and axes have different lengths.")
        stem = name.rstrip("2n")
        order = list(zip(lengths, axes))
        if not order:
            return x
        # The axis that real numbers halve is NumPy's last one: first on the way there, last on the way back.
        if stem == "rfft":
            x = transform("rfft", x, *order[-1], norm)
            stem, order = "fft", order[:-1]
        last = order.pop() if stem == "irfft" else None
        for n, axis in reversed(order):
            x = transform("ifft" if stem[0] == "i" else "fft", x, n, axis, norm)
        return x if last is None else transform("irfft", x, *last, norm)

    function.__doc__ = f"""numpy.fft.{name} over axes, one after the other: a line of each must fit into memory.

    Parameters
    ----------
    a : array_like
    s : sequence of int, optional
        Lengths that are transformed.
    axes : sequence of int, optional
        Default: {"the last two" if pair else "all"}.
    norm : {{"backward", "ortho", "forward"}}, optional

    Returns
    -------
    Array
    """
    return function


for _name in ALONG:
    globals()[_name] = made_along(_name)
for _name in OVER:
    globals()[_name] = made_over(_name)
for _name in (*ALONG, *OVER):
    globals()[_name].__name__ = globals()[_name].__qualname__ = _name
del _name


def fftfreq(n, /, *, d=1.0, dtype=None, device=None, chunks=None):
    """Frequencies of the elements of `fft` of n values d apart."""
    import numpy as np

    return frequencies(np.fft.fftfreq(n, d), dtype, chunks)


def rfftfreq(n, /, *, d=1.0, dtype=None, device=None, chunks=None):
    """Frequencies of the elements of `rfft` of n values d apart."""
    import numpy as np

    return frequencies(np.fft.rfftfreq(n, d), dtype, chunks)


def frequencies(values, dtype, chunks):
    from libchunk._creation import from_array

    if dtype is not None:
        if values.dtype.type(0).astype(dtype).dtype.kind != "f":
            raise TypeError(f"frequencies are real numbers, not {dtype}")
        values = values.astype(dtype)
    return from_array(values) if chunks is None else from_array(values, chunks)


def fftshift(x, /, *, axes=None):
    """The zero frequency in the middle."""
    return shifted(x, axes, lambda n: n // 2)


def ifftshift(x, /, *, axes=None):
    """What `fftshift` did undone."""
    return shifted(x, axes, lambda n: -(n // 2))


def shifted(x, axes, by):
    x = as_array(x)
    axes = tuple(range(x.ndim)) if axes is None else (axes,) if isinstance(axes, int) else tuple(axes)
    return call("roll", x, tuple(by(x.shape[a]) for a in axes), axes) if axes else x
