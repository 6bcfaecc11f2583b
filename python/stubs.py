"""Prints type stubs of the functions that come from the engine's table: stubs.py EXTENSION > _table.pyi. Called by the build."""
import importlib.machinery
import importlib.util
import sys

# By the kinds of chunk_param_kind: array, axis, int, number, bool, dtype, shape, string, arrays, any.
TYPES = ("ArrayLike", "int | Sequence[int] | None", "int | None", "complex | None", "bool", "DTypeLike | None", "int | Sequence[int]", "str",
         "Sequence[ArrayLike]", "Any", "str", "ArrayLike", "Any")
STARS = (11, 12)
TOP = '''"""Functions of the engine's table of operations; printed by stubs.py when the package is built."""
from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike, DTypeLike

from libchunk import Array
'''


def load(path):
    spec = importlib.util.spec_from_loader("libchunk._core", importlib.machinery.ExtensionFileLoader("libchunk._core", path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stub(name, summary, params):
    parts, starred = [], False
    for parameter, kind, default, keyword_only in params:
        if keyword_only and not starred:
            parts.append("*")
            starred = True
        if kind in STARS:
            parts.append(f"*{parameter}: {TYPES[kind]}")
            starred = True
            continue
        optional = default == "None" and "None" not in TYPES[kind]
        parts.append(f"{parameter}: {TYPES[kind]}{' | None' if optional else ''}{'' if default is None else ' = ...'}")
    keywords = ", **keywords: Any" if params else ""
    several = params and params[-1][0] == "part"
    result = "Any" if several else "Array"          # of several results all, or the one that part picks
    return f'def {name}({", ".join(parts)}{keywords}) -> {result}:\n    """{summary[0].upper()}{summary[1:]}."""\n'


print(TOP)
for name, aliases, _, summary, _, params in load(sys.argv[1]).operations():
    for each in (name, *aliases):
        print(stub(each, summary, params))
