"""The drawing of an expression: its operations in layers, inputs above, results below, as SVG. The layout is our own, of the kind that Sugiyama found: layers
by longest path, neighbours brought near each other by sweeps over the layers, long edges bent around what lies between."""
import json
import os
from html import escape

from libchunk import _core
from libchunk._convert import size_text

COLORS = {"source": "#cfe3f1", "scalar": "#f4f4f4", "iota": "#f4f4f4", "map": "#e3f1d8", "reduce": "#f9dcc4", "view": "#eeeeee", "keep": "#e6dbf1", "custom": "#fbeeb8"}
EDGE, RESULT = "#3b6a8f", "#b00020"
CHARACTER, LINE, PAD, GAP_X, GAP_Y = 6.4, 14.0, 7.0, 18.0, 34.0
MOST = 2000          # boxes: more are of no use to anybody


class Drawing:
    """A drawn graph. Shows itself in a notebook.

    Attributes
    ----------
    svg : str
    """

    def __init__(self, svg):
        self.svg = svg

    def _repr_svg_(self):
        return self.svg

    def _repr_html_(self):
        return self.svg

    def __repr__(self):
        return f"libchunk.Drawing({len(self.svg)} characters of SVG)"


class Box:
    """A node with its place; one without lines is a bend of a long edge."""

    __slots__ = ("lines", "kind", "tip", "inputs", "layer", "x", "y", "width", "height", "result", "above", "below")

    def __init__(self, lines=(), kind="", tip="", inputs=()):
        self.lines, self.kind, self.tip, self.inputs = lines, kind, tip, inputs
        self.result, self.above, self.below, self.x, self.y = False, [], [], 0.0, 0.0
        self.width = max((len(t) for t in lines), default=0) * CHARACTER + 2 * PAD if lines else 4.0
        self.height = len(lines) * LINE + PAD if lines else 0.0


def visualize(*arrays, filename=None, format=None):
    """Draws expressions as graphs of their operations.

    Parameters
    ----------
    *arrays : Array
    filename : str or path-like, optional
        Where the drawing is written: .svg and .dot need nothing else; other formats (.png, .pdf) need Graphviz's program `dot`.
    format : str, optional
        The format where the file's name does not tell it.

    Returns
    -------
    Drawing
        Shows itself in a notebook; its `svg` is the text.
    """
    from libchunk._convert import as_array

    graph = json.loads(_core.graph([as_array(a) for a in arrays]))
    boxes = boxes_of(graph)
    made = Drawing(svg(boxes))
    if filename is not None:
        path = os.fspath(filename)
        ending = format or os.path.splitext(path)[1].lstrip(".") or "svg"
        if not os.path.splitext(path)[1]:
            path = f"{path}.{ending}"
        write(path, ending, made, boxes)
    return made


def write(path, ending, made, boxes):
    if ending == "svg":
        data = made.svg.encode()
    elif ending == "dot":
        data = dot(boxes).encode()
    else:
        data = by_graphviz(ending, dot(boxes))
    with open(path, "wb") as f:
        f.write(data)


