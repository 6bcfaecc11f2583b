"""Makes docs/from-dask.md from Dask's names (names.txt) and the installed package: table.py [--check]. What a name that both have does otherwise stands in
differs.txt, why one is absent in absent.txt."""
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "from-dask.md"
TOP = """# From Dask to libchunk

`import libchunk as da` in place of `import dask.array as da`: this table holds all public names of dask.array, its submodules and its class of arrays. Made by
docs/from-dask/table.py from both namespaces; "same" is the name, its meaning and Dask's usual arguments.
"""


def notes(name):
    """The lines "name: why" of a file."""
    lines = [line for line in (HERE / name).read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split(": ", 1) for line in lines)


def has(name):
    """Whether the package has Dask's name."""
    import libchunk

    parts = name.split(".")[2:]
    place = libchunk
    if parts[0] == "Array" and len(parts) > 1:
        place, parts = libchunk.zeros(3), parts[1:]
    for part in parts:
        if part not in dir(place) and not hasattr(type(place), part) and not hasattr(place, part):
            return False
        place = getattr(place, part)
    return True


def compare():
    """(name, state, note) for each of Dask's names, and what is wrong with the lists."""
    names = [line for line in (HERE / "names.txt").read_text().splitlines() if line and not line.startswith("#")]
    differs, absent = notes("differs.txt"), notes("absent.txt")
    rows, wrong = [], [f"{name}: not a name of Dask's" for name in (*differs, *absent) if name not in names]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            there = has(name)
            if there and name in absent:
                wrong.append(f"{name}: in absent.txt, but it is there: take it out")
            if not there and name not in absent:
                wrong.append(f"{name}: absent, and not in absent.txt")
            if not there and name in differs:
                wrong.append(f"{name}: in differs.txt, but absent")
            rows.append((name, "differs" if name in differs else "same", differs.get(name, "")) if there else (name, "absent", absent.get(name, "")))
    return rows, wrong


def page(rows):
    """The document."""
    version = (HERE / "names.txt").read_text().splitlines()[0][2:]
    counts = {state: sum(r[1] == state for r in rows) for state in ("same", "differs", "absent")}
    out = [TOP, f"Against {version}: {counts['same']} same, {counts['differs']} differ, {counts['absent']} absent.\n"]
    places = list(dict.fromkeys(name.rpartition(".")[0] for name, _, _ in rows))
    for place in places:
        mine = [(name.rpartition(".")[2], state, note) for name, state, note in rows if name.rpartition(".")[0] == place]
        out.append(f"## {place}\n")
        out.append("Same: " + ", ".join(f"`{n}`" for n, state, _ in mine if state == "same") + ".\n")
        if any(state != "same" for _, state, _ in mine):
            out.append("| name | | |\n|---|---|---|")
            out += [f"| `{n}` | {state} | {note} |" for n, state, note in mine if state != "same"]
            out.append("")
    return "\n".join(out)


if __name__ == "__main__":
    rows, wrong = compare()
    for line in wrong:
        print(line, file=sys.stderr)
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(page(rows))
    elif page(rows) != PAGE.read_text():
        wrong.append("stale")
        print("docs/from-dask.md is not what docs/from-dask/table.py makes: run it", file=sys.stderr)
    sys.exit(bool(wrong))
