// One TIFF file page by page: every type and compression that is read, and every refusal with its message.
#include "pipeline/interop/tiff_file.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <fstream>

#include "pipeline/core/error.hpp"
#include "pipeline/interop/disk_errors.hpp"
#include "tests/interop/tiff_samples.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::interop;
using namespace voxflow::test;

namespace {
template <class T>
std::vector<T> read(TiffFile& tiff, int page) {
  const PageInfo& info = tiff.page(page);
  std::vector<T> voxels(static_cast<std::size_t>(info.height * info.width));
  tiff.read_page(page, voxels.data());
  return voxels;
}

std::string refusal(const std::filesystem::path& file) {
  return message_of<UserError>([&] {
    TiffFile tiff(file);
    for (int i = 0; i < tiff.page_count(); ++i) {
      const PageInfo& info = tiff.page(i);
      std::vector<float> voxels(static_cast<std::size_t>(info.height * info.width));
      tiff.read_page(i, voxels.data());
    }
  });
}
void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
  // A file that is cut and written anew is flushed to disk at once by some file systems; a new one is not.
  std::filesystem::remove(file);
  std::ofstream(file, std::ios::binary) << bytes;
}
}  // namespace

TEST_CASE("strips, tiles, byte orders, BigTIFF and every lossless compression give the same voxels") {
  const TestFolder folder;
  const auto pages = numbered_pages<std::uint16_t>(3, 37, 53);
  std::vector<TiffStyle> styles(1);
  for (const int compression :
       {COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_DEFLATE, COMPRESSION_PACKBITS}) {
    styles.emplace_back().compression = compression;
    styles.emplace_back().compression = compression;
    styles.back().rows_per_strip = 10;
  }
  styles.emplace_back().compression = COMPRESSION_LZW;
  styles.back().predictor = PREDICTOR_HORIZONTAL;
  styles.emplace_back().mode = "wb";
  styles.emplace_back().mode = "w8";
  styles.emplace_back().tile = 16;
  styles.emplace_back().tile = 32;
  styles.back().compression = COMPRESSION_ADOBE_DEFLATE;
  for (const TiffStyle& style : styles) {
    CAPTURE(style.compression);
    CAPTURE(style.tile);
    write_sample(folder / "a.tif", pages, style);
    TiffFile tiff(folder / "a.tif");
    REQUIRE(tiff.page_count() == 3);
    for (const int i : {2, 0, 1}) {
      CHECK(tiff.page(i).type == SampleType::uint16);
      CHECK(read<std::uint16_t>(tiff, i) == pages[static_cast<std::size_t>(i)].voxels);
    }
  }
}

TEST_CASE("pages can be read after the descriptor was given back") {
  const TestFolder folder;
  const auto pages = numbered_pages<std::uint8_t>(2, 4, 5);
  write_sample(folder / "a.tif", pages);
  TiffFile tiff(folder / "a.tif");
  CHECK(read<std::uint8_t>(tiff, 1) == pages[1].voxels);
  tiff.close();
  CHECK(read<std::uint8_t>(tiff, 1) == pages[1].voxels);
}

