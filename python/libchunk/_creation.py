"""Arrays from files, from other objects, and out of nothing."""
import math
import os

from libchunk import _core, _convert
from libchunk._operations import TABLE, function


def names():
    """What the package takes from here."""
    return _NAMES


def from_hdf5(path, dataset, axis=0, new_axis=None):
    """A dataset of an HDF5 or netCDF-4 file, or one of each of several files as one array, opened for reading.

    Parameters
    ----------
    path : str, path-like, or a sequence of them
        The file must not change while it is computed with. A pattern ("runs/*.h5", "**" goes through folders) means all files that match, in the order
        of their names; a sequence means its files in its order, each a file or a pattern.
    dataset : str
        Its name in the file, "/group/x".
    axis : int, optional
        Several files: the axis along which their datasets are joined, as by `concatenate`.
    new_axis : int, optional
        Several files: a new axis along which they are stacked instead, as by `stack`.

    Returns
    -------
    Array
        With the dataset's dtype and chunks.

    Raises
    ------
    OSError
        The file or dataset cannot be opened; FileNotFoundError where there is no file.
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        if not hasattr(path, "__iter__"):
            raise TypeError(f"a path is text or path-like, or a sequence of these, not of type {type(path).__name__}")
        files = [f for p in path for f in files_of(p)]
    else:
        files = files_of(path)
        if len(files) == 1 and files[0] == os.fsdecode(path):
            return _convert.open_hdf5(path, dataset)
    if not files:
        raise ValueError("from_hdf5: no files are given")
    return joined(files, [_convert.open_hdf5(f, dataset) for f in files], dataset, axis, new_axis)


def files_of(path):
    """The files that a path means: itself, or what matches the pattern. A file whose name looks like a pattern is that file."""
    path = os.fsdecode(path)
    if os.path.exists(path) or not any(c in path for c in "*?["):
        return [path]
    import errno
    import glob

    files = sorted(glob.glob(path, recursive=True))
    if not files:
        raise FileNotFoundError(errno.ENOENT, "no file matches", path)
    return files


def joined(files, arrays, dataset, axis, new_axis):
    """Arrays of several files along an axis. What does not fit is told with its file."""
    first = arrays[0]
    if new_axis is None:
        if not first.ndim:
            raise ValueError(f"{dataset} has no axes to be joined along: say new_axis=0")
        from numpy.lib.array_utils import normalize_axis_index

        axis = normalize_axis_index(axis, first.ndim)
    for file, a in zip(files, arrays):
        same = a.ndim == first.ndim and all(m == n for k, (m, n) in enumerate(zip(a.shape, first.shape)) if new_axis is not None or k != axis)
        if not same or a.dtype_name != first.dtype_name:
            raise ValueError(f"{dataset} of {file} is {a.dtype_name} of shape {a.shape}, that of {files[0]} is {first.dtype_name} of shape {first.shape}")
    if new_axis is not None:
        arrays = [TABLE["expand_dims"]((a,), {"axis": new_axis}) for a in arrays]
        axis = new_axis
    while len(arrays) > 1:         # a call takes some hundred arrays
        arrays = [TABLE["concat"]((arrays[i:i + 128],), {"axis": axis}) for i in range(0, len(arrays), 128)]
    return arrays[0]


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
    return x if chunks is None or isinstance(chunks, str) and chunks == "auto" else rechunk(x, chunks)


def rechunk(x, chunks="auto", threshold=None, block_size_limit=None, balance=False, method=None):
    """x in other chunks.

    Parameters
    ----------
    x : array_like
    chunks : int, tuple, dict or "auto"
        The extent of a chunk: one number for all axes, an entry an axis, or a dict of some axes. -1 is the whole axis, None as it is, "auto" whatever makes
        chunks of about 1 MiB. Of a tuple of extents the largest counts: chunks of an axis are of one size, but for the last.
    block_size_limit : int or str, optional
        Bytes of a chunk where an axis is "auto"; a text such as "16MiB" for chunks says the same.
    threshold, balance, method
        Dask's, ignored.

    Returns
    -------
    Array
    """
    x = _convert.as_array(x)
    if x.ndim == 0:
        return x
    if isinstance(chunks, str) and chunks != "auto" or block_size_limit is not None:
        named = {a % x.ndim: c for a, c in chunks.items()} if isinstance(chunks, dict) else chunks
        chunks = normalize_chunks(named, x.shape, block_size_limit, x.dtype, x.chunks)
    for c, n in zip(chunks, x.shape) if isinstance(chunks, (tuple, list)) and len(chunks) == x.ndim else ():
        if isinstance(c, (tuple, list)) and sum(c) != n:
            raise ValueError(f"chunks {tuple(c)} do not add up to the {n} elements of the axis")
    return TABLE["rechunk"]((x, engine_chunks(chunks, x.ndim)), {})


def engine_chunks(chunks, ndim):
    """Dask's ways to say chunks as the engine takes them: one entry for each of ndim axes."""
    if isinstance(chunks, dict):
        for axis in chunks:
            if not -ndim <= axis < ndim:
                raise ValueError(f"chunks for axis {axis} of an array of {ndim} dimensions")
        named = {axis % ndim: c for axis, c in chunks.items()}
        chunks = tuple(named.get(axis) for axis in range(ndim))
    if hasattr(chunks, "tolist"):
        chunks = chunks.tolist()
    if not isinstance(chunks, (tuple, list)) or ndim == 1 and len(chunks) != 1 and all(isinstance(c, int) for c in chunks):
        chunks = (chunks,) * ndim
    if len(chunks) != ndim:
        raise ValueError(f"chunks {tuple(chunks)} for an array of {ndim} dimensions")
    return tuple(max((int(n) for n in c), default=1) or 1 if isinstance(c, (tuple, list)) else c if c is None or isinstance(c, str) else int(c) for c in chunks)


