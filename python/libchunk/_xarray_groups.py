"""Groups of xarray reduced in one pass over the data. xarray selects one group after the other, which reads the file as often as there are groups. Groups along
time come in turn (months, hours), in runs of one length or nearly (days of a month), in cycles (years): then the axis splits into cycles, groups and runs, with
gaps put in where a run is shorter than the longest, and one reduction over cycles and runs gives all groups."""
import functools

import libchunk as lc
import numpy as np
from libchunk._array import Array

# Reductions that may go over cycles and runs at once; and those that leave out gaps.
SEVERAL_AXES = frozenset({"all", "any", "count", "max", "mean", "min", "prod", "std", "sum", "var"})
WITHOUT_GAPS = SEVERAL_AXES - {"all", "any"}


class Layout:
    """How the elements of an axis lie in cycles of groups of runs.

    Attributes
    ----------
    shape : tuple of int
        Cycles, groups, the longest run.
    gaps : numpy.ndarray
        Indices of the axis before which one gap each is put in; empty for groups of one length.
    places : list of int
        Where each group lies among the groups of a cycle.
    """

    def __init__(self, shape, gaps, places):
        self.shape, self.gaps, self.places = shape, gaps, places


def layout(groups, length):
    """The Layout of an axis; None where groups do not follow each other so, or more than half of it would be gaps."""
    members = [np.arange(length)[g] if isinstance(g, slice) else np.asarray(g, dtype=np.int64) for g in groups]
    members = [g for g in members if len(g)]
    code = np.full(length, -1)
    for k, g in enumerate(members):
        code[g] = k
    if len(members) < 2 or (code < 0).any() or sum(map(len, members)) != length or any((np.diff(g) <= 0).any() for g in members):
        return None
    places = np.empty(len(members), np.int64)
    places[np.argsort([g[0] for g in members])] = np.arange(len(members))
    group = places[code]
    starts = np.concatenate(([0], np.flatnonzero(np.diff(group)) + 1))
    run_length = np.diff(np.append(starts, length))
    cycle = np.concatenate(([0], np.cumsum(np.diff(group[starts]) < 0)))
    shape = (int(cycle[-1]) + 1, len(members), int(run_length.max()))
    n = shape[0] * shape[1] * shape[2]
    if n > 1.5 * length:
        return None
    at = (np.repeat(cycle, run_length) * shape[1] + group) * shape[2] + np.arange(length) - np.repeat(starts, run_length)
    missing = np.ones(n, bool)
    missing[at] = False
    return Layout(shape, np.searchsorted(at, np.flatnonzero(missing)), places.tolist())


class Variable:
    """One array whose groups are reduced: all of them when the first is asked for. Where the ceiling does not hold the sums of all groups at once, or func is none
    that can do it, they are reduced one by one after all."""

    def __init__(self, data, axis, groups):
        self.data, self.axis, self.groups, self.made, self.given = data, axis, groups, None, None
        self.places = iter(groups.places)

    def reduced(self, func, options):
        """All groups beside each other along the axis; None where it cannot be."""
        cycles, n, run = self.groups.shape
        name, skips = getattr(func, "__name__", ""), options.get("skipna") is not False and self.data.dtype.kind in "fc"
        if len(self.groups.gaps) and not (name in WITHOUT_GAPS and skips) or cycles > 1 and run > 1 and name not in SEVERAL_AXES:
            return None
        data = lc.insert(self.data, self.groups.gaps, self.data.dtype.type(np.nan), axis=self.axis) if len(self.groups.gaps) else self.data
        split, over = ((n, run), self.axis + 1) if cycles == 1 else ((cycles, n), self.axis) if run == 1 else (self.groups.shape, (self.axis, self.axis + 2))
        made = func(data.reshape((*data.shape[:self.axis], *split, *data.shape[self.axis + 1:])), axis=over, **options).persist()
        try:
            made.explain("json")
        except lc.CeilingError:
            return None
        return made

    def next(self, func, values, axis, options):
        """func of the next group, whose own selection is `values`."""
        given = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
        if given != self.axis or options.get("keepdims") or self.given is False:
            return func(values, axis=axis, **options)
        if self.given is None:
            self.made = self.reduced(func, options)
            self.given = self.made is not None
            if not self.given:
                return func(values, axis=axis, **options)
        return self.made[(slice(None),) * self.axis + (next(self.places),)]


class InTurn:
    """Called by xarray in place of func: for each group once with each variable, in the order that they have in the dataset."""

    def __init__(self, func, variables):
        self.func, self.variables, self.calls = func, variables, 0
        functools.update_wrapper(self, func)

    def __call__(self, values, axis=None, **options):
        if not isinstance(values, Array):
            return self.func(values, axis=axis, **options)
        variable = self.variables[self.calls % len(self.variables)]
        self.calls += 1
        if variable is None:
            return self.func(values, axis=axis, **options)
        return variable.next(self.func, values, axis, options)


def reduce_groups(original):
    """A reduction of groups: see this module."""
    @functools.wraps(original)
    def reduce(self, func, dim=None, **options):
        groups, along = self.encoded.group_indices, self._group_dim
        variables = self._obj.data_vars.values() if hasattr(self._obj, "data_vars") else [self._obj]
        lazy = [v.variable for v in variables if isinstance(v.variable._data, Array)]
        found = layout(groups, self._obj.sizes[along]) if groups is not None and along in self._obj.sizes and any(along in v.dims for v in lazy) else None
        if found is not None:
            func = InTurn(func, [Variable(v._data, v.get_axis_num(along), found) if along in v.dims else None for v in lazy])
        return original(self, func, dim, **options)

    return reduce
