"""Python functions on blocks of arrays: map_blocks, map_overlap, blockwise, apply_gufunc, with Dask's calling habits. They are called from the
engine's workers on NumPy views of its tiles, which are not copied."""
import functools
import math
import re

from libchunk import _core
from libchunk._convert import as_array, dtype_name
from libchunk._operations import TABLE

OPERATIONS = ("map_blocks", "map_overlap", "blockwise")


def names():
    """What the package takes from here, in place of the table's functions of registered names."""
    return _NAMES


def view(tile):
    import numpy as np

    memory, name, shape, _ = tile
    return np.frombuffer(memory, name).reshape(shape)


def put(out, values, what):
    """The function's result into its tile."""
    import numpy as np

    target, values = view(out), np.asarray(values)
    if values.shape != target.shape:
        try:
            values = np.broadcast_to(values, target.shape) if values.ndim == target.ndim and values.size == 1 else None
        except ValueError:
            values = None
        if values is None:
            raise ValueError(f"{what} gave an array of another shape than the block's, {target.shape}: say chunks=, drop_axis= or new_axis=")
    np.copyto(target, values, casting="same_kind")


def caller(function, kwargs, place, crop):
    """What the engine calls for a block: the views, the function, its result. place(arrays) puts other arguments among the arrays."""
    what = getattr(function, "__name__", repr(function))
    wants_id, wants_info = wants(function, "block_id") and "block_id" not in kwargs, wants(function, "block_info") and "block_info" not in kwargs

    def call(inputs, out, block, blocks):
        told = dict(kwargs)
        if wants_id:
            told["block_id"] = block
        if wants_info:
            told["block_info"] = info(inputs, out, block, blocks)
        try:
            values = function(*place([view(t) for t in inputs]), **told)
            put(out, crop(values, inputs, out) if crop else values, what)
        except BaseException as e:
            e.add_note(f"libchunk: in {what}, block {block} of {blocks}")
            raise

    return call


def info(inputs, out, block, blocks):
    """Dask's block_info."""
    def of(tile):
        return {"array-location": [(lo, lo + n) for lo, n in zip(tile[3], tile[2])], "chunk-location": block, "num-chunks": blocks, "dtype": tile[1],
                "chunk-shape": tile[2]}

    return {**{i: of(t) for i, t in enumerate(inputs)}, None: of(out)}


def wants(function, name):
    import inspect

    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def infer_dtype(function, arguments, kwargs, dtype, meta):
    """The result's dtype: as told, or as the function has it for arrays of ones."""
    import numpy as np

    if dtype is not None:
        return dtype_name(dtype)
    if meta is not None:
        return dtype_name(meta.dtype)
    ones = [np.ones((1,) * a.ndim, a.dtype_name) if isinstance(a, _core.Base) else a for a in arguments]
    told = dict(kwargs)
    for name in ("block_id", "block_info"):
        if wants(function, name) and name not in told:
            told[name] = None
    try:
        with np.errstate(all="ignore"):
            return dtype_name(np.asarray(function(*ones, **told)).dtype)
    except Exception as e:
        raise ValueError(f"what dtype {getattr(function, '__name__', function)} gives could not be found out ({type(e).__name__}: {e}): say dtype=") from e


def scratch(memory, arrays, dtype, executor):
    """Bytes that a function takes for a block besides its tiles: told, or so much an element of the largest tile that there is room for a copy of each input
    and two of the result. For worker processes the tiles lie in shared memory, too."""
    import numpy as np

    out = np.dtype(dtype).itemsize
    once = sum(a.itemsize for a in arrays) + out
    shared = once if executor is not None and executor.kind == "processes" else 0
    if memory is not None:
        from libchunk._config import parse_bytes

        return parse_bytes(memory) + (len(arrays) + 1) * 64 * bool(shared), shared
    return (len(arrays) + 1) * 64 * bool(shared), once + out + shared


