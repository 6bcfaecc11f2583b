#!/usr/bin/env python3
"""libchunk against its peers and against the machine: docs/benchmark.md says what is measured and how.

Makes its data by group, runs everything in turn in processes of their own, writes build/bench/results.json and results.md, and ends with
exit status 1 when a row misses its floor.
"""
import argparse
import importlib
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NEED_GIB = 20


def say(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    p = argparse.ArgumentParser(prog="./dev bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("workload", nargs="*", help="rows to run, by name or its beginning; default: all")
    p.add_argument("--list", action="store_true", help="the rows there are")
    p.add_argument("--quick", action="store_true", help="arrays 8 times smaller a side, once each: does it all run; floors of speed are not judged")
    p.add_argument("--repeat", type=int, help="pairs of runs a row (3; with --quick 1)")
    p.add_argument("--keep", action="store_true", help="leave the data in place for the next run")
    p.add_argument("--data", default=os.path.join(ROOT, "build", "bench-data"), metavar="DIR", help="where data go, 20 GiB at most (build/bench-data)")
    p.add_argument("--build", default=os.path.join(ROOT, "build", "release"), metavar="DIR", help="what is measured (build/release)")
    p.add_argument("--results", default=os.path.join(ROOT, "build", "bench"), metavar="DIR", help="where results go (build/bench)")
    return p.parse_args()


def install_peers():
    """One by one: a peer that cannot be installed is absent, and the rest goes on."""
    from importlib import metadata
    for spec in (ln.strip() for ln in open(os.path.join(HERE, "peers.txt"))):
        if not spec or spec.startswith("#"):
            continue
        name, version = spec.split("[")[0].split("=")[0], spec.split("==")[1]
        try:
            if metadata.version(name) == version:
                continue
        except metadata.PackageNotFoundError:
            pass
        say(f"installing {spec}, one of the peers")
        cmd = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", os.path.join(HERE, "requirements.txt"), spec]
        p = subprocess.run(cmd, capture_output=True, text=True)
        if p.returncode:
            say(f"{spec} cannot be installed, so it will be absent: {(p.stderr.strip().splitlines() or ['no reason given'])[-1][:200]}")


def main():
    a = arguments()
    os.environ["PEERS_SCALE"] = "8" if a.quick else os.environ.get("PEERS_SCALE", "1")
    os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"  # the peers read what stays open in this process
    import data
    import report
    import rows as table
    for name in sorted(f[:-3] for f in os.listdir(HERE) if f.startswith("rows_") and f.endswith(".py")):
        importlib.import_module(name)  # families of operations bring theirs
    from engine import Bench, Failed, Row

    whole = {r[0].lower() for r in table.ROWS}
    chosen = [r for r in table.ROWS if not a.workload or any(r[0].lower() == w if w in whole else r[0].lower().startswith(w) for w in map(str.lower, a.workload))]
    if a.list or not chosen:
        print("\n".join(name for name, *_ in table.ROWS))
        return 0 if a.list else 2
    install_peers()

    judged = data.SCALE == 1
    dir = os.path.join(os.path.abspath(a.data), f"scale{data.SCALE}")
    os.makedirs(dir, exist_ok=True)
    disk = os.statvfs(dir)
    free = disk.f_bavail * disk.f_frsize / 2 ** 30
    if judged and free < NEED_GIB:
        say(f"{dir} has {free:.0f} GiB free, and up to {NEED_GIB} are needed: choose another folder with --data")
        return 1
    b = Bench(os.path.abspath(a.build), dir, a.repeat or (3 if judged else 1), say)
    info, done, start = report.machine(), [], time.time()
    try:
        for group in data.GROUPS:
            members = [r for r in chosen if r[1] == group]
            if members:
                data.prepare(dir, group, a.keep, say)
            for name, _, fn in members:
                say(f"[{time.time() - start:5.0f} s] {name}")
                os.environ["BENCH_STORES"] = "1" if fn.stores else "0"
                try:
                    data.settle(dir, group)
                    new = list(settled(fn(b), done))
                except (Failed, OSError, LookupError, TypeError, ValueError, subprocess.TimeoutExpired) as e:
                    new = [Row(name, "", None)]
                    new[0].error = f"{type(e).__name__}: {e}"
                    done += new
                report.write(a.results, done, info)
                for r in done[-len(new):] if new else []:
                    say("    " + report.line(r))
    finally:
        b.clear_outputs()
        if not a.keep:
            data.remove(dir)
    print(report.markdown(done, info))
    return verdict(done, judged)


def settled(rows, done):
    """Rows as they come, so that those before a failure count."""
    for r in rows:
        r.settle()
        done.append(r)
        yield r


def verdict(rows, judged):
    def counts(f):
        return f["met"] is False and (judged or f["need"] is True or f["text"].endswith("MiB"))
    missed = [r for r in rows if r.error or (r.verdict == "no" and any(map(counts, r.floors)))]
    for r in rows:
        for name, p in r.peers.items():
            if p["absent"]:
                say(f"absent: {name} in {r.name}: {p['absent'][:160]}")
    for r in missed:
        say(f"missed: {r.name}: {r.error or '; '.join(f['text'] for f in r.floors if counts(f))}")
    say(f"{len(rows)} rows, {len(missed)} missed" + ("" if judged else " (speed not judged at this size)"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
