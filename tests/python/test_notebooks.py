"""The notebooks of examples/ run from first to last cell, on small data, in an empty folder; they hold no results, which would be of one machine."""
import os
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NEEDS = {"first-steps": (), "climate": ("xarray", "h5netcdf", "cftime"), "from-dask": ("dask", "h5py")}
SMALL = {"LIBCHUNK_ROWS": "2000", "LIBCHUNK_MEMBERS": "6", "LIBCHUNK_DATA": str(EXAMPLES / "data"), "MPLBACKEND": "module://matplotlib_inline.backend_inline"}


@pytest.fixture(params=NEEDS)
def notebook(request):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    return request.param, nbformat.read(EXAMPLES / f"{request.param}.ipynb", 4)


def test_clean(notebook):
    _, pages = notebook
    assert all(not c.get("outputs") and c.get("execution_count") is None for c in pages.cells)


@pytest.mark.skipif(os.environ.get("CHUNK_TEST_LEVEL") == "quick", reason="quick: notebooks take five seconds each")
def test_runs(notebook, tmp_path, monkeypatch):
    name, pages = notebook
    for module in ("nbclient", "ipykernel", "matplotlib", *NEEDS[name]):
        pytest.importorskip(module, reason=f"{module} is not installed")
    from nbclient import NotebookClient

    for key, value in SMALL.items():
        monkeypatch.setenv(key, value)
    NotebookClient(pages, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    drawn = sum("image/png" in o.get("data", {}) for c in pages.cells for o in c.get("outputs", []))
    assert drawn == sum("plt.show" in c.source for c in pages.cells) > 0
