"""Scans: what is carried along an axis. NumPy's accumulate is the oracle, to the bit; ffill and ewm_mean follow xarray's and pandas' definitions,
written out here."""
import numpy as np
from cases import DTYPES, Case, any_zero, data, exact, near_complex, pick, shape_of


def along(rng, x, dflt=None):
    """(text, axis): an axis, or none where there is only one."""
    if x.ndim < 2 and rng.random() < 0.5:
        return "", None if dflt is None else dflt
    if x.ndim == 0:
        return "", None if dflt is None else dflt
    axis = int(rng.integers(-x.ndim, x.ndim))
    return f", axis={axis}", axis


def cumulative(name, fn, check, complex_check=None, start_value=None, dtypes=True):
    def make(rng):
        x = data(rng, pick(rng, DTYPES), shape_of(rng), special=0.05)
        text, axis = along(rng, x)
        args = {}
        if dtypes and rng.random() < 0.2 and x.dtype.kind != "c":
            args["dtype"] = pick(rng, ["float64", "float32", "float16", "complex64"] if x.dtype.kind == "f" else ["int8", "int16", "uint32", "float64"])
        words = "".join(f", {k}={v}" for k, v in args.items())
        start = start_value is not None and rng.random() < 0.3

        def expected():
            out = fn(x, axis, **args)
            if not start:
                return out
            head = list(out.shape)
            head[axis or 0] = 1
            return np.concatenate([np.full(head, start_value, out.dtype), out], axis=axis or 0)

        words += ", include_initial=True" if start else ""
        is_complex = x.dtype.kind == "c"
        return Case(f"{name}(x{text}{words})", {"x": x}, expected, complex_check if is_complex and complex_check else check)

    return make


def accumulate(ufunc):
    def fn(x, axis):
        if x.dtype.kind == "c":
            raise TypeError("no order here")
        return ufunc.accumulate(np.atleast_1d(x), axis=axis or 0)

    return fn


def push(x, limit, axis):
    """bottleneck's push."""
    moved = np.moveaxis(x, axis, 0)
    out = moved.reshape(len(moved), -1, order="C").copy() if x.size else moved.copy()
    last, filled = np.full(out.shape[1:], np.nan, x.dtype), np.zeros(out.shape[1:], int)
    for row in out:
        gap = np.isnan(row)
        fill = gap & (filled < (limit or len(out) + 1))
        row[fill] = last[fill]
        filled = np.where(gap, filled + 1, 0)
        last = np.where(gap, last, row)
    return np.moveaxis(out.reshape(moved.shape), 0, axis)


def gaps(name, backwards):
    def make(rng):
        x = data(rng, pick(rng, DTYPES), shape_of(rng), special=0)
        if x.dtype.kind in "fc":
            x = np.where(rng.random(x.shape) < 0.6, np.nan, x).astype(x.dtype)
        text, axis = along(rng, x, -1)
        limit = pick(rng, [None, None, 1, 2, 5])
        text += "" if limit is None else f", limit={limit}"

        def expected():
            y = np.atleast_1d(x)
            if y.dtype.kind not in "fc":
                return y
            return np.flip(push(np.flip(y, axis), limit, axis), axis) if backwards else push(y, limit, axis)

        return Case(f"{name}(x{text})", {"x": x}, expected, exact)

    return make


def weighted_mean(x, alpha, adjust, ignore_na):
    """pandas' definition as its documentation states it, by the recurrence of its source."""
    mean, old = x[0].copy(), np.ones(x.shape[1:])
    out = [mean.copy()]
    for row in x[1:]:
        seen, begun = ~np.isnan(row), ~np.isnan(mean)
        decays = begun & (seen | (not ignore_na))
        old = np.where(decays, old * (1 - alpha), old)
        new = 1.0 if adjust else alpha
        step = begun & seen
        moved = np.where(mean == row, mean, (old * mean + new * row) / (old + new))
        old = np.where(step, old + new if adjust else 1.0, old)
        mean = np.where(step, moved, np.where(begun, mean, row))
        out.append(mean)
    return np.array(out)


