"""libchunk: array expressions over HDF5 datasets far larger than memory, under a memory ceiling.

Arrays are lazy: `from_hdf5` and `from_array` read nothing, operations make new arrays, and `compute`, `to_hdf5` and `store` run them. Every operation
of the engine is a function here, under NumPy's name: `dir(libchunk)`, `help(libchunk.std)`.
"""
import atexit
import os

from libchunk import _core, _convert, _operations
from libchunk._array import Array, from_json
from libchunk._config import config, options, parse_bytes
from libchunk._convert import CanceledError, CeilingError
from libchunk._run import ProgressBar, Profiler, Report, compute, explain, last_report, store

_core.setup(Array, _convert.argument, _convert.dtype_name, _convert.error, _convert.warn)
os.register_at_fork(after_in_child=_core.after_fork)
atexit.register(_core.shutdown)

from libchunk import _axis, _blocks, _creation, _habits, _more, _numbers  # noqa: E402: they need the class of arrays
from libchunk._namespace import __array_namespace_info__  # noqa: E402

__version__ = _core.__version__
__array_api_version__ = "2024.12"

_MODULES = (_habits, _creation, _blocks, _more, _axis, _numbers)
_FROM_NUMPY = {"e", "euler_gamma", "pi", "inf", "nan", "newaxis", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16",
               "float32", "float64", "complex64", "complex128", "finfo", "iinfo", "isdtype", "dtype"}
_SUBMODULES = ("fft", "lib", "linalg", "ma", "overlap", "random", "stats")
_OWN = ["Array", "CanceledError", "CeilingError", "ProgressBar", "Profiler", "Report", "compute", "config", "explain", "from_json", "last_report",
        "options", "parse_bytes", "store"]
_LATER = {"Executor": "_executor", "Drawing": "_graph", "visualize": "_graph", "Stream": "_stream", "stream": "_stream", "reduction": "_reduce", "from_function": "_reduce"}       # modules that few need
__all__ = sorted({*_OWN, *_LATER, *_SUBMODULES, *_FROM_NUMPY, *(n for m in _MODULES for n in m.names()), *_operations.TABLE})


def __getattr__(name):
    for module in _MODULES:
        if name in module.names():
            value = getattr(module, name)
            break
    else:
        if name in _operations.TABLE:
            value = _operations.function(name)
        elif name in _FROM_NUMPY:
            import numpy

            value = getattr(numpy, name)
        elif name in _SUBMODULES or name in _LATER:
            from importlib import import_module

            value = import_module(f"libchunk.{_LATER.get(name, name)}")
            value = getattr(value, name) if name in _LATER else value
        else:
            raise AttributeError(f"module 'libchunk' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__():
    return __all__
