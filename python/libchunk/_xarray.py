"""xarray's chunk manager: with `chunked_array_type="libchunk"` the arrays of a dataset are libchunk's. Variables of netCDF-4 and HDF5 files that xarray has
opened with h5netcdf or netCDF4 are read by the engine itself, also where xarray decodes them."""
import libchunk as lc
import numpy as np
from libchunk import _xarray_hooks
from libchunk._array import Array
from libchunk._creation import normalize_chunks
from libchunk._xarray_files import native
from xarray.namedarray.parallelcompat import ChunkManagerEntrypoint


class LibchunkManager(ChunkManagerEntrypoint[Array]):
    """Entry point `xarray.chunkmanagers`: see xarray's documentation of ChunkManagerEntrypoint for what the methods mean."""

    array_cls = Array
    available = True

    def __init__(self):
        _xarray_hooks.adopt()

    def is_chunked_array(self, data):
        """Whether it is one of libchunk's arrays."""
        return isinstance(data, Array)

    def chunks(self, data):
        """Extents of the chunks along each axis."""
        return data.chunks

    def normalize_chunks(self, chunks, shape=None, limit=None, dtype=None, previous_chunks=None):
        """All ways to say chunks as extents along each axis."""
        return normalize_chunks(chunks, shape, limit, dtype, previous_chunks)

    def from_array(self, data, chunks, **kwargs):
        """An array of a variable; variables of dtypes that the engine does not have (times, text) stay as they are, not chunked."""
        try:
            made = native(data)
            if made is None:
                return lc.from_array(data, chunks=chunks)
        except TypeError:
            return getattr(data, "array", data)
        return made.rechunk(chunks)

    def rechunk(self, data, chunks, **kwargs):
        """Other chunks."""
        return data.rechunk(chunks)

    def compute(self, *data, **kwargs):
        """All in one run."""
        return lc.compute(*data)

    def persist(self, *data, **kwargs):
        """Kept in runs that use them several times."""
        return tuple(x.persist() if isinstance(x, Array) else x for x in data)

    def reduction(self, arr, func, combine_func=None, aggregate_func=None, axis=None, dtype=None, keepdims=False):
        """A reduction by Python functions: func on each block, then aggregate_func on what the blocks gave, which lies in memory whole along the axes."""
        axes = tuple(range(arr.ndim)) if axis is None else tuple(a % arr.ndim for a in (axis if isinstance(axis, (tuple, list)) else (axis,)))
        if any(arr.shape[a] > 1 for a in axes):
            chunks = tuple((1,) * n if a in axes else None for a, n in enumerate(arr.numblocks))
            arr = lc.map_blocks(func, arr, chunks=chunks, dtype=dtype, axis=axes if len(axes) > 1 else axes[0], keepdims=True)
        arr = arr.rechunk({a: -1 for a in axes})
        chunks = tuple(1 if a in axes else None for a in range(arr.ndim))
        made = lc.map_blocks(aggregate_func or func, arr, chunks=chunks, dtype=dtype, axis=axes if len(axes) > 1 else axes[0], keepdims=True)
        return made if keepdims else made.squeeze(axes)

    def scan(self, func, binop, ident, arr, axis=None, dtype=None, **kwargs):
        """A cumulative Python function along an axis, which is given whole."""
        def along(block):
            return func(block, axis=-1)

        return lc.apply_gufunc(along, "(i)->(i)", arr, axis=axis, output_dtypes=dtype or arr.dtype)

    @property
    def array_api(self):
        """The package."""
        return lc

    def apply_gufunc(self, func, signature, *args, **kwargs):
        """A Python function with core dimensions. Times in memory are told as numbers, and given to the function as times."""
        times = {k: x.dtype for k, x in enumerate(args) if getattr(getattr(x, "dtype", None), "kind", None) in ("m", "M")}
        if not times:
            return lc.apply_gufunc(func, signature, *args, **kwargs)

        def with_times(*blocks, **told):
            return func(*(np.asarray(b).view(times[k]) if k in times else b for k, b in enumerate(blocks)), **told)

        return lc.apply_gufunc(with_times, signature, *(np.asarray(x).view("int64") if k in times else x for k, x in enumerate(args)), **kwargs)

    def map_blocks(self, func, *args, **kwargs):
        """A Python function on each block."""
        return lc.map_blocks(func, *args, **kwargs)

    def blockwise(self, func, out_ind, *args, **kwargs):
        """A Python function on blocks whose axes are named."""
        return lc.blockwise(func, out_ind, *args, **kwargs)

    def unify_chunks(self, *args, **kwargs):
        """Arrays and names in turn: the arrays in the chunks of the one that names an axis first."""
        return lc.unify_chunks(*args, **kwargs)

    def store(self, sources, targets, **kwargs):
        """Into objects with __setitem__."""
        wrapped = [Target(t, s) for s, t in zip(sources, targets)]
        lc.store(sources, wrapped)

    def get_auto_chunk_size(self):
        """Bytes of a chunk where nothing else tells."""
        return 16 << 20


class Target:
    """xarray's targets have no chunk shape that helps: blocks of the source's chunks are put."""

    def __init__(self, target, source):
        self.target, self.shape, self.chunks = target, source.shape, source.chunksize

    def __setitem__(self, box, values):
        self.target[box] = values
