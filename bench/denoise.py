#!/usr/bin/python3
"""bench/denoise.py [BUILD]: the denoisers beside scikit-image's non-local means (fast mode, patches of 5, distance 4) and
total variation (Chambolle), which work on the same stabilised volumes of 64 x 256 x 256 voxels and are taken back by the
same exact unbiased inverse, and beside ITK's curvature diffusion, which denoise.anisotropic is. Prints times, PSNR, ratios,
the bandwidth of the memory, and where the time of a task goes. Needs python3-skimage."""
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

SHAPE = (64, 256, 256)
MVOXELS = numpy.prod(SHAPE) / 1e6
STRENGTHS = (0.5, 0.6, 0.7)  # h of non-local means, in standard deviations of the noise: the best one is compared
WEIGHTS = (0.7, 0.8, 0.9)  # of total variation, likewise


def psnr(truth, image):
    error = numpy.mean((truth.astype(numpy.float64) - image) ** 2)
    return 10 * numpy.log10(float(truth.max() - truth.min()) ** 2 / error)


def row(name, seconds, quality):
    print(f"  {name:<34}{seconds:8.2f} s {MVOXELS / seconds:8.2f} Mvoxel/s {quality:8.2f} dB", flush=True)


def best_of(read, peak, name, settings, denoise):
    """PSNR and seconds of the setting that comes nearest to the truth."""
    noisy, truth = read(f"noisy_{peak}.f32").reshape(SHAPE), read(f"truth_{peak}.f32").reshape(SHAPE)
    results = []
    for setting in settings:
        start = time.perf_counter()
        stabilised = denoise(noisy, setting)
        seconds = time.perf_counter() - start
        image = numpy.interp(stabilised, read("stabilised.f32"), read("intensities.f32"))
        results.append((psnr(truth, image), seconds))
        row(f"scikit-image {name} {setting}, 1 thread", seconds, results[-1][0])
    return max(results)


def scikit_image(read, peak):
    return {
        "scikit-image's non-local means": best_of(
            read, peak, "non-local means", STRENGTHS,
            lambda noisy, h: denoise_nl_means(noisy, patch_size=5, patch_distance=4, h=h, sigma=1.0, fast_mode=True)),
        "scikit-image's total variation": best_of(
            read, peak, "total variation", WEIGHTS, lambda noisy, weight: denoise_tv_chambolle(noisy, weight=weight)),
    }


def compare(peers, seconds, quality):
    for name, (peer_dB, peer_s) in peers.items():
        print(f"    {peer_s / seconds:6.1f} times the speed of {name}, {quality - peer_dB:+.2f} dB")


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1] / "build")
    with tempfile.TemporaryDirectory() as folder:
        ours = subprocess.run([build / "bin/bench_denoise", folder, build / "lib/voxflow/kernels"],
                              check=True, capture_output=True, text=True).stdout.splitlines()
        read = lambda name: numpy.fromfile(pathlib.Path(folder, name), numpy.float32)
        tasks = {}
        for line in ours:
            word = line.split()
            if word[0] == "bandwidth":
                print(f"memory: {float(word[2]):.1f} GB/s with {word[1]} thread(s)")
            elif word[0] == "case":
                print(f"peak of {word[1]} photons, noisy {float(word[2]):.2f} dB")
                peers = scikit_image(read, word[1])
            elif word[0] == "voxflow":
                seconds, quality = float(word[3]), float(word[4])
                tasks[word[1], word[2]] = seconds
                row(f"voxflow {word[1]}, {word[2]} thread(s), a task", seconds, quality)
                compare(peers, seconds, quality)
                if word[1] == "anisotropic":
                    peers["ITK's curvature diffusion"] = quality, seconds
            else:
                survey, run = float(word[2]), float(word[3])
                whole = tasks[word[1], "1"]
                print(f"  voxflow {word[1]}, the kernel alone on one core: {MVOXELS / (survey + run):.2f} Mvoxel/s; of a task "
                      f"{survey / whole:.0%} look for the noise, {run / whole:.0%} filter, the rest are blocks' borders, "
                      "digests, compression and reading")


main()
