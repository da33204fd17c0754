"""Reads an image with stock HDF5 and compares it with raw voxels: compare_with_h5py.py DATA.h5 RAW_FOLDER."""
import json
import os
import sys
import xml.etree.ElementTree as xml

import h5py
import numpy as np

file_name, raw_folder = sys.argv[1:3]
raw_type = {"uint8": "u1", "uint16": "<u2", "uint32": "<u4", "float32": "<f4"}

with h5py.File(file_name, "r") as file:
    assert file.attrs["format"].decode() == "voxflow-image"
    assert file.attrs["format_version"] == 1
    info = json.loads(file["metadata/image"][()])
    shape = tuple(info["shape_zyx"])
    timepoints, channels = info["timepoints"], len(info["channels"])
    expected_root = {f"t{t:05}" for t in range(timepoints)} | {f"s{c:02}" for c in range(channels)}
    assert set(file) - {"metadata", "tables"} == expected_root, list(file)
    chunk_counts = None
    for c in range(channels):
        setup = file[f"s{c:02}"]
        stored = setup.attrs["dataType"].decode()
        assert setup["resolutions"].dtype == "<f8" and np.array_equal(setup["resolutions"], [[1, 1, 1]])
        assert setup["subdivisions"].dtype == "<i4" and setup["subdivisions"].shape == (1, 3)
        for t in range(timepoints):
            assert list(file[f"t{t:05}"]) == [f"s{k:02}" for k in range(channels)]
            assert list(file[f"t{t:05}/s{c:02}"]) == ["0"]
            assert list(file[f"t{t:05}/s{c:02}/0"]) == ["cells"]
            cells = file[f"t{t:05}/s{c:02}/0/cells"]
            assert cells.shape == shape and cells.dtype == raw_type[stored], (cells.shape, cells.dtype)
            assert cells.chunks == tuple(setup["subdivisions"][0][::-1])
            assert cells.compression == "gzip" and cells.shuffle == (cells.dtype.itemsize > 1)
            assert [axis["key"] for axis in json.loads(cells.attrs["axistags"])["axes"]] == ["z", "y", "x"]
            assert np.allclose(cells.attrs["element_size_um"], info["spacing_um_zyx"])
            raw = np.fromfile(os.path.join(raw_folder, f"{t}_{c}.raw"), dtype=raw_type[info["dtype"]]).reshape(shape)
            assert np.array_equal(cells[...], raw), (t, c)
            chunk_counts = np.prod([-(-n // k) for n, k in zip(shape, cells.chunks)])
    assert file["metadata/chunk_digests"].shape == (timepoints * channels * chunk_counts, 32)
    assert file["metadata/prov"][()].decode() == "{}"
    assert "annotations" not in file["metadata"]

root = xml.parse(os.path.splitext(file_name)[0] + ".xml").getroot()
assert root.tag == "SpimData" and root.get("version") == "0.2"
assert root.find("SequenceDescription/ImageLoader/hdf5").text == os.path.basename(file_name)
setups = root.findall("SequenceDescription/ViewSetups/ViewSetup")
assert [int(s.find("id").text) for s in setups] == list(range(channels))
assert [s.find("name").text for s in setups] == [c["name"] for c in info["channels"]]
assert len(root.findall("ViewRegistrations/ViewRegistration")) == timepoints * channels
