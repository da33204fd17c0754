#!/usr/bin/python3
"""bench/denoise.py [BUILD]: denoise.dct (best, fast) and denoise.nlm beside scikit-image's non-local means (fast mode,
patches of 5, distance 4), which works on the same stabilised volumes of 64 x 256 x 256 voxels and is taken back by the same
exact unbiased inverse; prints times, PSNR and ratios. Needs python3-skimage."""
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy
from skimage.restoration import denoise_nl_means

SHAPE = (64, 256, 256)
MVOXELS = numpy.prod(SHAPE) / 1e6
STRENGTHS = (0.5, 0.6, 0.7)  # h of non-local means, in standard deviations of the noise: the best one is compared


def psnr(truth, image):
    error = numpy.mean((truth.astype(numpy.float64) - image) ** 2)
    return 10 * numpy.log10(float(truth.max() - truth.min()) ** 2 / error)


def row(name, seconds, quality):
    print(f"  {name:<34}{seconds:8.2f} s {MVOXELS / seconds:8.2f} Mvoxel/s {quality:8.2f} dB", flush=True)


def scikit_image(read, peak):
    noisy, truth = read(f"noisy_{peak}.f32").reshape(SHAPE), read(f"truth_{peak}.f32").reshape(SHAPE)
    results = []
    for strength in STRENGTHS:
        start = time.perf_counter()
        stabilised = denoise_nl_means(noisy, patch_size=5, patch_distance=4, h=strength, sigma=1.0, fast_mode=True)
        seconds = time.perf_counter() - start
        image = numpy.interp(stabilised, read("stabilised.f32"), read("intensities.f32"))
        results.append((psnr(truth, image), seconds))
        row(f"scikit-image, h {strength}, 1 thread", seconds, results[-1][0])
    return max(results)


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1] / "build")
    with tempfile.TemporaryDirectory() as folder:
        ours = subprocess.run([build / "bin/bench_denoise", folder, build / "lib/voxflow/kernels"],
                              check=True, capture_output=True, text=True).stdout.splitlines()
        read = lambda name: numpy.fromfile(pathlib.Path(folder, name), numpy.float32)
        for line in ours:
            word = line.split()
            if word[0] == "case":
                print(f"peak of {word[1]} photons, noisy {float(word[2]):.2f} dB")
                peer_dB, peer_s = scikit_image(read, word[1])
            elif word[0] == "voxflow":
                seconds, quality = float(word[3]), float(word[4])
                row(f"voxflow {word[1]}, {word[2]} thread(s), a task", seconds, quality)
                print(f"    {peer_s / seconds:.0f} times scikit-image's speed, {quality - peer_dB:+.2f} dB")
            else:
                seconds = float(word[2])
                print(f"  voxflow {word[1]}, the kernel alone on one core: {MVOXELS / seconds:.2f} Mvoxel/s, "
                      f"{peer_s / seconds:.0f} times scikit-image's speed")


main()
