"""laplace of chunks that are made beside each other (plan/fused.c): values as SciPy has them, files the same under every ceiling, chunks of fill alone not stored."""
import h5py
import numpy as np
import pytest
from chunkcli import assert_held, ceiling, eval_json, eval_ok, is_sanitized
from scipy import ndimage

SHAPES = [((3300, 2900), (370, 370), False), ((3300, 2900), (370, 370), True), ((40, 600, 700), (5, 120, 130), True), ((2, 1500, 1700), (1, 300, 256), False)]
MODES = ["reflect", "nearest", "mirror", "wrap", "constant"]


def ids(v):
    return "x".join(map(str, v)) if isinstance(v, tuple) else "absent" if v else "full"


def write(path, shape, chunks, absent):
    """absent: most chunks are not stored, and the first rows of those that are hold 0, so that places are given late."""
    rng = np.random.default_rng(len(shape) + absent)
    x = rng.integers(-1000, 1000, shape).astype("f8")
    if absent:
        x[..., : shape[-2] // 2, :] = 0
        x[..., ::2, : shape[-1] // 3] = 0
        x[..., :, -shape[-1] // 3 :] = 0
    with h5py.File(path, "w") as f:
        d = f.create_dataset("x", shape, "f8", chunks=chunks)
        for box in d.iter_chunks():
            if x[box].any():
                d[box] = x[box]
    return x


def stored(path):
    """Chunks that are written, and those that have to be: -0.0 is no fill."""
    with h5py.File(path) as f:
        d = f["y"]
        values = d[...]
        return values, d.id.get_num_chunks(), sum(bool(np.any(v.view("u8"))) for v in (np.ascontiguousarray(values[box]) for box in d.iter_chunks()))


@pytest.mark.parametrize("shape, chunks, absent", SHAPES, ids=ids)
def test_laplace_beside(tmp_path, shape, chunks, absent):
    x = write(tmp_path / "x.h5", shape, chunks, absent)
    ways = [[], ["--memory", ceiling(40), "--threads", "8"], ["--memory", ceiling(24), "--threads", "1"]]
    for mode in MODES[:2] if is_sanitized() else MODES:
        text = f"laplace(x, mode='{mode}', cval=0)"
        files = []
        for way in ways:
            got = eval_json(text, "x=x.h5:/x", "-o", "y.h5:/y", "--overwrite", *way, cwd=tmp_path)
            assert_held(got)
            files.append((tmp_path / "y.h5").read_bytes())
        assert files[0] == files[1] == files[2], text
        values, has, must = stored(tmp_path / "y.h5")
        assert np.array_equal(values, ndimage.laplace(x, mode=mode, cval=0)), text
        assert has == must and (has < np.prod([-(-n // c) for n, c in zip(shape, chunks)])) == absent, text


@pytest.mark.parametrize("text, want", [("laplace(x) + 1", lambda x: ndimage.laplace(x) + 1), ("laplace(laplace(x))", lambda x: ndimage.laplace(ndimage.laplace(x))),
                                        ("laplace(x)[::-1]", lambda x: ndimage.laplace(x)[::-1]), ("laplace(-x, axes=(-1,))", lambda x: ndimage.laplace(-x, axes=(-1,))),
                                        ("laplace(x.T)", lambda x: ndimage.laplace(x.T)), ("laplace(x[3:, 5:])", lambda x: ndimage.laplace(x[3:, 5:]))])
def test_laplace_of_and_in_others(tmp_path, text, want):
    x = write(tmp_path / "x.h5", (2100, 2200), (256, 256), False)
    eval_ok(text, "x=x.h5:/x", "-o", "y.h5:/y", cwd=tmp_path)
    with h5py.File(tmp_path / "y.h5") as f:
        assert np.array_equal(f["y"][...], want(x))


def test_halo_wholly_outside(tmp_path):
    """What is read ahead for a window far larger than the array may lie outside its input altogether: reading ahead once went round and round in a reshape of it."""
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=np.arange(54).reshape(1, 1, 3, 3, 1, 2, 3), chunks=(1, 1, 2, 2, 1, 2, 3))
        f.create_dataset("i", data=np.zeros((1, 1, 3, 3, 2, 2, 3), "u8"), chunks=(1, 1, 2, 1, 2, 2, 3))
        f["c"] = [0.5, 2.5]
        f.create_dataset("y", data=np.arange(26).reshape(1, 2, 1, 13), chunks=(1, 1, 1, 1))
    inner = "gradient(ffill(reshape(take_along_axis(x, i + 0, axis=-3), (4, 3, 3, 3)), axis=-1)[3:, -5::2, 5::-1, 1::-2], c, axis=-3, edge_order=1)"
    bound = [f"{n}=x.h5:/{n}" for n in "xicy"]
    eval_ok(f"percentile_filter({inner} * 2, 30, 2, mode='constant') @ y", *bound, "-o", "a.h5:/r", cwd=tmp_path)
    eval_ok(inner, *bound[:3], "-o", "g.h5:/g", cwd=tmp_path)
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "g.h5") as g, h5py.File(tmp_path / "x.h5") as f:
        want = ndimage.percentile_filter(g["g"][...] * 2, 30, 2, mode="constant") @ f["y"][...]
        assert np.array_equal(a["r"][...], want)
