"""Chunks that several blocks need are decoded once where the ceiling leaves room to keep them; the values are the same where it does not."""
import h5py
import hdf5plugin
import numpy as np
import pytest
from chunkcli import assert_held, ceiling, eval_json, eval_ok

TEXTS = ["laplace(z)", "concat((z[:, 100:], z[:, :100]), axis=1)", "z[::-1][3:1200, 5:1400] + 1", "z[z > 40]", "z[1:] - z[:-1]", "gaussian_filter(z, 2) + z"]


@pytest.fixture(scope="module", params=[dict(compression="gzip", compression_opts=1, shuffle=True), hdf5plugin.LZ4()], ids=["gzip", "lz4"])
def data(tmp_path_factory, request):
    d = tmp_path_factory.mktemp("tiles")
    x = np.cumsum(np.random.default_rng(2).integers(-3, 4, (1500, 1500)), axis=1).astype("f8")
    with h5py.File(d / "in.h5", "w") as f:
        f.create_dataset("z", data=x, chunks=(250, 250), **request.param)
        f.create_dataset("x", data=x)
    return d


@pytest.mark.parametrize("text", TEXTS)
def test_decoded_once(data, text):
    with h5py.File(data / "in.h5") as f:
        stored = f["z"].id.get_storage_size()
    found = []
    for memory in (ceiling(192), ceiling(32)):
        out = data / "out.h5"
        out.unlink(missing_ok=True)
        got = eval_json(text, "z=in.h5:/z", "-o", "out.h5:/r", "--memory", memory, cwd=data)
        assert_held(got)
        found.append(out.read_bytes())
        if memory == ceiling(192):
            assert 0.8 * stored <= got["bytes_read"] <= stored, f"{got['bytes_read'] / stored:.2f} times"
    assert found[0] == found[1]
    eval_ok(text.replace("z", "x"), "x=in.h5:/x", "-o", "plain.h5:/r", "--overwrite", cwd=data)
    with h5py.File(data / "out.h5") as a, h5py.File(data / "plain.h5") as b:
        assert np.array_equal(a["r"][()], b["r"][()])


def test_explain_says_what_is_kept(data):
    assert "decoded chunks" in eval_ok("laplace(z)", "z=in.h5:/z", "--memory", ceiling(128), "--explain", cwd=data)
    assert "decoded chunks" not in eval_ok("z + 1", "z=in.h5:/z", "-o", "no.h5:/r", "--memory", ceiling(128), "--explain", cwd=data)
