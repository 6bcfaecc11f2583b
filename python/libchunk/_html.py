"""How an array shows itself in a notebook: a table of sizes, and its chunks drawn. No template engine is needed."""
from libchunk import _run
from libchunk._convert import size_text

COLOR, EDGE = "#cfe3f1", "#3b6a8f"
LONGEST, SHORTEST, LINES = 160.0, 12.0, 40


def array(x):
    """The HTML of an array."""
    rows = [("Shape", str(x.shape)), ("Data type", x.dtype_name), ("Bytes", size_text(x.nbytes)), ("Chunk shape", str(x.chunksize)),
            ("Chunks", f"{x.npartitions:,} of {size_text(chunk_bytes(x))}"), ("Peak memory", bound(x))]
    cells = "".join(f"<tr><th style='text-align:left'>{name}</th><td style='text-align:left'>{value}</td></tr>" for name, value in rows)
    return f"<table><tr><td><table>{cells}</table></td><td>{drawing(x)}</td></tr></table>"


def chunk_bytes(x):
    n = x.itemsize
    for extent in x.chunksize:
        n *= extent
    return n


def bound(x):
    """The peak that computing it is proved to keep under."""
    from libchunk._convert import CeilingError

    try:
        plan = _run.projected(x)
    except CeilingError as e:
        return f"does not fit: at least {size_text(e.needed)}" if e.needed else "does not fit"
    return f"at most {size_text(plan.projected_peak)} to compute, of {size_text(plan.ceiling)}"


def lengths(extents):
    """Lengths in the drawing: in proportion, but the short ones are drawn longer and the ratio is damped."""
    longest = max(extents, default=1) or 1
    return [max(SHORTEST, LONGEST * (n / longest) ** 0.5) for n in extents]


def marks(bounds, length):
    """Where lines between chunks are drawn; of many only some."""
    n, total = len(bounds) - 1, bounds[-1] or 1
    step = max(1, n // LINES)
    return [length * bounds[i] / total for i in (*range(0, n, step), n)]


def drawing(x):
    """The last three axes as a box with its chunk grid; axes before them are told in words."""
    shown = range(max(0, x.ndim - 3), x.ndim)
    if not x.ndim:
        return ""
    size = lengths([x.shape[a] for a in shown])
    lines = [marks(x._bounds(a), s) for a, s in zip(shown, size)]
    if len(size) == 1:
        size, lines = [SHORTEST * 2, *size], [[0.0, SHORTEST * 2], *lines]
    depth = size[0] * 0.5 if len(size) == 3 else 0.0
    (height, width), (down, across) = size[-2:], lines[-2:]
    parts = [f"<rect x='{depth:.1f}' y='{depth:.1f}' width='{width:.1f}' height='{height:.1f}' fill='{COLOR}'/>"]
    parts += [line(depth, depth + v, depth + width, depth + v) for v in down] + [line(depth + v, depth, depth + v, depth + height) for v in across]
    if depth:
        parts.append(f"<polygon points='0,0 {width:.1f},0 {width + depth:.1f},{depth:.1f} {depth:.1f},{depth:.1f}' fill='{COLOR}' fill-opacity='0.6'/>")
        parts.append(f"<polygon points='0,0 {depth:.1f},{depth:.1f} {depth:.1f},{depth + height:.1f} 0,{height:.1f}' fill='{COLOR}' fill-opacity='0.4'/>")
        for v in lines[0]:
            at = v * 0.5
            parts += [line(at, at, at + width, at), line(at, at, at, at + height)]
        parts += [line(v, 0, v + depth, depth) for v in across] + [line(0, v, depth, depth + v) for v in down]
    label = f"font-size='11' fill='{EDGE}' font-family='sans-serif'"
    names = [str(x.shape[a]) for a in shown]
    parts.append(f"<text x='{depth + width / 2:.1f}' y='{depth + height + 16:.1f}' text-anchor='middle' {label}>{names[-1]}</text>")
    if x.ndim > 1:
        parts.append(f"<text x='{depth + width + 6:.1f}' y='{depth + height / 2 + 4:.1f}' {label}>{names[-2]}</text>")
    if depth:
        parts.append(f"<text x='{depth / 2 - 4:.1f}' y='{height + depth / 2 + 16:.1f}' text-anchor='end' {label}>{names[0]}</text>")
    before = f"<div style='font-size:11px'>{' x '.join(str(n) for n in x.shape[:-3])} times</div>" if x.ndim > 3 else ""
    return (f"{before}<svg xmlns='http://www.w3.org/2000/svg' width='{depth + width + 60:.0f}' height='{depth + height + 24:.0f}' "
            f"viewBox='-28 -2 {depth + width + 90:.0f} {depth + height + 26:.0f}'>{''.join(parts)}</svg>")


def line(x1, y1, x2, y2):
    return f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{EDGE}' stroke-width='0.6'/>"
