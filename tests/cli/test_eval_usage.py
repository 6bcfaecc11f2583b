"""What the command line alone decides: exit 2, before any file is opened."""
from pathlib import Path

import h5py
import numpy as np
import pytest
from chunkcli import chunk_eval, eval_fails, eval_json, eval_ok


@pytest.fixture
def x(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f["x"] = np.arange(6.0).reshape(2, 3)
        f["g/y"] = np.arange(3)
    return f"x={tmp_path}/x.h5:/x"


@pytest.mark.parametrize(
    "args, words",
    [
        (["x +", "x=a.h5:/x"], "column"),
        (["x + )", "x=a.h5:/x"], "column"),
        (["1 < 2 < 3"], "(a < b) & (b < c)"),
        (["x and y", "x=a.h5:/x", "y=a.h5:/y"], "&"),
        (["sqroot(x)", "x=a.h5:/x"], "sqrt"),
        (["x + z", "x=missing.h5:/x"], "'z'"),
        (["temp + 1", "temps=missing.h5:/x"], "temps"),
        (["x", "sin=a.h5:/x", "x=a.h5:/x"], "function"),
        (["x", "arctan2=a.h5:/x", "x=a.h5:/x"], "function"),
        (["x", "x=a.h5:/x", "x=b.h5:/x"], "twice"),
        (["x", "2x=a.h5:/x"], "not a name"),
        (["x", "a.h5:/x"], "NAME=FILE"),
        (["x", "x=a.h5"], "dataset"),
        (["1", "--memory", "64M"], "--memory"),
        (["1", "--memory", "64 MiB"], "--memory"),
        (["1", "--memory", "64mib"], "--memory"),
        (["1", "--memory", "-1"], "--memory"),
        (["1", "--memory", "MiB"], "--memory"),
        (["1", "--memory", "99999999999999999999"], "--memory"),
        (["1", "--memory"], "needs a value"),
        (["1", "--memroy", "1GiB"], "--memory"),
        (["1", "--threads", "0"], "--threads"),
        (["1", "--threads", "many"], "--threads"),
        (["1", "--chunks", "10x"], "--chunks"),
        (["1", "--chunks", "0x4"], "--chunks"),
        (["1", "--filter", "gzip=11"], "--filter"),
        (["1", "--filter", "gzip,lz4"], "--filter"),
        (["1", "--filter", "bzip2"], "--filter"),
        (["1", "--filter", "shuffle,shuffle"], "twice"),
        (["1", "--filter", "bitshuffle,shuffle"], "shuffles already"),
        (["1", "--filter", "none,gzip"], "none stands alone"),
        (["1", "--filter", "gzip,"], "is none of"),
        (["1", "--into", "a.h5:/x", "--into", "b.h5:/x"], "twice"),
        ([";".join(["1"] * 1025)], "1025 results"),
        (["1", "--json=yes"], "no value"),
        (["1;2", "-o", "out.h5:/a"], "2 results"),
        (["1", "-o", "out.h5:/a", "-o", "out.h5:/b"], "1 result"),
        (["1;2", "-o", "out.h5:/a", "-o", "out.h5:/a"], "two results"),
        (["1;2", "-o", "out.h5:/a", "-o", "out.h5://a"], "two results"),
        (["1;2", "-o", "out.h5:/a", "-o", "./out.h5:/a"], "two results"),
        (["1;2", "-o", "out.h5:/a", "-o", "out.h5:/a/b"], "runs through"),
        (["1;2", "-o", "out.h5:/g/a/b", "-o", "out.h5:/g//a"], "runs through"),
        (["1", "-o", "out.h5:/./a"], "'.'"),
        (["1;2", "-o", "out.h5:/g/"], "no name"),
        (["a = 1;2", "-o", "out.h5:/g/", "-o", "out.h5:/b"], "group"),
        (["1", "-o", "out.h5"], "FILE:/DATASET"),
        (["k := 1"], "result"),
        (["ones((2, 3)) + ones((4, 5))"], "(2, 3)"),
        (["astype(x, 'flot32')", "x=missing.h5:/x"], "did you mean 'float32'"),
        (["sum(x, dtype='imt64')", "x=missing.h5:/x"], "did you mean 'int64'"),
        (["1 + NaN"], "did you mean 'nan'"),
        (["-Inf"], "did you mean 'inf'"),
        (["true"], "did you mean 'True'"),
        (["Pi * 2"], "did you mean 'pi'"),
        (["astype(1, flot32)"], "did you mean 'float32'"),
        (["NaN", "nam=a.h5:/x"], "did you mean 'nan'"),
        (["p", "q=a.h5:/x"], "p=FILE:/DATASET"),
        (["tas", "q=a.h5:/x"], "tas=FILE:/DATASET"),
    ],
)
def test_usage(tmp_path, args, words):
    message = eval_fails(2, *args, cwd=tmp_path)
    assert words in message, message
    assert list(tmp_path.iterdir()) == []


def test_no_expression():
    assert chunk_eval().returncode == 2


def test_caret_under_the_column(tmp_path):
    done = chunk_eval("1 + foo(2)", cwd=tmp_path)
    lines = done.stderr.splitlines()
    assert done.returncode == 2 and lines[0] == "  1 + foo(2)" and lines[1] == "      ^" and "column 5" in lines[2]
    assert len(chunk_eval("1 + foo(2)", "-q").stderr.splitlines()) == 1


def test_expression_comes_first(x):
    assert eval_ok("-x", x) == str(-np.arange(6.0).reshape(2, 3)) + "\n"
    assert eval_ok("--x", x) == str(np.arange(6.0).reshape(2, 3)) + "\n"
    assert eval_ok("-1") == "-1\n"
    done = chunk_eval("--help", x)
    assert done.returncode == 2, "only a sole --help is special: here it is the text --help, of which help is not bound"


@pytest.mark.parametrize("text", ["pad(x, 1, 'foo')", "gaussian_filter(x, 1, mode='foo')", "reshape(x, 6, order='K')", "pad(x, 1, 'reflect', reflect_type='f')",
                                  "coarsen('foo', x, (1, 3))", "meshgrid(x[0], x[0], indexing='yx')"])
def test_a_choice_that_there_is_not(x, text):
    """With a file bound it was taken for one about the file."""
    assert chunk_eval(text, x).returncode == 2


ALONE = ["mean(x, axis=1.5)", 'x["a"]', "x[1.5]", "x[::0]", "x[..., ...]", 'sum(x); "s"', "x + None", "x + (1, 2)", 'sum(x, keepdims="a")', "std(x, dtype=int8)",
         "astype(x, 3)", "x + zeros(-1)", "x + 1//0", "zeros(3) + zeros(4) + x", "2**70 + x", "round(x, 1.5)", "broadcast_to(x, (-1,))", "sum(x, axis=(0, 0))", "argmin(x[:0])"]


@pytest.mark.parametrize("text, code", [(t, 2) for t in ALONE] + [(t, 1) for t in ("sum(x, axis=2)", "x @ zeros(7)", "x[5]", "x + zeros((5, 5))")])
def test_what_the_text_alone_decides(x, text, code):
    """Whatever the file holds these fail, or only with what it does hold."""
    done = chunk_eval(text, x)
    assert done.returncode == code, done.stderr


def test_nesting_is_of_the_text():
    done = chunk_eval("+".join(["arange(3)"] * 1100))
    assert done.returncode == 2 and "NAME := PART" in done.stderr


def test_trace_replaces_nothing_else(tmp_path, x):
    """A trace once went over the run's own input."""
    name = x.removeprefix("x=").split(":/")[0]
    before = Path(name).read_bytes()
    assert chunk_eval("x + 1", x, "--trace", name).returncode == 2
    (tmp_path / "other").write_bytes(before)
    done = chunk_eval("x + 1", x, "--trace", tmp_path / "other")
    assert done.returncode == 1 and "is not a trace" in done.stderr
    assert Path(name).read_bytes() == before and (tmp_path / "other").read_bytes() == before
    done = chunk_eval("x + 1", x, "-o", f"{tmp_path}/new.h5:/y", "--trace", tmp_path / "new.h5")
    assert done.returncode == 2 and not (tmp_path / "new.h5").exists()
    for _ in range(2):
        eval_ok("x + 1", x, "--trace", tmp_path / "trace.json")


def test_scratch_is_a_folder(tmp_path, x):
    (tmp_path / "file").write_text("")
    for scratch in (tmp_path / "none", tmp_path / "file"):
        done = chunk_eval("sum(x)", x, "--scratch", scratch)
        assert done.returncode == 1 and str(scratch) in done.stderr


def test_transposed_as_attribute(x):
    v = np.arange(6.0).reshape(2, 3)
    assert eval_ok("x.T @ x", x) == str(v.T @ v) + "\n"
    assert eval_ok("stack([x, x + 1]).mT[1].T", x) == str(v + 1) + "\n"
    assert eval_ok("-x.T ** 2", x) == str(-(v.T**2)) + "\n"
    assert "write sum(x)" in chunk_eval("x.sum()", x).stderr and chunk_eval("x.T()", x).returncode == 2


def test_lists_of_lists(x):
    """A list where arrays are joined is several arrays; widths are in lists or tuples, mixed as one likes."""
    v = np.arange(6.0).reshape(2, 3)
    assert eval_ok("concat([[1, 2], [3, 4]])") == eval_ok("concat(((1, 2), (3, 4)))") == eval_ok("hstack([[1, 2], [3, 4]])") == "[1 2 3 4]\n"
    assert eval_ok("stack([[1, 2], [3, 4]])") == "[[1 2]\n [3 4]]\n"
    assert eval_ok("concat([x, [[1, 2, 3]]])", x) == str(np.concatenate([v, [[1, 2, 3]]])) + "\n"
    for width in ("([1, 0], [0, 2])", "[(1, 0), [0, 2]]", "((1, 0), (0, 2))"):
        assert eval_ok(f"pad(x, {width})", x) == str(np.pad(v, ((1, 0), (0, 2)))) + "\n"


@pytest.mark.parametrize("text, want", [
    ("concat([[1, 2], [3.5], [4, 5, 6]])", [1, 2, 3.5, 4, 5, 6]), ("hstack([[1], [2, 3]])", [1, 2, 3]), ("vstack([[[1, 2], [3, 4]], [[5, 6]]])", [[1, 2], [3, 4], [5, 6]]),
    ("delete([1, 2, 3], [True, False, True])", [2]), ("delete([[1, 2], [3, 4]], [True, False], axis=1)", [[2], [4]]), ("delete([1, 2], (False, False))", [1, 2]),
    ("insert([1, 2, 3], [2, 0, 2], [8, 9, 7])", [9, 1, 2, 8, 7, 3]), ("insert([1, 2, 3], (0, 2), (7, 8))", [7, 1, 2, 8, 3]), ("insert([1, 2, 3], [], [])", [1, 2, 3]),
])
def test_lists_that_are_joined_and_cut(text, want):
    """Lists of several lengths are joined; a mask deletes where it is true (it was taken for indices 0 and 1), places of insert may come in any order."""
    assert eval_ok(text) == str(np.array(want)) + "\n"


def test_lists_that_are_no_array_or_mask(x):
    assert "got a list of lists of several lengths" in chunk_eval("sum([[1, 2], [3]])").stderr
    for mask in ("[True]", "True"):
        assert "delete: a mask of 1 for an axis of length 3" in chunk_eval(f"delete([1, 2, 3], {mask})").stderr


def test_literals_have_the_dtypes_of_python(tmp_path):
    for text, dtype in [("True ** 2", "int64"), ("True + True", "int64"), ("True * 2", "int64"), ("square(True)", "int8"), ("array([True]) ** 2", "int8"),
                        ("array([True]) ** 3", "int64"), ("True ** -1", "float64")]:
        eval_ok(text, "-o", f"{tmp_path}/o.h5:/r", "--overwrite")
        with h5py.File(tmp_path / "o.h5") as f:
            assert f["r"].dtype == dtype, text


def test_types_that_are_not_computed_with(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as f:
        half = h5py.h5t.IEEE_F32LE.copy()
        half.set_fields(15, 7, 8, 0, 7)
        half.set_size(2)
        space = h5py.h5s.create_simple((4,))
        h5py.h5d.create(f.id, b"bf", half, space)
        h5py.h5d.create(f.id, b"arr", h5py.h5t.array_create(h5py.h5t.IEEE_F32LE, (3, 2)), space)
    for name, words in [("bf", "elements of type bfloat16 cannot"), ("arr", "elements of type array of 3x2 float32 cannot")]:
        text = chunk_eval("x", f"x={tmp_path}/t.h5:/{name}").stderr
        assert words in text and "store them as bool, integers" in text and text.count("\n") == 1


def test_options_anywhere(x):
    assert eval_ok("sum(x)", "--threads=1", x, "-q", "--memory=1GiB") == "15.0\n"
    assert eval_ok("sum(x)", "--", x) == "15.0\n"


def test_unused_binding_is_a_warning(x, tmp_path):
    done = chunk_eval("x[0]", x, f"y={tmp_path}/missing.h5:/y")
    assert done.returncode == 0 and done.stderr == "chunk: warning: 'y' is not used by the expression\n"
    assert chunk_eval("x[0]", x, f"y={tmp_path}/missing.h5:/y", "-q").stderr == ""


def test_a_name_shadows_a_constant(tmp_path, x):
    assert eval_json("e + 0*pi", f"e={tmp_path}/x.h5:/g/y", f"pi={tmp_path}/x.h5:/g/y")["value"] == [0, 1, 2]


@pytest.mark.parametrize("name", ["True", "False", "None", "newaxis", "inf", "nan", "int", "float32", "complex128"])
def test_every_constant_may_be_a_name(tmp_path, x, name):
    done = chunk_eval(f"{name} + 1", f"{name}={tmp_path}/x.h5:/g/y")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[1 2 3]\n", "")


def test_constants_in_strings_and_numbers_are_no_uses(tmp_path):
    for text, name in [("astype(1, 'float32')", "float32"), ("1e3", "e")]:
        done = chunk_eval(text, f"{name}={tmp_path}/missing.h5:/x")
        assert done.returncode == 0 and f"'{name}' is not used" in done.stderr


def test_outputs_of_one_file_written_differently(tmp_path):
    eval_ok("1; 2", "-o", "out.h5:/a", "-o", "./out.h5:/b", cwd=tmp_path)
    with h5py.File(tmp_path / "out.h5") as f:
        assert f["a"][()] == 1 and f["b"][()] == 2


@pytest.mark.parametrize("size, n", [("67108864", 1 << 26), ("65536KiB", 1 << 26), ("64MiB", 1 << 26), ("1GiB", 1 << 30), ("1TiB", 1 << 40),
                                     ("100000KB", 10**8), ("100MB", 10**8), ("1GB", 10**9), ("1TB", 10**12)])
def test_sizes(size, n):
    assert eval_json("1 + 1", "--memory", size)["ceiling"] == n


@pytest.mark.parametrize(
    "args, words",
    [
        (["x", "x={}/none.h5:/x"], "none.h5"),
        (["x", "x={}/x.h5:/none"], "none"),
        (["x", "x={}/x.h5:/g"], "g"),
        (["x", "x={}/text:/x"], "text"),
        (["x", "x={}/nofolder/x.h5:/x"], "nofolder"),
        (["x + y", "x={}/x.h5:/x", "y={}/x.h5:/long"], "(2, 3)"),
        (["sum(x, axis=2)", "x={}/x.h5:/x"], "axis"),
        (["x", "x={}/x.h5:/x", "-o", "{}/nofolder/out.h5:/y"], "nofolder"),
        (["x", "x={}/x.h5:/x", "-o", "{}/text:/y"], "text"),
        (["x", "x={}/x.h5:/x", "-o", "{}/out.h5:/y", "--chunks", "4"], "axes"),
    ],
)
def test_files_are_exit_1(tmp_path, x, args, words):
    with h5py.File(tmp_path / "x.h5", "a") as f:
        f["long"] = np.arange(17)
    (tmp_path / "text").write_text("no HDF5\n")
    before = sorted(tmp_path.iterdir())
    message = eval_fails(1, *(a.format(tmp_path) for a in args))
    assert words in message, message
    assert sorted(tmp_path.iterdir()) == before


def test_where_a_target_splits(tmp_path):
    """FILE:/DATASET splits at the first ":/" whose left side is a file or can become one; FILE/DATASET where FILE exists."""
    for name in ("a.h5", "odd:name.h5"):
        with h5py.File(tmp_path / name, "w") as f:
            f["g/x"] = 1
            f["c:/x"] = 2
    (tmp_path / "dir:").mkdir()
    with h5py.File(tmp_path / "dir:" / "b.h5", "w") as f:
        f["x"] = 3
    for text, value in [("a.h5:/g/x", 1), ("a.h5/g/x", 1), ("./a.h5/g/x", 1), ("a.h5:/c:/x", 2), ("odd:name.h5:/g/x", 1), ("dir:/b.h5:/x", 3),
                        ("dir:/b.h5/x", 3), (f"{tmp_path}/a.h5:/g/x", 1)]:
        assert eval_json("x", f"x={text}", cwd=tmp_path)["value"] == value, text
    eval_ok("1 + 1", "-o", "dir:/new.h5:/x", cwd=tmp_path)
    assert (tmp_path / "dir:" / "new.h5").exists()
    eval_ok("1 + 1", "-o", "new:/c:/x", cwd=tmp_path)
    with h5py.File(tmp_path / "new") as f:
        assert f["c:/x"][()] == 2
    eval_ok("1 + 2", "-o", "new/c:/x", "--overwrite", cwd=tmp_path)
    with h5py.File(tmp_path / "new") as f:
        assert f["c:/x"][()] == 3
