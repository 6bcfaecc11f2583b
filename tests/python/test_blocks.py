"""Python functions on blocks: values against NumPy and SciPy, what they are told, what goes wrong, what a call costs; arrays in notebooks."""
import html.parser
import time

import libchunk as lc
import numpy as np
import pytest
from scipy import ndimage


@pytest.fixture
def pair(rng):
    """Values and their array in chunks of (30, 30)."""
    n = rng.random((100, 80))
    return n, lc.from_array(n, chunks=(30, 30))


def by_block(n, function):
    out = np.empty_like(n)
    for i in range(0, n.shape[0], 30):
        for j in range(0, n.shape[1], 30):
            out[i:i + 30, j:j + 30] = function(n[i:i + 30, j:j + 30])
    return out


def test_map_blocks(pair):
    n, x = pair
    np.testing.assert_array_equal(x.map_blocks(lambda b: b - b.mean()).compute(), by_block(n, lambda b: b - b.mean()))
    sums = lc.map_blocks(lambda b, k, times: b.sum(axis=1, keepdims=True) * times + k, x, 1.0, times=2, chunks=(None, 1))
    np.testing.assert_allclose(sums.compute(), np.stack([n[:, j:j + 30].sum(axis=1) for j in (0, 30, 60)], axis=1) * 2 + 1)
    np.testing.assert_array_equal(lc.map_blocks(np.add, x, n[0], dtype="f8").compute(), n + n[0])
    assert x.map_blocks(np.floor).astype("i2").dtype == "i2" and lc.map_blocks(lambda b: b > 0, x).dtype == bool
    np.testing.assert_array_equal(lc.map_blocks(lambda b: b[0], x, drop_axis=0, dtype="f8").compute(), n[0])
    assert lc.map_blocks(lambda b: b * 0 + b.shape[0], x, blocks=(50, 10))[0, 0].compute() == 50


