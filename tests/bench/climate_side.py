"""What xarray does on libchunk or on Dask, for rows_python.py: climate_side.py WHO FILE OUT prints one line of JSON. Monthly climatology of a variable of days, and the
anomaly of every day from it, written as netCDF-4; peak: resident bytes beyond those before the work began."""
import json
import os
import sys
import time

import xarray as xr

who, path, out = sys.argv[1:4]
if who == "libchunk":
    import libchunk as lc

    lc.config.memory = "128MiB"
else:
    import dask

    dask.config.set(num_workers=len(os.sched_getaffinity(0)))


def status(key):
    with open("/proc/self/status") as f:
        return int(f.read().split(f"{key}:")[1].split()[0]) << 10


with xr.open_dataset(path, engine="libchunk" if who == "libchunk" else "h5netcdf", chunks={}, chunked_array_type=who) as ds:
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")        # the high-water mark begins anew
    before, start = status("VmRSS"), time.perf_counter()
    months = ds.air_temperature.groupby("time.month")
    climate = months.mean("time")
    mean = climate.compute()
    (months - climate).to_dataset(name="anomaly").to_netcdf(out, engine="h5netcdf")
    seconds, peak = time.perf_counter() - start, status("VmHWM") - before
with xr.open_dataset(out, engine="h5netcdf") as ds:
    sample = float(abs(ds.anomaly[::997].astype("f8")).mean())
os.unlink(out)
print(json.dumps({"seconds": seconds, "peak": peak, "mean": float(mean.astype("f8").mean()), "sample": sample}))
