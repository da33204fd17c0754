// What the ImageJ writer writes, read back by the room itself and by tifffile.
#include "pipeline/interop/tiff_writer.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "pipeline/core/error.hpp"
#include "pipeline/interop/tiff_image.hpp"
#include "tests/interop/tiff_samples.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::interop;
using namespace voxflow::test;

namespace {
TiffStack five_axes(DType dtype, TiffCompression compression) {
  TiffStack stack;
  stack.dtype = dtype;
  stack.shape = {3, 5, 7};
  stack.channels = 2;
  stack.timepoints = 4;
  stack.spacing = {{{0.5}, {0.13}, {0.2}}};
  stack.time_step_s = 30;
  stack.compression = compression;
  return stack;
}

template <class T>
void write_numbered(const std::filesystem::path& file, const TiffStack& stack, Existing existing = Existing::refuse) {
  TiffWriter writer(file, stack, existing);
  const int planes = static_cast<int>(stack.shape[kZ]) * stack.channels * stack.timepoints;
  for (int i = 0; i < planes; ++i)
    writer.write_plane(
        numbered_page<T>(i, static_cast<std::uint32_t>(stack.shape[kY]), static_cast<std::uint32_t>(stack.shape[kX]))
            .voxels.data());
  writer.finish();
}

template <class T>
void check_round_trip(const std::filesystem::path& file, TiffCompression compression) {
  const TiffStack stack = five_axes(dtype_of<T>(), compression);
  write_numbered<T>(file, stack, Existing::replace);
  TiffImage image(file);
  CHECK(image.facts().shape == stack.shape);
  CHECK(stored_dtype(image.facts().type) == stack.dtype);
  CHECK(image.facts().timepoints == 4);
  CHECK(image.facts().channels.size() == 2);
  CHECK(image.facts().spacing_um == std::array<std::optional<double>, 3>{0.5, 0.13, 0.2});
  CHECK(image.facts().time_step_s == 30);
  std::vector<T> voxels(35);
  for (int t = 0; t < 4; ++t)
    for (int z = 0; z < 3; ++z)
      for (int c = 0; c < 2; ++c) {
        image.read_plane(t, c, z, voxels.data());
        CHECK(voxels == numbered_page<T>(c + 2 * (z + 3 * t), 5, 7).voxels);
      }
}

/// What `command` prints, or nothing when it fails.
std::optional<std::string> output_of(const std::string& command) {
  std::FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return std::nullopt;
  std::string text;
  for (int ch = std::fgetc(pipe); ch != EOF; ch = std::fgetc(pipe)) text += static_cast<char>(ch);
  return ::pclose(pipe) == 0 ? std::optional(text) : std::nullopt;
}
}  // namespace

TEST_CASE("axes, calibration and voxels come back as they were written") {
  const TestFolder folder;
  for (const auto compression : {TiffCompression::none, TiffCompression::deflate, TiffCompression::lzw}) {
    check_round_trip<std::uint8_t>(folder / "a.tif", compression);
    check_round_trip<std::uint16_t>(folder / "a.tif", compression);
    check_round_trip<float>(folder / "a.tif", compression);
  }
}

TEST_CASE("tifffile reads the same axes, calibration and voxels") {
  std::string python;
  for (const char* candidate : {"python3", "/usr/bin/python3"})
    if (python.empty() && output_of(std::string(candidate) + " -c 'import tifffile'")) python = candidate;
  if (python.empty()) {
    MESSAGE("skipped: python3 with tifffile is not installed");
    return;
  }
  const TestFolder folder;
  write_numbered<std::uint16_t>(folder / "a.tif", five_axes(DType::uint16, TiffCompression::none));
  std::ofstream(folder / "read.py")
      << "import sys, tifffile\n"
         "with tifffile.TiffFile(sys.argv[1]) as tif:\n"
         "    s, m = tif.series[0], tif.imagej_metadata\n"
         "    print(tif.is_imagej, s.axes, s.shape, s.dtype, m['unit'], m['spacing'], m['finterval'])\n"
         "    n, d = tif.pages[0].tags['XResolution'].value\n"
         "    print(round(d / n, 6), [int(v) for v in s.asarray()[:, 1, 1, 2, 3]])\n";
  const auto text =
      output_of(fmt::format("{} {} {}", python, (folder / "read.py").string(), (folder / "a.tif").string()));
  CHECK(text == "True TZCYX (4, 3, 2, 5, 7) uint16 micron 0.5 30\n0.2 [3023, 9023, 15023, 21023]\n");
}

TEST_CASE("a file that is there stays as it was, unless it is to be replaced") {
  const TestFolder folder;
  const auto file = folder / "a.tif";
  write_file_atomically(file, "mine");
  const TiffStack stack = five_axes(DType::uint8, TiffCompression::none);
  CHECK(message_of<UserError>([&] { TiffWriter writer(file, stack); }) ==
        "'" + file.string() + "' is there already; remove it, or write elsewhere");
  CHECK(read_file(file) == "mine");
  write_numbered<std::uint8_t>(file, stack, Existing::replace);
  CHECK(TiffFile(file).page_count() == 24);
}

TEST_CASE("nothing is left of a file that was not finished") {
  const TestFolder folder;
  {
    TiffWriter writer(folder / "a.tif", five_axes(DType::uint8, TiffCompression::none));
    writer.write_plane(numbered_page<std::uint8_t>(0, 5, 7).voxels.data());
    CHECK_THROWS_AS(writer.finish(), InternalError);
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("what ImageJ could not read is refused") {
  const TestFolder folder;
  TiffStack stack = five_axes(DType::uint32, TiffCompression::none);
  const auto refusal = [&] { return message_of<UserError>([&] { TiffWriter writer(folder / "a.tif", stack); }); };
  CHECK(has(refusal(), "ImageJ reads no 32-bit integers; write uint8, uint16 or float32"));
  stack.dtype = DType::uint16;
  stack.shape = {2048, 1024, 1024};
  CHECK(has(refusal(), "an ImageJ TIFF holds at most 4000000000: write fewer timepoints or channels"));
}

TEST_CASE("a folder that is not there is a system error that names the file") {
  const TestFolder folder;
  const auto message = message_of<SystemError>(
      [&] { TiffWriter writer(folder / "none" / "a.tif", five_axes(DType::uint8, TiffCompression::none)); });
  CHECK(has(message, "cannot write '" + (folder / "none" / "a.tif").string() + "' ("));
  CHECK(has(message, "No such file or directory"));
}

TEST_CASE("a full disk is told apart from other errors") {
  if (!std::filesystem::exists("/dev/full")) {
    MESSAGE("skipped: there is no /dev/full");
    return;
  }
  const TestFolder folder;
  TiffStack stack = five_axes(DType::uint8, TiffCompression::none);
  // The writer's own temporary name, made to lead to a device that is always full.
  std::filesystem::create_symlink("/dev/full", folder / fmt::format(".a.tif.tmp-{}", ::getpid()));
  CHECK_THROWS_AS(
      {
        TiffWriter writer(folder / "a.tif", stack);
        for (int i = 0; i < 24; ++i) writer.write_plane(numbered_page<std::uint8_t>(i, 5, 7).voxels.data());
        writer.finish();
      },
      DiskFullError);
}
