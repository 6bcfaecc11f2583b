"""Running libchunk, its peers and the limits in turn, and what a row of the benchmark says in the end."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from data import SCALE
from measure import CORES, drop, launch, median, ready, resident_share, warm

HERE = os.path.dirname(os.path.abspath(__file__))
MIB = 1 << 20
NOISE = 0.2         # cores used by others above which a pair of runs is done again, at most three times
AT_LIMIT = 0.9      # a peer's floor is excused by a physical limit measured in the same run when this much of it is reached
PEER_SECONDS = 200
CHUNK_SECONDS = 120


class Failed(Exception):
    """A run that ended wrong: the row is missed, with this text."""


class Row:
    """One line of the result: runs by side, floors, limit. Floors decide; everything else informs."""

    def __init__(self, name, what, ceiling):
        self.name, self.what, self.ceiling = name, what, ceiling
        self.runs, self.floors, self.peers, self.notes = [], [], {}, []
        self.noisy = []  # runs that were done again: their memory counts, their time does not
        self.limit, self.seconds, self.error = None, None, None

    def floor(self, text, got, need, at_most=False, peer=False):
        """got against need; None where it cannot be judged (a peer is absent)."""
        met = None if got is None else bool(got <= need if at_most else got >= need)
        self.floors.append(dict(text=text, got=got, need=need, at_most=at_most, met=met, peer=peer))

    def require(self, text, ok):
        self.floors.append(dict(text=text, got=bool(ok), need=True, at_most=False, met=bool(ok), peer=False))

    def add(self, run):
        """A run of libchunk; its peaks must stay under the ceiling, by its own account and from outside."""
        self.runs.append(run)

    def settle(self):
        if self.seconds is None and self.runs:
            self.seconds = median([r["seconds"] for r in self.runs])
        for key, who in (("peak_json_mib", "measured_peak"), ("peak_mib", "peak from outside")):
            peaks = [r[key] for r in self.runs + self.noisy if r.get(key)]
            if peaks and self.ceiling:
                self.floor(f"{who}, MiB", max(peaks), self.ceiling, at_most=True)

    @property
    def peak(self):
        return max((r.get("peak_mib") or 0 for r in self.runs), default=0) or None

    @property
    def peak_json(self):
        return max((r.get("peak_json_mib") or 0 for r in self.runs), default=0) or None

    @property
    def others(self):
        return max((r.get("others") or 0 for r in self.runs + [r for p in self.peers.values() for r in p["runs"]]), default=0)

    @property
    def fraction(self):
        return self.limit["seconds"] / self.seconds if self.limit and self.seconds else None

    @property
    def verdict(self):
        """yes; limit (only peers' floors are missed, and the physical limit is reached); no; unjudged."""
        if self.error:
            return "no"
        missed = [f for f in self.floors if f["met"] is False]
        if missed:
            return "limit" if all(f["peer"] for f in missed) and (self.fraction or 0) >= AT_LIMIT else "no"
        return "unjudged" if any(f["met"] is None for f in self.floors) else "yes"

    def as_dict(self):
        return dict(row=self.name, what=self.what, ceiling_mib=self.ceiling, seconds=self.seconds, peak_mib=self.peak, peak_json_mib=self.peak_json,
                    peers=self.peers, floors=self.floors, limit=self.limit, fraction=self.fraction, others=self.others, verdict=self.verdict,
                    error=self.error, notes=self.notes, runs=self.runs)


class Bench:
    def __init__(self, build, dir, repeat, say):
        self.build, self.dir, self.repeat, self.say = build, dir, repeat, say
        self.out = os.path.join(dir, "out")
        self.memo = {}

    # ---- libchunk

    def path(self, name):
        return os.path.join(self.dir, name)

    def program(self, name):
        p = os.path.join(self.build, "bench", name)
        if not os.path.exists(p):
            raise Failed(f"{p} is not there: configure with -DCHUNK_BENCH=ON")
        return p

    def clear_outputs(self):
        """What the run before has written is on the disk, or gone, before the next begins: the kernel's writing-back would share its time."""
        shutil.rmtree(self.out, ignore_errors=True)
        os.makedirs(self.out)
        os.sync()

    def chunk(self, expr, inputs, memory, out=None, extra=(), cold=False, seconds=CHUNK_SECONDS):
        """chunk eval from exec to exit. inputs: {name: file:/dataset below the data folder}; out: a file name in the folder of outputs."""
        files = sorted({self.path(v.split(":/")[0]) for v in inputs.values()})
        self.clear_outputs()
        with ready():
            drop(files) if cold else warm(files)
        share = max(map(resident_share, files)) if cold else None
        cmd = [os.path.join(self.build, "bin", "chunk"), "eval", expr, *(f"{k}={self.path(v)}" for k, v in inputs.items()),
               "--memory", f"{memory}MiB", "--json", *extra]
        if out:
            cmd += ["-o", f"{os.path.join(self.out, out)}:/out"]
        r = launch(self.program("launch"), cmd, seconds)
        try:
            doc = json.loads(r["stdout"])
        except ValueError:
            doc = {}
        if r["exit"] != 0 or not doc:
            raise Failed(f"chunk eval '{expr}' ended with {r['exit']}: {(doc.get('error') or r['stderr'] or 'no JSON').strip()[:300]}")
        r.update(json=doc, value=doc.get("value"), peak_json_mib=doc.get("measured_peak", 0) / MIB or None)
        if cold:
            r["resident_share"] = share
        del r["stdout"], r["stderr"]
        return r

    def inproc(self, name, *args):
        """One of the programs that clock libchunk inside one process."""
        p = subprocess.run([self.program(name), *map(str, args)], capture_output=True, text=True, timeout=CHUNK_SECONDS)
        if p.returncode:
            raise Failed(f"{name}: {p.stderr.strip()[:300] or f'exit {p.returncode}'}")
        return [json.loads(line) for line in p.stdout.splitlines() if line.startswith("{")]

    # ---- peers and limits

    def peer(self, name, workload):
        os.sync()
        cmd = [sys.executable, os.path.join(HERE, "peers.py"), "run", name, workload, self.dir]
        p = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            out, err = p.communicate(timeout=PEER_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            p.communicate()
            return dict(absent=f"not done after {PEER_SECONDS} s")
        lines = [ln for ln in out.splitlines() if ln.startswith('{"peer"')]
        return json.loads(lines[-1]) if lines else dict(absent=f"exit {p.returncode}: {err.strip()[-200:]}")

    def limit(self, *args):
        """limits.c with these arguments, once in a run of the benchmark (device: each time)."""
        key = args if args[0] != "device" else None
        if key not in self.memo or key is None:
            if args[0] in ("window", "pread", "copy"):
                warm([args[1]])
            self.memo[key] = self.measure(CORES, *args)
        return self.memo[key]

    def measure(self, n_threads, *args):
        """limits.c with these arguments, once."""
        with ready():
            os.sync()
        p = subprocess.run([self.program("limits"), "-t", str(n_threads), *map(str, args)], capture_output=True, text=True)
        if p.returncode:
            raise Failed(f"limits {args[0]}: {p.stderr.strip()[:200]}")
        return json.loads(p.stdout)

    def shared_work(self, name, n_bytes):
        """Seconds of one thread and of two for arithmetic over the pages of a file (limits work), once each."""
        return [self.measure(n, "work", self.path(name), n_bytes)["seconds"] for n in (1, 2)]

    def limit_listed(self, pieces, what, *args):
        """limits.c over a list of (offset, bytes), which goes before the last argument of the codecs and last otherwise."""
        warm([args[-2] if what != "pages" else args[0]])
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as f:
            f.writelines(f"{at} {n}\n" for at, n in pieces)
            f.flush()
            return self.limit(what, *args, f.name) if what == "pages" else self.limit(what, *args[:-1], f.name, args[-1])

    def read_limit(self, *names):
        """Seconds for whole files through the page cache, the faster of windows and preads."""
        return sum(min(self.limit(way, self.path(n))["seconds"] for way in ("window", "pread")) for n in names)

    def copy_limit(self, name, n_in, n_bytes):
        """Seconds for n_in arrays read and one written, n_bytes each, by bare preads and pwrites, or from windows, on every core."""
        n_bytes = max(MIB, n_bytes // MIB * MIB)
        return self.limit("copy", self.path(name), n_in, os.path.join(self.dir, "limit.tmp"), n_bytes)["seconds"]

    def write_limit(self, n_bytes):
        return self.limit("write", os.path.join(self.dir, "limit.tmp"), max(MIB, n_bytes // MIB * MIB))["seconds"]

    # ---- in turn

    def versus(self, row, ours, peers, repeat=None, check=None):
        """A B A C, repeat times over: each peer beside a run of libchunk of its own. peers: {name: (workload, floor or None)}.
        check(run) gives libchunk's check value, outside the clock."""
        ratios = {p: [] for p in peers}
        for p in peers:
            row.peers[p] = dict(runs=[], floor=peers[p][1], absent=None)
        for _ in range(repeat or self.repeat):
            for p in peers or [None]:
                for attempt in range(4):
                    a = ours()
                    b = self.peer(p, peers[p][0]) if p and not row.peers[p]["absent"] else None
                    if attempt == 3 or max(a.get("others") or 0, (b or {}).get("others") or 0) <= NOISE:
                        break
                    row.noisy.append(a)
                if check:
                    a["check_value"] = check(a)
                row.add(a)
                if b is None:
                    continue
                if b.get("absent") or b.get("error"):
                    row.peers[p]["absent"] = b.get("absent") or b["error"]
                    continue
                row.peers[p]["runs"].append(b)
                ratios[p].append(b["seconds"] / a["seconds"])
                if check and not b.get("own_check"):
                    row.peers[p]["agrees"] = row.peers[p].get("agrees", True) and close(a["check_value"], b["check_value"])
        for p, r in ratios.items():
            side = row.peers[p]
            if r:
                side.update(seconds=median([x["seconds"] for x in side["runs"]]), peak_mib=max(x["peak_mib"] for x in side["runs"]), ratio=median(r),
                            note=side["runs"][0].get("note", ""))
                if "agrees" in side:
                    row.require(f"agrees with {p}", side["agrees"])
            if side["floor"]:
                row.floor(f"times {p}", side.get("ratio"), side["floor"], peer=True)


def close(a, b, rel=1e-9):
    try:
        return abs(a - b) <= rel * max(abs(a), abs(b))
    except TypeError:
        return False


def scaled(seconds):
    """A floor in seconds on full-size data is no floor on small data; there it is left as it is."""
    return seconds if SCALE == 1 else max(seconds, 0.5)
