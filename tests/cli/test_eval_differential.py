"""Random expressions over datasets of every dtype, shape, chunking and filter, against NumPy on the same text."""
import os

import h5py
import hdf5plugin
import numpy as np
import pytest
from chunkcli import assert_held, chunk_eval, eval_json, eval_ok
from generate import DTYPES, Generator, data

CASES = {"quick": 48, "standard": 400, "full": 4000}[os.environ.get("CHUNK_TEST_LEVEL", "standard")]
PER_FILE = 48
PER_RUN = 8


def store(f, rng, name, a):
    """In a random layout and byte order."""
    options = {}
    if a.ndim and a.size and rng.random() < 0.8:
        options["chunks"] = tuple(int(rng.integers(1, n + 1)) for n in a.shape)
        options.update([{}, {}, {"compression": "gzip", "shuffle": True}, {"fletcher32": True}, dict(hdf5plugin.LZ4()),
                        dict(hdf5plugin.Bitshuffle()), dict(hdf5plugin.Zstd(), shuffle=True)][int(rng.integers(7))])
    dtype = a.dtype.newbyteorder(">") if rng.random() < 0.15 and a.dtype.kind != "b" else a.dtype
    f.create_dataset(name, data=a, dtype=dtype, **options)


def inputs(rng, folder, k):
    shape = tuple(int(n) for n in rng.integers(1, 40, int(rng.integers(1, 4))))
    if rng.random() < 0.1:
        shape = (0,) + shape[1:]
    arrays = {}
    with h5py.File(folder / f"in{k}.h5", "w") as f:
        for i in range(6):
            cut = int(rng.integers(0, len(shape))) if i and rng.random() < 0.3 else 0
            some = tuple(1 if i and rng.random() < 0.15 else n for n in shape[cut:])
            arrays[f"v{i}"] = a = np.asarray(data(rng, DTYPES[rng.integers(len(DTYPES))], some))
            store(f, rng, f"v{i}", a)
    return arrays


def assert_close(got, expected, rtol, atol, text):
    """Complex numbers part by part: an infinite part says nothing of the other. The size of the whole bounds the error of each."""
    if expected.dtype.kind == "c":
        size = np.abs(np.where(np.isfinite(expected), expected, 0)).max(initial=0)
        for part in ("real", "imag"):
            np.testing.assert_allclose(getattr(got, part), getattr(expected, part), rtol=rtol, atol=atol + rtol * size, err_msg=text)
    else:
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol, err_msg=text)


def compare(text, exact, got, expected, eps):
    expected = np.asarray(expected)
    assert got.dtype == expected.dtype, f"{text}: dtype {got.dtype}, NumPy {expected.dtype}"
    assert got.shape == expected.shape, f"{text}: shape {got.shape}, NumPy {expected.shape}"
    if expected.dtype.kind in "biu":
        assert np.array_equal(got, expected), text
    elif exact and expected.dtype.kind == "f":
        same = (got == expected) | (np.isnan(got) & np.isnan(expected))
        assert same.all(), f"{text}: {got[~same][:3]}, NumPy {expected[~same][:3]}"
        known = ~np.isnan(got)
        if "min" not in text and "max" not in text:  # of two zeros NumPy's maximum gives either, by its vector width
            assert np.array_equal(np.signbit(got[known]), np.signbit(expected[known])), f"{text}: sign of zero"
    else:
        assert_close(got, expected, 64 * eps, 512 * eps, text)


def precision(text, expected, arrays):
    """The coarsest epsilon of whatever a text rounds to on its way."""
    kinds = [np.asarray(expected).dtype, *(a.dtype for name, a in arrays.items() if name in text)] + [np.dtype("f4")] * ("float32" in text)
    return max((np.finfo(d).eps for d in kinds if d.kind in "fc"), default=2.0**-10)


def compare_sum(text, got, expected, summed, eps):
    """Sums cancel: the yardstick is the size of what is summed."""
    expected = np.asarray(expected)
    assert got.dtype == expected.dtype and got.shape == expected.shape, text
    if expected.dtype.kind in "biu":
        assert np.array_equal(got, expected), text
        return
    if not np.isfinite(expected).all() and (eps > 1e-4 or (eps > 1e-8 and text.startswith("std"))):
        return  # NumPy adds float16 up in float16 along some axes, where its steps overflow, and squares float32 in float32, as far as that goes
    with np.errstate(all="ignore"):
        x = np.abs(np.asarray(summed).astype(np.complex128))
        scale = np.sum(np.where(np.isfinite(x), x, 0)) + 1
        assert_close(got, expected, 1e3 * eps, 64 * eps * scale, text)


