"""Builds the documentation site: make.py BUILD, called by ./dev docs. Pages of docs/ are copied to BUILD/source, references made of the headers, the man pages and
the installed package, and Sphinx runs over them; a warning fails."""
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
PAGES = ("index.md", "guide.md", "recipes.md", "python.md", "from-dask.md", "memory.md", "own-functions.md", "benchmark.md", "architecture.md",
         "adding-an-operation.md", "dependencies.md")
COMMANDS = ("chunk", "chunk-eval", "chunk-rechunk", "chunk-info")


def heading(text, line):
    return [text, line * len(text), ""]


def literal(text, language):
    return [f".. code-block:: {language}", "", *(f"   {line}".rstrip() for line in text.strip("\n").splitlines()), ""]


def escaped(text):
    """Comment text as reStructuredText."""
    return re.sub(r"([*|`\\]|_\b)", r"\\\1", text)


def prose(comment):
    """A C comment as paragraphs; what it indents stays as it is."""
    body = [re.sub(r"^ ?\* ?", "", line.rstrip()) for line in comment.strip()[2:-2].splitlines()]
    out, code = [], False
    for line in body:
        if line.startswith("    "):
            if not code:
                out += ["", ".. code-block:: c", ""]
            out.append(f"   {line[4:]}")
            code = True
            continue
        if code:
            out.append("")
        code = False
        if re.match(r"[A-Z]\w+: |After fork", line):
            out.append("")
        out.append(escaped(line.strip()))
    return [*out, ""]


def c_reference(header, title):
    """A header: its own comment, its sections, and in them each declaration below its comment, as it stands there."""
    text = re.sub(r"^#.*\n", "", header.read_text(), flags=re.M)
    text = re.sub(r'^extern "C" \{\n|^\}\n', "", text, flags=re.M)
    out = heading(title, "=")
    for part in re.findall(r"/\*.*?\*/(?!\s*[,;}])|(?:(?!\n\n|/\* ----|\n/\*).)+", text, flags=re.S):
        part = part.strip("\n")
        if not part.strip():
            continue
        if part.startswith("/* ----"):
            first, _, rest = part[8:-2].partition("\n")
            out += heading(first.strip().rstrip("*").strip().capitalize(), "-")
            if rest.strip(" *\n"):
                out += prose("/*" + rest + "*/")
        elif part.lstrip().startswith("/*"):
            out += prose(part)
        else:
            out += literal(part.replace("CHUNK_API ", ""), "c")
    return "\n".join(out) + "\n"


def c_operations(header):
    """chunk_ops.h: its comment, and for each operation its options and its function."""
    text = header.read_text()
    out = heading("chunk_ops.h: operations", "=") + prose(text[:text.index("*/") + 2])
    for match in re.finditer(r"(/\*(?:(?!\*/).)*\*/\n)(typedef struct chunk_op_\w+_options \{.*?\} chunk_op_\w+_options;\n+)?static inline chunk_status (chunk_op_\w+)(\([^)]*\))",
                             text, flags=re.S):
        comment, options, name, parameters = match.groups()
        signature, _, rest = comment.strip()[2:].partition("\n")
        out += heading(name, "-") + [f"``{signature.strip()}``", ""] + prose("/*" + rest) + literal((options or "") + f"chunk_status {name}{parameters};", "c")
    return "\n".join(out) + "\n"


def python_reference():
    """Every public name of the package: classes and functions of its own, then the operations of the table by family."""
    import libchunk
    from libchunk._operations import TABLE

    out = heading("Python", "=") + [".. module:: libchunk", "", "``import libchunk as lc``. Every function takes arrays, NumPy arrays and numbers, and gives lazy arrays.", ""]
    own = [n for n in libchunk.__all__ if n not in TABLE and getattr(getattr(libchunk, n), "__module__", "").startswith("libchunk")]
    out += heading("Arrays and runs", "-")
    for name in (n for n in own if inspect.isclass(getattr(libchunk, n))):
        out += [f".. autoclass:: libchunk.{name}", "   :members:", ""]
    out += heading("Functions", "-")
    out += [line for n in own if inspect.isfunction(getattr(libchunk, n)) for line in (f".. autofunction:: libchunk.{n}", "")]
    families = {}
    for name, op in TABLE.items():
        if name == op.name:
            families.setdefault(op.family, []).append(name)
    for family, names in families.items():
        out += heading(f"Operations: {family}", "-")
        for name in sorted(names):
            function, others = getattr(libchunk, name), [a for a in TABLE[name].aliases if a]
            out += [f".. autofunction:: libchunk.{name}", ""]
            if others and inspect.isfunction(function):
                out += ["   Also " + ", ".join(f"``{a}``" for a in others) + ".", ""]
    for module in ("fft", "linalg", "ma", "overlap", "random", "stats"):
        place = getattr(libchunk, module)
        out += heading(f"libchunk.{module}", "-") + [f".. module:: libchunk.{module}", ""] + place.__doc__.splitlines() + [""]
        for name in sorted(place.__all__):
            value = getattr(place, name)
            if inspect.isclass(value):
                out += [f".. autoclass:: libchunk.{module}.{name}", "   :members:", ""]
            elif not inspect.ismethod(value):
                out += [f".. autofunction:: libchunk.{module}.{name}", ""]
        if module == "random":
            out += ["Each method of a generator is a function too: ``libchunk.random.normal(size=(3, 4))``.", ""]
    return "\n".join(out) + "\n"


def commands():
    """The manual pages as text."""
    out = heading("Command line", "=")
    for name in COMMANDS:
        page = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=90n", str(DOCS / "man" / f"{name}.1")], capture_output=True, text=True, check=True)
        if page.stderr:
            sys.exit(page.stderr)
        out += heading(name, "-") + literal(page.stdout, "text")
    return "\n".join(out) + "\n"


def main(build):
    source = build / "source"
    shutil.rmtree(build, ignore_errors=True)
    (source / "reference").mkdir(parents=True)
    for page in PAGES:
        shutil.copy(DOCS / page, source)
    shutil.copy(DOCS / "site" / "conf.py", source)
    shutil.copytree(DOCS / "site" / "static", source / "static")
    (source / "reference" / "python.rst").write_text(python_reference())
    (source / "reference" / "c.rst").write_text(c_reference(ROOT / "libchunk/include/chunk.h", "chunk.h: the C library"))
    (source / "reference" / "status.rst").write_text(c_reference(ROOT / "libchunk/include/chunk_status.h", "chunk_status.h: errors"))
    (source / "reference" / "operations.rst").write_text(c_operations(ROOT / "build/release/generated/include/chunk_ops.h"))
    (source / "reference" / "commands.rst").write_text(commands())
    done = subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", str(build / "doctrees"), str(source), str(build / "html")])
    sys.exit(done.returncode)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
