"""Checks the demo against NumPy on a sample drawn with SEED: members of the ensemble against the formula, and one row of cells of each map
against the statistics of all members and years of that row. check.py MODEL ENSEMBLE MAPS"""
import os
import sys

import h5py
import numpy as np

YEARS, LATITUDES, LONGITUDES = 240, 37, 49


def member(model, m):
    """The formula of demo.sh, in NumPy."""
    f = np.float32
    year, lat, lon = np.arange(YEARS, dtype=f)[:, None, None], np.arange(LATITUDES, dtype=f)[:, None], np.arange(LONGITUDES, dtype=f)
    return model + 0.5 * np.sin(0.7 * f(m) + 0.05 * year + 0.2 * lat + 0.15 * lon)


def check(what, got, want, tolerance):
    got, want = np.asarray(got, float), np.asarray(want, float)
    worst = float(np.abs(got - want).max())
    if got.shape != want.shape or not worst <= tolerance:
        sys.exit(f"check: {what}: off by {worst:.3g}, allowed {tolerance:.3g}, shapes {got.shape} and {want.shape}")
    print(f"   {what}: largest difference {worst:.2g}")


def main(model_file, ensemble_file, maps_file):
    rng = np.random.default_rng(int(os.environ.get("SEED", "1")))
    with h5py.File(model_file) as model, h5py.File(ensemble_file) as ensemble, h5py.File(maps_file) as maps:
        model, x = model["air_temperature"][:], ensemble["air_temperature"]
        n = x.shape[0]
        assert x.dtype == np.float32 and x.nbytes >= 4 << 30, (x.dtype, x.nbytes)
        # The sum of a few float32 steps and a sine of another library: one unit in the last place of 300 K.
        for m in sorted({0, n - 1, *rng.integers(0, n, 6).tolist()}):
            check(f"member {m}", x[m], member(model, m), 3.1e-5)
        row = int(rng.integers(LATITUDES))
        cells = np.empty((n, YEARS, LONGITUDES))
        for m in range(0, n, 64):
            cells[m:m + 64] = x[m:m + 64, :, row]
        years = np.arange(YEARS) - (YEARS - 1) / 2
        slope = np.einsum("myl,y->l", cells - 280, years) / (n * (years**2).sum())     # years sum to 0; smaller terms round less
        check(f"average, row {row}", maps["average"][row], cells.mean(axis=(0, 1)) - 273.15, 1e-9)
        check(f"deviation, row {row}", maps["deviation"][row], cells.std(axis=(0, 1)), 1e-9)
        check(f"trend, row {row}", maps["trend"][row], 100 * slope, 1e-9)
        # Two years may tie to the last bits: the mean of the year that was found must be the largest.
        yearly = cells.mean(axis=0)
        found = yearly[maps["hottest"][row] - 1860, np.arange(LONGITUDES)]
        check(f"hottest year, row {row}", found, yearly.max(axis=0), 1e-10)


main(*sys.argv[1:])
