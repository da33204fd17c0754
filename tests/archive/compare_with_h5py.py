"""Reads an image with stock HDF5 and compares it with raw voxels: compare_with_h5py.py DATA.h5 RAW_FOLDER [fletcher32]."""
import json
import os
import sys
import xml.etree.ElementTree as xml

import h5py
import numpy as np

file_name, raw_folder = sys.argv[1:3]
summed = sys.argv[3:] == ["fletcher32"]
raw_type = {"uint8": "u1", "uint16": "<u2", "uint32": "<u4", "float32": "<f4"}



def levels_of(shape, spacing):
    """Factors z-y-x of every level, as the format says: y and x are halved, and z once it is less than twice as coarse as x."""
    shape, spacing, factors = list(shape), list(spacing), [(1, 1, 1)]
    while max(shape) > 256:
        steps = [2 if spacing[0] < 2 * spacing[2] and shape[0] > 1 else 1, 2, 2]
        factors.append(tuple(f * s for f, s in zip(factors[-1], steps)))
        shape = [max(n // s, 1) for n, s in zip(shape, steps)]
        spacing = [d * s for d, s in zip(spacing, steps)]
    return factors


def shrink(volume, steps, kind):
    shape = [max(n // s, 1) for n, s in zip(volume.shape, steps)]
    parts = [
        volume[z :: steps[0], y :: steps[1], x :: steps[2]][: shape[0], : shape[1], : shape[2]]
        for z in range(steps[0]) for y in range(steps[1]) for x in range(steps[2])
    ]
    parts = np.stack(parts)
    if kind not in ("labels", "mask"):
        if parts.dtype.kind == "f":
            return parts.mean(axis=0, dtype=np.float64).astype(np.float32)
        return ((parts.astype(np.uint64).sum(axis=0) + len(parts) // 2) // len(parts)).astype(parts.dtype)
    times = np.stack([(parts == part).sum(axis=0) for part in parts])
    candidates = np.where(times == times.max(axis=0), parts.astype(np.int64), 2**40)
    candidates[candidates == 0] = 2**39  # the background comes last among equals
    best = candidates.min(axis=0)
    return np.where(best == 2**39, 0, best).astype(parts.dtype)


with h5py.File(file_name, "r") as file:
    assert file.attrs["format"].decode() == "voxflow-image"
    assert file.attrs["format_version"] == 1
    info = json.loads(file["metadata/image"][()])
    shape = tuple(info["shape_zyx"])
    timepoints, channels = info["timepoints"], len(info["channels"])
    expected_root = {f"t{t:05}" for t in range(timepoints)} | {f"s{c:02}" for c in range(channels)}
    assert set(file) - {"metadata", "tables"} == expected_root, list(file)
    factors = levels_of(shape, info["spacing_um_zyx"])
    chunk_counts, level_chunks = 0, 0
    for c in range(channels):
        setup = file[f"s{c:02}"]
        stored = setup.attrs["dataType"].decode()
        assert setup["resolutions"].dtype == "<f8" and np.array_equal(
            setup["resolutions"], [f[::-1] for f in factors])
        assert setup["subdivisions"].dtype == "<i4" and setup["subdivisions"].shape == (len(factors), 3)
        for t in range(timepoints):
            assert list(file[f"t{t:05}"]) == [f"s{k:02}" for k in range(channels)]
            levels = file[f"t{t:05}/s{c:02}"]
            assert list(levels) == [str(level) for level in range(len(factors))]
            expected = np.fromfile(os.path.join(raw_folder, f"{t}_{c}.raw"), raw_type[info["dtype"]]).reshape(shape)
            for level, f in enumerate(factors):
                assert list(levels[str(level)]) == ["cells"]
                cells = levels[f"{level}/cells"]
                if level > 0:
                    steps = [now // before for now, before in zip(f, factors[level - 1])]
                    expected = shrink(expected, steps, info["kind"])
                assert cells.shape == expected.shape and cells.dtype == raw_type[stored], (cells.shape, cells.dtype)
                assert cells.chunks == tuple(setup["subdivisions"][level][::-1])
                assert cells.fletcher32 == summed
                assert cells.compression == "gzip" and cells.shuffle == (cells.dtype.itemsize > 1)
                assert [axis["key"] for axis in json.loads(cells.attrs["axistags"])["axes"]] == ["z", "y", "x"]
                assert np.allclose(cells.attrs["element_size_um"], np.multiply(info["spacing_um_zyx"], f))
                if cells.dtype.kind == "f":
                    assert np.allclose(cells[...], expected, rtol=1e-6, atol=0 if level == 0 else 1e-5), (t, c, level)
                    expected = cells[...]
                assert np.array_equal(cells[...], expected), (t, c, level)
                chunks = np.prod([-(-n // k) for n, k in zip(cells.shape, cells.chunks)])
                if level == 0:
                    chunk_counts += chunks
                else:
                    level_chunks += chunks
    assert file["metadata/chunk_digests"].shape == (chunk_counts, 32)
    assert ("level_digests" in file["metadata"]) == (len(factors) > 1)
    if len(factors) > 1:
        assert file["metadata/level_digests"].shape == (level_chunks, 32)
    assert file["metadata/prov"][()].decode() == "{}"
    assert "annotations" not in file["metadata"]
    pixels = xml.fromstring(file["metadata/ome_xml"][()]).find(".//{*}Pixels")
    stored = file["s00"].attrs["dataType"].decode()
    assert pixels.get("Type") == {"float32": "float"}.get(stored, stored)
    assert [int(pixels.get(f"Size{axis}")) for axis in "TCZYX"] == [timepoints, channels, *shape]
    assert [float(pixels.get(f"PhysicalSize{axis}")) for axis in "ZYX"] == info["spacing_um_zyx"]
    assert [c.get("Name") for c in pixels.findall("{*}Channel")] == [c["name"] for c in info["channels"]]
    assert len(pixels.findall("{*}MetadataOnly")) == 1

root = xml.parse(os.path.splitext(file_name)[0] + ".xml").getroot()
assert root.tag == "SpimData" and root.get("version") == "0.2"
assert root.find("SequenceDescription/ImageLoader/hdf5").text == os.path.basename(file_name)
setups = root.findall("SequenceDescription/ViewSetups/ViewSetup")
assert [int(s.find("id").text) for s in setups] == list(range(channels))
assert [s.find("name").text for s in setups] == [c["name"] for c in info["channels"]]
assert len(root.findall("ViewRegistrations/ViewRegistration")) == timepoints * channels
