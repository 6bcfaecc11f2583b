"""Every operation of `chunk ops` with what no one would pass: the ends of int64, infinities, empty tuples, axes and windows that are not there. It ends with a
value under the ceiling or with one line; under a sanitizer, without a word from that."""
import json
import os
import random
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from chunkcli import assert_held, ceiling, chunk, chunk_eval

COUNT = {"quick": 60, "standard": 400, "full": 3000}[os.environ.get("CHUNK_TEST_LEVEL", "standard")]
PER_OP = 400
ARRAYS = ["arange(4)", "arange(4.0)", "ones((3, 4))", "zeros((0, 4))", "ones((2, 3, 4))", "5", "arange(6) % 2 == 0", "ones((2, 2))*1j"]
EXTREMES = ["2**63-1", "-2**63", "2**62", "-2**62", "2**32", "-2**31", "-1", "0", "1", "2", "1e300", "-1e300", "nan", "inf", "()", "(2**63-1, -2**63)", "(2**62, 2**62)",
            "(1, 0)", "True", "None", "'wrap'", "'reflect'", "int8"]


def signatures():
    """name: [(parameter, whether it may be left out)], from the table itself."""
    found = {}
    for line in chunk("ops").stdout.splitlines():
        shown = re.match(r"  (\w+)\(((?:[^()]|\([^()]*\))*)\) ", line)
        if not shown:
            continue
        params, only_named = [], False
        for word in re.split(r", (?![^(]*\))", shown[2]):
            if word == "*":
                only_named = True
                continue
            name = word.split("=")[0].lstrip("*")
            params.append((name, "=" in word, only_named))
        found[shown[1]] = params
    return found


def call(rng, name, params):
    words, named = [], False
    for at, (param, optional, only_named) in enumerate(params):
        if optional and rng.random() < 0.6:
            named = True
            continue
        value = rng.choice(ARRAYS if rng.random() < (0.9 if at == 0 else 0.3) else EXTREMES)
        if param in ("arrays", "operands"):
            words.append(value if param == "operands" else f"({value}, {rng.choice(ARRAYS)})")
            continue
        if param == "subscripts":
            value = rng.choice(["'ij,jk'", "'i->i'", "'...i,i'", "'ii'", "'->'", "''"])
        words.append(f"{param}={value}" if named or only_named else value)
    return f"{name}({', '.join(words)})"


def fault(text):
    done = chunk_eval(text, "--json", "--memory", ceiling(128), timeout=100)
    last = done.stderr.rstrip("\n").rsplit("\n", 1)[-1]
    if done.returncode not in (0, 1, 2, 3) or re.search("internal|runtime error|Sanitizer|ended by signal", done.stderr):
        return f"{text}: exit {done.returncode}: {done.stderr[:400]}"
    if done.returncode and not last.startswith("chunk: "):
        return f"{text}: exit {done.returncode} without a reason: {done.stderr[:400]}"
    got = json.loads(done.stdout)
    if done.returncode == 0:
        assert_held(got)
    elif got["exit"] != done.returncode:
        return f"{text}: {got}"
    return None


def test_whatever_is_passed(seed, sampled):
    table = signatures()
    assert len(table) > 150
    cases = sorted({call(random.Random(f"{name}:{k}"), name, params) for name, params in table.items() for k in range(PER_OP)})
    drawn = random.Random(seed).sample(cases, min(COUNT, len(cases)))
    sampled("calls with extreme arguments", len(drawn), len(cases))
    with ThreadPoolExecutor(2) as pool:
        faults = [f for f in pool.map(fault, drawn) if f]
    assert not faults, f"{len(faults)} of {len(drawn)} calls (SEED={seed})\n" + "\n".join(faults[:10])


@pytest.mark.parametrize("text", ["roll(arange(4), 2**63-1)", "diag(arange(4), -2**63)", "convolve(arange(4.0), (1, 2, 3), origin=-2**63)",
                                  "convolve1d(arange(4.0), (1, 2, 3), origin=-2**63)", "eye(4, k=-2**63)", "kron(ones(2**40), ones(2**40))"])
def test_what_was_wrong_once(text):
    assert fault(text) is None