def split(args):
    """Arrays among arguments, and how to put blocks in their places."""
    import numpy as np

    is_array = [isinstance(a, _core.Base) or isinstance(a, np.ndarray) and a.ndim > 0 for a in args]
    arrays = [as_array(a) for a, yes in zip(args, is_array) if yes]
    return arrays, Place(args, is_array), [as_array(a) if yes else a for a, yes in zip(args, is_array)]


class Place:
    """Puts blocks in the places of arrays among other arguments."""

    def __init__(self, args, is_array):
        self.args = [None if yes else a for a, yes in zip(args, is_array)]
        self.is_array = is_array

    def __call__(self, blocks):
        rest = iter(blocks)
        return [next(rest) if yes else a for a, yes in zip(self.args, self.is_array)]


def label(function):
    """A function's name for people."""
    return getattr(function, "__qualname__", None) or getattr(function, "__name__", None) or repr(function)


@functools.cache
def count_memory():
    """From the first function on what they take for NumPy's arrays is counted, for the reports."""
    from numpy._core import _multiarray_umath

    _core.count_memory(_multiarray_umath._ARRAY_API)


def run(op, function, before, arrays, after, kwargs, place, crop, memory, dtype, executor=None):
    count_memory()
    call = (executor.caller if executor is not None else caller)(function, kwargs, place, crop)
    lease = _core.lease(call, *scratch(memory, arrays, dtype, executor), False, label(function), executor)
    options = {key: value for key, value in after.items() if value is not None}
    return _core.call(op, TABLE[op].bind((lease.name, *before), {**options, "dtype": dtype}), lease)


def map_blocks(func, *args, dtype=None, chunks=None, drop_axis=None, new_axis=None, meta=None, name=None, token=None, enforce_ndim=False, memory=None,
               blocks=None, executor=None, **kwargs):
    """A Python function on each block of arrays.

    Parameters
    ----------
    func : callable
        Called with a NumPy view of a block of each array, from worker threads, several at once; where it has parameters `block_id` or `block_info` it is told
        them as by Dask. Its result must follow from these alone. It may not use libchunk's arrays.
    *args : Array, numpy.ndarray or any
        Arrays, cut along the chunks of the first; other objects are given to each call.
    dtype : dtype, optional
        Of the result; else found out by calling func with arrays of one element.
    chunks : tuple, optional
        Extents of the result's blocks where they are not the input's: an entry an axis, a number, None, or a tuple with one a block.
    drop_axis, new_axis : int or tuple of int, optional
        Axes that the result lacks, and new ones.
    memory : int or str, optional
        Bytes that func takes for a block besides what it is given; default: room for a copy of each input and two of the result.
    blocks : tuple of int, optional
        Cuts the first array anew, in blocks of these extents.
    executor : Executor, optional
        Where func runs; default: in the engine's threads.
    **kwargs
        Given to func.
    meta, name, token, enforce_ndim
        Dask's: meta tells the dtype, the others are ignored.

    Returns
    -------
    Array
    """
    arrays, place, given = split(args)
    if not arrays:
        if not isinstance(chunks, (tuple, list)) or not all(isinstance(c, (tuple, list)) for c in chunks) or drop_axis is not None or new_axis is not None:
            raise ValueError("map_blocks without arrays needs chunks=, with the extents of all blocks along each axis")
        return without_arrays(func, args, tuple(map(tuple, chunks)), kwargs, dtype=infer_dtype(func, given, kwargs, dtype, meta), memory=memory, executor=executor)
    dtype = infer_dtype(func, given, kwargs, dtype, meta)
    after = {"chunks": chunks, "drop_axis": drop_axis, "new_axis": new_axis, "blocks": blocks}
    return run("map_blocks", func, arrays, arrays, after, kwargs, place, None, memory, dtype, executor)


def without_arrays(func, args, chunks, kwargs, **options):
    """map_blocks of nothing: func is told only where the block is."""
    for along in chunks:
        if any(n != along[0] for n in along[:-1]) or along and along[-1] > along[0]:
            raise NotImplementedError("map_blocks without arrays: chunks of an axis are of one size but for the last")
    grid = TABLE["zeros"]((tuple(map(sum, chunks)), "bool"), {})
    grid = TABLE["rechunk"]((grid, tuple(max(along, default=1) or 1 for along in chunks)), {}) if chunks else grid

    def on_block(tile, *given, **told):
        return func(*given, **told)

    import functools

    on_block = functools.update_wrapper(on_block, func) if hasattr(func, "__name__") else on_block
    return map_blocks(on_block, grid, *args, **options, **kwargs)


