#!/usr/bin/python3
"""bench/import.py [BUILD] [--data FOLDER] [--repeats N]: importing a time series of 122 TIFF files beside a script that reads
them by tifffile and writes them by h5py with gzip level 1 and the same chunks, in the same run; prints times and ratios. Needs
python3-h5py, python3-tifffile and the microglia series of the test data (VOXFLOW_TEST_DATA, else ../shared/data).

tifffile decodes LZW by the package imagecodecs; where that is not installed, Pillow (libtiff) decodes in its place. Both sides find
the files in memory, and both flush what they wrote to disk. Beside other work on the same cores the seconds of processor time tell more
than those of the clock. The disk's own speed is that of writing random bytes and flushing."""
import argparse
import os
import pathlib
import re
import resource
import subprocess
import tempfile
import time

import h5py
import numpy
import tifffile

PROJECT = pathlib.Path(__file__).resolve().parents[1]
DATA = pathlib.Path(os.environ.get("VOXFLOW_TEST_DATA", PROJECT / "../shared/data"))
CHUNK = 64


def decoder():
    try:
        import imagecodecs  # noqa: F401, pylint: disable=unused-import,import-outside-toplevel
        return "tifffile", tifffile.imread
    except ImportError:
        from PIL import Image, ImageSequence  # pylint: disable=import-outside-toplevel
        return "Pillow", lambda file: numpy.stack([numpy.asarray(page) for page in ImageSequence.Iterator(Image.open(file))])


def processor_seconds():
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def flush(file):
    with open(file, "rb") as f:
        os.fsync(f.fileno())


def by_script(read, files, out):
    voxels = 0
    with h5py.File(out, "w") as f:
        for t, file in enumerate(files):
            volume = read(file)
            chunk = tuple(min(CHUNK, n) for n in volume.shape)
            f.create_dataset(f"t{t:05}/s00/0/cells", data=volume, chunks=chunk, compression="gzip", compression_opts=1,
                             shuffle=True)
            voxels += volume.nbytes
    flush(out)
    return voxels


def by_voxflow(build, files, archive):
    voxflow = build / "bin/voxflow"
    subprocess.run([voxflow, "init", archive], check=True, capture_output=True)
    start, used = time.perf_counter(), processor_seconds()
    subprocess.run([voxflow, "--archive", archive, "import", *files, "--project", "bench", "--files-are", "timepoints",
                    "--spacing", "1,1,1 um"], check=True, capture_output=True)
    return time.perf_counter() - start, processor_seconds() - used


def disk_speed(folder, megabytes=300):
    data = os.urandom(1_000_000)
    start = time.perf_counter()
    with open(folder / "disk", "wb") as f:
        for _ in range(megabytes):
            f.write(data)
        f.flush()
        os.fsync(f.fileno())
    return megabytes / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", default=PROJECT / "build", type=pathlib.Path)
    parser.add_argument("--data", default=DATA / "bdp2_microglia_3dt", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    files = sorted(options.data.glob("volume*.tif"), key=lambda f: int(re.search(r"(\d+)\.tif", f.name)[1]))
    if not files:
        parser.error(f"there are no volume*.tif in {options.data}; name their folder with --data")
    name, read = decoder()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        raw = sum(len(f.read_bytes()) for f in files)
        script, ours = [], []
        for i in range(options.repeats):
            start, used = time.perf_counter(), processor_seconds()
            voxels = by_script(read, files, folder / f"script{i}.h5")
            script.append((time.perf_counter() - start, processor_seconds() - used))
            ours.append(by_voxflow(options.build, files, folder / f"archive{i}"))
        disk = disk_speed(folder)
        mine = next((folder / "archive0").rglob("data.h5"))
        print(f"{len(files)} files, {raw / 1e6:.0f} MB, {voxels / 1e6:.0f} MB of voxels; best of {options.repeats}; "
              f"{os.cpu_count()} cores; the disk takes {disk:.0f} MB/s")
        for who, (seconds, used), size in ((f"{name} + h5py", min(script), (folder / "script0.h5").stat().st_size),
                                           ("voxflow import", min(ours), mine.stat().st_size)):
            print(f"  {who:16} {seconds:6.2f} s  {used:6.2f} s of processor  {voxels / 1e6 / seconds:6.0f} MB/s of voxels  {size / 1e6 / seconds:6.0f} MB/s "
                  f"written  {size / 1e6:6.0f} MB")
        print(f"  voxflow against the script: {min(script)[0] / min(ours)[0]:.1f} x, by processor time "
              f"{min(script)[1] / min(ours)[1]:.1f} x")


main()