TEST_CASE("unsigned integers and floats stay as they are, other types become 32-bit floats") {
  const TestFolder folder;
  write_sample<std::int8_t>(folder / "i8.tif", {{1, 3, {-128, 0, 127}}});
  write_sample<std::int16_t>(folder / "i16.tif", {{1, 3, {-32768, -1, 32767}}});
  write_sample<std::int32_t>(folder / "i32.tif", {{1, 3, {-16'777'216, -1, 65'536}}});
  write_sample<std::uint32_t>(folder / "u32.tif", {{1, 2, {0, 4'294'967'295}}});
  write_sample<float>(folder / "f32.tif", {{1, 3, {-1.5F, 0.1F, 1e30F}}});
  write_sample<double>(folder / "f64.tif", {{1, 3, {-1.5, 0.1, 1e30}}});
  TiffFile i8(folder / "i8.tif"), i16(folder / "i16.tif"), i32(folder / "i32.tif"), u32(folder / "u32.tif"),
      f32(folder / "f32.tif"), f64(folder / "f64.tif");
  CHECK(stored_dtype(i8.page(0).type) == DType::float32);
  CHECK(read<float>(i8, 0) == std::vector<float>{-128, 0, 127});
  CHECK(read<float>(i16, 0) == std::vector<float>{-32768, -1, 32767});
  CHECK(read<float>(i32, 0) == std::vector<float>{-16'777'216, -1, 65'536});
  CHECK(read<std::uint32_t>(u32, 0) == std::vector<std::uint32_t>{0, 4'294'967'295});
  CHECK(read<float>(f32, 0) == std::vector<float>{-1.5F, 0.1F, 1e30F});
  CHECK(read<float>(f64, 0) == std::vector<float>{-1.5F, 0.1F, 1e30F});
}

TEST_CASE("a colour table does not change the voxels") {
  const TestFolder folder;
  TiffStyle style;
  style.photometric = PHOTOMETRIC_PALETTE;
  write_sample<std::uint8_t>(folder / "a.tif", {{1, 3, {0, 7, 255}}}, style);
  TiffFile tiff(folder / "a.tif");
  CHECK(read<std::uint8_t>(tiff, 0) == std::vector<std::uint8_t>{0, 7, 255});
}

TEST_CASE("what cannot be read is refused with file, page, reason and remedy") {
  const TestFolder folder;
  const auto file = folder / "a.tif";
  TiffStyle style;
  SUBCASE("64-bit integers") {
    write_sample<std::uint64_t>(file, {{1, 1, {7}}});
    CHECK(refusal(file) ==
          "'" + file.string() +
              "', page 1: it holds 64-bit unsigned integers; 8-, 16- and 32-bit integers and 32- and 64-bit floats can "
              "be imported: convert it first");
  }
  SUBCASE("integers that a float does not keep") {
    write_sample<std::int32_t>(file, {{1, 2, {7, -16'777'217}}});
    CHECK(has(refusal(file), "'" + file.string() + "', page 1: a voxel is -16777217; signed integers are kept as"));
  }
  SUBCASE("colour pictures") {
    style.samples = 3;
    style.photometric = PHOTOMETRIC_RGB;
    write_sample<std::uint8_t>(file, {{1, 1, {1, 2, 3}}}, style);
    CHECK(has(refusal(file), "page 1: it has 3 samples a voxel (a colour picture); split it into channels first"));
  }
  SUBCASE("pictures in which 0 is white") {
    style.photometric = PHOTOMETRIC_MINISWHITE;
    write_sample<std::uint8_t>(file, {{1, 1, {1}}}, style);
    CHECK(has(refusal(file), "page 1: it says that 0 is white; invert it first"));
  }
  SUBCASE("other colour spaces") {
    style.photometric = PHOTOMETRIC_ICCLAB;
    write_sample<std::uint8_t>(file, {{1, 1, {1}}}, style);
    CHECK(has(refusal(file), "page 1: it is a colour picture (photometric interpretation 9)"));
  }
  SUBCASE("turned pictures") {
    style.orientation = ORIENTATION_BOTLEFT;
    write_sample<std::uint8_t>(file, {{1, 1, {1}}}, style);
    CHECK(has(refusal(file), "page 1: it is stored turned or mirrored (orientation 4)"));
  }
  SUBCASE("other files") {
    write_file_atomically(file, "no picture at all");
    CHECK(has(refusal(file), "'" + file.string() + "' cannot be read as a TIFF ("));
    CHECK(has(refusal(file), "give a TIFF or OME-TIFF file"));
  }
  SUBCASE("no file") {
    CHECK(refusal(file) == "there is no file '" + file.string() + "'");
  }
  SUBCASE("a folder") {
    CHECK(refusal(folder.path()) == "there is no file '" + folder.path().string() + "'");
  }
}

TEST_CASE("an unknown compression is refused by its number") {
  const TestFolder folder;
  const auto file = folder / "a.tif";
  write_sample<std::uint8_t>(file, {{1, 1, {1}}});
  std::string bytes = read_file(file);
  // The directory entry of tag 259 (Compression), little endian: tag, type SHORT, count 1, value.
  const std::string entry("\x03\x01\x03\x00\x01\x00\x00\x00\x01\x00", 10);
  const auto at = bytes.find(entry);
  REQUIRE(at != std::string::npos);
  bytes.replace(at + 8, 2, std::string("\x30\x75", 2));
  write_file_atomically(file, bytes);
  CHECK(has(refusal(file), "page 1: it is compressed by method 30000, which cannot be read"));
}

TEST_CASE("a file cut off anywhere is refused with its name and, beyond the header, its page") {
  const TestFolder folder;
  const auto file = folder / "a.tif";
  for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE}) {
    TiffStyle style;
    style.compression = compression;
    write_sample(folder / "whole.tif", numbered_pages<std::uint16_t>(4, 30, 31), style);
    const std::string whole = read_file(folder / "whole.tif");
    REQUIRE(refusal(folder / "whole.tif").empty());
    int with_page = 0;
    for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 97) {
      CAPTURE(compression);
      CAPTURE(size);
      write_bytes(file, whole.substr(0, size));
      const std::string message = refusal(file);
      CHECK(has(message, file.string()));
      with_page += has(message, "', page ") && has(message, "cut off") ? 1 : 0;
    }
    CHECK(with_page > 20);
  }
}

TEST_CASE("a page that claims more voxels than the file can hold is refused before memory is asked for") {
  const TestFolder folder;
  const auto file = folder / "a.tif";
  write_sample(file, numbered_pages<std::uint8_t>(1, 20, 30));
  std::string bytes = read_file(file);
  // The directory entries of tags 256 and 257 (width and length), little endian: tag, type SHORT, count 1, value.
  for (const char tag : {'\x00', '\x01'}) {
    const auto at = bytes.find(std::string{tag, '\x01', '\x03', '\x00', '\x01', '\x00', '\x00', '\x00'});
    REQUIRE(at != std::string::npos);
    bytes.replace(at + 8, 2, "\x40\x9c");
  }
  write_bytes(file, bytes);
  CHECK(has(refusal(file), "page 1: it is said to hold 40000 x 40000 voxels, more than the file can"));
}

TEST_CASE("a damaged byte anywhere gives other voxels or a refusal, and nothing worse") {
  const TestFolder folder;
  const auto file = folder / "a.tif";
  for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE}) {
    TiffStyle style;
    style.compression = compression;
    style.tile = compression == COMPRESSION_LZW ? 16 : 0;
    write_sample(file, numbered_pages<std::uint16_t>(2, 16, 17), style);
    const std::string whole = read_file(file);
    for (std::size_t i = 0; i < whole.size(); i += whole.size() < 1500 ? 1 : 3) {
      std::string bytes = whole;
      bytes[i] = static_cast<char>(bytes[i] ^ static_cast<char>(1 + i * 37 % 255));
      write_bytes(file, bytes);
      try {
        TiffFile tiff(file);
        for (int page = 0; page < tiff.page_count(); ++page) {
          const PageInfo& info = tiff.page(page);
          std::vector<float> voxels(static_cast<std::size_t>(info.height * info.width));
          tiff.read_page(page, voxels.data());
        }
      } catch (const UserError& e) {
        CHECK(has(e.what(), file.string()));
      }
    }
  }
}

TEST_CASE("a file that went while it was read, or whose disk failed, is no damaged file") {
  const auto told = [](int error) {
    return message_of<SystemError>([&] {
      telling_disk_errors("a.tif", [&] {
        errno = error;
        throw UserError("damaged");
      });
    });
  };
  CHECK(told(EIO) == "cannot read 'a.tif': Input/output error");
  CHECK(told(ESTALE) == "cannot read 'a.tif': Stale file handle");
  CHECK_THROWS_AS(told(ENOENT), UserError);
  CHECK(message_of<SystemError>([&] {
          telling_disk_errors("a.tif", [] { return std::filesystem::file_size("/nowhere/a.tif"); });
        }) == "cannot read 'a.tif': No such file or directory");
}
