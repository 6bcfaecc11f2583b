"""Random expressions as text that is both this program's and NumPy's: Python evaluates the same text for the oracle.

Exact operations may be nested at will; functions and reductions that round differently come last, so that a last-bit difference cannot
grow (a comparison or floor after it would turn it into another answer)."""
import numpy as np

DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()


def data(rng, dtype, shape):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        if rng.random() < 0.2:
            return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
        return rng.integers(0 if dtype.kind == "u" else -9, 10, shape).astype(dtype)
    x = np.asarray(rng.standard_normal(shape) * 10)
    if rng.random() < 0.3:
        x = np.round(x)
    if rng.random() < 0.2 and dtype.kind == "f":
        x = np.where(rng.random(shape) < 0.1, rng.choice([np.nan, np.inf, -np.inf, -0.0, 0.0], shape), x)
    if dtype.kind == "c":
        return (x + 1j * rng.standard_normal(shape)).astype(dtype)
    return x.astype(dtype)


def namespace():
    """NumPy's functions under the names of the language."""
    names = "abs sqrt floor ceil trunc sign where minimum maximum isnan isfinite clip logical_and logical_not square sin cos tanh exp log1p sum mean min max std any all count_nonzero argmin argmax prod real imag conj hypot arctan2 nanmax nansum flip expand_dims broadcast_to arctan sinh"
    space = {name: getattr(np, name) for name in names.split()}
    space["astype"] = lambda x, dtype: np.asarray(x).astype(dtype)
    space["newaxis"] = None
    return space


class Generator:
    def __init__(self, rng, inputs):
        self.rng = rng
        self.inputs = inputs          # name -> array
        self.space = dict(namespace(), **inputs)

    def pick(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def value(self, text):
        with np.errstate(all="ignore"):
            return eval(text, {}, self.space)  # noqa: S307  our own text

    def index(self, text):
        """A basic slice of it."""
        shape = np.shape(self.value(text))
        parts = []
        for n in shape[: int(self.rng.integers(0, len(shape) + 1))]:
            a, b = sorted(int(v) for v in self.rng.integers(0, n + 1, 2))
            parts.append(self.pick(":", f"{a}:", f":{b}", f"{a}:{b}", "::-1", "::2", f"{b}:{a}:-3", "-1:", *([str(int(self.rng.integers(-n, n)))] if n else [])))
        if self.rng.random() < 0.2:
            parts.insert(0, "None")
        if self.rng.random() < 0.2:
            parts.append("...")
        return f"({text})[{', '.join(parts)}]" if parts else text

    def exact(self, depth):
        if depth == 0 or self.rng.random() < 0.15:
            if self.rng.random() < 0.2:
                return self.pick("2", "3", "0.5", "-1", "7", "True", "1.25")
            return self.pick(*self.inputs)
        a, b = self.exact(depth - 1), self.exact(depth - 1)
        kind = int(self.rng.integers(13))
        if kind <= 3:
            return f"({a} {self.pick('+', '-', '*')} {b})"
        if kind == 4:
            return f"({a} {self.pick('/', '//', '%')} {b})"
        if kind == 5:
            return f"({a} {self.pick('<', '<=', '==', '!=', '>', '>=')} {b})"
        if kind == 6:
            return f"{self.pick('abs', 'floor', 'ceil', 'trunc', 'sign', 'square', 'isnan', 'isfinite', 'logical_not')}({a})"
        if kind == 7:
            a, b = (t if "v" in t else self.pick(*self.inputs) for t in (a, b))  # NumPy wraps Python integers here, we refuse them
            return f"where({self.exact(depth - 1)} > 0, {a}, {b})"
        if kind == 8:
            return f"{self.pick('minimum', 'maximum', 'logical_and')}({a}, {b})"
        if kind == 9:
            return self.index(self.pick(*self.inputs)) if self.rng.random() < 0.5 else self.index(a)
        if kind == 10:
            return f"({self.pick('-', '~', '+') if 'v' in a else '-'}{a})"  # ~True is -2 in Python alone
        if kind == 11:
            return f"astype({a}, {self.pick(chr(39) + 'float64' + chr(39), chr(39) + 'float32' + chr(39))})"
        return f"({a} {self.pick('&', '|', '^')} {b})"

    def axis(self, text):
        n = np.ndim(self.value(text))
        if n == 0 or self.rng.random() < 0.3:
            return ""
        axes = sorted(int(v) for v in self.rng.choice(n, int(self.rng.integers(1, n + 1)), replace=False))
        return f", axis={axes[0] - (n if self.rng.random() < 0.3 else 0)}" if len(axes) == 1 else f", axis={tuple(axes)}"

    def has_complex(self, text):
        """Products, quotients and moduli of complex numbers may be rounded in another order."""
        return any(name in text and a.dtype.kind == "c" for name, a in self.inputs.items())

    def expression(self):
        """text, how the values are compared ("exact", "close", "sum"), and for sums the text of what is summed."""
        try:
            inner = self.exact(int(self.rng.integers(1, 4)))
        except Exception:  # a slice of what NumPy refuses
            return self.expression()
        kind = int(self.rng.integers(10))
        try:
            if kind <= 4:
                return inner, "close" if self.has_complex(inner) else "exact", None
            if kind == 5 and not self.has_complex(inner):  # there errors grow with the imaginary part
                return f"{self.pick('sin', 'cos', 'tanh', 'exp', 'log1p', 'sqrt', 'arctan', 'sinh')}({inner})", "close", None
            keep = self.pick("", "", ", keepdims=True")
            if kind == 6:
                axis = self.axis(inner)
                if axis.startswith(", axis=("):
                    axis = ", axis=0"
                if self.has_complex(inner) and any(c in inner for c in ("abs", "*", "/")):  # of two that differ by rounding either may be it
                    return self.expression()
                return f"{self.pick('argmin', 'argmax')}({inner}{axis}{keep})", "exact", None
            if kind == 7:
                how = "close" if self.has_complex(inner) else "exact"
                return f"{self.pick('min', 'max', 'any', 'all', 'count_nonzero')}({inner}{self.axis(inner)}{keep})", how, None
            return f"{self.pick('sum', 'mean', 'std')}({inner}{self.axis(inner)}{keep})", "sum", inner
        except Exception:  # NumPy refuses the inner expression: so must we
            return inner, "exact", None