def ewm_mean(rng):
    x = data(rng, pick(rng, DTYPES), shape_of(rng), special=0)
    if x.dtype.kind == "f":
        x = np.where(rng.random(x.shape) < 0.3, np.nan, x).astype(x.dtype)
    text, axis = along(rng, x, -1)
    how, value, alpha = pick(rng, [("alpha", 0.3, 0.3), ("alpha", 1.0, 1.0), ("span", 7, 2 / 8), ("com", 1.5, 1 / 2.5), ("halflife", 2.0, 1 - np.exp(-np.log(2) / 2))])
    adjust, ignore = bool(rng.random() < 0.5), bool(rng.random() < 0.5)

    def expected():
        if x.dtype.kind == "c":
            raise TypeError("not for complex")
        y = np.moveaxis(np.atleast_1d(x).astype(float), axis, 0)
        return np.moveaxis(weighted_mean(y, alpha, adjust, ignore) if len(y) else y, 0, axis)

    def check(got, want):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)

    return Case(f"ewm_mean(x, {how}={value}, adjust={adjust}, ignore_na={ignore}{text})", {"x": x}, expected, check)


def nan_to(value):
    def fn(x, axis, **args):
        return (np.nancumsum if value == 0 else np.nancumprod)(np.atleast_1d(x), axis=axis or 0, **args)

    return fn


def near_float(got, want):
    """Within some roundings of float16, 32 or 64."""
    if got.dtype.kind not in "fc":
        return exact(got, want)
    e = float(np.finfo(got.dtype).eps)
    scale = np.max(np.abs(want[np.isfinite(want)]), initial=1.0)
    np.testing.assert_allclose(got, want, rtol=64 * e, atol=64 * e * float(scale))


def diff(rng):
    x = data(rng, pick(rng, DTYPES), shape_of(rng), special=0.1)
    text, axis = along(rng, x, -1)
    n = int(pick(rng, [0, 1, 1, 1, 2, 3, 9]))
    arrays, args = {"x": x}, {}
    for name in ("prepend", "append"):
        if rng.random() < 0.3 and x.ndim:
            if rng.random() < 0.5:
                args[name] = 3
            else:
                shape = list(x.shape)
                shape[axis] = int(rng.integers(0, 4))
                args[name] = arrays[name[0]] = data(rng, pick(rng, DTYPES), tuple(shape), special=0)
    words = "".join(f", {k}={k[0] if k[0] in arrays else v}" for k, v in args.items())
    return Case(f"diff(x, n={n}{text}{words})", arrays, lambda: np.diff(x, n=n, axis=axis, **args), exact)


def uneven(rng, n):
    return np.cumsum(rng.random(n) + 0.25)


def gradient(rng):
    x = data(rng, pick(rng, DTYPES[1:]), shape_of(rng), special=0)
    text, axis = along(rng, x, -1)
    order = int(rng.integers(1, 3))
    arrays, spacing = {"x": x}, [0.5]
    if rng.random() < 0.4 and x.ndim:
        arrays["c"], words = uneven(rng, x.shape[axis]), "c"
        spacing = [arrays["c"]]
    else:
        words = "0.5"

    def expected():
        y = x.astype(float) if x.dtype.kind in "iu" else x
        if not y.ndim:
            raise ValueError("no axis")
        return np.gradient(y, *spacing, axis=axis if y.ndim else None, edge_order=order)

    return Case(f"gradient(x, {words}{text}, edge_order={order})", arrays, expected, near_float)


