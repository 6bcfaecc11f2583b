"""Statistics and tests as in scipy.stats: sums of powers and means of lazy arrays; what a test says about them needs SciPy, on the small result."""
from collections import namedtuple

from libchunk._array import call
from libchunk._convert import as_array

__all__ = ["chisquare", "f_oneway", "kurtosis", "kurtosistest", "moment", "normaltest", "power_divergence", "skew", "skewtest", "ttest_1samp", "ttest_ind",
           "ttest_rel"]

# What a test gives, lazily both.
Result = namedtuple("Result", ["statistic", "pvalue"])
POWERS = {"pearson": 1, "log-likelihood": 0, "freeman-tukey": -0.5, "mod-log-likelihood": -1, "neyman": -2, "cressie-read": 2 / 3}


def probability(function, *arrays):
    """A function of SciPy on each element."""
    from libchunk._blocks import map_blocks

    first, *rest = (as_array(a) for a in arrays)
    if not first.ndim:
        return map_blocks(function, *(call("reshape", a, (1,)) for a in (first, *rest)), dtype=float)[0]
    return map_blocks(function, first, *rest, dtype=float)


def special(name):
    import scipy.special

    return getattr(scipy.special, name)


def two_sided_normal(z):
    erfc = special("erfc")
    return probability(lambda v: erfc(abs(v) / 2**0.5), z)


def from_t(t, df):
    import numpy as np

    stdtr = special("stdtr")
    return Result(t, probability(lambda v, n: 2 * stdtr(n, -np.abs(v)), t, call("broadcast_to", as_array(df), t.shape)))


def checked(nan_policy):
    if nan_policy != "propagate":
        raise NotImplementedError(f"nan_policy={nan_policy!r}: there is 'propagate'")


def central(a, order, axis):
    """The mean of a power of what deviates from the mean."""
    off = a - call("mean", a, axis, keepdims=True)
    return call("mean", off**order if order != 2 else off * off, axis)


def length(a, axis):
    return a.size if axis is None else a.shape[axis]


def moment(a, moment=1, axis=0, nan_policy="propagate"):
    """A moment about the mean.

    Parameters
    ----------
    a : array_like
    moment : int, optional
        Its order.
    axis : int or None, optional
    nan_policy : {"propagate"}, optional

    Returns
    -------
    Array
    """
    checked(nan_policy)
    a = as_array(a)
    if moment in (0, 1):
        return call("mean", a, axis) * 0 + (1.0 if moment == 0 else 0.0)
    return central(a, moment, axis)


def skew(a, axis=0, bias=True, nan_policy="propagate"):
    """Skewness along an axis; NaN where all are equal."""
    checked(nan_policy)
    a = as_array(a)
    made = central(a, 3, axis) / central(a, 2, axis) ** 1.5
    n = length(a, axis)
    return made if bias or n <= 2 else made * ((n - 1.0) * n) ** 0.5 / (n - 2.0)


def kurtosis(a, axis=0, fisher=True, bias=True, nan_policy="propagate"):
    """Kurtosis along an axis, 0 for a normal distribution with fisher, else 3; NaN where all are equal."""
    checked(nan_policy)
    a = as_array(a)
    made = central(a, 4, axis) / central(a, 2, axis) ** 2
    n = length(a, axis)
    if not bias and n > 3:
        made = 1.0 / (n - 2) / (n - 3) * ((n**2 - 1.0) * made - 3 * (n - 1) ** 2.0) + 3
    return made - 3 if fisher else made


def skewtest(a, axis=0, nan_policy="propagate"):
    """Whether the skewness differs from a normal distribution's: (z, probability)."""
    a = as_array(a)
    b, n = skew(a, axis, nan_policy=nan_policy), float(length(a, axis))
    if n < 8:
        raise ValueError(f"skewtest is not valid with less than 8 samples; {int(n)} samples were given.")
    y = b * ((n + 1) * (n + 3) / (6.0 * (n - 2))) ** 0.5
    beta = 3.0 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2.0) * (n + 5) * (n + 7) * (n + 9))
    w = (2 * (beta - 1)) ** 0.5 - 1
    import math

    delta, alpha = 1 / math.sqrt(0.5 * math.log(w)), math.sqrt(2.0 / (w - 1))
    y = call("where", call("equal", y, 0), 1, y)
    z = delta * call("log", y / alpha + call("sqrt", (y / alpha) ** 2 + 1))
    return Result(z, two_sided_normal(z))


