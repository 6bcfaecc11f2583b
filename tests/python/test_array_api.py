"""The public suite array-api-tests (data-apis/array-api-tests on GitHub, not on PyPI), where ARRAY_API_TESTS names a clone of it with its submodule and
the Python package ndindex is installed. It needs a minute; array_api/ lists what is expected to fail, with reasons."""
import os
import resource
import subprocess
import sys
from pathlib import Path

import libchunk as lc
import pytest

LISTS = Path(__file__).parent / "array_api"
SUITE = os.environ.get("ARRAY_API_TESTS")
EXAMPLES = 5


def listed(name, reason="# "):
    """The tests in a list that stand under a reason which begins so."""
    groups = [part.splitlines() for part in (LISTS / name).read_text().strip().split("\n\n")[1:]]
    assert groups and all(g[0].startswith("# ") and len(g) > 1 and not any(line.startswith("#") for line in g[1:]) for g in groups)
    return [line for g in groups if g[0].startswith(reason) for line in g[1:]]


def test_what_is_listed_as_absent_is_absent():
    names = [test.partition("[")[2].rstrip("]") for test in listed("absent.txt") if "test_has_names[" in test]
    assert names
    for name in names:
        family, _, function = name.partition("-")
        assert not hasattr(lc.linalg if family == "linalg" else lc, function), f"{name} is there: take its tests out of absent.txt"


def test_public_suite():
    if not SUITE:
        pytest.skip("ARRAY_API_TESTS names no clone of array-api-tests")
    env = {**os.environ, "ARRAY_API_TESTS_MODULE": "libchunk", "ARRAY_API_TESTS_VERSION": lc.__array_api_version__}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-rfEX", "--tb=line", "-p", "no:cacheprovider", f"--max-examples={EXAMPLES}",
                           "--hypothesis-disable-deadline", "--hypothesis-derandomize", f"--skips-file={LISTS / 'absent.txt'}",
                           f"--xfails-file={LISTS / 'deviations.txt'}", "array_api_tests"], cwd=SUITE, env=env, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    may_pass = listed("deviations.txt", "# sometimes")
    told = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))
            or line.startswith("XPASS") and not any(test in line for test in may_pass)]
    assert done.returncode == 0 and not told, "\n".join(told or [done.stdout[-2000:], done.stderr[-2000:]])
    seconds = after.ru_utime - before.ru_utime
    assert seconds < 60 * EXAMPLES / 5, f"{seconds:.0f} s of processor time"