def trapezoid(rng):
    y = data(rng, pick(rng, DTYPES[1:]), shape_of(rng), special=0)
    text, axis = along(rng, y, -1)
    arrays, args = {"y": y}, {}
    way = int(rng.integers(4))
    if way == 1 and y.ndim:
        args["x"] = arrays["x"] = uneven(rng, y.shape[axis])
    elif way == 2 and y.ndim:
        args["x"] = arrays["x"] = np.cumsum(rng.random(y.shape), axis=axis).astype(pick(rng, ["f4", "f8"]))
    elif way == 3:
        args["dx"] = 0.25
    words = "".join(f", {k}={'x' if k == 'x' else v}" for k, v in args.items())

    def expected():
        if not y.ndim:
            raise ValueError("no axis")
        d = float if y.dtype.kind in "iu" else y.dtype  # what numpy adds before it widens is added wide here
        return np.trapezoid(y.astype(np.result_type(d, args["x"]) if "x" in args else d), axis=axis, **args)

    return Case(f"trapezoid(y{words}{text})", arrays, expected, near_float)


ORACLES = {
    "cumulative_sum": cumulative("cumulative_sum", lambda x, a, **k: np.cumsum(np.atleast_1d(x), axis=a or 0, **k), exact, start_value=0),
    "cumulative_prod": cumulative("cumulative_prod", lambda x, a, **k: np.cumprod(np.atleast_1d(x), axis=a or 0, **k), exact, near_complex, start_value=1),
    "nancumsum": cumulative("nancumsum", nan_to(0), exact),
    "nancumprod": cumulative("nancumprod", nan_to(1), exact, near_complex),
    "cummin": cumulative("cummin", accumulate(np.minimum), any_zero, dtypes=False),
    "cummax": cumulative("cummax", accumulate(np.maximum), any_zero, dtypes=False),
    "nancummin": cumulative("nancummin", accumulate(np.fmin), any_zero, dtypes=False),
    "nancummax": cumulative("nancummax", accumulate(np.fmax), any_zero, dtypes=False),
    "ffill": gaps("ffill", False),
    "bfill": gaps("bfill", True),
    "ewm_mean": ewm_mean,
    "diff": diff,
    "gradient": gradient,
    "trapezoid": trapezoid,
}
BITS = {
    "scanned": lambda n: f"a = cumulative_sum(x, axis=0); b = cumulative_prod(1 + x*1e-6, axis={n - 1}); c = x - cumulative_sum(x, axis={n - 1})",
    "sloped": lambda n: f"a = diff(x, n=2, axis=0, prepend=1.0); b = gradient(x, 0.5, axis={n - 1}, edge_order=2); c = trapezoid(x, axis=0)",
    "filled": lambda n: f"a = bfill(where(x > 0.3, x, nan), axis=0, limit=3); b = ewm_mean(x, span=9, axis={n - 1}); c = nancummax(x, axis={n - 1})",
}
MEMORY = {name: f"{name}(x, axis={axis})" for axis, name in enumerate(["cumulative_sum", "cumulative_prod"])}
MEMORY.update({name: f"{name}(x, axis={k % 2})" for k, name in enumerate(["nancumsum", "nancumprod", "cummin", "cummax", "nancummin", "nancummax"])})
MEMORY["gradient"] = "gradient(x, 0.5, axis=0)"
MEMORY["ewm_mean"] = "ewm_mean(x, span=9)"
WORKLOADS = ["diff(x, axis=0)", "max(abs(diff(xz, n=2)), axis=0)", "gradient(xz, axis=0, edge_order=2)", "trapezoid(x, dx=0.5, axis=0)",
             "cumulative_sum(xz, axis=0)", "x - cumulative_sum(x, axis=0)", "cumulative_sum(x, axis=1, include_initial=True)"]
FAULTS = {"differences": ("gradient(diff(x, axis=0), axis=1)", "zip", []), "scan": ("cumulative_sum(x, axis=0)", "plain", []), "scan encoded": ("bfill(x, axis=1)", "zip", ["--filter", "gzip=1"]),
          "scan kept": ("x - cumulative_sum(x, axis=1)", "plain", [])}
