#include "pipeline/interop/itk_headers.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>

#include <fmt/format.h>

#include "pipeline/archive/deflate.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/microscope_units.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
using namespace std::string_view_literals;
constexpr std::size_t kNiftiMagicAt = 344;

/// Whether that stands where a NIfTI header has its magic.
bool has_magic(std::string_view head, std::string_view magic) {
  return head.size() >= kNiftiMagicAt + magic.size() && head.substr(kNiftiMagicAt, magic.size()) == magic;
}

std::uint64_t bytes_behind(const fs::path& file, std::uint64_t begin) {
  const std::uint64_t all = fs::file_size(file);
  return all > begin ? all - begin : 0;
}

bool is_true(const std::optional<std::string>& value) {
  return value && to_lower(*value).starts_with("t");
}

}  // namespace

bool is_gzip(std::string_view head) {
  return head.starts_with("\x1f\x8b");
}

std::optional<ItkFormat> itk_format(std::string_view head) {
  if (head.starts_with("NRRD000")) return ItkFormat::nrrd;
  if (head.starts_with("\x89PNG\r\n\x1a\n")) return ItkFormat::png;
  if (header_value(head, "NDims") && header_value(head, "ElementDataFile")) return ItkFormat::meta_image;
  for (const auto magic : {"n+1\0"sv, "ni1\0"sv})
    if (has_magic(head, magic)) return ItkFormat::nifti;
  return std::nullopt;
}

std::optional<std::string> header_value(std::string_view head, std::string_view key) {
  std::istringstream lines{std::string(head)};
  for (std::string line; std::getline(lines, line);) {
    const auto end = line.find_first_of("=:");
    if (end != std::string::npos && trim(std::string_view(line).substr(0, end)) == key)
      return std::string(trim(std::string_view(line).substr(end + 1)));
  }
  return std::nullopt;
}

std::optional<fs::path> voxel_file(ItkFormat format, const fs::path& file, std::string_view head) {
  std::optional<std::string> name;
  if (format == ItkFormat::meta_image) name = header_value(head, "ElementDataFile");
  if (format == ItkFormat::nrrd) name = header_value(head, "data file");
  if (format == ItkFormat::nrrd && !name) name = header_value(head, "datafile");
  if (format == ItkFormat::nifti && has_magic(head, "ni1\0"sv))
    name = fs::path(file).replace_extension(".img").filename().string();
  if (!name || *name == "LOCAL") return std::nullopt;
  const fs::path data = file.parent_path() / *name;
  if (!fs::is_regular_file(data))
    throw UserError(fmt::format("its voxels are in '{}', which is no file beside it", *name));
  return data;
}

void check_length(const fs::path& file, std::uint64_t begin, std::uint64_t wanted) {
  if (const std::uint64_t there = bytes_behind(file, begin); there < wanted)
    throw UserError(
        fmt::format("it is cut off: {} bytes of voxels are there, {} should be; copy the file again from its "
                    "source",
                    there, wanted));
}

void check_gzip(const fs::path& file, std::uint64_t begin, std::uint64_t wanted) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_errno(fmt::format("cannot open '{}'", file.string()), errno);
  ::lseek(descriptor, static_cast<off_t>(begin), SEEK_SET);
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> stream(gzdopen(descriptor, "rb"), gzclose);
  std::vector<char> buffer(1 << 20);
  std::uint64_t there = 0;
  int n = 0;
  while ((n = gzread(stream.get(), buffer.data(), static_cast<unsigned>(buffer.size()))) > 0)
    there += static_cast<std::uint64_t>(n);
  int error = Z_OK;
  gzerror(stream.get(), &error);
  if (n < 0 || error != Z_OK || there < wanted)
    throw UserError(
        fmt::format("its compressed voxels are damaged or cut off: {} of {} bytes are sound; copy the file again "
                    "from its source",
                    there, wanted));
}

MetaImageData meta_image_data(const fs::path& file, const std::optional<fs::path>& detached, std::string_view head,
                              std::uint64_t voxel_bytes) {
  MetaImageData d{
      detached.value_or(file), 0, voxel_bytes, is_true(header_value(head, "CompressedData")),
      is_true(header_value(head, "BinaryDataByteOrderMSB")) || is_true(header_value(head, "ElementByteOrderMSB"))};
  if (!detached) d.begin = head.find('\n', head.find("ElementDataFile")) + 1;
  if (d.compressed) {
    const auto said = count_in(header_value(head, "CompressedDataSize").value_or(""));
    d.bytes = said ? static_cast<std::uint64_t>(*said) : bytes_behind(d.file, d.begin);
  }
  check_length(d.file, d.begin, d.bytes);
  return d;
}

void inflate_meta_image(const MetaImageData& d, std::size_t sample_bytes, std::vector<char>& voxels) {
  std::vector<std::uint8_t> stored(d.bytes);
  std::ifstream in(d.file, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(d.begin));
  in.read(reinterpret_cast<char*>(stored.data()), static_cast<std::streamsize>(stored.size()));
  try {
    archive::inflate(stored.data(), stored.size(), voxels.data(), voxels.size());
  } catch (const SystemError& e) {
    throw UserError(fmt::format("it is damaged ({}); copy the file again from its source", e.what()));
  }
  if (d.swapped)
    for (auto at = voxels.begin(); at != voxels.end(); at += static_cast<std::ptrdiff_t>(sample_bytes))
      std::reverse(at, at + static_cast<std::ptrdiff_t>(sample_bytes));
}

}  // namespace voxflow::interop
