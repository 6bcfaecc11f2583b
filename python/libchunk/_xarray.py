"""xarray's chunk manager: with `chunked_array_type="libchunk"` the arrays of a dataset are libchunk's. Variables of netCDF-4 and HDF5 files that xarray has
opened with h5netcdf or netCDF4 are read by the engine itself, also where xarray decodes them."""
import os

import libchunk as lc
from libchunk import _convert
from libchunk._array import Array
from libchunk._creation import normalize_chunks
from xarray.namedarray.parallelcompat import ChunkManagerEntrypoint


class LibchunkManager(ChunkManagerEntrypoint[Array]):
    """Entry point `xarray.chunkmanagers`: see xarray's documentation of ChunkManagerEntrypoint for what the methods mean."""

    array_cls = Array
    available = True

    def __init__(self):
        pass

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
            made = native(getattr(data, "array", data), data.shape)
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

    @property
    def array_api(self):
        """The package."""
        return lc

    def apply_gufunc(self, func, signature, *args, **kwargs):
        """A Python function with core dimensions."""
        return lc.apply_gufunc(func, signature, *args, **kwargs)

    def map_blocks(self, func, *args, **kwargs):
        """A Python function on each block."""
        return lc.map_blocks(func, *args, **kwargs)

    def blockwise(self, func, out_ind, *args, **kwargs):
        """A Python function on blocks whose axes are named."""
        return lc.blockwise(func, out_ind, *args, **kwargs)

    def unify_chunks(self, *args, **kwargs):
        """Arrays and names in turn: the arrays in the chunks of the one that names an axis first."""
        extents, arrays = {}, []
        for x, index in zip(args[::2], args[1::2]):
            for name, chunks in zip(index or (), getattr(x, "chunks", ())):
                if len(chunks) > len(extents.get(name, ())):
                    extents[name] = chunks
        for x, index in zip(args[::2], args[1::2]):
            arrays.append(x.rechunk(tuple(extents[name] if n > 1 else (1,) for name, n in zip(index, x.shape))) if isinstance(x, Array) else x)
        return extents, arrays

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


def native(data, shape):
    """The array of a variable of an open file, as the engine reads it; None where it is no plain variable of one."""
    for _ in range(8):
        kind = type(data).__name__
        if kind in ("CopyOnWriteArray", "MemoryCachedArray", "ImplicitToExplicitIndexingAdapter"):
            data = data.array
        elif kind == "LazilyIndexedArray" and tuple(data.shape) == tuple(data.array.shape):
            data = data.array
        elif kind == "_ElementwiseFunctionArray":
            raw = native(data.array, shape)
            if raw is None:
                return None
            function = data.func
            return lc.map_blocks(lambda block: function(block), raw, dtype=data.dtype)
        elif kind in ("NetCDF4ArrayWrapper", "H5NetCDFArrayWrapper"):
            return of_file(data, shape)
        else:
            return None
    return None


def of_file(wrapper, shape):
    store = wrapper.datastore
    path = getattr(store, "_filename", None)
    if not isinstance(path, str) or not os.path.isfile(path) or getattr(store, "_mode", "r") != "r":
        return None
    group = (getattr(store, "_group", None) or "").strip("/")
    try:
        made = _convert.open_hdf5(path, f"/{group}/{wrapper.variable_name}" if group else f"/{wrapper.variable_name}")
    except (OSError, NotImplementedError):
        return None         # netCDF-3, or behind a server
    return made if made.shape == tuple(shape) and made.dtype == wrapper.dtype else None
