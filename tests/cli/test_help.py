"""Help, manual pages and options say the same; chunk ops lists the whole table."""
import os
import pty
import re
import subprocess

import pytest
from chunkcli import CHUNK, ROOT, chunk

MAN = ROOT / "docs" / "man"


def options(text):
    return set(re.findall(r"(?<![\w-])--?[a-z]+\b", text)) - {"-"}


def rendered(page):
    done = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou", "-ww", str(MAN / page)], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


@pytest.mark.parametrize("verb, page", [("eval", "chunk-eval.1"), ("rechunk", "chunk-rechunk.1"), ("info", "chunk-info.1")])
def test_manual_has_every_option(verb, page):
    usage = chunk(verb, "--help").stdout
    manual = re.sub(r"-\n\s+", "-", rendered(page))
    assert options(usage) == {o for o in options(manual) if not re.match(r"-[a-z]{2,}", o)}
    for option in options(usage):
        assert "unknown option" not in chunk(verb, "1", option).stderr, option


def test_manual_of_chunk():
    assert "chunk-eval(1)" in rendered("chunk.1")


def test_line_length():
    for verb in ("eval", "rechunk", "info", "ops"):
        assert all(len(line) <= 120 for line in chunk(verb, "--help").stdout.splitlines())


def test_ops():
    table = chunk("ops")
    assert table.returncode == 0
    rows = [line.split("(")[0].strip() for line in table.stdout.splitlines() if line.startswith("  ")]
    assert {"add", "sin", "sum", "mean", "where", "arange", "broadcast_to", "argmax"} <= set(rows) and len(rows) == len(set(rows))
    for name in rows:
        one = chunk("ops", name)
        assert one.returncode == 0 and one.stdout.startswith(name + "("), name
    assert chunk("ops", "arctan2").returncode == 0, "aliases are found"
    wrong = chunk("ops", "sqroot")
    assert wrong.returncode == 2 and "sqrt" in wrong.stderr


def on_terminal(*args):
    """Standard error as someone at a terminal sees it."""
    ours, theirs = pty.openpty()
    p = subprocess.Popen([CHUNK, "eval", *args], stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    p.communicate()
    os.close(ours)
    assert p.returncode == 0
    return seen.decode()


def test_progress_bar():
    text = "sum(sin(arange(100000000) * 0.5))"
    seen = on_terminal(text)
    assert re.search(r"\[#*\.*\] +\d+ %", seen) and seen.endswith("\r\x1b[K")
    assert on_terminal(text, "-q") == ""
    assert on_terminal("1 + 1") == ""
