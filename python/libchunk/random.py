"""Random arrays, made block by block when they are computed: what a block holds follows from the seed, the order of calls of its generator and the block's
place, so an array has the same values whenever and with however many threads it is computed. Other chunks give other values."""
__all__ = ["Generator", "RandomState", "default_rng"]

# Distributions of numpy.random.Generator, and how many parameters come before size.
DISTRIBUTIONS = {"beta": 2, "binomial": 2, "chisquare": 1, "exponential": 1, "f": 2, "gamma": 2, "geometric": 1, "gumbel": 2, "hypergeometric": 3, "laplace": 2,
                 "logistic": 2, "lognormal": 2, "logseries": 1, "negative_binomial": 2, "noncentral_chisquare": 2, "noncentral_f": 3, "normal": 2, "pareto": 1,
                 "poisson": 1, "power": 1, "rayleigh": 1, "standard_cauchy": 0, "standard_exponential": 0, "standard_gamma": 1, "standard_normal": 0,
                 "standard_t": 1, "triangular": 3, "uniform": 2, "vonmises": 2, "wald": 2, "weibull": 1, "zipf": 1}
DEFAULTS = {"exponential": (1.0,), "gamma": (None, 1.0), "gumbel": (0.0, 1.0), "laplace": (0.0, 1.0), "logistic": (0.0, 1.0), "lognormal": (0.0, 1.0),
            "normal": (0.0, 1.0), "poisson": (1.0,), "rayleigh": (1.0,), "uniform": (0.0, 1.0)}
PARAMETERS = {"binomial": ("n", "p"), "exponential": ("scale",), "gamma": ("shape", "scale"), "gumbel": ("loc", "scale"), "laplace": ("loc", "scale"),
              "logistic": ("loc", "scale"), "lognormal": ("mean", "sigma"), "normal": ("loc", "scale"), "poisson": ("lam",), "rayleigh": ("scale",),
              "uniform": ("low", "high"), "beta": ("a", "b"), "chisquare": ("df",), "f": ("dfnum", "dfden"), "geometric": ("p",),
              "hypergeometric": ("ngood", "nbad", "nsample"), "logseries": ("p",), "negative_binomial": ("n", "p"), "noncentral_chisquare": ("df", "nonc"),
              "noncentral_f": ("dfnum", "dfden", "nonc"), "pareto": ("a",), "power": ("a",), "standard_gamma": ("shape",), "standard_t": ("df",),
              "triangular": ("left", "mode", "right"), "vonmises": ("mu", "kappa"), "wald": ("mean", "scale"), "weibull": ("a",), "zipf": ("a",)}


class Generator:
    """Makes random arrays, with the methods of numpy.random.Generator and Dask's `chunks`.

    Made by `default_rng`. Parameters of distributions are numbers, or arrays in memory of the result's shape or of one element an axis.
    """

    def __init__(self, seed=None):
        import numpy as np

        self._sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)

    def _made(self, name, parameters, size, chunks, **options):
        """The array of a method of NumPy's."""
        import numpy as np

        from libchunk._blocks import map_blocks
        from libchunk._creation import __getattr__ as created

        key = self._sequence.spawn(1)[0]
        one = getattr(np.random.Generator(np.random.Philox(0)), name)
        if size is None:
            size = np.broadcast_shapes(*(np.shape(p) for p in parameters))
        size = tuple(size) if hasattr(size, "__iter__") else (size,)
        dtype = np.asarray(one(*(np.ravel(p)[0] if np.size(p) else p for p in parameters), size=1, **options)).dtype
        arrays = [np.broadcast_to(p, size) for p in parameters if np.ndim(p)]
        grid = created("zeros")(size, dtype="uint8", chunks=None if isinstance(chunks, str) and chunks == "auto" else chunks)

        def block(tile, *given, block_id):
            rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(key.entropy, spawn_key=(*key.spawn_key, *block_id))))
            rest = iter(given)
            values = [next(rest) if np.ndim(p) else p for p in parameters]
            return getattr(rng, name)(*values, size=tile.shape, **options)

        block.__name__ = name
        if not size:
            grid = created("zeros")((1,), dtype="uint8")
            return map_blocks(block, grid, dtype=dtype)[0]
        return map_blocks(block, grid, *arrays, dtype=dtype)

    def random(self, size=None, dtype="float64", chunks="auto"):
        """Uniform numbers from 0 to 1, 1 excluded."""
        return self._made("random", (), size if size is not None else (), chunks, dtype=dtype)

    def integers(self, low, high=None, size=None, dtype="int64", endpoint=False, chunks="auto"):
        """Whole numbers from low to high, high excluded unless endpoint; from 0 to low without high."""
        low, high = (0, low) if high is None else (low, high)
        return self._made("integers", (low, high), size, chunks, dtype=dtype, endpoint=endpoint)

    def choice(self, a, size=None, replace=True, p=None, axis=0, shuffle=True, chunks="auto"):
        """Elements of a, which is in memory or a number n for 0 to n - 1.

        Parameters
        ----------
        a : int or array_like
        size : int or tuple of int, optional
        replace : bool, optional
            Whether elements may be drawn more than once; without, all are drawn in memory.
        p : array_like, optional
            Probabilities.
        axis : int, optional
            Only 0.
        shuffle, chunks
            As NumPy's, and Dask's.

        Returns
        -------
        Array
        """
        import numpy as np

        from libchunk._axis import in_memory
        from libchunk._blocks import map_blocks
        from libchunk._creation import from_array

        if axis != 0:
            raise NotImplementedError("choice: only axis=0")
        values = None if isinstance(a, (int, np.integer)) else in_memory(a, "choice: a")
        n = int(a) if values is None else len(values)
        if values is not None and values.ndim != 1:
            raise NotImplementedError("choice: a of one dimension")
        if not replace:
            drawn = np.random.default_rng(self._sequence.spawn(1)[0]).choice(n if values is None else values, size, False, p, shuffle=shuffle)
            return from_array(drawn, None if isinstance(chunks, str) else chunks)
        if p is None:
            at = self.integers(0, n, size if size is not None else (), chunks=chunks)
        else:
            edges = np.cumsum(p) / np.sum(p)
            at = map_blocks(lambda u: np.searchsorted(edges, u, "right"), self.random(size, chunks=chunks), dtype="int64")
        return at if values is None else map_blocks(lambda i: values[i], at, dtype=values.dtype)

    def permutation(self, x):
        """The elements of x along its first axis in random order; of 0 to x - 1 for a number."""
        import numpy as np

        from libchunk._convert import as_array
        from libchunk._creation import from_array

        number = isinstance(x, (int, np.integer))
        order = np.random.default_rng(self._sequence.spawn(1)[0]).permutation(x if number else as_array(x).shape[0])
        return from_array(order) if number else as_array(x)[order]


