"""The inference oracle as a process, and the language's functions as NumPy has them: one text, two evaluations."""
import os
import re
import subprocess
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TESTBIN = Path(os.environ.get("CHUNK_TESTBIN", ROOT / "build/dev/tests"))
DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "complex64", "complex128"]
RENAMED = {
    "pow": "power", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "atan2": "arctan2", "bitwise_left_shift": "left_shift", "bitwise_right_shift": "right_shift", "bitwise_invert": "invert",
    "permute_dims": "transpose",
}


def operations():
    """Names of the table, as the build gathers them."""
    text = "\n".join(p.read_text() for p in sorted((ROOT / "libchunk/ops").glob("*.c")))
    return re.findall(r"^const chk_op chk_op_(\w+) = \{", text, re.M)


def eye(n_rows, n_cols=None, k=0, dtype="float64"):
    return np.eye(n_rows, n_cols, k, dtype)


def like_cbrt(x):
    """Stands for special functions that NumPy has not: they infer as cbrt does."""
    return np.cbrt(x)


def namespace():
    ns = {name: getattr(np, RENAMED.get(name, name), None) for name in operations()}
    ns.update(erf=like_cbrt, lgamma=like_cbrt, eye=eye, astype=lambda x, dtype: np.asarray(x).astype(dtype))
    ns.update(pi=np.pi, e=np.e, inf=np.inf, nan=np.nan, newaxis=None)
    ns.update({d: d for d in DTYPES if d != "bool"})
    return ns


class Failed:
    def __init__(self, why):
        self.why = str(why)

    def __repr__(self):
        return f"error: {self.why[:120]}"


def expected(text, arrays, ns):
    """(dtype, shape, array) by NumPy, or Failed."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            value = eval(text, {"__builtins__": {}, **ns, **arrays})
        except Exception as e:
            return Failed(f"{type(e).__name__}: {e}")
    a = np.asarray(value)
    return Failed("no array") if a.dtype == object else (a.dtype.name, a.shape, a)


def ask(lines):
    """Answers to lines "EXPR TAB name:dtype:shape ...": lists of (dtype, shape, bytes or None), or Failed."""
    run = subprocess.run([str(TESTBIN / "infer_oracle")], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    answers = run.stdout.splitlines()
    assert len(answers) == len(lines)
    return [parse(a) for a in answers]


def parse(answer):
    if answer.startswith("error"):
        return Failed(answer[6:])
    found = []
    for part in answer[3:].split(" ; "):
        m = re.fullmatch(r"\s*(\w+) (\(.*?\))(?: =([0-9a-f]*))?", part)
        found.append((m[1], tuple(eval(m[2])), bytes.fromhex(m[3]) if m[3] else None))
    return found


def spec(name, a):
    return f"{name}:{a.dtype.name}:{'x'.join(map(str, a.shape))}"
