"""Arrays from files, from other objects, and out of nothing."""
from libchunk import _core, _convert
from libchunk._operations import TABLE, function


def names():
    """What the package takes from here."""
    return _NAMES


def from_hdf5(path, dataset):
    """A dataset of an HDF5 or netCDF-4 file, opened for reading.

    Parameters
    ----------
    path : str or path-like
        The file must not change while it is computed with.
    dataset : str
        Its name in the file, "/group/x".

    Returns
    -------
    Array
        With the dataset's dtype and chunks.

    Raises
    ------
    OSError
        The file or dataset cannot be opened; FileNotFoundError where there is no file.
    """
    return _convert.open_hdf5(path, dataset)


def from_array(x, chunks="auto", name=None, lock=False):
    """An array of another object, which is not copied.

    Parameters
    ----------
    x : array_like
        NumPy arrays are read where they lie, of any strides: they must not change before the run. h5py datasets are read by the engine from
        their file, or through h5py, with a warning, when it is open for writing. Any other object with shape, dtype and `__getitem__` (zarr,
        Dask) is asked for boxes.
    chunks : tuple of int or "auto", optional
        For objects that are asked for boxes, the shape in which they like to be asked; other arrays are cut anew by rechunk.
    name : ignored
        Dask's.
    lock : bool, optional
        Accepted for Dask's sake: objects are asked for one box at a time anyhow.

    Returns
    -------
    Array
    """
    if isinstance(x, _core.Base):
        made = x
    elif _convert.is_lazy(x):
        shape = None
        if chunks != "auto" and not _convert.is_hdf5(x):
            shape, chunks = chunk_shape(chunks, tuple(x.shape)), "auto"
        made = _convert.from_object(x, shape)
    else:
        made = _convert.as_array(x)
    return cut(made, chunks)


def cut(x, chunks):
    """Other chunks, where they are asked for."""
    if chunks is None or chunks == "auto":
        return x
    if "rechunk" in TABLE:
        return TABLE["rechunk"]((x, chunk_shape(chunks, x.shape)), {})
    return x


def chunk_shape(chunks, shape):
    """One extent an axis of Dask's ways to say chunks: a number, a tuple of numbers, of tuples, -1 and None for the whole axis."""
    if isinstance(chunks, dict):
        chunks = tuple(chunks.get(axis, n) for axis, n in enumerate(shape))
    if not isinstance(chunks, (tuple, list)):
        chunks = (chunks,) * len(shape)
    if len(chunks) != len(shape):
        raise ValueError(f"chunks {tuple(chunks)} for an array of {len(shape)} dimensions")
    out = []
    for c, n in zip(chunks, shape):
        if isinstance(c, (tuple, list)):
            c = max(c)
        out.append(max(1, n) if c in (-1, None, "auto") else int(c))
    return tuple(out)


def asarray(obj, /, *, dtype=None, device=None, copy=None):
    """An array of another object; arrays of this package as they are.

    Parameters
    ----------
    obj : array_like
        As for `from_array`; also numbers and nested sequences of them.
    dtype : dtype, optional
    device : "cpu", optional
    copy : bool, optional
        True: later changes of `obj` are not seen. False: ValueError where a copy would be needed.
    """
    check_device(device)
    import numpy as np

    if isinstance(obj, _core.Base):
        made = obj.copy() if copy else obj
    elif _convert.is_lazy(obj):
        made = from_array(obj)
    else:
        value = np.array(obj, dtype=None if dtype is None else np.dtype(dtype), copy=copy)
        made = _convert.as_array(value)
    if dtype is not None and made.dtype != np.dtype(dtype):
        if copy is False:
            raise ValueError(f"another dtype than {made.dtype} needs a copy")
        made = made.astype(dtype)
    return made


def array(obj, dtype=None, *, copy=True, ndmin=0):
    """As NumPy's: an array of a copy of `obj`."""
    made = asarray(obj, dtype=dtype, copy=copy)
    return made[(None,) * (ndmin - made.ndim)] if ndmin > made.ndim else made


def asanyarray(obj, dtype=None):
    """As `asarray`."""
    return asarray(obj, dtype=dtype)


def from_dlpack(x, /, *, device=None, copy=None):
    """An array of what another library's array lies in, by DLPack."""
    check_device(device)
    import numpy as np

    if isinstance(x, _core.Base):
        return x.copy() if copy else x
    return _convert.as_array(np.from_dlpack(x, copy=copy) if copy is not None else np.from_dlpack(x))


def check_device(device):
    if device not in (None, "cpu"):
        raise ValueError(f"there is no device {device!r}: arrays are on the 'cpu'")


def creator(name, op=None):
    """A creation function of the table that also takes the array API's device, and Dask's chunks."""
    of_table = function(op or name)

    def create(*args, device=None, chunks=None, like=None, **kwargs):
        check_device(device)
        return cut(of_table(*args, **kwargs), chunks)

    create.__name__ = create.__qualname__ = name
    create.__module__ = "libchunk"
    create.__doc__ = of_table.__doc__
    create.__signature__ = of_table.__signature__
    return create


def empty(shape, dtype="float64", *, device=None, chunks=None, like=None):
    """An array whose values do not matter: zeros."""
    return __getattr__("zeros")(shape, dtype=dtype, device=device, chunks=chunks)


def empty_like(x, /, *, dtype=None, device=None, chunks=None):
    """An array of x's shape whose values do not matter: zeros."""
    return __getattr__("zeros_like")(x, dtype=dtype, device=device, chunks=chunks)


_CREATED = {name for name in TABLE if TABLE[name].family == "creation" and name != "array"}
_NAMES = frozenset({"from_hdf5", "from_array", "asarray", "asanyarray", "array", "from_dlpack", "empty", "empty_like", *_CREATED})


def __getattr__(name):
    if name not in _CREATED:
        raise AttributeError(name)
    globals()[name] = creator(name)
    return globals()[name]
