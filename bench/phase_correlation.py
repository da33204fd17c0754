#!/usr/bin/python3
"""bench/phase_correlation.py [BUILD]: register.phase_correlation beside scikit-image's phase_cross_correlation on the same
bead volumes of 128 x 256 x 256 voxels with 50 photons at the peak; prints times, errors and ratios. Needs python3-skimage."""
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy
from skimage.registration import phase_cross_correlation

SHAPE = (128, 256, 256)


def scikit_image(fixed, moving, truth, upsampling):
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        shift = phase_cross_correlation(fixed, moving, upsample_factor=upsampling, normalization=None)[0]
        best = min(best, time.perf_counter() - start)
    return best, float(numpy.linalg.norm(-numpy.asarray(shift) - truth))  # it gives the way back


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1] / "build")
    with tempfile.TemporaryDirectory() as folder:
        ours = subprocess.run([build / "bin/bench_phase_correlation", folder, build / "lib/voxflow/kernels"],
                              check=True, capture_output=True, text=True).stdout.splitlines()
        read = lambda name: numpy.fromfile(pathlib.Path(folder, name), numpy.float32).reshape(SHAPE)
        fixed = read("fixed.f32")
        for line in ours:
            word = line.split()
            if word[0] == "voxflow":
                seconds, error = float(word[2]), float(word[3])
                print(f"  voxflow, {word[1]} thread(s)      {seconds:6.2f} s  error {error:8.3f} voxel")
                continue
            truth = numpy.array([float(w) for w in word[2:]])
            print("shift", *truth)
            moving = read(f"moving_{word[1]}.f32")
            for upsampling in (1, 10, 100):
                seconds, error = scikit_image(fixed, moving, truth, upsampling)
                print(f"  scikit-image, 1/{upsampling:<3} voxel   {seconds:6.2f} s  error {error:8.3f} voxel")
            print(f"  of the last, voxflow takes:  {', '.join(ratios(ours, word[1], seconds))}")


def ratios(ours, case, seconds):
    at = next(i for i, line in enumerate(ours) if line.split()[:2] == ["case", case])
    return [f"{float(line.split()[2]) / seconds:.2f} ({line.split()[1]} thread(s))" for line in ours[at + 1:at + 3]]


main()
