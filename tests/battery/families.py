"""Families of operations bring their own cases: a file tests/battery/family_NAME.py may define
ORACLES  {operation: function of a random generator that gives a Case}      every operation needs one (test_ops_numpy.py)
BITS     {name: function of ndim that gives a text of results over x}       the same bits over threads, ceilings, ISA levels (test_same_bits.py)
ROUNDED  the same for what differs between ISA levels in the last bits
MEMORY   {operation: call over x, y (3000 x 2900 float64) or i (integers)}  for operations whose plain call does not do (memory/test_memory.py)
WORKLOADS [text over x, y, i, xz]                                           held to M and projection one by one (memory/test_memory.py)
REGISTER function of a context, called before anything is evaluated in it       for operations that call registered functions (test_ops_numpy.py)
FAULTS   {name: (text over x, dataset: plain, zip or flat, options)}        every allocation, read, write and thread start failing (faults/)."""
import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def families():
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    return [importlib.import_module(p.stem) for p in sorted(HERE.glob("family_*.py"))]


def gather(name):
    found = {}
    for family in families():
        for key, value in getattr(family, name, {}).items():
            assert key not in found, f"{family.__name__}: {key} has its {name} elsewhere"
            found[key] = value
    return found


def listed(name):
    return [value for family in families() for value in getattr(family, name, [])]


def register(context):
    for family in families():
        if hasattr(family, "REGISTER"):
            family.REGISTER(context)
    return context
