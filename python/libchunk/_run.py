"""Runs: results in memory, in files, in the caller's arrays; what they reported."""
import os
import sys
from collections import namedtuple

from libchunk import _core, _region
from libchunk._convert import as_array, dtype_name


class Report:
    """What a run cost.

    Attributes
    ----------
    seconds : float
        Wall time.
    ceiling, projected_peak, measured_peak : int
        Bytes: the ceiling, the peak that the plan proved, and the peak that was measured; each holds the results handed back too.
    bytes_read, bytes_written, bytes_spilled : int
        Stored bytes.
    tasks, threads : int
        Tasks that ran, and workers that ran them.
    functions : list of FunctionCost
        What Python functions took, those that read and store other libraries' arrays too.
    passes : list of dict
        Time per operation as the engine measured it; empty where the run took less than a millisecond outside of a `Profiler`.
    events : list of Event
        What each worker did when; of a long run neighbouring events are told as one.
    """

    FIELDS = ("seconds", "ceiling", "projected_peak", "measured_peak", "bytes_read", "bytes_written", "bytes_spilled", "tasks", "threads")
    __slots__ = (*FIELDS, "_profile", "_recorded", "_functions")

    def __init__(self, values, profile=None, recorded=None, functions=()):
        (self.seconds, self.ceiling, self.projected_peak, self.measured_peak, self.bytes_read, self.bytes_written, self.bytes_spilled, self.tasks,
         self.threads) = values
        self._profile, self._recorded, self._functions = profile, recorded, functions

    @property
    def functions(self):
        """What Python functions took: name, calls, seconds, granted, used and excess bytes of a block."""
        return [FunctionCost(*f, max(0, f[4] - f[3]) if f[3] else 0) for f in self._functions]

    @property
    def passes(self):
        """Time per operation, as the engine measured it."""
        return parse(self._profile)["passes"] if self._profile else []

    @property
    def events(self):
        """What each worker did when."""
        if not self._recorded:
            return []
        import struct

        raw, names, _ = self._recorded
        return [Event(begin * 1e-9, end * 1e-9, busy * 1e-9, worker, names[number], EVENTS[kind], tasks, n_bytes, held, resident)
                for begin, end, busy, tasks, n_bytes, held, resident, _, worker, number, kind in struct.iter_unpack("=7QIHBB", raw)]

    def to_html(self, path=None):
        """A page with the numbers, a timeline of the workers, the memory against the ceiling, and the time per operation.

        Parameters
        ----------
        path : str or path-like, optional
            Where it is written. It needs no other file and no network.

        Returns
        -------
        str
            The page; None where it was written.
        """
        from libchunk import _page

        text = _page.page(self)
        if path is None:
            return text
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def _repr_html_(self):
        from libchunk import _page

        return _page.body(self)

    def __repr__(self):
        return f"Report({', '.join(f'{name}={getattr(self, name)!r}' for name in self.FIELDS)})"


class FunctionCost(namedtuple("FunctionCost", "name calls seconds granted used excess")):
    """What a Python function took in a run.

    Attributes
    ----------
    name : str
    calls : int
    seconds : float
        In all its calls; with several workers they may add up to more than the run.
    granted, used, excess : int
        Bytes of a block: what the plan had room for besides its tiles, the most that the function took for NumPy's arrays, and what that is too much.
        Then say `memory=`. Functions that have nothing granted (those that read and store) have no excess.
    """

    __slots__ = ()


EVENTS = ("run", "claim", "write", "open", "close")


class Event(namedtuple("Event", "begin end busy worker name kind tasks bytes held resident")):
    """What a worker did.

    Attributes
    ----------
    begin, end, busy : float
        Seconds since the run began; busy is end - begin but for gaps between events that are told as one.
    worker : int
    name : str
        The pass.
    kind : {"run", "claim", "write", "open", "close"}
    tasks, bytes : int
        Tasks that were worked on, and stored bytes that were moved.
    held, resident : int
        Bytes booked under the ceiling then, and resident in the process (0: not looked at).
    """

    __slots__ = ()