def kurtosistest(a, axis=0, nan_policy="propagate"):
    """Whether the kurtosis differs from a normal distribution's: (z, probability)."""
    a = as_array(a)
    n = float(length(a, axis))
    if n < 5:
        raise ValueError(f"kurtosistest requires at least 5 observations; {int(n)} observations were given.")
    b = kurtosis(a, axis, fisher=False, nan_policy=nan_policy)
    expected = 3.0 * (n - 1) / (n + 1)
    variance = 24.0 * n * (n - 2) * (n - 3) / ((n + 1) * (n + 1.0) * (n + 3) * (n + 5))
    x = (b - expected) / variance**0.5
    root = 6.0 * (n * n - 5 * n + 2) / ((n + 7) * (n + 9)) * ((6.0 * (n + 3) * (n + 5)) / (n * (n - 2) * (n - 3))) ** 0.5
    a_ = 6.0 + 8.0 / root * (2.0 / root + (1 + 4.0 / root**2) ** 0.5)
    below = 1 + x * (2 / (a_ - 4.0)) ** 0.5
    term = call("sign", below) * call("pow", (1 - 2.0 / a_) / call("abs", below), 1 / 3.0)
    z = (1 - 2 / (9.0 * a_) - term) / (2 / (9.0 * a_)) ** 0.5
    return Result(z, two_sided_normal(z))


def normaltest(a, axis=0, nan_policy="propagate"):
    """Whether a sample differs from a normal distribution, by skewness and kurtosis: (statistic, probability)."""
    s, k = skewtest(a, axis, nan_policy).statistic, kurtosistest(a, axis, nan_policy).statistic
    both = s * s + k * k
    chdtrc = special("chdtrc")
    return Result(both, probability(lambda v: chdtrc(2, v), both))


def ttest_1samp(a, popmean, axis=0, nan_policy="propagate"):
    """Whether the mean along an axis differs from popmean: (t, probability)."""
    checked(nan_policy)
    a = as_array(a)
    n = length(a, axis)
    t = (call("mean", a, axis) - popmean) / call("sqrt", call("var", a, axis, ddof=1) / float(n))
    return from_t(t, float(n - 1))


def ttest_rel(a, b, axis=0, nan_policy="propagate"):
    """Whether the means of related samples differ: (t, probability)."""
    return ttest_1samp(as_array(a) - as_array(b), 0.0, axis, nan_policy)


def ttest_ind(a, b, axis=0, equal_var=True):
    """Whether the means of independent samples differ, without equal_var by Welch's test: (t, probability)."""
    a, b = as_array(a), as_array(b)
    va, vb, na, nb = call("var", a, axis, ddof=1), call("var", b, axis, ddof=1), float(length(a, axis)), float(length(b, axis))
    if equal_var:
        df = na + nb - 2.0
        square = (((na - 1) * va + (nb - 1) * vb) / df) * (1.0 / na + 1.0 / nb)
    else:
        square = va / na + vb / nb
        df = square**2 / ((va / na) ** 2 / (na - 1) + (vb / nb) ** 2 / (nb - 1))
        df = call("where", call("isnan", df), 1, df)
    return from_t((call("mean", a, axis) - call("mean", b, axis)) / call("sqrt", square), df)


def chisquare(f_obs, f_exp=None, ddof=0, axis=0):
    """Whether counts differ from those expected, by default equal ones: (chi squared, probability)."""
    return power_divergence(f_obs, f_exp, ddof, axis, "pearson")


def power_divergence(f_obs, f_exp=None, ddof=0, axis=0, lambda_=None):
    """Whether counts differ from those expected, by a statistic of Cressie and Read: (statistic, probability).

    Parameters
    ----------
    f_obs, f_exp : array_like
    ddof : int, optional
        Fewer degrees of freedom than number of counts less 1.
    axis : int, optional
    lambda_ : float or str, optional
        The power, or SciPy's name of it; default: "pearson".

    Returns
    -------
    (Array, Array)
    """
    power = 1 if lambda_ is None else POWERS[lambda_] if isinstance(lambda_, str) else lambda_
    seen = call("astype", as_array(f_obs), "float64")
    expected = as_array(f_exp) if f_exp is not None else call("mean", seen, axis, keepdims=True)
    if power == 1:
        terms = (seen - expected) ** 2 / expected
    elif power == 0:
        terms = call("where", call("equal", seen, 0), 0.0, 2.0 * seen * call("log", seen / expected))
    elif power == -1:
        terms = 2.0 * expected * call("log", expected / seen)
    else:
        terms = seen * ((seen / expected) ** power - 1) / (0.5 * power * (power + 1))
    statistic = call("sum", terms, axis)
    df, chdtrc = length(seen, axis) - 1 - ddof, special("chdtrc")
    return Result(statistic, probability(lambda v: chdtrc(df, v), statistic))


def f_oneway(*args):
    """Whether the means of samples differ, all elements of each: (F, probability)."""
    samples = [call("reshape", as_array(a), -1) for a in args]
    n, k = sum(a.size for a in samples), len(samples)
    every = call("concat", samples) if k > 1 else samples[0]
    middle = call("mean", every)
    every = every - middle
    total = call("sum", every * every)
    between = 0
    for a in samples:
        part = call("sum", a - middle)
        between = part * part / float(a.size) + between
    f = (between / float(k - 1)) / ((total - between) / float(n - k))
    fdtrc = special("fdtrc")
    return Result(f, probability(lambda v: fdtrc(k - 1, n - k, v), f))
