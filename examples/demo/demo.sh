#!/bin/sh
# The demo: 240 years of modelled air temperature over North America become an ensemble of 2,560 members, 4.1 GiB, of which four maps are
# made while the whole program stays under 128 MiB. Run by ./dev demo. --keep leaves the large file; DEMO_DIR says where to work.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
chunk=$root/build/release/bin/chunk
dir=${DEMO_DIR:-$root/build/demo}
ceiling=128MiB
members=2560
keep=${1:-}

model=$root/examples/data/A1B_north_america.nc:/air_temperature
ensemble=$dir/ensemble.h5
maps=$dir/maps.h5

# Each member is the model's run plus a wave of half a kelvin that is smooth over members, years, latitude and longitude.
wave="0.7 * arange($members, dtype=float32)[:, None, None, None] + 0.05 * arange(240, dtype=float32)[:, None, None]"
wave="$wave + 0.2 * arange(37, dtype=float32)[:, None] + 0.15 * arange(49, dtype=float32)"
enlarge="t[None] + 0.5 * sin($wave)"

# Per cell, over all members and years; the trend is the slope of least squares: the sum of (y - mean(y)) squared over 240 years is 1151980.
# The hottest year is that of the mean over the members. One pass over x serves the first three; the mean of each year and cell over the members, whose partial
# results are as large as the data of a member, has one of its own.
average="mean(x, axis=(0, 1), dtype=float64) - 273.15"
deviation="std(x, axis=(0, 1), dtype=float64)"
trend="100 * sum(x * (arange(240) - 119.5)[:, None, None], axis=(0, 1)) / ($members * 1151980.0)"
hottest="1860 + argmax(mean(x, axis=0, dtype=float64), axis=0)"
statistics="average = $average; deviation = $deviation; trend = $trend; hottest = $hottest"

say() { printf '%s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
field() { sed -n "s/.*\"$2\": *\([0-9.]*\).*/\1/p" "$1"; }            # a number of a one-line JSON file
mib() { awk "BEGIN { printf \"%.1f MiB\", $1 / 1048576 }"; }
value() { "$chunk" eval "$1" "x=$maps:/$2" -q; }

peaks() { # JSON WHAT: says what was measured and holds it against what was promised
    measured=$(field "$1" measured_peak)
    projected=$(field "$1" projected_peak)
    limit=$(field "$1" ceiling)
    [ "$measured" -le "$projected" ] && [ "$projected" -le "$limit" ] || die "$2: peak $measured, projected $projected, ceiling $limit"
    line="measured peak $(mib "$measured") <= projected peak $(mib "$projected") <= ceiling $(mib "$limit")"
    say "   $2: $(field "$1" seconds) s, $line"
}

mkdir -p "$dir"
free=$(df -Pk "$dir" | awk 'NR == 2 { print $4 }')
[ "$free" -ge 4718592 ] || die "$dir has $((free / 1024)) MiB free and 4608 MiB are needed; set DEMO_DIR to another folder"
rm -f "$ensemble" "$maps"
[ "$keep" = --keep ] || trap 'rm -f "$ensemble"' EXIT

say "1. One model run of 1.7 MiB becomes $members members, 4.1 GiB, under $ceiling:"
say "   chunk eval '$enlarge'"
"$chunk" eval "$enlarge" "t=$model" -o "$ensemble:/air_temperature" --chunks 1x240x37x49 --memory $ceiling --json >"$dir/enlarge.json"
peaks "$dir/enlarge.json" enlarging
"$chunk" info "$ensemble"

say "2. Mean, deviation, trend and hottest year of each cell, under $ceiling:"
say "   chunk eval '$statistics'"
"$chunk" eval "$statistics" "x=$ensemble:/air_temperature" -o "$maps:/" --memory $ceiling --json >"$dir/statistics.json"
peaks "$dir/statistics.json" computing

say "3. The same from NumPy, for a sample:"
"$root/build/venv/bin/python" "$root/examples/demo/check.py" "$root/examples/data/A1B_north_america.nc" "$ensemble" "$maps"

say "4. A picture:"
"$root/build/release/examples/map_png" "$dir/maps.png" "$maps" /average "Mean 1860-2099 (C)" /deviation "Deviation (K)" \
    /trend "Trend (K / century)" /hottest "Hottest year"
say "   $dir/maps.png"

say ""
LC_ALL=C printf 'North America, scenario A1B, 1860 to 2099: %.1f C on average, warming by %.2f K a century (%.2f to %.2f); %.0f %% of it is hottest after 2080.\n' \
    "$(value 'mean(x)' average)" "$(value 'mean(x)' trend)" "$(value 'min(x)' trend)" "$(value 'max(x)' trend)" "$(value '100 * mean(x > 2080)' hottest)"
say "$line"