watchers = []       # ProgressBar and Profiler that are open, outermost first
_last = None


def last_report():
    """The report of the last run of the process.

    Returns
    -------
    Report or None
        None before the first run.
    """
    return _last


def run(outputs, reserved=0, overwrite=False, durable=False, watch=None):
    """Computes (array, target) pairs in one run and tells those who watch; `watch` watches this run alone."""
    global _last
    if watchers or watch is not None:
        return watched_run(outputs, reserved, overwrite, durable, watch)
    _last = Report(*_core.run(outputs, overwrite, durable, reserved=reserved))


def watched_run(outputs, reserved, overwrite, durable, watch):
    global _last
    told = watchers + ([] if watch is None else [watch])

    def progress(*numbers):
        for watcher in told:
            watcher.progress(*numbers)

    profile = any(watcher.wants_profile for watcher in told)
    for watcher in told:
        watcher.start()
    try:
        measured = _core.run(outputs, overwrite, durable, profile, reserved=reserved, progress=progress)
        _last = Report(*measured)
        for watcher in told:
            watcher.done(_last, parse(measured[1]) if measured[1] else None)
    finally:
        for watcher in told:
            watcher.stop()


def parse(text):
    import json

    return json.loads(text)


def room(arrays):
    """New NumPy arrays for results, which count under the ceiling, and their bytes."""
    import numpy as np

    reserved = sum(a.nbytes for a in arrays)
    try:
        return [np.empty(a.shape, a.dtype_name) for a in arrays], reserved
    except MemoryError:
        _core.explain([(a, (lambda *_: None, None)) for a in arrays], False, reserved)   # says how much too large, where the ceiling is the reason
        raise


def check_out(array, out):
    """The caller's array for a result: same shape and dtype, writable."""
    import numpy as np

    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is of type {type(out).__name__}: give a NumPy array")
    if out.shape != array.shape:
        raise ValueError(f"out has shape {out.shape}, the result has {array.shape}")
    if not out.dtype.isnative or dtype_name(out.dtype) != array.dtype_name:
        raise TypeError(f"out has dtype {out.dtype}, the result has {array.dtype_name}: use .astype")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    return out


def compute_one(array, out=None, watch=None):
    """The NumPy array of one array; a NumPy scalar where it has no axes and no out was given."""
    if out is None:
        results, reserved = room([array])
        run([(array, (results[0],))], reserved, watch=watch)
        return results[0] if array.ndim else results[0][()]
    run([(array, (check_out(array, out),))])
    return out


def compute(*args, out=None):
    """Computes several arrays in one run: what they share is read and computed once.

    Parameters
    ----------
    *args : Array, or list, tuple or dict of them
        Other objects are handed back as they are.
    out : sequence of numpy.ndarray or None, optional
        Arrays for the results, one for each array of `args` in order; None for a new one. The caller's own arrays do not count under the ceiling.

    Returns
    -------
    tuple
        As long as `args`: NumPy arrays, and NumPy scalars for arrays without axes.

    Raises
    ------
    CeilingError
        The plan and its results do not fit under the ceiling.
    """
    found = []

    def collect(x):
        if isinstance(x, _core.Base):
            found.append(x)
        elif type(x) in (list, tuple):
            for item in x:
                collect(item)
        elif type(x) is dict:
            for item in x.values():
                collect(item)

    collect(args)
    given = list(out) if out is not None else [None] * len(found)
    if len(given) != len(found):
        raise ValueError(f"out has {len(given)} arrays for {len(found)} results")
    results, reserved = room([a for a, o in zip(found, given) if o is None])
    fresh = iter(results)
    targets = [next(fresh) if o is None else check_out(a, o) for a, o in zip(found, given)]
    if found:
        run([(a, (t,)) for a, t in zip(found, targets)], reserved)
    ready = iter([t if o is not None or a.ndim else t[()] for a, o, t in zip(found, given, targets)])

    def rebuild(x):
        if isinstance(x, _core.Base):
            return next(ready)
        if type(x) in (list, tuple):
            return type(x)(rebuild(item) for item in x)
        if type(x) is dict:
            return {key: rebuild(item) for key, item in x.items()}
        return x

    return tuple(rebuild(x) for x in args)


