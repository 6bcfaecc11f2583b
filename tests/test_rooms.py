"""The rooms of libchunk form an order: a file includes only its own room and those below it. Tools and examples see the public header
alone. The headers of libraries stay in the rooms that are meant to know them."""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ["base", "array", "kern", "store", "expr", "plan", "ops", "run", "api"]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
# Library header -> the rooms that may include it.
LIBRARY_ROOMS = {
    "hdf5.h": {"store"}, "H5": {"store"}, "libdeflate.h": {"store"}, "lz4": {"store"}, "zstd": {"store"}, "sleef.h": {"kern"},
    "cblas": {"kern"}, "lapack": {"kern"}, "fftw": {"kern"},
}


def includes(path):
    return [(kind == '"', name) for kind, name in INCLUDE.findall(path.read_text())]


def sources(*folders):
    return [p for folder in folders for p in sorted((ROOT / folder).rglob("*.[ch]"))]


def room_files():
    return [p for room in ROOMS for p in sources(f"libchunk/{room}")]


def test_every_folder_is_a_room():
    found = {p.name for p in (ROOT / "libchunk").iterdir() if p.is_dir()}
    assert found <= {*ROOMS, "include"}


@pytest.mark.parametrize("path", room_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_includes_only_lower_rooms(path):
    room = path.relative_to(ROOT / "libchunk").parts[0]
    lower = ROOMS[: ROOMS.index(room) + 1]
    # ops and run know only the task contract, not each other.
    if room == "run":
        lower.remove("ops")
    for quoted, name in includes(path):
        first = name.split("/")[0]
        if quoted and first in ROOMS:
            assert first in lower, f"{room} includes {name}"
        elif quoted and "/" not in name:
            assert (path.parent / name).exists(), f"{name} is not beside {path.name}: write the room before it"
        for prefix, allowed in LIBRARY_ROOMS.items():
            if name.startswith(prefix):
                assert room in allowed, f"{room} includes {name}"


@pytest.mark.parametrize("path", sources("tools", "examples"), ids=lambda p: str(p.relative_to(ROOT)))
def test_outside_sees_the_public_header_only(path):
    for quoted, name in includes(path):
        if quoted:
            public = name in ("chunk.h", "chunk_status.h", "include/chunk.h")
            assert public or (path.parent / name).exists(), f"{path.name} includes {name}"
        assert name.split("/")[0] not in ROOMS, f"{path.name} includes {name}"
        assert not name.startswith(("hdf5.h", "H5")), f"{path.name} includes {name}"


def test_public_headers_include_nothing_of_ours_but_themselves():
    for path in sources("libchunk/include"):
        for quoted, name in includes(path):
            assert not quoted or (path.parent / name).exists()
