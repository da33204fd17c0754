// What stock HDF5 readers make of an image.
#include <doctest/doctest.h>

#include <cstdlib>

#include <fmt/format.h>

#include "pipeline/core/text.hpp"
#include "tests/archive/samples.hpp"
#include "tests/support/oracles.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::test;

namespace {
int run(const std::string& command) {
  return std::system(command.c_str());
}

bool h5py_there() {
  static const bool there = run(VOXFLOW_PYTHON " -c 'import h5py' 2>/dev/null") == 0;
  if (!there) MESSAGE("skipped: no python3 with h5py (package python3-h5py)");
  return there;
}

/// The image as data.h5, and level 0 of each volume as T_C.raw.
template <class T>
void write_with_raw_voxels(const TestFolder& folder, const record::ImageInfo& info, DType storage,
                           archive::ChunkChecksum checksum = archive::ChunkChecksum::none) {
  write_image(folder / "data.h5", info, storage, all_chunks(info), {"{}", "", ""}, checksum);
  for (int t = 0; t < info.timepoints; ++t)
    for (int c = 0; c < info.channel_count(); ++c) {
      const auto voxels = voxels_of<T>(info, t, c, info.grid.box());
      write_file_atomically(folder / fmt::format("{}_{}.raw", t, c),
                            {reinterpret_cast<const char*>(voxels.data()), voxels.size() * sizeof(T)});
    }
}

template <class T>
void check_with_h5py(const record::ImageInfo& info, DType storage,
                     archive::ChunkChecksum checksum = archive::ChunkChecksum::none) {
  const TestFolder folder;
  write_with_raw_voxels<T>(folder, info, storage, checksum);
  CHECK(run(fmt::format("{} {} {} {} {}", VOXFLOW_PYTHON, shell_quote(VOXFLOW_READERS_SCRIPT),
                        shell_quote((folder / "data.h5").string()), shell_quote(folder.path().string()),
                        checksum == archive::ChunkChecksum::none ? "" : "fletcher32")) == 0);
}
}  // namespace

TEST_CASE_TEMPLATE("h5py reads the same voxels, and finds the BigDataViewer layout and nothing else", T, std::uint8_t,
                   std::uint16_t, std::uint32_t, float) {
  if (!h5py_there()) return;
  auto info = image_of(dtype_of<T>(), {20, 70, 150}, 2, 2);
  info.channels[0].name = "GFP <a & b> µ";
  check_with_h5py<T>(info, info.dtype);
}

TEST_CASE("h5py reads labels stored in 16 bits, and a single plane") {
  if (!h5py_there()) return;
  check_with_h5py<std::uint32_t>(image_of(DType::uint32, {1, 600, 530}), DType::uint16);
}

TEST_CASE("h5py finds right checksums where the archive gives its chunks some") {
  if (!h5py_there()) return;
  check_with_h5py<std::uint16_t>(image_of(DType::uint16, {20, 300, 261}, 2, 1), DType::uint16,
                                 archive::ChunkChecksum::fletcher32);
}

TEST_CASE("JHDF5 reads chunks with checksums") {
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {20, 70, 300}, 2, 2);
  write_with_raw_voxels<std::uint16_t>(folder, info, info.dtype, archive::ChunkChecksum::fletcher32);
  const auto said = java_says(project_folder() / "tests/archive/ReadWithJhdf5.java",
                              {(folder / "data.h5").string(), folder.path().string(), "2", "2"});
  if (said) CHECK(*said == "uint16 2 levels same\n");
}

TEST_CASE_TEMPLATE("h5py finds the smaller copies that the format asks for", T, std::uint8_t, std::uint16_t,
                   std::uint32_t, float) {
  if (!h5py_there()) return;
  check_with_h5py<T>(image_of(dtype_of<T>(), {37, 261, 523}, 2, 1), dtype_of<T>());
  auto coarse = image_of(dtype_of<T>(), {5, 1030, 270});
  coarse.grid.spacing[kZ].value = 0.7;
  check_with_h5py<T>(coarse, coarse.dtype);
}

TEST_CASE_TEMPLATE("JHDF5, the library of BigDataViewer, reads the same voxels without any plugin", T, std::uint8_t,
                   std::uint16_t, std::uint32_t, float) {
  const TestFolder folder;
  auto info = image_of(dtype_of<T>(), {20, 70, 300}, 2, 2);
  write_with_raw_voxels<T>(folder, info, info.dtype);
  const auto said = java_says(project_folder() / "tests/archive/ReadWithJhdf5.java",
                              {(folder / "data.h5").string(), folder.path().string(), "2", "2"});
  if (said) CHECK(*said == fmt::format("{} 2 levels same\n", to_string(info.dtype)));
}

TEST_CASE("h5repack copies an image, and the copy holds the same voxels") {
  if (run("h5repack --version >/dev/null 2>&1") != 0) {
    MESSAGE("skipped: no h5repack (package hdf5-tools)");
    return;
  }
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {20, 70, 300}, 2, 2);
  const Digest content = write_image(folder / "data.h5", info);
  REQUIRE(run(fmt::format("h5repack -f SHUF -f GZIP=5 {} {}", shell_quote((folder / "data.h5").string()),
                          shell_quote((folder / "copy.h5").string()))) == 0);
  const ImageReader copy(folder / "copy.h5");
  CHECK(copy.content_digest() == content);
  const Box3 all = info.grid.box();
  CHECK(read_box<std::uint16_t>(copy, 1, 1, all) == voxels_of<std::uint16_t>(info, 1, 1, all));
}

TEST_CASE("h5dump reads an image without a complaint") {
  if (run("h5dump --version >/dev/null 2>&1") != 0) {
    MESSAGE("skipped: no h5dump (package hdf5-tools)");
    return;
  }
  const TestFolder folder;
  write_image(folder / "data.h5", image_of(DType::float32, {20, 70, 150}, 2, 2));
  const auto errors = folder / "errors";
  CHECK(run(fmt::format("h5dump {} >/dev/null 2>{}", shell_quote((folder / "data.h5").string()),
                        shell_quote(errors.string()))) == 0);
  CHECK(read_file(errors) == "");
}
