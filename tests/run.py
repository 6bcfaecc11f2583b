"""Runs the tests of one or several stages and sums them up. Called by ./dev test, which builds first.

A suite is one process: a Criterion executable, a stress or fuzz program, an example, or pytest over one file. Suites run side by side, one
a core; those whose source says `run: alone` run by themselves at the end. The last line is "N passed, N failed, N skipped, S seconds"."""
import concurrent.futures
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
SANITIZER_ENV = {
    "ASAN_OPTIONS": "allocator_may_return_null=1:detect_stack_use_after_return=0",
    "LSAN_OPTIONS": f"suppressions={TESTS}/lsan.supp:print_suppressions=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": f"suppressions={TESTS}/tsan.supp:halt_on_error=1:second_deadlock_stack=1",
}


@dataclass
class Stage:
    """What a stage runs: build, level and sample for Python tests, kinds of suites, and the words that
    names of suites and tests, or sources, must hold."""
    preset: str
    level: str
    timeout: int
    kinds: tuple = ("criterion", "stress", "fuzz", "example", "pytest")
    sample: int = 0
    words: str = ""           # a regular expression, for names and sources
    tests: str = ""           # pytest's -k, for the names of tests
    n_suites: int = 0
    fuzz_seconds: int = 2


STAGES = {
    "quick": [Stage("dev", "quick", 100, sample=12, fuzz_seconds=1)],
    "standard": [
        Stage("dev", "standard", 600, fuzz_seconds=5),
        Stage("asan", "quick", 150, sample=4, n_suites=12, fuzz_seconds=5),
    ],
    "asan": [Stage("asan", "standard", 2400)],
    "ubsan": [Stage("ubsan", "standard", 2400)],
    # Criterion does not start under the thread sanitizer: threads are stressed by plain programs and through the tools.
    "tsan": [Stage("tsan", "standard", 2400, kinds=("stress", "example", "pytest"), sample=40)],
    "faults": [Stage("dev", "full", 2400, kinds=("criterion", "stress", "pytest"), words="(?<!de)fault", tests="fault and not default")],
    "fuzz": [Stage("asan", "full", 2400, kinds=("fuzz", "pytest"), words="fuzz", tests="fuzz", fuzz_seconds=600)],
    "memory": [Stage("release", "full", 2400, kinds=("pytest",), words="memory|ceiling|peak", tests="memory or ceiling or peak")],
}


@dataclass
class Suite:
    name: str
    kind: str
    stage: Stage
    command: list
    source: str = ""
    passed: int = 0
    failed: int = 0
    skips: list = field(default_factory=list)      # (test, reason)
    failures: list = field(default_factory=list)   # (test, text)
    notes: list = field(default_factory=list)
    seconds: float = 0.0


def read(path):
    return Path(path).read_text(errors="replace") if Path(path).exists() else ""


def suites_of(stage):
    """Everything that a stage runs."""
    build = ROOT / "build" / stage.preset
    # The release build has no tests of its own: memory is measured on it by Python tests, whose helper programs come from dev.
    programs = ROOT / "build" / ("dev" if stage.preset == "release" else stage.preset) / "tests"
    found = []
    for line in read(programs / "manifest.txt").splitlines():
        kind, name, source = line.split()
        found.append(Suite(source.removesuffix(".c"), kind, stage, [str(programs / name)], read(TESTS / source)))
    for source in sorted((ROOT / "examples").glob("*.c")):
        found.append(Suite(f"examples/{source.stem}", "example", stage, [str(build / "examples" / source.stem), "--small"], read(source)))
    for source in sorted(TESTS.glob("**/test_*.py")):
        if source.parent.name == "python" and stage.preset != "dev":
            continue    # the installed package: the same whatever is under test
        command = [sys.executable, "-m", "pytest", "-c", str(TESTS / "pytest.ini"), "--rootdir", str(TESTS), str(source)]
        if stage.tests:
            command += ["-k", stage.tests]
        found.append(Suite(str(source.relative_to(TESTS).with_suffix("")), "pytest", stage, command, f"{source.name}\n{read(source)}"))
    found = [s for s in found if s.kind in stage.kinds and re.search(stage.words, f"{s.name}\n{s.source}", re.I)]
    if stage.n_suites and len(found) > stage.n_suites:
        drawn = random.Random(f"{SEED}:{stage.preset}").sample(found, stage.n_suites)
        print(f"sampled: {len(drawn)} of {len(found)} suites under {stage.preset} (SEED={SEED})")
        found = [s for s in found if s in drawn]
    return found


def environment(stage):
    env = dict(os.environ, **SANITIZER_ENV)
    build = ROOT / "build"
    programs = build / ("dev" if stage.preset == "release" else stage.preset)
    env.update(CHUNK_BIN=str(build / stage.preset / "bin"), CHUNK_TESTBIN=str(programs / "tests"), CHUNK_PRESET=stage.preset,
               CHUNK_TEST_LEVEL=stage.level, CHUNK_TEST_SAMPLE=str(stage.sample), SEED=str(SEED),
               FUZZ_SECONDS=str(stage.fuzz_seconds), PYTHONDONTWRITEBYTECODE="1")
    if "release" in os.environ.get("CHUNK_BUILT", "").split():  # by this run: an older one is not what is tested
        env["CHUNK_RELEASE_BIN"] = str(build / "release" / "bin")
    return env


