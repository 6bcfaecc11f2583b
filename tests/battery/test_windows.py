"""Moving windows beyond bottleneck: what it carries along from element to element, and edges of the arguments."""
import re

import lc
import numpy as np
import pytest

pytestmark = pytest.mark.skipif(lc.LIBRARY is None, reason=lc.WHY or "")


@pytest.fixture(scope="module")
def context():
    return lc.Context(memory=64 << 20, threads=2)


def test_sums_do_not_drift(context):
    """bottleneck's running sums keep what a large element left behind; here it leaves with the element, and so does an infinity."""
    x = np.random.default_rng(1).standard_normal(5000)
    x[100], x[200] = 1e17, np.inf
    with np.errstate(invalid="ignore"):
        windows = np.lib.stride_tricks.sliding_window_view(x, 12)
        want = {"sum": windows.sum(axis=-1, dtype=np.longdouble), "var": windows.var(axis=-1, dtype=np.longdouble)}
    for name, w in want.items():
        got = context.compute(context.eval(f"move_{name}(x, 12)", x=context.array(x)))[11:]
        after = np.isfinite(w) & (np.arange(w.size) > 100)
        assert after.sum() > 4800
        assert np.allclose(got[after], w[after].astype(float), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("call, said", [
    ("move_sum(x, 0)", "move_sum: a window of 0 along axis 1 of length 6: it must be from 1 to that length"),
    ("move_min(x, 5, axis=0)", "move_min: a window of 5 along axis 0 of length 4"),
    ("move_mean(x, 3, 4)", "move_mean: min_count must be from 1 to the window's 3, got 4"),
    ("move_var(x, 3, 0)", "move_var: min_count must be from 1 to the window's 3, got 0"),
    ("move_median(x, 3, axis=2)", "move_median: axis 2 is out of range"),
    ("move_rank(x + 1j, 3)", "move_rank: complex numbers"),
    ("move_std(x[0, 0], 1)", "move_std: x has no axis"),
])
def test_refusals(context, call, said):
    with pytest.raises(lc.ChunkError, match=re.escape(said)):
        context.eval(call, x=context.array(np.zeros((4, 6))))