def run_batch(folder, k, gen, batch, n):
    """All of a batch in one process into one group; what NumPy refuses has been sorted out before."""
    text = "; ".join(f"r{i} = {t}" for i, (t, *_) in enumerate(batch))
    used = [f"{name}={folder}/in{k}.h5:/{name}" for name in gen.inputs if name in text]
    out = folder / f"out{n}.h5"
    got = eval_json(text, *used, "-o", f"{out}:/r/", "--memory", "64MiB", "-q")
    assert_held(got)
    with h5py.File(out) as f:
        for i, (t, how, summed, expected) in enumerate(batch):
            value = np.asarray(f[f"r/r{i}"][()])
            if how == "sum":
                compare_sum(t, value, expected, gen.value(summed), precision(t, expected, gen.inputs))
            else:
                compare(t, how == "exact", value, expected, precision(t, expected, gen.inputs))
    out.unlink()


def test_argmax_in_edge_chunks(tmp_path):
    """Where an edge chunk was one column wide, indices were counted by columns instead of rows."""
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 1000, shape) for shape in ((6, 3), (3, 8, 3), (5, 9, 2))]
    with h5py.File(tmp_path / "x.h5", "w") as f:
        for i, a in enumerate(arrays):
            a[..., -1] += 1000
            f.create_dataset(f"x{i}", data=a, chunks=(4, 2) if a.ndim == 2 else (2, 8, 1))
    for i, a in enumerate(arrays):
        got = eval_json("argmax(x); argmin(-x, axis=0); argmax(x, axis=-2)", f"x={tmp_path}/x.h5:/x{i}")
        assert got["values"] == [a.argmax(), a.argmax(axis=0).tolist(), a.argmax(axis=-2).tolist()]


def test_small_values_from_reductions(tmp_path):
    """A value made of a reduction that reads no data was to be computed before that reduction: "node sum was not computed before its use"."""
    x = np.arange(1000.0)
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f["x"] = x
    for text, expected in (("x + 2*sum(arange(100000)*0.5)", x + np.arange(100000).sum()),
                           ("x*(1 + sqrt(abs(3*sum(arange(3))))) + arange(1000)", x * 4 + x),
                           ("3*sum(arange(1e5)) + arange(5)", 3 * np.arange(1e5).sum() + np.arange(5)),
                           ("sqrt(sqrt(arange(16))[:, newaxis] + arange(100.))[:, :, newaxis]*(0*arange(1000) + 1)",
                            np.sqrt(np.sqrt(np.arange(16))[:, None] + np.arange(100.0))[:, :, None] * np.ones(1000))):
        eval_ok(text, *(["x=x.h5:/x"] if "x*" in text or "x +" in text else []), "-o", "y.h5:/y", "--overwrite", cwd=tmp_path)
        with h5py.File(tmp_path / "y.h5") as f:
            assert np.array_equal(f["y"][()], expected), text


@pytest.mark.parametrize("k", range((CASES + PER_FILE - 1) // PER_FILE))
def test_against_numpy(tmp_path, seed, k, sampled):
    rng = np.random.default_rng([seed, k])
    gen = Generator(rng, inputs(rng, tmp_path, k))
    batch, done, refused = [], 0, 0
    while done < PER_FILE:
        text, how, summed = gen.expression()
        if not any(name in text for name in gen.inputs):
            continue
        try:
            expected = gen.value(text)
        except (TypeError, ValueError, OverflowError, IndexError):
            if refused < 4:
                args = [f"{name}={tmp_path}/in{k}.h5:/{name}" for name in gen.inputs if name in text]
                assert chunk_eval(text, *args, "-q").returncode in (1, 2), f"NumPy refuses {text}"
            refused += 1
            continue
        batch.append((text, how, summed, expected))
        done += 1
        if len(batch) == PER_RUN or done == PER_FILE:
            run_batch(tmp_path, k, gen, batch, done)
            batch = []
    if k == 0:
        sampled("random expressions", CASES, CASES)
