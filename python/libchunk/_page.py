"""The page of a run's report: numbers, what each worker did when, memory against the ceiling, time per operation. One file, drawn as SVG; no script."""
from html import escape

from libchunk._convert import size_text

WIDTH, LEFT, RIGHT = 960.0, 100.0, 12.0
COLORS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#997700", "#6699cc")       # of passes, in turn
PARTS = {"read": "#4477aa", "decode": "#66ccee", "compute": "#228833", "encode": "#ccbb44", "write": "#ee6677", "wait": "#d5d5d5"}
STYLE = """.lc-report{font:13px/1.4 system-ui,sans-serif;color:#222;max-width:980px}.lc-report h2{font-size:15px;margin:18px 0 4px}
.lc-report table{border-collapse:collapse}.lc-report td,.lc-report th{padding:2px 12px 2px 0;text-align:right;font-weight:normal;white-space:nowrap}
.lc-report th{color:#666}.lc-report td:first-child,.lc-report th:first-child{text-align:left}.lc-report svg{display:block;max-width:100%;height:auto}
.lc-report text{font:11px system-ui,sans-serif;fill:#444}.lc-report .over{color:#b00020;font-weight:bold}
.lc-report .key{display:inline-block;width:11px;height:11px;margin:0 4px 0 12px;vertical-align:-1px}"""


def page(*reports):
    """A whole page of reports."""
    return (f"<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>libchunk: report</title></head><body>"
            f"{''.join(body(r) for r in reports)}</body></html>\n")


def body(report):
    """A report as a piece of a page."""
    events = report.events
    parts = [f"<style>{STYLE}</style>", numbers(report)]
    if events:
        end = max(e.end for e in events)
        parts += [timeline(events, end), memory(report, events, end)]
    parts += [operations(report.passes), functions(report.functions)]
    return f"<div class='lc-report'>{''.join(parts)}</div>"


def numbers(r):
    moved = r.bytes_read + r.bytes_written + r.bytes_spilled
    speed = f", {size_text(moved / r.seconds)}/s" if r.seconds > 0 and moved else ""
    cells = [("Time", seconds_text(r.seconds)), ("Tasks", f"{r.tasks:,} on {r.threads} worker{'s' if r.threads != 1 else ''}"),
             ("Read, written, spilled", f"{', '.join(size_text(n) for n in (r.bytes_read, r.bytes_written, r.bytes_spilled))}{speed}"),
             ("Peak of memory", f"{size_text(r.measured_peak)}, projected {size_text(r.projected_peak)}, ceiling {size_text(r.ceiling)}")]
    return "<h2>Run</h2><table>" + "".join(f"<tr><th style='text-align:left'>{k}</th><td style='text-align:left'>{v}</td></tr>" for k, v in cells) + "</table>"


def seconds_text(s):
    return f"{s:.3g} s" if s >= 1 else f"{s * 1e3:.3g} ms" if s >= 1e-3 else f"{s * 1e6:.3g} us"


def across(t, end):
    return LEFT + (WIDTH - LEFT - RIGHT) * t / end if end > 0 else LEFT


def ticks(end, most=8):
    """Round numbers from 0 to end."""
    if end <= 0:
        return [0.0]
    step = 10.0 ** -12
    for step in (m * 10.0 ** e for e in range(-9, 15) for m in (1, 2, 5)):
        if end / step <= most:
            break
    return [k * step for k in range(int(end / step + 1e-9) + 1)]


def time_axis(end, y, height):
    unit, name = (1.0, "s") if end >= 1 else (1e-3, "ms") if end >= 1e-3 else (1e-6, "us")
    marks = "".join(f"<line x1='{across(t, end):.1f}' x2='{across(t, end):.1f}' y1='{y - height:.1f}' y2='{y + 4:.1f}' stroke='#ddd'/>"
                    f"<text x='{across(t, end):.1f}' y='{y + 16:.1f}' text-anchor='middle'>{t / unit:g}</text>" for t in ticks(end))
    return f"{marks}<text x='{LEFT - 8}' y='{y + 16:.1f}' text-anchor='end'>{name}</text>"