def by_graphviz(ending, text):
    import subprocess

    try:
        done = subprocess.run(["dot", f"-T{ending}"], input=text.encode(), capture_output=True)
    except FileNotFoundError:
        raise RuntimeError(f"drawing .{ending} needs Graphviz's program dot, which is not there: .svg and .dot need nothing") from None
    if done.returncode:
        raise ValueError(f"dot cannot draw .{ending}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def boxes_of(graph):
    """Boxes in the order of the nodes, inputs first; constants are written into what uses them."""
    nodes, made, boxes = graph["nodes"], {}, []
    for number, node in enumerate(nodes):
        if node["kind"] == "scalar" and number not in graph["results"]:
            continue
        constants = [value_text(nodes[i]) for i in node["in"] if nodes[i]["kind"] == "scalar"]
        name = node["name"] if node["kind"] != "source" else source_name(node["name"])
        if node["kind"] == "keep":
            name = "persist"
        if node["kind"] == "scalar":
            constants = [value_text(node)]
        first = " ".join([shortened(name), *(shortened(c) for c in constants[:3])])
        shape = " x ".join(f"{n:,}" for n in node["shape"])
        box = Box([first, f"{shape} {node['dtype']}".strip()], node["kind"], tip(node), [made[i] for i in node["in"] if i in made])
        box.result = number in graph["results"]
        made[number] = box
        boxes.append(box)
    if len(boxes) > MOST:
        raise ValueError(f"the expression has {len(boxes)} operations: at most {MOST} are drawn; draw a part of it")
    return boxes


def shortened(text, most=32):
    return text if len(text) <= most else f"{text[:most // 2 - 1]}...{text[-(most // 2 - 2):]}"


def source_name(name):
    """FILE:/DATASET without the folders."""
    file, colon, dataset = name.rpartition(":/")
    return f"{os.path.basename(file)}:/{dataset}" if colon else name


def value_text(node):
    parts = node["value"].split()
    if node["dtype"].startswith(("float", "complex")):
        parts = [f"{float.fromhex(p):g}" for p in parts]
    return parts[0] if len(parts) == 1 else f"({parts[0]} + {parts[1]}j)"


def tip(node):
    n = 1
    for extent in node["shape"]:
        n *= extent
    chunk = f", chunks of {' x '.join(str(c) for c in node['chunk'])}" if node["chunk"] else ""
    return f"{node['name']}: {size_text(n * _core.dtype_size(node['dtype']))}{chunk}"


# ---- layout

def layers_of(boxes):
    """Lists of boxes, inputs first. An edge over several layers gets a bend in each."""
    for b in boxes:
        b.layer = 1 + max((i.layer for i in b.inputs), default=-1)
    used = {}
    for b in boxes:         # sources come down to where they are used first
        for i in b.inputs:
            used[id(i)] = min(used.get(id(i), b.layer), b.layer)
    for b in boxes:
        if not b.inputs and id(b) in used:
            b.layer = used[id(b)] - 1
    layers = [[] for _ in range(1 + max(b.layer for b in boxes))]
    for b in boxes:
        layers[b.layer].append(b)
        for i in dict.fromkeys(b.inputs):
            last = i
            for k in range(i.layer + 1, b.layer):
                bend = Box()
                bend.layer = k
                layers[k].append(bend)
                join(last, bend)
                last = bend
            join(last, b)
    return layers


def join(upper, lower):
    upper.below.append(lower)
    lower.above.append(upper)


def middle(boxes):
    return sum(b.x for b in boxes) / len(boxes)


def spread(layer, wanted):
    """Places from left to right in the layer's order, as near to the wanted ones as boxes allow: runs of touching boxes move together."""
    runs = []           # [sum of wanted places of a run's start, number of boxes, boxes, width]
    for b, w in zip(layer, wanted):
        runs.append([w - b.width / 2, 1, [b], b.width])
        while len(runs) > 1 and runs[-2][0] / runs[-2][1] + runs[-2][3] + GAP_X > runs[-1][0] / runs[-1][1]:
            total, n, members, width = runs.pop()
            before = runs[-1]
            shift = before[3] + GAP_X
            before[0] += total - n * shift
            before[1] += n
            before[2] += members
            before[3] = shift + width
    for total, n, members, _ in runs:
        at = total / n
        for b in members:
            b.x = at + b.width / 2
            at += b.width + GAP_X


def place(boxes):
    layers = layers_of(boxes)
    for layer in layers:
        spread(layer, [0.0] * len(layer))
    for turn in range(12):
        down = turn % 2 == 0
        for layer in layers[1:] if down else reversed(layers[:-1]):
            near = {id(b): (b.above if down else b.below) or b.above or b.below for b in layer}
            if turn < 8:
                layer.sort(key=lambda b: middle(near[id(b)]) if near[id(b)] else b.x)
            spread(layer, [middle(near[id(b)]) if near[id(b)] else b.x for b in layer])
    y = 0.0
    for layer in layers:
        height = max(b.height for b in layer)
        for b in layer:
            b.y = y + height / 2
        y += height + GAP_Y
    return layers


def svg(boxes):
    layers = place(boxes)
    every = [b for layer in layers for b in layer]
    left, right = min(b.x - b.width / 2 for b in every) - 4, max(b.x + b.width / 2 for b in every) + 4
    bottom = max(b.y + b.height / 2 for b in every) + 4
    parts = []
    for b in every:
        for upper in b.above:
            x1, y1, x2, y2 = upper.x, upper.y + upper.height / 2, b.x, b.y - b.height / 2
            bend = (y2 - y1) * 0.5
            arrow = " marker-end='url(#lc-arrow)'" if b.lines else ""
            parts.append(f"<path d='M{x1:.1f},{y1:.1f}C{x1:.1f},{y1 + bend:.1f} {x2:.1f},{y2 - bend:.1f} {x2:.1f},{y2:.1f}' fill='none' stroke='{EDGE}'{arrow}/>")
    for b in boxes:
        edge = f"stroke='{RESULT}' stroke-width='2'" if b.result else f"stroke='{EDGE}'"
        texts = "".join(f"<text x='{b.x:.1f}' y='{b.y - b.height / 2 + PAD / 2 + (k + 0.8) * LINE:.1f}'{' font-weight=' + chr(39) + 'bold' + chr(39) if not k else ''}>"
                        f"{escape(t)}</text>" for k, t in enumerate(b.lines))
        parts.append(f"<g><title>{escape(b.tip)}</title><rect x='{b.x - b.width / 2:.1f}' y='{b.y - b.height / 2:.1f}' width='{b.width:.1f}' height='{b.height:.1f}' "
                     f"rx='4' fill='{COLORS[b.kind]}' {edge}/>{texts}</g>")
    arrow = f"<defs><marker id='lc-arrow' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7' orient='auto'><path d='M0,0L8,4L0,8z' fill='{EDGE}'/></marker></defs>"
    return (f"<svg xmlns='http://www.w3.org/2000/svg' width='{right - left:.0f}' height='{bottom + 4:.0f}' viewBox='{left:.1f} -4 {right - left:.1f} {bottom + 4:.1f}' "
            f"font-family='sans-serif' font-size='11' text-anchor='middle' fill='#222'>{arrow}{''.join(parts)}</svg>")


def dot(boxes):
    """The same graph as text for Graphviz."""
    number = {id(b): k for k, b in enumerate(boxes)}

    def quoted(text):
        return text.replace("\\", "\\\\").replace('"', '\\"')

    lines = ["digraph libchunk {", "node [shape=box style=\"rounded,filled\" fontname=\"sans-serif\" fontsize=10]"]
    for b in boxes:
        label = "\\n".join(quoted(t) for t in b.lines)
        edge = f' color="{RESULT}" penwidth=2' if b.result else f' color="{EDGE}"'
        lines.append(f'n{number[id(b)]} [label="{label}" fillcolor="{COLORS[b.kind]}"{edge}]')
        lines += [f"n{number[id(i)]} -> n{number[id(b)]}" for i in b.inputs]
    return "\n".join([*lines, "}", ""])