def chunk_shape(chunks, shape):
    """One number for each axis of Dask's ways to say chunks; axes of which nothing is said are whole."""
    entries = engine_chunks(chunks, len(shape))
    return tuple(max(1, n) if c in (-1, None, "auto") else c for c, n in zip(entries, shape))


def normalize_chunks(chunks, shape=None, limit=None, dtype=None, previous_chunks=None):
    """All ways to say chunks as a tuple of extents for each axis, as Dask's function of this name.

    Parameters
    ----------
    chunks : int, tuple, dict, str or None
    shape : tuple of int
    limit : int or str, optional
        Bytes of a chunk where an axis is "auto"; default: 16 MiB.
    dtype : dtype, optional
        Needed with "auto".
    previous_chunks : tuple, optional
        "auto" takes multiples of these.

    Returns
    -------
    tuple of tuple of int
    """
    if shape is None:
        raise ValueError("normalize_chunks needs the shape")
    shape = tuple(int(n) for n in shape)
    if isinstance(chunks, str) and chunks != "auto":
        limit, chunks = chunks, "auto"
    if isinstance(chunks, (tuple, list)) and len(shape) == 1 and chunks and all(isinstance(c, int) for c in chunks) and (len(chunks) > 1 or sum(chunks) == shape[0]):
        chunks = (tuple(chunks),)
    if isinstance(chunks, dict):
        chunks = tuple(chunks.get(axis) for axis in range(len(shape)))
    if not isinstance(chunks, (tuple, list)):
        chunks = (chunks,) * len(shape)
    if len(chunks) != len(shape):
        raise ValueError(f"chunks {tuple(chunks)} for an array of {len(shape)} dimensions")
    chunks = tuple(n if c in (-1, None) else c for c, n in zip(chunks, shape))
    if "auto" in chunks:
        chunks = auto_chunks(chunks, shape, limit, dtype, previous_chunks)
    out = []
    for c, n in zip(chunks, shape):
        if not isinstance(c, (tuple, list)):
            c = max(1, min(int(c), n))
            c = (c,) * (n // c) + ((n % c,) if n % c else ()) or (0,)
        if sum(c) != n:
            raise ValueError(f"chunks {tuple(c)} do not add up to the {n} elements of the axis")
        out.append(tuple(int(e) for e in c))
    return tuple(out)


def auto_chunks(chunks, shape, limit, dtype, previous):
    """Numbers in the place of "auto": multiples of the previous chunks, last axes first, until a chunk has about so many bytes."""
    import numpy as np

    from libchunk._config import parse_bytes

    room = (16 << 20 if limit is None else parse_bytes(limit)) // max(1, np.dtype("f8" if dtype is None else dtype).itemsize)
    first = [p if isinstance(p, int) else max(p, default=1) for p in previous] if previous else [1] * len(shape)
    made = [max(1, min(f, n)) if c == "auto" else max(c) if isinstance(c, (tuple, list)) else c for c, n, f in zip(chunks, shape, first)]
    if math.prod(made) > max(1, room):       # previous chunks that are too large are cut
        made = [1 if c == "auto" else m for c, m in zip(chunks, made)]
    for axis in reversed(range(len(shape))):
        if chunks[axis] == "auto":
            others = 1
            for k, n in enumerate(made):
                others *= max(1, n) if k != axis else 1
            made[axis] = max(made[axis], min(shape[axis], room // others // made[axis] * made[axis]))
    return tuple(m if c == "auto" else c for c, m in zip(chunks, made))


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
    elif isinstance(obj, (list, tuple)) and _convert.holds_lazy(obj):
        made = _convert.as_array(obj)
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


def np_ndim(value):
    """numpy.ndim, without NumPy for plain numbers."""
    if isinstance(value, (int, float, complex)):
        return 0
    import numpy as np

    return value.ndim if isinstance(value, _core.Base) else np.ndim(value)


def creator(name, op=None):
    """A creation function of the table that also takes the array API's device, and Dask's chunks."""
    from inspect import Parameter, Signature

    of_table = function(op or name)

    def create(*args, device=None, chunks=None, like=None, **kwargs):
        check_device(device)
        if name.endswith("_like") and kwargs.get("shape") is not None:
            import libchunk

            shape, dtype = kwargs.pop("shape"), kwargs.pop("dtype", None)
            kwargs["dtype"] = _convert.as_array(args[0]).dtype if dtype is None else dtype
            return getattr(libchunk, name.removesuffix("_like"))(shape, *args[1:], device=device, chunks=chunks, **kwargs)
        kwargs.pop("shape", None)
        given = dict(zip(("start", "stop", "num", "endpoint", "dtype"), args), **kwargs) if name == "linspace" else {}
        if any(np_ndim(given.get(end, 0)) for end in ("start", "stop")):
            from libchunk._habits import spaced

            made = spaced(**given)
            return (cut(made[0], chunks), made[1]) if isinstance(made, tuple) else cut(made, chunks)
        if given and kwargs.pop("retstep", False):
            parts = given.get("num", 50) - bool(given.get("endpoint", True))
            return create(*args, chunks=chunks, **kwargs), (given["stop"] - given["start"]) / parts if parts else float("nan")
        return cut(of_table(*args, **kwargs), chunks)

    create.__name__ = create.__qualname__ = name
    create.__module__ = "libchunk"
    create.__doc__ = of_table.__doc__
    more = [Parameter(p, Parameter.KEYWORD_ONLY, default=None) for p in ("device", "chunks", "like")]
    create.__signature__ = Signature([*of_table.__signature__.parameters.values(), *more])
    return create


def eye(n_rows, n_cols=None, k=0, dtype="float64", *, device=None, chunks=None, like=None, M=None):
    """Ones on a diagonal, zeros elsewhere.

    Parameters
    ----------
    n_rows : int
    n_cols : int, optional
        Default: as many as rows.
    k : int, optional
        Which diagonal: 0 is the main one, above it is positive.
    dtype : dtype, optional
    device : "cpu", optional
    chunks : int or tuple, optional
    M : int, optional
        n_cols under NumPy's name.

    Returns
    -------
    Array
    """
    check_device(device)
    n_cols = M if n_cols is None else n_cols
    limit = 2**62
    return cut(TABLE["eye"]((n_rows, n_cols, max(-limit, min(limit, k)), dtype), {}), chunks)


def empty(shape, dtype="float64", *, device=None, chunks=None, like=None):
    """An array whose values do not matter: zeros."""
    return __getattr__("zeros")(shape, dtype=dtype, device=device, chunks=chunks)


def empty_like(x, /, *, dtype=None, device=None, chunks=None):
    """An array of x's shape whose values do not matter: zeros."""
    return __getattr__("zeros_like")(x, dtype=dtype, device=device, chunks=chunks)


_CREATED = {name for name in TABLE if TABLE[name].family == "creation" and name not in ("array", "eye", "meshgrid")}
_NAMES = frozenset({"from_hdf5", "from_array", "asarray", "asanyarray", "array", "from_dlpack", "empty", "empty_like", "eye", "normalize_chunks", "rechunk",
                    *_CREATED})


def __getattr__(name):
    if name not in _CREATED:
        raise AttributeError(name)
    globals()[name] = creator(name)
    return globals()[name]
