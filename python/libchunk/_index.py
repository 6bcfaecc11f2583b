"""NumPy's indexing: slices become one view, integer arrays and masks one call of the engine."""
import operator

from libchunk import _core

FULL = slice(None)


def is_mask(item):
    return getattr(item, "dtype_name", None) == "bool" or getattr(item, "dtype", None) == bool


def items_of(key, ndim):
    """The items of a key, one an axis but for masks, which stand for their dimensions; and where new axes lie among all axes.

    Returns (items, new): items are int, slice or arrays; new holds the places of new axes, which have an item too."""
    key = key if type(key) is tuple else (key,)
    plain, n_axes, ellipsis = [], 0, None
    for item in key:
        if item is Ellipsis:
            if ellipsis is not None:
                raise IndexError("an index can only have a single ellipsis ('...')")
            ellipsis = len(plain)
        elif item is None or type(item) is bool:
            plain.append(item)
        elif is_mask(item) and not getattr(item, "ndim", 1):
            plain.append(bool(item))
        else:
            plain.append(one_item(item))
            n_axes += plain[-1].ndim if isinstance(plain[-1], _core.Base) and is_mask(plain[-1]) else 1
    if n_axes > ndim:
        raise IndexError(f"too many indices for array: array is {ndim}-dimensional, but {n_axes} were indexed")
    at = len(plain) if ellipsis is None else ellipsis
    plain[at:at] = [FULL] * (ndim - n_axes)
    plain = with_truths(plain)
    items, new, axis = [], [], 0
    for item in plain:
        if item is None or type(item) is Truth:
            new.append(axis)
            items.append(FULL if item is None else item.item)
            axis += 1
        else:
            items.append(item)
            axis += item.ndim if isinstance(item, _core.Base) and is_mask(item) else 1
    return items, new


class Truth:
    """A truth value in a key: a new axis, and what is taken of it."""

    def __init__(self, item):
        self.item = item


def with_truths(plain):
    """The items with a Truth in place of each truth value. All of them are one axis, which goes where NumPy's index arrays go: each is an index array, [0] or
    nothing, on an axis of its own; where there are no other index arrays, one slice will do."""
    at = [k for k, item in enumerate(plain) if type(item) is bool]
    if not at:
        return plain
    if any(type(item) is int or isinstance(item, _core.Base) for item in plain):
        import numpy as np

        from libchunk._convert import as_array

        return [Truth(as_array(np.zeros(int(item), np.int64))) if type(item) is bool else item for item in plain]
    rest = [item for item in plain if type(item) is not bool]
    together = at[-1] - at[0] == len(at) - 1
    rest.insert(at[0] if together else 0, Truth(FULL if all(plain[k] for k in at) else slice(0, 0)))
    return rest


def one_item(item):
    if type(item) is int or type(item) is slice:
        return item
    if isinstance(item, slice):
        return item
    if isinstance(item, _core.Base):
        return int(item) if item.ndim == 0 and item.dtype_name != "bool" and "int" in item.dtype_name else checked(item)
    try:
        return operator.index(item)
    except TypeError:
        pass
    import numpy as np

    if not isinstance(item, np.ndarray) and not isinstance(item, (list, tuple)) and not hasattr(item, "__array__"):
        raise IndexError("only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid indices")
    array = np.asarray(item)
    if array.size == 0 and array.dtype == np.float64 and not isinstance(item, np.ndarray):
        array = array.astype(np.int64)
    if array.dtype.kind not in "iub":
        raise IndexError("arrays used as indices must be of integer (or boolean) type")
    from libchunk._convert import as_array

    return as_array(array.copy())      # the caller may change it before the run


def checked(item):
    if item.dtype_name != "bool" and "int" not in item.dtype_name:
        raise IndexError("arrays used as indices must be of integer (or boolean) type")
    return item


