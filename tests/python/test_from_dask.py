"""docs/from-dask.md is made of Dask's names and the installed package; what is absent is listed with its reason and may only shrink."""
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "from-dask"


def test_table_is_true():
    done = subprocess.run([sys.executable, str(FOLDER / "table.py"), "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_absent_only_shrinks():
    """The number is of the day the list was made: it is lowered when names come."""
    lines = [line for line in (FOLDER / "absent.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) <= 60 and len(set(lines)) == len(lines)