def test_what_functions_are_told(pair):
    _, x = pair
    ids = lc.map_blocks(lambda b, block_id: np.full(b.shape, block_id[0] * 10 + block_id[1]), x, dtype="i8").compute()
    assert ids[0, 0] == 0 and ids[99, 79] == 32 and ids[35, 0] == 10
    seen = lc.map_blocks(lambda b, block_info: np.full(b.shape, block_info[None]["array-location"][1][0]), x, dtype="i8").compute()
    np.testing.assert_array_equal(seen[0], np.arange(80) // 30 * 30)


@pytest.mark.parametrize("boundary, mode", [("reflect", "reflect"), ("nearest", "nearest"), ("periodic", "wrap"), (0, "constant")])
def test_map_overlap(pair, boundary, mode):
    n, x = pair
    got = lc.map_overlap(ndimage.gaussian_filter, x, depth={0: 8, 1: (8, 8)}, boundary=boundary, sigma=2)
    np.testing.assert_allclose(got.compute(), ndimage.gaussian_filter(n, 2, mode=mode), rtol=1e-12)
    edge = x.map_overlap(lambda t: t[1:-1, 1:-1] + t[:-2, 1:-1], depth=1, boundary=boundary, trim=False, dtype="f8")
    padded = np.pad(n, 1, {"reflect": "symmetric", "nearest": "edge", "periodic": "wrap", 0: "constant"}[boundary])
    np.testing.assert_array_equal(edge.compute(), n + padded[:-2, 1:-1])


def test_blockwise(pair):
    n, x = pair
    np.testing.assert_array_equal(lc.blockwise(np.add.outer, "ij", x[:, 0], "i", x[0], "j").compute(), np.add.outer(n[:, 0], n[0]))
    got = lc.blockwise(lambda a, b, k: a @ b * k, (1, 3), x, (1, 2), n.T[:, :50], (2, 3), 2.0, None, dtype="f8")
    np.testing.assert_allclose(got.compute(), n @ n.T[:, :50] * 2)


def test_apply_gufunc(pair):
    n, x = pair
    np.testing.assert_allclose(lc.apply_gufunc(lambda a: np.linalg.norm(a, axis=-1), "(i)->()", x).compute(), np.linalg.norm(n, axis=-1))
    mean, std = lc.apply_gufunc(lambda a: (a.mean(-1), a.std(-1)), "(i)->(),()", x)
    np.testing.assert_allclose(mean.compute(), n.mean(-1))
    np.testing.assert_allclose(std.compute(), n.std(-1))
    np.testing.assert_array_equal(lc.apply_gufunc(np.sort, "(i)->(i)", x, axis=0).compute(), np.sort(n, axis=0))
    np.testing.assert_allclose(lc.apply_gufunc(np.matmul, "(i,j),(j,k)->(i,k)", x, n.T[:, :5]).compute(), n @ n.T[:, :5])
    np.testing.assert_allclose(lc.apply_gufunc(np.mean, "(i)->()", x, vectorize=True).compute(), n.mean(-1))
    two = lc.apply_gufunc(lambda a: np.quantile(a, [0.2, 0.8], axis=-1).T, "(i)->(q)", x, output_sizes={"q": 2})
    np.testing.assert_allclose(two.compute(), np.quantile(n, [0.2, 0.8], axis=-1).T)
    assert lc.apply_gufunc(lambda a: a.sum(-1), "(i)->()", x, keepdims=True).shape == (100, 1)
    for bad, kind in ((lambda: lc.apply_gufunc(np.sum, "(i)->(", x), ValueError), (lambda: lc.apply_gufunc(np.matmul, "(i,j),(j,k)->(i,k)", x, n), ValueError),
                      (lambda: lc.apply_gufunc(np.sum, "(i)->()", x, x), ValueError)):
        with pytest.raises(kind):
            bad()


class Mine(Exception):
    pass


def test_what_goes_wrong(pair):
    """Exceptions arrive as they are, with the block; wrong shapes and dtypes are told; the next run works."""
    _, x = pair

    def failing(b):
        raise Mine("told")

    with pytest.raises(Mine) as caught:
        lc.map_blocks(failing, x, dtype="f8").compute()
    assert "failing, block (" in caught.value.__notes__[0] and caught.traceback[-1].name == "failing"
    with pytest.raises(ValueError, match="another shape"):
        lc.map_blocks(lambda b: b[:3], x, dtype="f8").compute()
    with pytest.raises(TypeError):
        lc.map_blocks(lambda b: b + 0.5, x, dtype="i4").compute()
    with pytest.raises(ValueError, match="say dtype="):
        lc.map_blocks(failing, x)
    with pytest.raises(RuntimeError, match="cannot use libchunk"):
        lc.map_blocks(lambda b: b + x[:30, :30].compute(), x, dtype="f8").compute()
    with pytest.raises(ValueError):
        lc.map_blocks(np.sin, 5)
    with lc.options(memory="64MiB"), pytest.raises(lc.CeilingError):
        lc.map_blocks(np.sin, x, memory="100MiB").compute()
    assert lc.map_blocks(np.sin, x).compute().shape == x.shape


def test_names_are_used_again(pair):
    """Functions whose arrays are gone leave no registration behind, and those that are still used keep their own."""
    _, x = pair
    kept = [lc.map_blocks(lambda b, i=i: b * 0 + i, x, dtype="f8")[:1] for i in range(5)]
    first = next(iter(lc.map_blocks(np.sin, x).owners - x.owners)).name
    names = {next(iter(lc.map_blocks(np.sin, x).owners - x.owners)).name for _ in range(50)}
    assert names == {first}
    assert [k.compute()[0, 0] for k in kept] == [0, 1, 2, 3, 4]


def test_a_call_costs_little():
    """Under 15 us of processor time a block beyond the function."""
    x = lc.zeros((5000, 64), chunks=(1, 64)).map_blocks(lambda b: b, dtype="f8").sum()

    def cost():
        start = time.process_time()
        x.compute()
        return (time.process_time() - start) / 5000

    assert min(cost() for _ in range(5)) < 15e-6


def test_drawn_graphs(pair, tmp_path, monkeypatch):
    """Every operation has its box, edges go down from inputs to what uses them, and boxes do not overlap."""
    from xml.etree import ElementTree

    from libchunk import _graph

    n, x = pair
    mean = x.mean(axis=0)
    y = (lc.map_blocks(np.sin, x - mean) / x.std(axis=0)).persist()
    made = lc.visualize(y - y.max(), y.sum(axis=1) * 2, filename=tmp_path / "g.svg")
    text = (tmp_path / "g.svg").read_text()
    assert text == made.svg == made._repr_svg_() and repr(made).startswith("libchunk.Drawing(")
    tree = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    first = [g.find(f"{space}text").text for g in tree.iter(f"{space}g")]
    assert sorted(first) == sorted(["memory", "rechunk", "sum", "divide 100", "subtract", "map_blocks", "var", "sqrt", "divide", "persist", "max", "subtract", "sum", "multiply 2"])
    rects = [tuple(float(r.get(k)) for k in ("x", "y", "width", "height")) for r in tree.iter(f"{space}rect")]
    for i, (x1, y1, w1, h1) in enumerate(rects):
        assert not any(x1 < x2 + w2 and x2 < x1 + w1 and y1 < y2 + h2 and y2 < y1 + h1 for x2, y2, w2, h2 in rects[:i])
    assert sum(r.get("stroke") == _graph.RESULT for r in tree.iter(f"{space}rect")) == 2
    for path in tree.iter(f"{space}path"):
        if path.get("fill") == "none":
            ends = [float(v) for v in path.get("d")[1:].replace("C", " ").replace(",", " ").split()]
            assert ends[1] < ends[-1]
    y.visualize(tmp_path / "g.dot")
    lines = (tmp_path / "g.dot").read_text().splitlines()
    assert lines[0] == "digraph libchunk {" and sum("->" in line for line in lines) == 11 and sum("label" in line for line in lines) == 10
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="Graphviz"):
        y.visualize(tmp_path / "g.png")
    long = x
    for i in range(100):
        long = long + x[i % 50]
    assert long.visualize().svg.count("<rect") == 2 + 50 + 100
    with pytest.raises(ValueError, match="at most 2000"):
        for i in range(2000):
            long = lc.sin(long)
        long.visualize()


class Checker(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.lines = [], 0
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.lines += tag == "line"

    def handle_startendtag(self, tag, attrs):
        self.lines += tag == "line"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("shape", [(), (0,), (10,), (100, 80), (5, 100, 200), (2, 5, 100, 200), (3, 0, 4)])
def test_shown_in_notebooks(shape):
    text = lc.zeros(shape)._repr_html_()
    assert str(shape) in text and "float64" in text and "Peak memory" in text
    Checker(text)
    few, many = (Checker(lc.zeros((10**6, 10), chunks=c)._repr_html_()).lines for c in ((10**6, 10), (100, 10)))
    assert few < many < 200