def hdf5_target(path, dataset, chunks, filter):
    if chunks is not None and not isinstance(chunks, (tuple, list)):
        raise TypeError(f"chunks is {chunks!r}: give one extent an axis")
    return (os.fsencode(os.path.abspath(os.fsdecode(path))), dataset.encode(), None if chunks is None else tuple(int(c) for c in chunks),
            None if filter is None else filter.encode())


def to_hdf5(array, path, dataset, chunks=None, filter=None, overwrite=False, durable=False, region=None):
    """Array.to_hdf5."""
    if region is not None:
        if chunks is not None or filter is not None or overwrite:
            raise ValueError("a region of a dataset that exists gets new values, the dataset stays as it is: chunks, filter and overwrite mean nothing with region")
        return run([(array, _region.in_file(path, dataset, region))], durable=durable)
    if chunks is not None and len(chunks) != array.ndim:
        raise ValueError(f"chunks {tuple(chunks)} for an array of {array.ndim} dimensions")
    run([(array, hdf5_target(path, dataset, chunks, filter))], overwrite=overwrite, durable=durable)


def store(sources, targets, regions=None, overwrite=False, durable=False):
    """Computes arrays in one run and puts each where it belongs.

    Parameters
    ----------
    sources : Array or sequence of Array
    targets : target or sequence of targets
        One for each source: a NumPy array; an h5py dataset or another object with `__setitem__`, which gets block after block; or a tuple
        (path, dataset) or (path, dataset, chunks, filter), which the engine writes itself.
    regions : index or sequence of them, optional
        The part of each target that gets the values, as in NumPy's basic indexing; None is all of it. With (path, dataset) it is a dataset that exists, changed
        where it lies (see `Array.to_hdf5`), and the only source.
    overwrite : bool, optional
        Replace datasets that exist.
    durable : bool, optional
        Wait for the disk before files become visible.
    """
    if isinstance(sources, _core.Base):
        sources, targets, regions = [sources], [targets], [regions]
    sources, targets = [as_array(s) for s in sources], list(targets)
    if len(sources) != len(targets):
        raise ValueError(f"{len(sources)} sources and {len(targets)} targets")
    if regions is None or isinstance(regions, (tuple, slice)):
        regions = [regions] * len(targets)
    if len(regions) != len(targets):
        raise ValueError(f"{len(regions)} regions for {len(targets)} targets")
    run([(s, store_target(s, t, r)) for s, t, r in zip(sources, targets, regions)], overwrite=overwrite, durable=durable)


def store_target(array, target, region):
    import numpy as np

    if isinstance(target, np.ndarray):
        return (check_out(array, target if region is None else _region.of_array(target, region)),)
    if isinstance(target, tuple):
        if region is not None and len(target) == 2:
            return _region.in_file(*target, region)
        if region is not None or not 2 <= len(target) <= 4:
            raise ValueError(f"a file target is (path, dataset), (path, dataset, chunks) or (path, dataset, chunks, filter), with a region (path, dataset), not {target!r}")
        return hdf5_target(*target, *(None,) * (4 - len(target)))
    if not hasattr(target, "__setitem__"):
        raise TypeError(f"a target of type {type(target).__name__}: give a NumPy array, an object with __setitem__, or (path, dataset)")
    part = None if region is None else _region.Part(region, tuple(target.shape))
    shape = tuple(getattr(target, "shape", array.shape)) if part is None else part.shape
    if shape != array.shape:
        raise ValueError(f"the target has shape {shape}, the source {array.shape}")
    name = array.dtype_name

    def write(box, memory):
        extent = tuple(s.stop - s.start for s in box)
        at = box if part is None else part.of(box)
        target[at if at else ...] = np.frombuffer(memory, name).reshape(extent)

    from libchunk._convert import regular_chunks

    chunks = regular_chunks(target, array.shape) if array.ndim and part is None else None
    return (write, chunks)