def map_overlap(func, *args, depth=None, boundary=None, trim=True, align_arrays=True, allow_rechunk=True, dtype=None, meta=None, memory=None, blocks=None,
                executor=None, **kwargs):
    """A Python function on each block of arrays and what lies around it.

    Parameters
    ----------
    func : callable
        As for `map_blocks`. With trim it gives an array of the tile's shape, whose halo is cut off; without, one of the block's.
    *args : Array, numpy.ndarray or any
    depth : int, tuple or dict
        How far tiles reach beyond the block: for all axes, or an entry an axis, each a number or (before, behind).
    boundary : str, number, tuple or dict, optional
        What lies beyond the ends of an array: "none", "nearest", "periodic", "reflect", or a number.
    trim : bool, optional
    dtype, meta, memory, blocks, executor, **kwargs
        As for `map_blocks`.
    align_arrays, allow_rechunk
        Dask's: arrays are always aligned.

    Returns
    -------
    Array
    """
    arrays, place, given = split(args)
    if not arrays:
        raise ValueError("map_overlap needs an array to tell its blocks")
    ndim = max(a.ndim for a in arrays)
    dtype = infer_dtype(func, given, kwargs, dtype, meta)
    after = {"depth": axiswise(depth, ndim, 0), "boundary": axiswise(boundary, ndim, "none"), "blocks": blocks}

    return run("map_overlap", func, arrays, arrays, after, kwargs, place, crop if trim else None, memory, dtype, executor)


def crop(values, inputs, out):
    """What lies in the block of a result of the tile's shape."""
    largest = max(inputs, key=lambda t: len(t[2]))
    if getattr(values, "shape", None) != largest[2]:
        return values
    return values[tuple(slice(o - i, o - i + n) for o, i, n in zip(out[3], largest[3], out[2]))]


def axiswise(value, ndim, default):
    """Dask's ways to say something an axis, as the engine takes it: one for all, or a tuple."""
    if isinstance(value, dict):
        return tuple(axiswise(value.get(axis, default), 1, default) for axis in range(ndim))
    if value is None:
        return default
    if isinstance(value, list):
        return tuple(value)
    return value


def blockwise(func, out_ind, *args, dtype=None, new_axes=None, adjust_chunks=None, concatenate=True, align_arrays=True, name=None, token=None, meta=None,
              memory=None, blocks=None, executor=None, **kwargs):
    """A Python function on blocks of arrays whose axes are named.

    Parameters
    ----------
    func : callable
        As for `map_blocks`; axes that the result lacks are given whole.
    out_ind : str or tuple
        Names of the result's axes.
    *args : Array, names, Array, names, ...
        Arrays with the names of their axes; None in place of names for objects that are given to each call.
    new_axes : dict, optional
        Extents of axes that no array has.
    adjust_chunks : dict, optional
        Extents of the result's blocks by axis: a number, or a tuple with one a block.
    dtype, meta, memory, blocks, executor, **kwargs
        As for `map_blocks`.
    concatenate, align_arrays, name, token
        Dask's: tiles are always whole arrays.

    Returns
    -------
    Array
    """
    if len(args) % 2:
        raise ValueError("blockwise takes arrays and names of their axes in turn")
    values, indices = list(args[::2]), list(args[1::2])
    letters = {}
    for index in [out_ind, *(i for i in indices if i is not None)]:
        for each in index:
            letters.setdefault(each, chr(ord("a") + len(letters)))
    arrays = [as_array(v) for v, i in zip(values, indices) if i is not None]
    given = [as_array(v) if i is not None else v for v, i in zip(values, indices)]

    place = Place(values, [i is not None for i in indices])
    dtype = infer_dtype(func, given, kwargs, dtype, meta)
    spelled = iter([i for i in indices if i is not None])
    before = ["".join(letters[i] for i in out_ind)]
    for a in arrays:
        before += [a, "".join(letters[i] for i in next(spelled))]
    sizes = {**(new_axes or {}), **(adjust_chunks or {})}
    chunks = tuple(sizes.get(i) for i in out_ind) if sizes else None
    return run("blockwise", func, before, arrays, {"chunks": chunks, "blocks": blocks}, kwargs, place, None, memory, dtype, executor)


