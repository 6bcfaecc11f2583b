"""Levels and samples for all Python tests. CHUNK_TEST_LEVEL is quick, standard or full (default: standard); CHUNK_TEST_SAMPLE bounds the
tests taken of each file, drawn with SEED. A test that samples a battery of its own says so with the fixture `sampled`."""
import os
import random
import signal

import pytest

LEVEL = os.environ.get("CHUNK_TEST_LEVEL", "standard")
SEED = int(os.environ.get("SEED", "1"))
SAMPLE = int(os.environ.get("CHUNK_TEST_SAMPLE", "0"))
notes = []

# A shell starts what runs in the background with SIGINT ignored, and the programs under test would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def wanted(item):
    if item.get_closest_marker("full") and LEVEL != "full":
        return False
    return not (item.get_closest_marker("slow") and LEVEL == "quick")


def pytest_collection_modifyitems(config, items):
    kept = [item for item in items if wanted(item)]
    if SAMPLE:
        of_file = {}
        for item in kept:
            of_file.setdefault(str(item.path), []).append(item)
        chosen = set()
        for path, tests in sorted(of_file.items()):
            drawn = random.Random(f"{SEED}:{os.path.basename(path)}").sample(tests, min(SAMPLE, len(tests)))
            chosen.update(drawn)
            if len(drawn) < len(tests):
                notes.append(f"{os.path.basename(path)}: {len(drawn)} of {len(tests)} tests")
        kept = [item for item in kept if item in chosen]
    dropped = [item for item in items if item not in set(kept)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    items[:] = kept


@pytest.fixture(scope="session")
def sampled():
    """sampled("op battery", 300, 12345): logs that so many of so many cases were drawn with SEED."""

    def note(what, n, total):
        notes.append(f"{what}: {n} of {total} cases")

    return note


@pytest.fixture(scope="session")
def seed():
    return SEED


def pytest_terminal_summary(terminalreporter):
    for note in notes:
        terminalreporter.write_line(f"sampled: {note} (SEED={SEED})")