def explain(*arrays, format="text"):
    """The plan of computing arrays in one run; nothing is read.

    Parameters
    ----------
    *arrays : Array
    format : {"text", "json"}, optional
        Text to read, or a dict.

    Returns
    -------
    str or dict
    """
    if format not in ("text", "json"):
        raise ValueError(f"format '{format}': text or json")
    outputs = [(a, (lambda *_: None, None)) if a.size else (a, ()) for a in map(as_array, arrays)]
    text, _ = _core.explain(outputs, format == "json", sum(a.nbytes for a, _ in outputs))
    return parse(text) if format == "json" else text


def projected(array):
    """The Report of the plan: what a run would read, and its peak at most."""
    return Report(_core.explain([(array, (lambda *_: None, None)) if array.size else (array, ())], False, array.nbytes)[1])


class ProgressBar:
    """Shows how far runs are, in a terminal or a notebook, as a context manager.

    Parameters
    ----------
    file : file object, optional
        Where the line is drawn; default: sys.stderr.
    minimum : float, optional
        Runs that end within so many seconds show nothing.

    Examples
    --------
    >>> with lc.ProgressBar():
    ...     x.std(axis=0).compute()
    """

    wants_profile = False

    def __init__(self, file=None, minimum=0.0):
        self.file, self.minimum, self.drawn = file, minimum, False

    def __enter__(self):
        watchers.append(self)
        return self

    def __exit__(self, *exc):
        watchers.remove(self)

    def start(self):
        self.drawn = False

    def progress(self, tasks, all_tasks, n_bytes, all_bytes, seconds, left):
        from libchunk._convert import size_text

        if seconds < self.minimum:
            return
        share = tasks / all_tasks if all_tasks else 1.0
        bar = "#" * int(30 * share)
        rest = f", {left:.0f} s left" if left > 0 else ""
        speed = f" {size_text(n_bytes / seconds)}/s" if seconds > 0 else ""
        print(f"\r{100 * share:3.0f} % |{bar:30}| {size_text(n_bytes)}, {seconds:.1f} s{rest}{speed}   ", end="", file=self.file or sys.stderr, flush=True)
        self.drawn = True

    def done(self, report, profile):
        pass

    def stop(self):
        if self.drawn:
            print(file=self.file or sys.stderr)


class Profiler:
    """Collects the report and the time per operation of each run, as a context manager.

    Attributes
    ----------
    reports : list of Report
    profiles : list of dict
        As measured by the engine: passes with their operations and times.

    Examples
    --------
    >>> with lc.Profiler() as p:
    ...     x.std(axis=0).compute()
    >>> p.visualize("run.html")
    """

    wants_profile = True

    def __init__(self):
        self.reports, self.profiles = [], []

    __enter__, __exit__ = ProgressBar.__enter__, ProgressBar.__exit__

    def start(self):
        pass

    def progress(self, *numbers):
        pass

    def visualize(self, path=None):
        """A page of all runs: as `Report.to_html`, one after the other."""
        from libchunk import _page

        text = _page.page(*self.reports)
        if path is None:
            return text
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def _repr_html_(self):
        from libchunk import _page

        return "".join(_page.body(r) for r in self.reports)

    def clear(self):
        """Forgets what was collected."""
        self.reports.clear()
        self.profiles.clear()

    def done(self, report, profile):
        self.reports.append(report)
        self.profiles.append(profile)

    def stop(self):
        pass
