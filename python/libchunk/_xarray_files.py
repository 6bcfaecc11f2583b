"""xarray's backend `engine="libchunk"`: netCDF-4 and HDF5 files whose values the engine reads itself. Dimensions, attributes and groups are h5netcdf's
to find, decoding is xarray's; the parts of it that are arithmetic (gaps, packing) become expressions, so that no value passes through Python."""
import os

import libchunk as lc
import numpy as np
from libchunk import _convert, _core
from xarray.backends import BackendArray, BackendEntrypoint, H5NetCDFStore
from xarray.backends.store import StoreBackendEntrypoint
from xarray.core import indexing


class FileVariable(BackendArray):
    """A dataset of a file, for xarray: opened when its first values are asked for."""

    def __init__(self, path, dataset, shape, dtype):
        self.path, self.dataset, self.shape, self.dtype = path, dataset, tuple(shape), np.dtype(dtype)

    def array(self):
        """The engine's array of it; None where it is not what the file's dimensions say (datasets shorter than their unlimited dimension, say)."""
        made = _convert.open_hdf5(self.path, self.dataset)
        return made if made.shape == self.shape and made.dtype == self.dtype.newbyteorder("=") else None

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, lambda key: np.asarray(orthogonal(self.array(), key)))


class Store(H5NetCDFStore):
    """h5netcdf's view of a file, with FileVariable in place of h5py's datasets where the engine has the dtype."""

    __slots__ = ()

    def open_store_variable(self, name, var):
        """xarray's hook: a variable of a group."""
        variable = super().open_store_variable(name, var)
        if not isinstance(self._filename, str) or str(np.dtype(variable.dtype).name) not in _core.DTYPES:
            return variable
        values = FileVariable(self._filename, dataset_name(self, name), variable.shape, variable.dtype)
        try:
            if values.array() is None:
                return variable
        except (OSError, NotImplementedError, TypeError):
            return variable     # user-defined types, filters that only h5py has
        variable._data = indexing.LazilyIndexedArray(values)
        return variable


class LibchunkBackend(BackendEntrypoint):
    """Entry point `xarray.backends`: `xr.open_dataset(path, engine="libchunk", chunks={}, chunked_array_type="libchunk")`.

    Options are those of the engine "h5netcdf"; files that have no dimension scales get dimensions named phony_dim_0 and so on.
    """

    description = "netCDF-4 and HDF5 files, read by libchunk"
    supports_groups = True
    open_dataset_parameters = ("filename_or_obj", "mask_and_scale", "decode_times", "concat_characters", "decode_coords", "drop_variables", "use_cftime",
                               "decode_timedelta", "group", "phony_dims", "format", "invalid_netcdf", "decode_vlen_strings")

    def guess_can_open(self, filename_or_obj):
        """Only when it is asked for by name."""
        return False

    def open_dataset(self, filename_or_obj, *, drop_variables=None, mask_and_scale=True, decode_times=True, concat_characters=True, decode_coords=True,
                     use_cftime=None, decode_timedelta=None, group=None, phony_dims="access", format="NETCDF4", invalid_netcdf=None,
                     decode_vlen_strings=True):
        """One group of a file, see xarray.open_dataset."""
        path = os.path.abspath(os.fsdecode(filename_or_obj))
        store = Store.open(path, group=group, phony_dims=phony_dims, format=format, invalid_netcdf=invalid_netcdf, decode_vlen_strings=decode_vlen_strings)
        with store._manager.acquire_context():
            return StoreBackendEntrypoint().open_dataset(store, drop_variables=drop_variables, mask_and_scale=mask_and_scale, decode_times=decode_times,
                                                         concat_characters=concat_characters, decode_coords=decode_coords, use_cftime=use_cftime,
                                                         decode_timedelta=decode_timedelta)

    def open_groups_as_dict(self, filename_or_obj, *, group=None, **options):
        """All groups below one, by their paths, see xarray.open_groups."""
        import h5netcdf

        with h5netcdf.File(os.fsdecode(filename_or_obj), "r", phony_dims=options.get("phony_dims", "access")) as file:
            top = (group or "").strip("/")
            paths = list(below(file[f"/{top}"] if top else file, "/"))
        return {path: self.open_dataset(filename_or_obj, group=f"/{top}{path}" if top else path, **options) for path in paths}

    def open_datatree(self, filename_or_obj, **options):
        """All groups as a tree, see xarray.open_datatree."""
        from xarray import DataTree

        groups = self.open_groups_as_dict(filename_or_obj, **options)
        tree = DataTree.from_dict(groups)
        for path, ds in groups.items():
            tree[path].set_close(ds._close)
        return tree


