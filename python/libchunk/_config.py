"""Settings of the engine: the memory ceiling, workers, and the folder for spilled data."""
import os

from libchunk import _core

UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4, "kib": 1024, "mib": 1024**2, "gib": 1024**3, "tib": 1024**4,
         "kb": 1000, "mb": 1000**2, "gb": 1000**3, "tb": 1000**4}


def parse_bytes(size):
    """Bytes of a size.

    Parameters
    ----------
    size : int or str
        Bytes, or a number with a unit: "512MiB", "2 GiB", "1e9".

    Returns
    -------
    int
    """
    if isinstance(size, str):
        text = size.strip().lower()
        number = text.rstrip("bkmgti ")
        unit = text[len(number):].strip()
        try:
            size = float(number) * UNITS[unit]
        except (ValueError, KeyError):
            raise ValueError(f"'{size}' is no size: give bytes, or a number with KiB, MiB, GiB or TiB") from None
    if not 0 < size < 2**63:
        raise ValueError(f"a size of {size} bytes: it must be more than 0 and below 2**63")
    return int(size)


class Config:
    """The settings that hold now. Assigning changes them for all later computations of the process.

    Attributes
    ----------
    memory : int or None
        The ceiling in bytes on what the engine adds to the process, results included; also set from text, "512MiB". None is the default: half
        of what cgroup and machine allow. Environment: LIBCHUNK_MEMORY.
    threads : int or None
        Workers; None is as many as the cores that the process may use. Environment: LIBCHUNK_THREADS.
    scratch : str or None
        Folder for spilled data; None is the output's folder, else TMPDIR. Environment: LIBCHUNK_SCRATCH.
    """

    __slots__ = ("_memory", "_threads", "_scratch")

    def __init__(self):
        env = os.environ.get
        self._memory = self._threads = self._scratch = None
        self.set(memory=env("LIBCHUNK_MEMORY") or None, threads=env("LIBCHUNK_THREADS") or None, scratch=env("LIBCHUNK_SCRATCH") or None)

    def set(self, **settings):
        """Changes some settings at once; either all are changed or, when one is unusable, none."""
        new = {"memory": self._memory, "threads": self._threads, "scratch": self._scratch}
        for name in settings:
            if name not in new:
                raise TypeError(f"there is no setting '{name}': there are memory, threads and scratch")
        new.update(settings)
        memory = None if new["memory"] is None else parse_bytes(new["memory"])
        threads = None if new["threads"] is None else int(new["threads"])
        if threads is not None and not 1 <= threads <= 1024:
            raise ValueError(f"threads is {threads}: give 1 to 1024")
        scratch = None if new["scratch"] is None else os.fspath(new["scratch"])
        _core.configure(memory or 0, threads or 0, None if scratch is None else os.fsencode(scratch))
        self._memory, self._threads, self._scratch = memory, threads, scratch

    memory = property(lambda self: self._memory, lambda self, v: self.set(memory=v))
    threads = property(lambda self: self._threads, lambda self, v: self.set(threads=v))
    scratch = property(lambda self: self._scratch, lambda self, v: self.set(scratch=v))

    def __repr__(self):
        return f"config(memory={self._memory!r}, threads={self._threads!r}, scratch={self._scratch!r})"


config = Config()


class options:
    """Other settings for a while, as a context manager.

    Parameters
    ----------
    memory, threads, scratch
        As the attributes of `config`.

    Examples
    --------
    >>> with lc.options(memory="512MiB", threads=4):
    ...     x.mean().compute()
    """

    def __init__(self, **settings):
        self.settings = settings

    def __enter__(self):
        self.before = {"memory": config.memory, "threads": config.threads, "scratch": config.scratch}
        config.set(**self.settings)
        return config

    def __exit__(self, *exc):
        config.set(**self.before)
