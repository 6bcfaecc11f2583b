"""The result as a table for people (Markdown, which a terminal shows as well) and as JSON for programs."""
import json
import os
import platform
import time
from importlib import metadata

from data import SCALE
from measure import CORES

PACKAGES = ("numpy", "h5py", "hdf5plugin", "dask", "numexpr", "blosc2", "tensorstore", "deflate")


def machine():
    cpu = next((ln.split(":", 1)[1].strip() for ln in open("/proc/cpuinfo") if ln.startswith("model name")), platform.machine())
    mem = int(open("/proc/meminfo").readline().split()[1]) / 1048576
    versions = {}
    for p in PACKAGES:
        try:
            versions[p] = metadata.version(p)
        except metadata.PackageNotFoundError:
            versions[p] = "absent"
    return dict(cpu=cpu, cores=CORES, memory_gib=round(mem, 1), kernel=platform.release(), python=platform.python_version(), scale=SCALE,
                when=time.strftime("%Y-%m-%d %H:%M", time.gmtime()), packages=versions)


def number(v, digits=3):
    if v is None:
        return "-"
    if isinstance(v, bool):
        return "yes" if v else "no"
    if v == 0:
        return "0"
    if abs(v) < 1e-2:
        return f"{v:.{digits - 1}e}"
    return f"{v:.0f}" if abs(v) >= 1000 else f"{v:.{digits}g}"


def seconds(v):
    if v is None:
        return "-"
    return f"{v * 1e6:.1f} us" if v < 1e-3 else f"{v * 1e3:.1f} ms" if v < 0.1 else f"{v:.2f} s"


def peers_text(row):
    out = []
    for name, p in row.peers.items():
        if p["absent"]:
            out.append(f"{name}: absent")
        elif "ratio" in p:
            out.append(f"{name} {seconds(p['seconds'])}, {p['peak_mib']:.0f} MiB, {number(p['ratio'])}x")
    return "; ".join(out)


def floors_text(row):
    """The floors of the row with what was reached; those that only guard (values, peaks) are named when they are missed."""
    out = []
    for f in row.floors:
        if f["need"] is True or f["text"].endswith("MiB"):
            if f["met"] is False:
                out.append(f"**{f['text']}: {number(f['got'])}**")
            continue
        text = f"{f['text']} {number(f['got'])} ({'<=' if f['at_most'] else '>='} {number(f['need'])})"
        out.append(f"**{text}**" if f["met"] is False else text)
    return "; ".join(out)


HEAD = "| workload | ceiling | libchunk | peak MiB own, outside | peers: time, peak, ratio | floors: reached (needed) | met | limit | of limit | noise |"


def line(row):
    peak = "-" if not row.peak_json else f"{row.peak_json:.1f}, {row.peak:.1f}" if row.peak else f"{row.peak_json:.1f}"
    limit = f"{row.limit['text']}: {seconds(row.limit['seconds'])}" if row.limit else ""
    reached = row.error or floors_text(row)
    notes = f" ({'; '.join(row.notes)})" if row.notes else ""
    cells = [row.name, f"{row.ceiling} MiB" if row.ceiling else "", seconds(row.seconds) + notes, peak, peers_text(row), reached, row.verdict, limit,
             number(row.fraction, 2) if row.fraction else "", number(row.others, 2)]
    return "| " + " | ".join(cells) + " |"


def markdown(rows, info):
    versions = ", ".join(f"{k} {v}" for k, v in info["packages"].items())
    text = [f"# libchunk against its peers, {info['when']}", "",
            f"{info['cores']} cores of {info['cpu']}, {info['memory_gib']} GiB, Linux {info['kernel']}; Python {info['python']}, {versions}."]
    if info["scale"] != 1:
        text += ["", f"Arrays {info['scale']} times smaller a side: a smoke test, whose times say nothing."]
    text += ["", HEAD, "|---" * 10 + "|", *map(line, rows), "",
             "met: yes; limit: a peer's floor is missed, but 0.9 of the physical limit measured in this run is reached; unjudged: a peer is absent; no. "
             "noise: cores that other processes used, at worst. Every time is a median; ratios are medians of pairs run one after the other."]
    return "\n".join(text) + "\n"


def write(folder, rows, info):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "results.json"), "w") as f:
        json.dump(dict(machine=info, rows=[r.as_dict() for r in rows]), f, indent=1, default=str)
    with open(os.path.join(folder, "results.md"), "w") as f:
        f.write(markdown(rows, info))
