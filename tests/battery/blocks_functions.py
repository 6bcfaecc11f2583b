"""Python functions over blocks, registered with a context by ctypes, for the cases of family_blocks.py."""
import ctypes as c
import traceback

import lc
import numpy as np


class Tile(c.Structure):
    _fields_ = [("data", c.c_void_p), ("dtype", c.c_int), ("ndim", c.c_int), ("shape", c.POINTER(c.c_int64)), ("lo", c.POINTER(c.c_int64))]

    def array(self):
        shape, dtype = tuple(self.shape[: self.ndim]), np.dtype(lc.DTYPES[self.dtype])
        n = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        return np.frombuffer((c.c_char * n).from_address(self.data), dtype).reshape(shape) if n else np.empty(shape, dtype)


class Block(c.Structure):
    _fields_ = [("size", c.c_size_t), ("n_in", c.c_int), ("inputs", c.POINTER(Tile)), ("out", c.POINTER(Tile)), ("block", c.POINTER(c.c_int64)),
                ("n_blocks", c.POINTER(c.c_int64)), ("scratch", c.c_void_p), ("scratch_bytes", c.c_size_t)]


CALLBACK = c.CFUNCTYPE(c.c_int, c.c_void_p, c.POINTER(Block))


class Function(c.Structure):
    _fields_ = [("size", c.c_size_t), ("run", CALLBACK), ("user", c.c_void_p), ("n_in", c.c_int), ("inputs", c.POINTER(c.c_int)), ("out", c.POINTER(c.c_int)),
                ("scratch_bytes", c.c_size_t), ("scratch_per_element", c.c_size_t), ("serial", c.c_bool)]


def number(at, n):
    return int(np.ravel_multi_index(at, n)) if len(at) else 0


def mark(tiles, at, n, shift, shape):
    """Tells blocks apart by more than their place: by what else is in them."""
    x = tiles[0].astype(np.int64)
    return x + 1000 * number(at, n) + x.sum()


def total(tiles, at, n, shift, shape):
    return tiles[0].astype(np.int64).sum(keepdims=True)


def total_flat(tiles, at, n, shift, shape):
    return tiles[0].astype(np.int64).sum().reshape((1,) * len(n))


def twice_and(tiles, at, n, shift, shape):
    return 2 * tiles[0].astype(np.int64) + tiles[1]


def around(tiles, at, n, shift, shape):
    """The block, and of each tile what tells where everything in it lies."""
    told = sum(int((t.astype(np.int64).ravel() * (np.arange(t.size) % 97 + 1)).sum()) for t in tiles)
    return tiles[0].astype(np.int64)[tuple(slice(k, k + m) for k, m in zip(shift, shape))] + told


def dot(tiles, at, n, shift, shape):
    return tiles[0].astype(np.int64) @ tiles[1].astype(np.int64)


FUNCTIONS = {f"py_{f.__name__}": f for f in (mark, total, total_flat, twice_and, around, dot)}
KEPT = []  # ctypes' callbacks must live as long as a context may call them


def callback(f):
    def run(user, block):
        try:
            b, ndim = block[0], block[0].out[0].ndim
            out = b.out[0].array()
            tile = b.inputs[0]
            shift = [b.out[0].lo[a] - tile.lo[a] for a in range(ndim)] if tile.ndim == ndim else None
            got = f([b.inputs[i].array() for i in range(b.n_in)], b.block[:ndim], b.n_blocks[:ndim], shift, out.shape)
            assert got.shape == out.shape, (got.shape, out.shape)
            np.ctypeslib.as_array((c.c_char * out.nbytes).from_address(b.out[0].data))[:] = np.ascontiguousarray(got.astype(out.dtype)).view("S1").ravel()
            return 0
        except Exception:
            traceback.print_exc()
            return 1

    return CALLBACK(run)


class Loop(c.Structure):
    _fields_ = [("size", c.c_size_t), ("n", c.c_int64), ("n_in", c.c_int), ("inputs", c.POINTER(c.c_void_p)), ("in_step", c.POINTER(c.c_int64)), ("out", c.c_void_p),
                ("out_step", c.c_int64), ("core", c.POINTER(c.c_int64)), ("scratch", c.c_void_p), ("scratch_bytes", c.c_size_t)]


LOOP = c.CFUNCTYPE(c.c_int, c.c_void_p, c.POINTER(Loop))


class Gufunc(c.Structure):
    _fields_ = [("size", c.c_size_t), ("signature", c.c_char_p), ("run", LOOP), ("user", c.c_void_p), ("inputs", c.POINTER(c.c_int)), ("out", c.POINTER(c.c_int)),
                ("scratch_bytes", c.c_size_t), ("scratch_per_element", c.c_size_t), ("serial", c.c_bool)]


# Name: signature, the items' shapes by the core extents, and what it does, on int64 items.
GUFUNCS = {
    "py_matmul": ("(i,j),(j,k)->(i,k)", lambda e: ([e[:2], e[1:]], (e[0], e[2])), lambda a, b: a @ b),
    "py_lane": ("(n)->(n)", lambda e: ([e[:1]], e[:1]), np.cumsum),
    "py_fold": ("(n)->(n,2)", lambda e: ([e[:1]], (e[0], 2)), lambda a: np.stack([a, a[::-1]], axis=-1)),
    "py_max": ("(n)->()", lambda e: ([e[:1]], ()), np.max),
    "py_inner": ("(n),(n)->()", lambda e: ([e[:1], e[:1]], ()), np.dot),
}


def loop_callback(signature, shapes, f):
    n_core = len(set("".join(ch if ch.isalpha() else " " for ch in signature).split()))

    def item(at, shape):
        n = int(np.prod(shape, dtype=np.int64))
        return np.frombuffer((c.c_int64 * n).from_address(at), np.int64).reshape(shape) if n else np.empty(shape, np.int64)

    def run(user, loop):
        try:
            one = loop[0]
            inputs, result = shapes(tuple(one.core[:n_core]))
            for k in range(one.n):
                got = f(*[item(one.inputs[i] + k * one.in_step[i], s) for i, s in enumerate(inputs)])
                assert np.shape(got) == result, (np.shape(got), result)
                if np.size(got):
                    (c.c_int64 * np.size(got)).from_address(one.out + k * one.out_step)[:] = np.ravel(got).tolist()
            return 0
        except Exception:
            traceback.print_exc()
            return 1

    return LOOP(run)


def register_gufuncs(context):
    i64 = (c.c_int * 8)(*[lc.DTYPES.index("int64")] * 8)
    for name, (signature, shapes, f) in GUFUNCS.items():
        err = lc.Error()
        KEPT.append(loop_callback(signature, shapes, f))
        g = Gufunc(size=c.sizeof(Gufunc), signature=signature.encode(), run=KEPT[-1], inputs=i64, out=i64)
        lc.check(lc.LIBRARY.chunk_register_gufunc(context.handle, name.encode(), c.byref(g), c.byref(err)), err)


def register(context):
    register_gufuncs(context)
    for name, f in FUNCTIONS.items():
        err = lc.Error()
        KEPT.append(callback(f))
        function = Function(size=c.sizeof(Function), run=KEPT[-1])
        lc.check(lc.LIBRARY.chunk_register_blocks(context.handle, name.encode(), c.byref(function), c.byref(err)), err)
