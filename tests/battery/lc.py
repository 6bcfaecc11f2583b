"""libchunk.so from Python by ctypes, for tests alone: the C API as it is, with NumPy arrays for memory. LIBRARY is None where the build under
test cannot be loaded into a plain Python (most sanitizers) and WHY says so."""
import ctypes as c
import json
import os
import re
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("CHUNK_BIN", ROOT / "build/dev/bin"))
DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()
CEILING = -12


class Error(c.Structure):
    _fields_ = [("code", c.c_int), ("column", c.c_int), ("needed", c.c_uint64), ("text", c.c_char * 480)]


class Options(c.Structure):
    _fields_ = [("size", c.c_size_t), ("memory", c.c_uint64), ("threads", c.c_int), ("scratch", c.c_char_p), ("whole_process", c.c_bool),
                ("reserved", c.c_uint64)]


class Binding(c.Structure):
    _fields_ = [("name", c.c_char_p), ("array", c.c_void_p)]


class OpInfo(c.Structure):
    _fields_ = [(n, c.c_char_p) for n in ("name", "aliases", "family", "summary", "doc")] + [("signature", c.c_char * 160)]


class Output(c.Structure):
    _fields_ = [("size", c.c_size_t), ("array", c.c_void_p), ("file", c.c_char_p), ("dataset", c.c_char_p), ("chunk", c.POINTER(c.c_int64)),
                ("filter", c.c_char_p), ("data", c.c_void_p), ("strides", c.POINTER(c.c_int64)), ("write", c.c_void_p), ("user", c.c_void_p), ("in_place", c.c_bool),
                ("start", c.POINTER(c.c_int64)), ("stop", c.POINTER(c.c_int64)), ("step", c.POINTER(c.c_int64)), ("fill", c.c_void_p)]


class RunOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("overwrite", c.c_bool), ("durable", c.c_bool), ("profile", c.c_bool), ("trace", c.c_char_p), ("reserved", c.c_uint64),
                ("event", c.c_void_p), ("event_user", c.c_void_p)]


class Report(c.Structure):
    _fields_ = [("seconds", c.c_double)] + [(n, c.c_uint64) for n in
               ("ceiling", "projected_peak", "measured_peak", "bytes_read", "bytes_written", "bytes_spilled", "tasks")] + [("threads", c.c_int)]


class ChunkError(Exception):
    def __init__(self, err):
        super().__init__(err.text.decode())
        self.code, self.needed = err.code, err.needed


def load():
    cache = BIN.parent / "CMakeCache.txt"
    if cache.exists() and re.search(r"^CHUNK_SANITIZE:\w+=.*(address|thread)", cache.read_text(), re.M):
        return None, "a library with the address or thread sanitizer does not load into a plain Python; the tools are tested under them"
    path = BIN.parent / "lib" / "libchunk.so"
    if not path.exists():
        raise RuntimeError(f"no {path}: build first, or set CHUNK_BIN")
    lib = c.CDLL(str(path))
    lib.chunk_array_shape.restype = c.POINTER(c.c_int64)
    for name in ("chunk_array_shape", "chunk_array_ndim", "chunk_array_dtype", "chunk_array_free", "chunk_context_free", "chunk_string_free"):
        getattr(lib, name).argtypes = [c.c_void_p]
    return lib, None


LIBRARY, WHY = load()


def check(status, err):
    if status:
        raise ChunkError(err)


def operations():
    """The table: name to OpInfo."""
    found = {}
    for i in range(LIBRARY.chunk_op_count()):
        info = OpInfo()
        assert LIBRARY.chunk_op_get(i, c.byref(info)) == 0
        found[info.name.decode()] = info
    return found


class Array:
    """A handle; keep holds the memory that it borrows."""

    def __init__(self, context, handle, keep=()):
        self.context, self.handle, self.keep = context, handle, keep

    def __del__(self):
        LIBRARY.chunk_array_free(self.handle)

    @property
    def shape(self):
        p = LIBRARY.chunk_array_shape(self.handle)
        return tuple(p[i] for i in range(LIBRARY.chunk_array_ndim(self.handle)))

    @property
    def dtype(self):
        return np.dtype(DTYPES[LIBRARY.chunk_array_dtype(self.handle)])


class Context:
    def __init__(self, memory=64 << 20, threads=2, scratch=None):
        self.handle, err = c.c_void_p(), Error()
        options = Options(size=c.sizeof(Options), memory=memory, threads=threads, scratch=scratch and os.fsencode(scratch))
        check(LIBRARY.chunk_context_new(c.byref(self.handle), c.byref(options), c.byref(err)), err)

    def __del__(self):
        if self.handle:
            LIBRARY.chunk_context_free(self.handle)

    def array(self, a):
        """Borrowed, with the strides it has."""
        handle, err, n = c.c_void_p(), Error(), a.ndim
        check(LIBRARY.chunk_from_memory(c.byref(handle), self.handle, c.c_void_p(a.ctypes.data), DTYPES.index(a.dtype.name), n,
                                        (c.c_int64 * max(n, 1))(*a.shape), (c.c_int64 * max(n, 1))(*a.strides), c.byref(err)), err)
        return Array(self, handle, (a,))

    def hdf5(self, file, dataset):
        handle, err = c.c_void_p(), Error()
        check(LIBRARY.chunk_from_hdf5(c.byref(handle), self.handle, os.fsencode(file), dataset.encode(), c.byref(err)), err)
        return Array(self, handle)

    def eval(self, text, **arrays):
        """One expression over Arrays."""
        handle, err = c.c_void_p(), Error()
        bindings = (Binding * max(len(arrays), 1))(*[Binding(name.encode(), a.handle.value) for name, a in arrays.items()])
        check(LIBRARY.chunk_eval(c.byref(handle), self.handle, text.encode(), bindings, len(arrays), c.byref(err)), err)
        return Array(self, handle, tuple(arrays.values()))

    def run(self, outputs, overwrite=False):
        report, err, options = Report(), Error(), RunOptions(size=c.sizeof(RunOptions), overwrite=overwrite)
        check(LIBRARY.chunk_compute(self.handle, outputs, len(outputs), c.byref(options), c.byref(report), c.byref(err)), err)
        return report

    def outputs(self, arrays):
        values = [np.full(a.shape, 77).astype(a.dtype) for a in arrays]
        return (Output * len(arrays))(*[Output(size=c.sizeof(Output), array=a.handle.value, data=v.ctypes.data) for a, v in zip(arrays, values)]), values

    def compute(self, *arrays):
        """Values in NumPy arrays, all in one run; the report is left in self.report."""
        outputs, values = self.outputs(arrays)
        self.report = self.run(outputs)
        return values if len(values) > 1 else values[0]

    def store(self, array, file, dataset, chunk=None, filter=None, overwrite=False):
        shape = (c.c_int64 * len(chunk))(*chunk) if chunk else None
        outputs = (Output * 1)(Output(size=c.sizeof(Output), array=array.handle.value, file=os.fsencode(file), dataset=dataset.encode(), chunk=shape,
                                      filter=filter and filter.encode()))
        return self.run(outputs, overwrite)

    def explain(self, *arrays):
        """The plan's JSON."""
        text, err, outputs = c.c_void_p(), Error(), self.outputs(arrays)[0]
        check(LIBRARY.chunk_explain(c.byref(text), self.handle, outputs, len(outputs), None, True, None, c.byref(err)), err)
        plan = json.loads(c.string_at(text))
        LIBRARY.chunk_string_free(text)
        return plan
