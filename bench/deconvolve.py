#!/usr/bin/python3
"""bench/deconvolve.py [BUILD]: an iteration of deconvolve.richardson_lucy on 128 x 256 x 256 voxels with a PSF of 33^3 beside
scikit-image's and ITK's, the transforms that it cannot do without, and the memory's bandwidth, measured in one go; prints
times, ratios, and where the time of a task goes. Needs Debian's python3-skimage and python3-numpy, and bench_deconvolve
(cmake --build build --target bench_deconvolve), which libinsighttoolkit5-dev and libfftw3-dev build."""
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy
from skimage.restoration import richardson_lucy


def scikit_image(folder):
    read = lambda name, shape: numpy.fromfile(pathlib.Path(folder, name), numpy.float32).reshape(shape)
    image, psf = read("noisy.f32", (128, 256, 256)), read("psf.f32", (33, 33, 33))

    def run(iterations):
        start = time.perf_counter()
        richardson_lucy(image, psf, num_iter=iterations, clip=False)
        return time.perf_counter() - start

    one, six = (min(run(iterations) for _ in range(3)) for iterations in (1, 6))
    return (six - one) / 5


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1] / "build")
    with tempfile.TemporaryDirectory() as folder:
        lines = subprocess.run([build / "bin/bench_deconvolve", folder, build / "lib/voxflow/kernels"],
                               check=True, capture_output=True, text=True).stdout.splitlines()
        ours = {(name, int(threads)): float(value) for name, threads, value in map(str.split, lines)}
        peer = scikit_image(folder)
    print(f"scikit-image, 1 thread: {peer:.3f} s an iteration")
    for threads in (1, 2):
        of = lambda name: ours[name, threads]
        print(f"{threads} thread(s): memory {of('bandwidth') / 1e9:.1f} GB/s; ITK {of('itk'):.3f} s an iteration; four transforms "
              f"{of('bound'):.3f} s padded to 160 x 288 x 288")
        for name in ("matched", "standard"):
            seconds = of(name)
            print(f"  voxflow {name:<9}{seconds:7.3f} s an iteration: {seconds / of('bound'):.2f} of the transforms, "
                  f"{seconds / peer:.2f} of scikit-image, {seconds / of('itk'):.2f} of ITK")
        iterations = 5 * of("standard")
        print(f"  a task of 5 iterations {of('task'):.2f} s: the kernel alone on the whole volume {of('five'):.2f} s, of which "
              f"iterations {iterations:.2f} s; the rest is blocks' borders, spectra, reading and digests")


main()