def svg(height, what, inside):
    return f"<svg viewBox='0 0 {WIDTH:.0f} {height:.0f}' width='{WIDTH:.0f}' role='img' aria-label='{what}'>{inside}</svg>"


def colors(names):
    return {name: COLORS[i % len(COLORS)] for i, name in enumerate(names)}


def passes_of(events):
    """The passes in the order in which they began."""
    return list(dict.fromkeys(e.name for e in sorted(events, key=lambda e: e.begin)))


def timeline(events, end):
    names = passes_of(events)
    color, workers, lane = colors(names), sorted({e.worker for e in events}), 22.0
    row = {w: 6.0 + lane * i for i, w in enumerate(workers)}
    bottom = 6.0 + lane * len(workers)
    busy = {w: sum(e.busy for e in events if e.worker == w and e.kind not in ("open", "close")) for w in workers}
    drawn = [time_axis(end, bottom, lane * len(workers))]
    for w in workers:
        share = f"{100 * busy[w] / end:.0f} %" if end > 0 else ""
        drawn.append(f"<text x='{LEFT - 8}' y='{row[w] + 14:.1f}' text-anchor='end'>worker {w}: {share}</text>")
    for e in joined(sorted(events, key=lambda e: (e.worker, e.begin)), end):
        x = across(e.begin, end)
        width = max(0.4, across(e.end, end) - x)
        faded = " fill-opacity='0.45'" if e.kind != "run" else ""
        told = f"{e.name}: {e.kind}, {e.tasks} task{'s' if e.tasks != 1 else ''}, {seconds_text(e.busy)}, {size_text(e.bytes)}"
        drawn.append(f"<rect x='{x:.2f}' y='{row[e.worker] + 2:.1f}' width='{width:.2f}' height='{lane - 5:.1f}' fill='{color[e.name]}'{faded}>"
                     f"<title>{escape(told)}</title></rect>")
    key = "".join(f"<span><span class='key' style='background:{color[n]}'></span>{escape(n)}</span>" for n in names[:12])
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"<h2>What the workers did</h2>{svg(bottom + 22, 'timeline', ''.join(drawn))}<div>{key}{more}</div>"


def joined(events, end):
    """Events of a worker and pass that are nearer than half a pixel, as one."""
    near, last = end / (2 * (WIDTH - LEFT - RIGHT)), None
    for e in events:
        if last and e.worker == last.worker and e.name == last.name and e.kind == last.kind and e.begin - last.end < near and e.end - last.begin < 8 * near:
            last = last._replace(end=max(e.end, last.end), busy=last.busy + e.busy, tasks=last.tasks + e.tasks, bytes=last.bytes + e.bytes)
            continue
        if last:
            yield last
        last = e
    if last:
        yield last


