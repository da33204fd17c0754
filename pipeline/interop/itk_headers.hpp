// Headers of the formats that ITK reads, where ITK keeps silent: which file holds the voxels, and whether they are
// whole.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace voxflow::interop {

enum class ItkFormat { meta_image, nrrd, nifti, png };

/// The format that begins with `head`, the file's first bytes; nothing when it is none of these, or a gzip stream, in
/// which a NIfTI image may lie.
std::optional<ItkFormat> itk_format(std::string_view head);
bool is_gzip(std::string_view head);

/// The value of a line "key = value" or "key: value" of a text header; nothing when there is none.
std::optional<std::string> header_value(std::string_view head, std::string_view key);

/// The file beside the header that holds the voxels; nothing where they stand in the same file. Throws UserError when
/// it is not there.
std::optional<std::filesystem::path> voxel_file(ItkFormat format, const std::filesystem::path& file,
                                                std::string_view head);

/// ITK prints a message of its own where voxels are cut off, or takes them for zeros. Throws UserError when fewer than
/// `wanted` bytes stand behind `begin`.
void check_length(const std::filesystem::path& file, std::uint64_t begin, std::uint64_t wanted);

/// Reads the gzip stream that begins at `begin` to its end, since ITK takes what is cut off or damaged in it for zeros.
/// Throws UserError when it is, or holds fewer than `wanted` bytes.
void check_gzip(const std::filesystem::path& file, std::uint64_t begin, std::uint64_t wanted);

/// Where the voxels of a MetaImage lie in its data file.
struct MetaImageData {
  std::filesystem::path file;
  std::uint64_t begin = 0, bytes = 0;  // as stored
  bool compressed = false, swapped = false;
};

/// `voxel_bytes`: uncompressed. Throws UserError when voxels are cut off.
MetaImageData meta_image_data(const std::filesystem::path& file, const std::optional<std::filesystem::path>& detached,
                              std::string_view head, std::uint64_t voxel_bytes);

/// The voxels of a compressed MetaImage, `voxels.size()` bytes in this machine's byte order; MetaIO takes damaged ones
/// for zeros. Throws UserError when they are damaged.
void inflate_meta_image(const MetaImageData& data, std::size_t sample_bytes, std::vector<char>& voxels);

}  // namespace voxflow::interop
