"""Functions for the operations of the engine's table, made when they are first asked for: an operation that is added there appears here."""
from libchunk import _core

# Names that NumPy, Dask and the array API have for parameters, beside the table's.
ALIASES = {"ddof": "correction", "a_min": "min", "a_max": "max", "N": "n_rows", "M": "n_cols", "a": "x", "array": "x", "arr": "x", "m": "x",
           "x": "x1", "y": "x2", "b": "x2", "seq": "arrays", "tup": "arrays", "object": "x", "obj": "x", "newshape": "shape"}
IGNORED = frozenset({"split_every"})      # Dask's, about its graphs
CHAINED = {"a": ("x", "x1", "arrays", "y"), "x": ("x1",), "arrays": ("x",)}


class Operation:
    """One entry of the table: how arguments are bound to its parameters."""

    def __init__(self, name, aliases, family, summary, doc, params):
        self.name, self.aliases, self.family, self.summary, self.doc, self.params = name, aliases, family, summary, doc, params
        star = [p[1] for p in params if p[1] in _core.PARAM_STARS]
        self.star = _core.PARAM_STARS[star[0]] if star else None       # the kind of all further positional arguments
        self.kinds = [(None, kind) for _, kind, _, keyword_only in params if not keyword_only and kind not in _core.PARAM_STARS]
        self.several = params[-1][0] == "part" if params else False       # results: all of them where none is picked
        self.by_name = {p[0]: (p[0].encode(), p[1]) for p in params if p[1] not in _core.PARAM_STARS}

    def parameter(self, name):
        """The table's name of a keyword."""
        if name in self.by_name:
            return name
        for other in (ALIASES.get(name), *CHAINED.get(name, ())):
            if other in self.by_name:
                return other
        raise TypeError(f"{self.name}() got an unexpected keyword argument '{name}'; it is {self.signature()}")

    def bind(self, args, kwargs):
        """Arguments as _core.call takes them; TypeError where Python would raise it."""
        if len(args) > len(self.kinds) and self.star is None:
            raise TypeError(f"{self.name}() takes at most {len(self.kinds)} positional arguments, {len(args)} given")
        bound = [(name, kind, value) for (name, kind), value in zip(self.kinds, args)]
        bound += [(None, self.star, value) for value in args[len(self.kinds):]]
        seen = None
        for key, value in kwargs.items():
            if key == "out" and value is None or key in IGNORED and self.family.endswith("reduction"):      # NumPy's functions hand it on
                continue
            name = self.parameter(key)
            if seen is None:
                seen = {p[0] for p in self.params[:min(len(args), len(self.kinds))]}
            if name in seen:
                raise TypeError(f"{self.name}() got several values for argument '{name}'")
            seen.add(name)
            bound.append((*self.by_name[name], value))
        if len(bound) < len(self.params):
            given = seen if seen is not None else {p[0] for p in self.params[:min(len(args), len(self.kinds))]}
            missing = [p[0] for p in self.params if p[2] is None and p[0] not in given and p[1] not in _core.PARAM_STARS]
            if missing:
                raise TypeError(f"{self.name}() misses the argument '{missing[0]}'; it is {self.signature()}")
        return bound

    def __call__(self, args, kwargs):
        if ("where" in kwargs or "initial" in kwargs) and not ("where" in self.by_name or "initial" in self.by_name) or "mean" in kwargs and self.name in ("std", "var"):
            from libchunk import _masked

            return _masked.reduce(self, args, kwargs)
        if kwargs.get("out") is not None and "out" not in self.by_name:
            from libchunk._numpy import put

            return put(self(args, {key: value for key, value in kwargs.items() if key != "out"}), kwargs["out"])
        bound = self.bind(args, kwargs)
        if not self.several or kwargs.get("part") is not None:
            return _core.call(self.name, bound)
        results = _core.call_all(self.name, bound)
        return results if self.name.endswith("split") else tuple(results)       # as NumPy's do

    def signature(self):
        """sum(x, axis=None, *, dtype=None, keepdims=False)"""
        parts, starred = [], False
        for name, kind, default, keyword_only in self.params:
            if keyword_only and not starred:
                parts.append("*")
                starred = True
            if kind in _core.PARAM_STARS:
                name, starred = f"*{name}", True
            parts.append(name if default is None else f"{name}={default}")
        return f"{self.name}({', '.join(parts)})"

    def docstring(self):
        """NumPy's format."""
        kinds = ("array_like", "int or tuple of ints or None", "int", "number", "bool", "dtype", "int or tuple of ints", "str", "sequence of array_like", "value, or tuple with one an axis",
                 "str", "array_like", "value, or tuple with one an axis")
        lines = [f"{self.summary[0].upper()}{self.summary[1:]}.", ""]
        if self.doc:
            lines += [self.doc, ""]
        lines += ["Parameters", "----------"]
        for name, kind, default, _ in self.params:
            lines.append(f"{name} : {kinds[kind]}" + ("" if default is None else f", default: {default}"))
        return "\n".join([*lines, "", "Returns", "-------", "list of Array, or Array where part is given" if self.name.endswith("split") else "tuple of Array, or Array where part is given" if self.several else "Array", "    Lazy: nothing is read until it is computed."])


TABLE = {}
for entry in _core.operations():
    operation = Operation(*entry)
    for _name in (operation.name, *operation.aliases):
        TABLE[_name] = operation
del entry, operation, _name


def default_value(text):
    """The value of a default as the table writes it."""
    words = {"None": None, "True": True, "False": False}
    if text in words:
        return words[text]
    if text[:1] in "'\"":
        return text[1:-1]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    return text


def of_numpy(name):
    """In functions that a run calls these functions are NumPy's: libraries call them by the namespace of the array that they began with."""
    import numpy as np

    if not hasattr(np, name):
        raise RuntimeError(f"libchunk: a function that a run calls cannot use libchunk.{name}, and NumPy has none of this name")
    return getattr(np, name)


def function(name):
    """The Python function of an operation, with its signature and docstring."""
    from inspect import Parameter, Signature

    op = TABLE[name]

    def call(*args, **kwargs):
        if _core.called_back():
            return of_numpy(name)(*args, **kwargs)
        return op(args, kwargs)

    params = []
    for parameter, what, default, keyword_only in op.params:
        kind = Parameter.KEYWORD_ONLY if keyword_only else Parameter.POSITIONAL_OR_KEYWORD
        if what in _core.PARAM_STARS:
            kind, default = Parameter.VAR_POSITIONAL, None
        params.append(Parameter(parameter, kind, default=Parameter.empty if default is None else default_value(default)))
    call.__name__ = call.__qualname__ = name
    call.__module__ = "libchunk"
    call.__doc__ = op.docstring()
    call.__signature__ = Signature(params)
    return call