def below(group, path):
    """The path of a group and of all in it, "/" first."""
    yield path
    for name, inner in group.groups.items():
        yield from below(inner, f"{path.rstrip('/')}/{name}")


def dataset_name(store, name):
    group = (store._group or "").strip("/")
    return f"/{group}/{name}" if group else f"/{name}"


def orthogonal(x, key):
    """x[key] with one index an axis, arrays each along its own axis."""
    axis = 0
    for item in key:
        if isinstance(item, (int, np.integer)):
            x = x[(slice(None),) * axis + (int(item),)]
            continue
        if not (isinstance(item, slice) and item == slice(None)):
            x = x[(slice(None),) * axis + (item,)]
        axis += 1
    return x


# ---- xarray's lazy wrappers as expressions

def native(data):
    """The array of a variable of a file that is not in memory yet, decoded as xarray would; None where its values must come through xarray."""
    kind = type(data).__name__
    if kind in ("CopyOnWriteArray", "MemoryCachedArray", "ImplicitToExplicitIndexingAdapter", "NativeEndiannessArray"):
        return native(data.array)
    if kind == "LazilyIndexedArray":
        made = native(data.array)
        return None if made is None else orthogonal(made, data.key.tuple)
    if kind == "BoolTypeArray":
        made = native(data.array)
        return None if made is None else made.astype(bool)
    if kind == "_ElementwiseFunctionArray":
        made = native(data.array)
        return None if made is None else decoded(made, data.func, data.dtype)
    if isinstance(data, FileVariable):
        return data.array()
    if kind in ("NetCDF4ArrayWrapper", "H5NetCDFArrayWrapper"):
        return of_other_engine(data)
    return None


def decoded(raw, function, dtype):
    """What one of xarray's decoders makes of an array, with the same bits: an expression for gaps, packing and signs, else the function on blocks."""
    name, told = getattr(getattr(function, "func", None), "__name__", None), getattr(function, "keywords", {})
    if name == "_apply_mask" and set(told) == {"encoded_fill_values", "decoded_fill_value", "dtype"}:
        x, gap = raw.astype(told["dtype"]), None
        for value in sorted(told["encoded_fill_values"]):
            gap = x == value if gap is None else gap | (x == value)
        return x if gap is None else lc.where(gap, told["decoded_fill_value"], x)
    if name == "_scale_offset_decoding" and set(told) == {"scale_factor", "add_offset", "dtype"}:
        x = raw.astype(told["dtype"])
        for value, step in ((told["scale_factor"], lc.multiply), (told["add_offset"], lc.add)):
            x = x if value is None else step(x, plain(value)).astype(told["dtype"])
        return x
    if name == "asarray" and set(told) == {"dtype"}:
        return raw.astype(told["dtype"])
    return lc.map_blocks(lambda block: function(block), raw, dtype=dtype)


def plain(value):
    """A number that may be an array of one element."""
    return np.asarray(value).reshape(())[()] if isinstance(value, np.ndarray) else value


def of_other_engine(wrapper):
    """The array behind a variable that xarray opened with h5netcdf or netCDF4; None for what is not netCDF-4 in a local file, or open for writing."""
    store = wrapper.datastore
    path = getattr(store, "_filename", None)
    if not isinstance(path, str) or not os.path.isfile(path) or getattr(store, "_mode", "r") != "r":
        return None
    try:
        return FileVariable(path, dataset_name(store, wrapper.variable_name), wrapper.shape, wrapper.dtype).array()
    except (OSError, NotImplementedError):
        return None