def memory(report, events, end):
    """What was booked, and what the process had more than before the run, against projection and ceiling."""
    height, top = 150.0, 8.0
    before = report._recorded[2]
    points = sorted(events, key=lambda e: e.end)
    seen = [(e.end, max(0, e.resident - before)) for e in points if e.resident]
    booked = [(e.end, e.held) for e in points]
    reach = max(report.projected_peak, *(v for _, v in seen + booked))
    ceiling_shown = report.ceiling <= 4 * reach       # one far above is told in words, or the curve would lie on the floor
    highest = max(reach, report.ceiling if ceiling_shown else 0) * 1.06 or 1

    def up(v):
        return top + height * (1 - v / highest)

    drawn = [time_axis(end, top + height, height)]
    unit, name = next((u, n) for u, n in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")) if highest >= u)
    for v in ticks(highest / unit, 5):
        drawn.append(f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{up(v * unit):.1f}' y2='{up(v * unit):.1f}' stroke='#eee'/>"
                     f"<text x='{LEFT - 8}' y='{up(v * unit) + 4:.1f}' text-anchor='end'>{v:g} {name}</text>")
    steps, last = [f"M{across(0, end):.1f},{up(booked[0][1]):.1f}"], None
    for t, v in booked:
        if v != last:
            steps.append(f"H{across(t, end):.1f}V{up(v):.1f}")
            last = v
    steps.append(f"H{across(end, end):.1f}")
    drawn.append(f"<path d='{''.join(steps)}' fill='none' stroke='#4477aa' stroke-width='1.5'/>")
    if seen:
        line = " ".join(f"{across(t, end):.1f},{up(v):.1f}" for t, v in thinned([(0.0, 0), *seen], 600))
        drawn.append(f"<polyline points='{line}' fill='none' stroke='#228833' stroke-width='1.5'/>")
    limits = [(report.projected_peak, "#ccbb44", "projected peak")] + ([(report.ceiling, "#b00020", "ceiling")] if ceiling_shown else [])
    for v, stroke, what in limits:
        drawn.append(f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{up(v):.1f}' y2='{up(v):.1f}' stroke='{stroke}' stroke-dasharray='6 4'><title>{what}: "
                     f"{size_text(v)}</title></line>")
    keys = [("#4477aa", "booked under the ceiling")] + ([("#228833", "resident in the process, less what was before")] if seen else [])
    key = "".join(f"<span><span class='key' style='background:{c}'></span>{what}</span>" for c, what in keys + [(c, w) for _, c, w in limits])
    far = "" if ceiling_shown else f"; the ceiling of {size_text(report.ceiling)} is far above"
    return f"<h2>Memory</h2>{svg(top + height + 22, 'memory', ''.join(drawn))}<div>{key}{far}</div>"


def thinned(points, most):
    """No more points than that: of neighbouring ones the highest."""
    size = -(-len(points) // most)
    return [max(points[i:i + size], key=lambda p: p[1]) for i in range(0, len(points), size)]


def operations(passes):
    """Bars of the workers' time, and the numbers."""
    if not passes:
        return ""
    longest = max(sum(p[part] for part in PARTS) for p in passes) or 1
    rows = []
    for p in passes:
        x, bar = 0.0, []
        for part, color in PARTS.items():
            width = 220 * p[part] / longest
            if width > 0.1:
                bar.append(f"<rect x='{x:.1f}' y='2' width='{width:.1f}' height='12' fill='{color}'><title>{part}: {seconds_text(p[part])}</title></rect>")
            x += width
        drawn = f"<svg width='222' height='16' role='img' aria-label='time'>{''.join(bar)}</svg>"
        cells = [f"{p['tasks']:,}", seconds_text(p["seconds"]), *(seconds_text(p[part]) if p[part] else "" for part in PARTS),
                 f"{p['gb_per_second']:.2f}", size_text(p["peak_bytes"])]
        rows.append(f"<tr><td>{escape(p['name'])}</td><td>{drawn}</td>{''.join(f'<td>{c}</td>' for c in cells)}</tr>")
    head = "".join(f"<th>{h}</th>" for h in ("operation", "", "tasks", "time", *PARTS, "GB/s", "peak"))
    key = "".join(f"<span><span class='key' style='background:{c}'></span>{part}</span>" for part, c in PARTS.items())
    return (f"<h2>Time per operation</h2><div style='overflow-x:auto'><table><tr>{head}</tr>{''.join(rows)}</table></div>"
            f"<div>summed over the workers: {key}</div>")


def functions(costs):
    """What Python functions took, and what was more than they had room for."""
    if not costs:
        return ""
    rows = "".join(
        f"<tr><td>{escape(c.name)}</td><td>{c.calls:,}</td><td>{seconds_text(c.seconds)}</td><td>{seconds_text(c.seconds / c.calls)}</td>"
        f"<td>{size_text(c.granted) if c.granted else ''}</td><td>{size_text(c.used)}</td>"
        f"<td{' class=over' if c.excess else ''}>{size_text(c.excess) if c.excess else 'none' if c.granted else ''}</td></tr>" for c in costs)
    head = "".join(f"<th>{h}</th>" for h in ("Python function", "calls", "time", "a call", "granted a block", "used at most", "excess"))
    return f"<h2>Python functions</h2><table><tr>{head}</tr>{rows}</table>"