NAME = r"[^\s(),]+"


def parse_signature(signature):
    """[("i", "j"), ("j",)], [("i",)] of "(i,j),(j)->(i)"."""
    text = "".join(signature.split())
    group = rf"\(({NAME}(,{NAME})*)?\)"
    if not re.fullmatch(rf"({group}(,{group})*)?->{group}(,{group})*", text):
        raise ValueError(f"'{signature}' is no signature like (i,j),(j)->(i)")
    left, right = text.split("->")

    def groups(side):
        return [tuple(g.split(",")) if g else () for g in re.findall(r"\(([^()]*)\)", side)]

    return groups(left), groups(right)


def apply_gufunc(func, signature, *args, axes=None, axis=None, keepdims=False, output_dtypes=None, output_sizes=None, vectorize=None, allow_rechunk=True,
                 meta=None, memory=None, executor=None, **kwargs):
    """A Python function of small arrays, repeated over all other dimensions.

    Parameters
    ----------
    func : callable
        Called with blocks: loop dimensions first, then its core dimensions whole; or, with vectorize, with core dimensions alone.
    signature : str
        NumPy's: "(i,j),(j)->(i)"; several results are a tuple, and func is called anew for each.
    *args : array_like
    axes : list of tuple, optional
        Which axes are the core dimensions of each argument and result; default: the last.
    axis : int, optional
        The one core dimension of all.
    keepdims : bool, optional
        Core dimensions of the arguments stay as axes of one element.
    output_dtypes : dtype or list of them, optional
        Else found out by calling func with arrays of ones.
    output_sizes : dict, optional
        Extents of core dimensions that only results have.
    vectorize : bool, optional
        numpy.vectorize the function.
    allow_rechunk
        Dask's: core dimensions are always made whole.
    meta, memory, executor, **kwargs
        As for `map_blocks`.

    Returns
    -------
    Array or tuple of Array
    """
    import numpy as np

    core, results = parse_signature(signature)
    arrays = [as_array(a) for a in args]
    if len(arrays) != len(core):
        raise ValueError(f"{signature} takes {len(core)} arrays, {len(arrays)} given")
    if axis is not None:
        axes = [(axis,) if c else () for c in core] + [(axis,) if c or keepdims else () for c in results]
    sizes, loops = dict(output_sizes or {}), []
    for k, (a, dims) in enumerate(zip(arrays, core)):
        if a.ndim < len(dims):
            raise ValueError(f"argument {k} has {a.ndim} dimensions, {signature} needs {len(dims)}")
        if axes is not None and k < len(axes) and dims:
            at = axes[k] if isinstance(axes[k], tuple) else (axes[k],)
            a = arrays[k] = TABLE["moveaxis"]((a, at, tuple(range(-len(dims), 0))), {})
        for dim, n in zip(dims, a.shape[a.ndim - len(dims):]):
            if sizes.setdefault(dim, n) != n:
                raise ValueError(f"dimension {dim} of {signature} is {sizes[dim]} and {n}")
        loops.append(a.shape[:a.ndim - len(dims)])
    missing = [d for dims in results for d in dims if d not in sizes]
    if missing:
        raise ValueError(f"the extent of {missing[0]} is not known: say output_sizes={{'{missing[0]}': ...}}")
    loop = np.broadcast_shapes(*loops)
    names = [f"loop{i}" for i in range(len(loop))]
    if vectorize:
        func = np.vectorize(func, signature=signature)
    given = [np.ones((1,) * (a.ndim - len(d)) + tuple(sizes[i] for i in d), a.dtype_name) for a, d in zip(arrays, core)]
    dtypes = gufunc_dtypes(func, given, kwargs, output_dtypes, meta, len(results))
    for k, (a, own) in enumerate(zip(arrays, loops)):
        if own != loop[len(loop) - len(own):]:
            arrays[k] = TABLE["broadcast_to"]((a, loop[len(loop) - len(own):] + a.shape[len(own):]), {})
    extents = loop_extents(arrays, core, sizes, [(np.dtype(d).itemsize, dims) for d, dims in zip(dtypes, results)], len(loop))
    prepared = []
    for a, dims in zip(arrays, core):
        n = a.ndim - len(dims)
        if dims or extents:
            a = TABLE["rechunk"]((a, (*(extents[len(loop) - n:] if extents else (None,) * n), *(-1,) * len(dims))), {}) if a.ndim else a
        prepared += [a, (*names[len(loop) - n:], *dims)]
    made = []
    for k, dims in enumerate(results):
        out = (*names, *dims)
        one = func if len(results) == 1 else Chosen(func, k)
        new = {d: sizes[d] for d in dims if not any(d in c for c in core)}
        x = blockwise(one, out, *prepared, dtype=dtypes[k], new_axes=new, memory=memory, executor=executor, **kwargs)
        if keepdims:
            x = x[(...,) + (None,) * (max(len(c) for c in core) - len(dims))]
            dims = dims or ("kept",)
        if axes is not None and len(axes) > len(core) + k and dims:
            at = axes[len(core) + k]
            x = TABLE["moveaxis"]((x, tuple(range(-len(dims), 0)), at if isinstance(at, tuple) else (at,)), {})
        made.append(x)
    return made[0] if len(made) == 1 else tuple(made)


