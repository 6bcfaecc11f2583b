"""chunk info: the table, -v, --json, and what it does with files that are none."""
import json
import struct
import subprocess
import sys

import h5py
import hdf5plugin
import numpy as np
import pytest
from chunkcli import CHUNK_INFO, chunk, is_sanitized

KEYS = "file path shape maxshape dtype layout chunks filters logical_bytes stored_bytes chunks_written chunks_total".split()


@pytest.fixture
def folder(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        d = f.create_dataset("t", shape=(100, 40), maxshape=(None, 40), chunks=(10, 20), dtype="f4", compression="gzip", compression_opts=4, shuffle=True,
                             fillvalue=-1)
        d[:25] = np.arange(1000).reshape(25, 40)
        d.attrs["units"] = "K"
        d.attrs["range"] = [1.5, 2]
        f["g/flat"] = np.arange(10, dtype=">i2")
        f["g/scalar"] = True
        f["g/words"] = ["a", "b"]
        f.create_dataset("z", data=np.zeros((8, 8), "c16"), chunks=(4, 4), **hdf5plugin.LZ4())
    return tmp_path


def info(*args, **kw):
    done = chunk(*args, program=CHUNK_INFO, **kw)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_json(folder):
    out = info("a.h5", "--json", cwd=folder)
    assert out.endswith("]\n") and out.count("\n") == 1
    sets = {d["path"]: d for d in json.loads(out)}
    assert list(sets) == ["/g/flat", "/g/scalar", "/g/words", "/t", "/z"] and all(list(d) == KEYS for d in sets.values())
    t = sets["/t"]
    with h5py.File(folder / "a.h5") as f:
        stored = f["t"].id.get_storage_size()
    assert t == {"file": "a.h5", "path": "/t", "shape": [100, 40], "maxshape": [None, 40], "dtype": "float32", "layout": "chunked", "chunks": [10, 20],
                 "filters": "shuffle,gzip=4", "logical_bytes": 16000, "stored_bytes": stored, "chunks_written": 6, "chunks_total": 20}
    flat = sets["/g/flat"]
    assert flat["dtype"] == "int16" and flat["layout"] == "contiguous" and flat["chunks"] is None and flat["chunks_total"] is None
    assert flat["filters"] == "none" and flat["stored_bytes"] == flat["logical_bytes"] == 20
    assert sets["/g/scalar"]["shape"] == [] and sets["/g/scalar"]["dtype"] == "bool"
    assert "string" in sets["/g/words"]["dtype"]
    assert sets["/z"]["filters"] == "lz4" and sets["/z"]["dtype"] == "complex128"


def test_verbose(folder):
    t = [d for d in json.loads(info("a.h5", "--json", "-v", cwd=folder)) if d["path"] == "/t"][0]
    assert list(t) == KEYS + ["fill_value", "attributes", "index"]
    assert t["fill_value"] == -1 and t["attributes"] == {"units": "K", "range": [1.5, 2]} and t["index"] not in ("", "none")
    text = info("a.h5:/t", "-v", cwd=folder)
    assert "units" in text and "fill value" in text and "100x40 (*x40)" in text


def test_table(folder):
    lines = info("a.h5", cwd=folder).splitlines()
    assert lines[0].split() == "dataset shape type layout chunks filters logical stored written".split() and len(lines) == 6
    row = [line for line in lines if line.startswith("/t ")][0]
    for word in ("100x40 (*x40)", "float32", "chunked", "10x20", "shuffle,gzip=4", "15.6 KiB", ":1)", "6 of 20"):
        assert word in row, row
    assert len({line.index("chunked") for line in lines if "chunked" in line}) == 1, "columns are aligned"


def test_objects_and_several_files(folder):
    assert [d["path"] for d in json.loads(info("a.h5:/g", "--json", cwd=folder))] == ["/g/flat", "/g/scalar", "/g/words"]
    assert [d["path"] for d in json.loads(info("a.h5/g/flat", "--json", cwd=folder))] == ["/g/flat"]
    both = info("a.h5:/t", "a.h5:/z", cwd=folder)
    assert both.count("a.h5") == 2
    assert [d["path"] for d in json.loads(info("a.h5:/t", "a.h5:/z", "--json", cwd=folder))] == ["/t", "/z"]


def test_empty_file(folder):
    h5py.File(folder / "empty.h5", "w").close()
    assert info("empty.h5", "--json", cwd=folder) == "[]\n"


def test_failures(folder):
    (folder / "text").write_text("no\n")
    (folder / "cut.h5").write_bytes((folder / "a.h5").read_bytes()[:700])
    for args in (["none.h5"], ["text"], ["cut.h5"], ["a.h5:/none"], ["."]):
        done = chunk("info", *args, "--json", cwd=folder)
        assert done.returncode == 1 and json.loads(done.stdout)["exit"] == 1, args
        assert done.stderr.count("\n") == 1 and done.stderr.startswith("chunk: ")
    done = chunk("info", "none.h5", "a.h5:/t", cwd=folder)
    assert done.returncode == 1 and "/t" in done.stdout, "the others are listed all the same"
    for args in ([], ["a.h5", "--what"]):
        assert chunk("info", *args, cwd=folder).returncode == 2


def test_what_cannot_be_read_hides_nothing_else(tmp_path):
    """The layout message of the dataset in the middle has a version that no HDF5 knows."""
    with h5py.File(tmp_path / "x.h5", "w") as f:
        for name in "abc":
            f.create_dataset(name, data=np.arange(1000.0 * (ord(name) - 90)))
        offset = f["b"].id.get_offset()
    raw = (tmp_path / "x.h5").read_bytes()
    at = raw.index(offset.to_bytes(8, "little")) - 2
    assert raw[at : at + 2] == b"\3\1"
    (tmp_path / "x.h5").write_bytes(raw[:at] + b"\x63" + raw[at + 1 :])
    done = chunk("info", tmp_path / "x.h5")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["dataset", "/a", "/c"]


def test_damaged_length_takes_no_memory(tmp_path):
    """An attribute that claims two billion characters: 2 GiB were taken before HDF5 noticed."""
    if is_sanitized():
        pytest.skip("sanitizers keep shadows of memory, so that it cannot be limited")
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f["x"] = np.arange(10.0)
        f["x"].attrs["note"] = "text"
    good = (tmp_path / "x.h5").read_bytes()
    length = struct.pack("<IQ", 4, good.index(b"GCOL"))      # of the value, and where it lies
    assert good.count(length) == 1
    (tmp_path / "x.h5").write_bytes(good.replace(length, struct.pack("<I", 2_000_000_000) + length[4:]))
    command = [sys.executable, "-c", "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
               "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)", CHUNK_INFO, "x.h5", "-v"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    *told, peak = done.stdout.splitlines()
    assert 'attributes  {"note":null}' in told and int(peak) < 300_000


def test_names_do_nothing_to_the_terminal(tmp_path):
    """Newlines and control bytes of names, also those above ASCII, are question marks; JSON has them escaped."""
    names = ["a\nb", "c\x1b[31md", "e\x7f", "f\x9b5n", "\u00e9"]
    with h5py.File(tmp_path / "n.h5", "w") as f:
        for name in names:
            f[name] = np.arange(3)
        f["\u00e9"].attrs["k\x7f\n\x01"] = 1
        f["\u00e9"].attrs.create(b"\xff", 2)
    table = info("n.h5", cwd=tmp_path)
    assert sorted(line.split()[0] for line in table.splitlines()[1:]) == sorted(["/a?b", "/c?[31md", "/e?", "/f?5n", "/\u00e9"])
    for options in ([], ["-v"]):
        text = info("n.h5", *options, cwd=tmp_path)
        assert not [c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)]
    sets = json.loads(info("n.h5", "--json", "-v", cwd=tmp_path))
    assert {d["path"] for d in sets} == {"/" + name for name in names}
    assert sets[-1]["attributes"] == {"k\x7f\n\x01": 1, "\udcff": 2}


def test_null_dataspace_has_no_elements(tmp_path):
    with h5py.File(tmp_path / "n.h5", "w") as f:
        f["null"] = h5py.Empty("f4")
        f["scalar"] = np.float32(1)
    null, scalar = json.loads(info("n.h5", "--json", cwd=tmp_path))
    assert (null["shape"], null["maxshape"], null["logical_bytes"]) == (None, None, 0)
    assert (scalar["shape"], scalar["logical_bytes"]) == ([], 4)
    row = info("n.h5:/null", cwd=tmp_path).splitlines()[1]
    assert row.split()[:2] == ["/null", "-"] and "empty" in row and " 0 B " in row


def test_damaged_files_in_one_clear_line(tmp_path):
    """A root group that cannot be read was said to be "no object ;"."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as f:
        f["x"] = np.arange(1000.0)
        root = h5py.h5o.get_info(f["/"].id).addr
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    done = chunk(path, program=CHUNK_INFO)
    assert done.returncode == 1 and f"truncated: {len(whole) // 2} of {len(whole)} bytes are left" in done.stderr and done.stderr.count("\n") == 1
    path.write_bytes(whole[:root] + b"\xee" * 16 + whole[root + 16 :])
    done = chunk(path, program=CHUNK_INFO)
    assert done.returncode == 1 and "damaged" in done.stderr and done.stderr.count("\n") == 1, done.stderr
