"""Writes Dask's public names, one a line, to names.txt beside it: names.py, where Dask is installed. docs/from-dask.md is made of them."""
import importlib
import inspect
from pathlib import Path

PLACES = ("dask.array", "dask.array.linalg", "dask.array.fft", "dask.array.random", "dask.array.ma", "dask.array.overlap", "dask.array.stats")
MADE = ("dask.array.fft", "dask.array.random")      # their functions are wrapped: they do not say where they are from
IMPORTED = {"Lock", "Sequence", "getitem", "wraps"}


def public(place):
    """What a module defines itself, or lists in __all__."""
    module = importlib.import_module(place)
    listed = getattr(module, "__all__", None)
    for name in sorted(dir(module) if listed is None else listed):
        value = getattr(module, name, None)
        where = getattr(value, "__module__", None) or ""
        if name.startswith("_") or not callable(value) and listed is None or inspect.ismodule(value):
            continue
        if listed is not None or where == place or place in MADE and name not in IMPORTED and where.rpartition(".")[2] in ("fft", "random", "_pocketfft", ""):
            yield f"{place}.{name}"


if __name__ == "__main__":
    import dask
    import dask.array

    lines = [name for place in PLACES for name in public(place)]
    lines += [f"dask.array.Array.{name}" for name in sorted(dir(dask.array.Array)) if not name.startswith("_")]
    (Path(__file__).parent / "names.txt").write_text("\n".join([f"# dask {dask.__version__}", *lines]) + "\n")
