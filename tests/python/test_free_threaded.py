"""The free-threaded build of CPython. The extension declares itself ready for it (freethreading_compatible) and shares nothing between threads without a lock."""
import shutil
import sysconfig

import libchunk as lc
import pytest


def test_the_gil_stays_off():
    """Where the tests run on a free-threaded interpreter, importing the package does not switch the GIL on."""
    import sys

    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        found = [name for name in ("python3.13t", "python3.14t") if shutil.which(name)]
        pytest.skip(f"this interpreter has the GIL; free-threaded ones here: {', '.join(found) or 'none'} (neither Debian nor PyPI has one, and "
                    "the abi3 wheel is not for them)")
    assert not sys._is_gil_enabled()
    assert lc.map_blocks(lambda b: b + 1, lc.zeros((100, 100), chunks=(10, 100))).sum().compute() == 10**4