FEW = 4 << 20     # bytes in a block at most, where one step of the loops does not take more


def loop_extents(arrays, core, sizes, results, n_loops):
    """Extents of loop dimensions for blocks of few bytes: chunks of those that come first, the largest halved until they are. None where chunks are good."""
    parts = [(range(n_loops - (a.ndim - len(dims)), n_loops), a.itemsize, dims) for a, dims in zip(arrays, core)]
    extents = [next(max(1, a.chunksize[i - r.start]) for a, (r, _, _) in zip(arrays, parts) if i in r) for i in range(n_loops)]
    parts = [(r, math.prod((size, *(sizes[d] for d in dims)))) for r, size, dims in (*parts, *((range(n_loops), *result) for result in results)) if len(r)]
    cut = False
    while any(core) and max(extents, default=1) > 1 and sum(size * math.prod(extents[i] for i in r) for r, size in parts) > FEW:
        k = extents.index(max(extents))
        extents[k] = -(-extents[k] // 2)
        cut = True
    return tuple(extents) if cut else None


class Chosen:
    """The k-th of several results."""

    def __init__(self, func, k):
        self.func, self.k = func, k
        self.__name__ = self.__qualname__ = label(func)

    def __call__(self, *args, **kwargs):
        return self.func(*args, **kwargs)[self.k]


def gufunc_dtypes(func, given, kwargs, dtypes, meta, n):
    import numpy as np

    if dtypes is None and meta is not None:
        dtypes = [m.dtype for m in (meta if isinstance(meta, (list, tuple)) else [meta])]
    if dtypes is not None:
        dtypes = dtypes if isinstance(dtypes, (list, tuple)) else [dtypes]
        return [dtype_name(d) for d in (dtypes if len(dtypes) == n else dtypes * n)]
    try:
        values = func(*given, **kwargs)
    except Exception as e:
        raise ValueError(f"what dtype the function gives could not be found out ({type(e).__name__}: {e}): say output_dtypes=") from e
    return [dtype_name(np.asarray(v).dtype) for v in (values if isinstance(values, tuple) else (values,))]


_NAMES = frozenset({"map_blocks", "map_overlap", "blockwise", "apply_gufunc"}) if all(op in TABLE for op in OPERATIONS) else frozenset()