def read_junit(suite, path, output):
    """Counts of a JUnit file, Criterion's or pytest's; False where there is none to read. Criterion tells why it skipped in its output only."""
    reasons = dict(re.findall(r"^\[SKIP\] \S+::(\S+): (.*)$", output, re.M))
    try:
        cases = list(xml.parse(path).getroot().iter("testcase"))
    except (OSError, xml.ParseError):
        return False
    for case in cases:
        name = case.get("name", "?")
        bad = [e for e in case if e.tag in ("failure", "error")]
        skip = case.find("skipped")
        if bad or case.get("status") in ("FAILED", "ERRORED"):
            suite.failed += 1
            suite.failures.append((name, "\n".join(f"{e.get('message') or ''}\n{e.text or ''}" for e in bad)))
        elif skip is not None or case.get("status") == "SKIPPED":
            reason = (skip.get("message") if skip is not None else None) or reasons.get(name, "no reason given")
            suite.skips.append((name, " ".join(reason.split())))
        else:
            suite.passed += 1
    return True


def run(suite):
    """Runs one suite and fills its results."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chunk-test-") as folder:
        report = os.path.join(folder, "report.xml")
        command = list(suite.command)
        if suite.kind == "criterion":
            command += [f"--xml={report}", "--jobs=1", "--verbose", "--color=never"]
        elif suite.kind == "pytest":
            command += [f"--junitxml={report}"]
        with open(os.path.join(folder, "output"), "w+b") as output:
            try:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=folder,
                                           env=environment(suite.stage), start_new_session=True)
            except OSError as e:
                suite.failed, suite.failures = 1, [("start", str(e))]
                return suite
            try:
                code = process.wait(suite.stage.timeout)
            except subprocess.TimeoutExpired:
                code = None
            try:
                os.killpg(process.pid, signal.SIGKILL)    # whatever it left running
            except ProcessLookupError:
                pass
            process.wait()
            output.seek(0)
            text = output.read().decode(errors="replace")
        suite.seconds = time.monotonic() - start
        suite.notes = [line for line in text.splitlines() if line.startswith("sampled: ")]
        tail = text[-6000:]
        counted = suite.kind in ("criterion", "pytest") and read_junit(suite, report, text)
        if code is None:
            suite.failed += 1
            suite.failures.append(("timeout", f"no end after {suite.stage.timeout} s\n{tail}"))
        elif counted or (suite.kind == "pytest" and code == 5):
            if code not in (0, 5) and not suite.failed:
                suite.failed += 1
                suite.failures.append(("exit", f"exit status {code}\n{tail}"))
            elif suite.failed and suite.kind == "criterion":
                suite.failures.append(("output", "\n".join(line for line in tail.splitlines() if not line.startswith(("[PASS]", "[RUN ]")))))
        elif code == 77:
            suite.skips.append((suite.name, (text.strip().splitlines() or ["no reason given"])[-1]))
        elif code == 0 and suite.kind not in ("criterion", "pytest"):
            suite.passed += 1
        else:
            suite.failed += 1
            suite.failures.append(("exit", f"exit status {code}\n{tail}"))
    return suite


def show(suite, i, n):
    word = "FAIL" if suite.failed else "pass" if suite.passed else "skip"
    print(f"[{i:3}/{n}] {word} {suite.name} ({suite.kind}, {suite.stage.preset}): {suite.passed} passed, {suite.failed} failed, "
          f"{len(suite.skips)} skipped, {suite.seconds:.1f} s")
    for note in suite.notes:
        print(f"          {note}")
    for name, text in suite.failures:
        print(f"  ---- {suite.name}: {name}")
        print("\n".join("  " + line for line in text.strip().splitlines()[-60:]))
    sys.stdout.flush()


def main(names):
    started = float(os.environ.get("CHUNK_TEST_START", time.time()))
    print(f"SEED={SEED} (repeat this sample with SEED={SEED} ./dev test ...)")
    suites = [s for name in names for stage in STAGES[name] for s in suites_of(stage)]
    alone = [s for s in suites if "run: alone" in s.source]
    done = []
    with concurrent.futures.ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0)))) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run, s) for s in suites if s not in alone]):
            done.append(future.result())
            show(done[-1], len(done), len(suites))
    for suite in alone:
        done.append(run(suite))
        show(done[-1], len(done), len(suites))

    skips = [(s.name, test, reason) for s in done for test, reason in s.skips]
    if skips:
        print("skipped:")
        for name, test, reason in sorted(set(skips)):
            print(f"  {name}: {test}: {reason}")
    for s in sorted(done, key=lambda s: -s.seconds)[:5]:
        print(f"slowest: {s.name} ({s.stage.preset}) {s.seconds:.1f} s")
    passed, failed = sum(s.passed for s in done), sum(s.failed for s in done)
    if failed:
        print("failed: " + " ".join(sorted({f"{s.name}" for s in done if s.failed})))
    if not passed and not failed:
        print("no test ran")
    seconds = time.time() - started
    # Twice: once as other tools expect it, once with the time.
    print(f"{passed} passed, {failed} failed, {len(skips)} skipped")
    print(f"{passed} passed, {failed} failed, {len(skips)} skipped, {seconds:.0f} seconds")
    return 1 if failed or not passed else 0




def default_seed():
    """The commit's: each commit draws another sample, and whoever tests it draws the same. Elsewhere any."""
    try:
        head = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short=7", "HEAD"], capture_output=True, text=True)
        return int(head.stdout[:7], 16)
    except (OSError, ValueError):
        return random.SystemRandom().randrange(1, 1 << 31)


SEED = int(os.environ.get("SEED") or default_seed())
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
