#!/usr/bin/python3
"""bench/archive.py [BUILD] [--megabytes N]: writing and reading an image of the archive beside h5py with gzip level 1, on the same
voxels and chunks, in the same run; prints times, sizes and ratios. Needs python3-h5py and python3-scipy; about five times N of
disk below $TMPDIR.

The voxels are blurred blobs with Poisson noise and a camera's offset, uint16. 'smaller copies' is what viewers open first; h5py
writes none. The bound is a plain copy of the file's bytes through memory: reading cannot be faster than that."""
import argparse
import pathlib
import subprocess
import tempfile
import time

import h5py
import numpy
from scipy.ndimage import gaussian_filter


def phantom(megabytes):
    rng = numpy.random.default_rng(7)
    depth = max(64, megabytes * 500_000 // (512 * 512) // 64 * 64)
    tile = rng.random((64, 512, 512), dtype=numpy.float32) > 0.9995
    light = gaussian_filter(tile.astype(numpy.float32), 5)
    light *= 400 / light.max()
    return numpy.concatenate([rng.poisson(light) + 100 + rng.normal(0, 2, light.shape) for _ in range(depth // 64)]
                             ).round().clip(0).astype("<u2")


def h5py_times(volume, chunk, file):
    start = time.perf_counter()
    with h5py.File(file, "w") as f:
        f.create_dataset("cells", data=volume, chunks=chunk, compression="gzip", compression_opts=1, shuffle=True)
    written = time.perf_counter() - start
    start = time.perf_counter()
    with h5py.File(file, "r") as f:
        back = f["cells"][...]
    seconds = time.perf_counter() - start
    assert numpy.array_equal(back, volume)
    with h5py.File(file, "r") as f:
        stored = f["cells"].id.get_storage_size()
    return written, seconds, stored


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", default=pathlib.Path(__file__).parents[1] / "build", type=pathlib.Path)
    parser.add_argument("--megabytes", type=int, default=256)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        volume = phantom(options.megabytes)
        volume.tofile(folder / "volume.u16")
        megabytes = volume.nbytes / 1e6
        start = time.perf_counter()
        volume.copy()
        copy = time.perf_counter() - start
        print(f"{megabytes:.0f} MB, {volume.shape} uint16; a copy in memory takes {copy:.2f} s")
        write, read, stored = h5py_times(volume, (64, 64, 64), folder / "h5py.h5")
        print(f"  h5py, gzip 1            write {write:6.2f} s  {megabytes / write:6.0f} MB/s   read {read:6.2f} s "
              f"{megabytes / read:6.0f} MB/s   ratio {volume.nbytes / stored:.3f}")
        for threads in (1, 2):
            file = folder / f"voxflow_{threads}.h5"
            out = subprocess.run([options.build / "bin/bench_archive", folder / "volume.u16", *map(str, volume.shape), file,
                                  str(threads)], check=True, capture_output=True, text=True).stdout
            ours = {line.split()[0]: float(line.split()[1]) for line in out.splitlines()}
            with h5py.File(file, "r") as f:
                size = f["t00000/s00/0/cells"].id.get_storage_size()
            print(f"  voxflow, {threads} thread(s)    write {ours['write']:6.2f} s  {megabytes / ours['write']:6.0f} MB/s   read "
                  f"{ours['read']:6.2f} s {megabytes / ours['read']:6.0f} MB/s   ratio {volume.nbytes / size:.3f}")
            print(f"    against h5py: write {write / ours['write']:.1f} x, read {read / ours['read']:.1f} x, size "
                  f"{size / stored:.3f}; smaller copies {ours['smaller_copies']:.2f} s; a box of one chunk opened in at most "
                  f"{ours['open_one_chunk'] * 1000:.1f} ms")


main()