def sliced(x, items):
    """x with slices and integers applied, integers leaving an axis of 1. items: one an axis; arrays leave the axis whole."""
    start, stop, step, changed = [], [], [], False
    for axis, (item, n) in enumerate(zip(items, x.shape)):
        if type(item) is int:
            i = item + n if item < 0 else item
            if not 0 <= i < n:
                raise IndexError(f"index {item} is out of bounds for axis {axis} with size {n}")
            lo, hi, by = i, i + 1, 1
        elif isinstance(item, slice):
            lo, hi, by = item.indices(n)
        else:
            lo, hi, by = 0, n, 1
        if by < 0:                      # slice.indices says -1 for "before the first", which the C library takes for the last
            lo, hi = (-n - 1 if at < 0 else at for at in (lo, hi))
        changed |= (lo, hi, by) != (0, n, 1)
        start.append(lo)
        stop.append(hi)
        step.append(by)
    return _core.slice_(x, start, stop, step) if changed else x


def get(x, key):
    """x[key]."""
    items, new = items_of(key, x.ndim)
    if new:
        x = _core.call("expand_dims", [(None, _core.PARAM_ARRAY, x), (None, _core.PARAM_AXIS, tuple(new))])
    if not any(isinstance(item, _core.Base) for item in items):
        drop = tuple(axis for axis, item in enumerate(items) if type(item) is int)
        x = sliced(x, items)
        return _core.call("squeeze", [(None, _core.PARAM_ARRAY, x), (None, _core.PARAM_AXIS, drop)]) if drop else x
    spread = []
    for item in items:
        spread += [item] + [FULL] * (item.ndim - 1 if isinstance(item, _core.Base) and is_mask(item) else 0)
    whole = [item if isinstance(item, slice) else FULL for item in spread]
    check_integers(items, spread, x.shape)
    x = sliced(x, whole)
    indices = tuple(None if isinstance(item, slice) else item for item in items)
    return _core.call("index", [(None, _core.PARAM_ARRAY, x), (None, _core.PARAM_ARRAYS, indices)])


def check_integers(items, spread, shape):
    for axis, (item, n) in enumerate(zip(spread, shape)):
        if type(item) is int and not -n <= item < n:
            raise IndexError(f"index {item} is out of bounds for axis {axis} with size {n}")


def assigned(x, key, value):
    """x after x[key] = value."""
    items, new = items_of(key, x.ndim)
    key = key if type(key) is tuple else (key,)
    if any(k is False or is_mask(k) and not getattr(k, "ndim", 1) and not bool(k) for k in key):
        return _core.again(x)
    indices = tuple(None if isinstance(item, slice) and item == FULL else item for item in items)
    wide = _core.call("expand_dims", [(None, _core.PARAM_ARRAY, x), (None, _core.PARAM_AXIS, tuple(new))]) if new else x
    made = put(wide, indices, fitting(value, x))
    return _core.call("squeeze", [(None, _core.PARAM_ARRAY, made), (None, _core.PARAM_AXIS, tuple(new))]) if new else made


def put(x, indices, value):
    """The engine's assignment; axes of extent 1 that a value has before those of its place do not matter."""
    try:
        return _core.call("assign", [(None, _core.PARAM_ARRAY, x), (None, _core.PARAM_ARRAYS, indices), (None, _core.PARAM_ARRAY, value)])
    except ValueError:
        if getattr(value, "ndim", 0) < 2 or value.shape[0] != 1:
            raise
        return put(x, indices, value[0])


def fitting(value, x):
    """The value; a plain number must be one that x's dtype can hold, as in NumPy."""
    if type(value) in (int, float) and "int" in x.dtype_name:
        import numpy as np

        if type(value) is float and value - value != 0:
            raise (ValueError if value != value else OverflowError)(f"cannot convert float {value} to integer")
        limits = np.iinfo(x.dtype_name)
        if type(value) is int and not limits.min <= value <= limits.max:
            raise OverflowError(f"Python integer {value} out of bounds for {x.dtype_name}")
    return value
