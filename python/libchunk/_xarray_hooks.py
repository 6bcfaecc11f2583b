"""What xarray decides by "NumPy or Dask?" without asking the chunk manager: with libchunk's arrays these few functions of xarray would compute in memory, or
refuse. `adopt` puts functions in their places that ask for libchunk's arrays first; where a version of xarray has no such function nothing is done."""
import functools

import libchunk as lc
import numpy as np
from libchunk._array import Array
from libchunk._core import DTYPES
from libchunk._xarray_groups import reduce_groups
from xarray.core import dtypes


def push(original):
    """ffill and bfill: bottleneck would compute in memory."""
    @functools.wraps(original)
    def _push(array, n=None, axis=-1):
        if isinstance(array, Array):
            return lc.ffill(array, axis, limit=n) if n is not None else lc.ffill(array, axis)
        return original(array, n, axis)

    return _push


def only_known(original):
    """Whether flox may reduce groups: it knows NumPy's and Dask's arrays only, xarray's own way stays lazy."""
    @functools.wraps(original)
    def contains_only_chunked_or_numpy(obj):
        variables = obj._to_temp_dataset()._variables if hasattr(obj, "_to_temp_dataset") else obj._variables
        return not any(isinstance(v._data, Array) for v in variables.values()) and original(obj)

    return contains_only_chunked_or_numpy


def points(original):
    """Pointwise indexing, which the array API has not."""
    @functools.wraps(original)
    def _vindex_get(self, indexer):
        from xarray.core import nputils

        if isinstance(self.array, Array):
            return nputils.NumpyVIndexAdapter(self.array)[indexer.tuple]
        return original(self, indexer)

    return _vindex_get


def least_squares(original):
    """polyfit: the matrix is small and in memory, the right-hand sides are not."""
    @functools.wraps(original)
    def least_squares(lhs, rhs, rcond=None, skipna=False):
        if not isinstance(rhs, Array):
            return original(lhs, rhs, rcond=rcond, skipna=skipna)
        if not skipna:
            coefficients, residuals, _, _ = lc.linalg.lstsq(lhs, rhs, rcond)
            return coefficients, residuals
        order = lhs.shape[1]

        def fit(block):
            columns = block.reshape(-1, block.shape[-1]).T
            fitted = np.vstack(original(lhs, columns, rcond=rcond, skipna=True))
            return fitted.T.reshape(*block.shape[:-1], order + 1)

        both = lc.apply_gufunc(fit, "(i)->(j)", rhs, axes=[(0,), (0,)], output_sizes={"j": order + 1}, output_dtypes=float)
        return both[:-1], both[-1]

    return least_squares


def chunk(original):
    """Other chunks: where Dask is installed too, its arrays would be made of libchunk's."""
    @functools.wraps(original)
    def chunk(self, chunks={}, chunked_array_type=None, *args, **kwargs):
        if isinstance(self._data, Array):
            chunked_array_type = "libchunk"
        return original(self, chunks, chunked_array_type, *args, **kwargs)

    return chunk


def positions(original):
    """idxmax and idxmin along a coordinate of a dtype that the engine does not have, times or text: the positions are computed, and looked up."""
    @functools.wraps(original)
    def _calc_idxminmax(*, array, dim=None, fill_value=dtypes.NA, skipna=None, **options):
        name = array.dims[0] if dim is None and array.ndim == 1 else dim
        if not isinstance(array._variable._data, Array) or name not in array.coords or array[name].dtype.name in DTYPES:
            return original(array=array, dim=dim, fill_value=fill_value, skipna=skipna, **options)
        numbered = array.assign_coords({name: (name, np.arange(array.sizes[name]))})
        at = original(array=numbered, dim=name, fill_value=-1, skipna=skipna, **options).compute()
        known = np.maximum(at.values, 0).astype(np.intp)
        made = at._replace(array[name].variable.to_base_variable()[(at.variable.copy(data=known),)])
        made.attrs = at.attrs
        return made.where(at >= 0, fill_value) if skipna or skipna is None and array.dtype.kind in "fc" else made

    return _calc_idxminmax


def adopt():
    """Once, when xarray asks for the chunk manager."""
    import xarray.computation.computation
    import xarray.core._aggregations
    import xarray.core.duck_array_ops
    import xarray.core.groupby
    import xarray.core.indexing
    import xarray.namedarray.core

    for place, name, hook in ((xarray.core.duck_array_ops, "_push", push),
                              (xarray.core.duck_array_ops, "least_squares", least_squares),
                              (xarray.core._aggregations, "contains_only_chunked_or_numpy", only_known),
                              (xarray.core.groupby, "contains_only_chunked_or_numpy", only_known),
                              (getattr(xarray.core.indexing, "ArrayApiIndexingAdapter", None), "_vindex_get", points),
                              (xarray.namedarray.core.NamedArray, "chunk", chunk),
                              (xarray.computation.computation, "_calc_idxminmax", positions),
                              (xarray.core.groupby.DataArrayGroupByBase, "reduce", reduce_groups),
                              (xarray.core.groupby.DatasetGroupByBase, "reduce", reduce_groups)):
        if hasattr(place, name):
            setattr(place, name, hook(getattr(place, name)))