def made(name, n):
    names, defaults = PARAMETERS.get(name, ()), DEFAULTS.get(name, ())

    def method(self, *args, size=None, chunks="auto", **kwargs):
        args = list(args)
        if len(args) > n:
            if len(args) > n + 2:
                raise TypeError(f"{name}() takes at most {n + 2} positional arguments, {len(args)} given")
            size, chunks = args[n], args[n + 1] if len(args) > n + 1 else chunks
            args = args[:n]
        for k in range(len(args), n):
            if names and names[k] in kwargs:
                args.append(kwargs.pop(names[k]))
            elif k < len(defaults) and defaults[k] is not None:
                args.append(defaults[k])
            else:
                raise TypeError(f"{name}() misses the argument '{names[k]}'")
        if set(kwargs) - {"dtype", "method"}:
            raise TypeError(f"{name}() got an unexpected keyword argument '{sorted(kwargs)[0]}'")
        return self._made(name, tuple(args), size, chunks, **kwargs)

    method.__name__ = name
    method.__doc__ = f"""Random numbers as numpy.random.Generator.{name}({", ".join([*names, "size"])}) draws them.

        Parameters
        ----------
        {", ".join(names) + " : float or array_like" if names else "*args"}
        size : int or tuple of int, optional
        chunks : int, tuple or "auto", optional
            Of the result.

        Returns
        -------
        Array
        """
    return method


for _name, _n in DISTRIBUTIONS.items():
    setattr(Generator, _name, made(_name, _n))
del _name, _n


class RandomState(Generator):
    """A generator under the older names too; not NumPy's older streams of numbers."""

    def random_sample(self, size=None, chunks="auto"):
        """As `random`."""
        return self.random(size, chunks=chunks)

    def randint(self, low, high=None, size=None, chunks="auto", dtype="int64"):
        """As `integers`."""
        return self.integers(low, high, size, dtype, chunks=chunks)

    def random_integers(self, low, high=None, size=None, chunks="auto"):
        """As `integers` with the highest number included, from 1 without high."""
        low, high = (1, low) if high is None else (low, high)
        return self.integers(low, high, size, endpoint=True, chunks=chunks)

    def seed(self, seed=None):
        """Begins anew."""
        RandomState.__init__(self, seed)


def default_rng(seed=None):
    """A generator of random arrays.

    Parameters
    ----------
    seed : int, sequence of int or numpy.random.SeedSequence, optional
        Default: from the system.

    Returns
    -------
    Generator
    """
    return seed if isinstance(seed, Generator) else Generator(seed)


_state = None
_FUNCTIONS = (*DISTRIBUTIONS, "random", "random_sample", "randint", "random_integers", "choice", "permutation", "seed")
__all__ += _FUNCTIONS


def __getattr__(name):
    global _state
    if name not in _FUNCTIONS:
        raise AttributeError(f"module 'libchunk.random' has no attribute '{name}'")
    if _state is None:
        _state = RandomState()
    return getattr(_state, name)


def __dir__():
    return sorted(__all__)
