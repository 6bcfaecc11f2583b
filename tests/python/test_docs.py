"""The Python code of the user guide and the recipes runs, in order and in an empty folder; the site is built without warnings."""
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("page", ["guide.md", "recipes.md"])
def test_code_runs(page, tmp_path, monkeypatch):
    for module in ("xarray", "pandas", "h5py"):
        pytest.importorskip(module, reason=f"{module} is not installed")
    monkeypatch.chdir(tmp_path)
    text, names = (DOCS / page).read_text(), {}
    blocks = list(re.finditer(r"^```python\n(.*?)^```", text, re.S | re.M))
    assert len(blocks) > 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for block in blocks:
            code = "\n" * text.count("\n", 0, block.start(1)) + block[1]
            exec(compile(code, page, "exec"), names)


@pytest.mark.skipif(os.environ.get("CHUNK_TEST_LEVEL") == "quick", reason="quick: the site takes 12 seconds")
def test_site_is_built_without_warnings(tmp_path):
    for module in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(module, reason=f"{module} is not installed")
    done = subprocess.run([sys.executable, str(DOCS / "site" / "make.py"), str(tmp_path / "docs")], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    for page, words in (("reference/python.html", "libchunk.cumulative_sum"), ("reference/c.html", "chunk_context_new"), ("reference/commands.html", "EXIT STATUS"),
                        ("reference/operations.html", "chunk_op_std_options"), ("from-dask.html", "map_blocks"), ("index.html", "ceiling")):
        assert words in re.sub(r"<[^>]+>", "", (tmp_path / "docs" / "html" / page).read_text())
