// MRC/CCP4 2014 maps of electron microscopes and of deconvolution programs: a header of 1024 bytes, then raw planes.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "pipeline/interop/image_file.hpp"

namespace voxflow::interop {

/// Read plane by plane. Modes 0 (8 bits), 1 (int16), 2 (float32) and 6 (uint16) in either byte order; cell dimensions
/// are Angstrom. Source: doi:10.1016/j.jsb.2015.04.002.
class MrcImage : public ImageFile {
 public:
  /// Throws UserError when the header is damaged, the file is shorter than it says, or a mode or axis order is not
  /// read.
  explicit MrcImage(const std::filesystem::path& file);

  std::vector<std::filesystem::path> files() const override { return {file_}; }
  void read_planes(int t, int c, Index first, Index planes, void* voxels) override;

  static bool is_mrc(std::string_view head);

 private:
  std::filesystem::path file_;
  std::uint64_t begin_ = 0;  // of the voxels in the file
  bool swapped_ = false;     // bytes stand in the other order than this machine's
};

}  // namespace voxflow::interop
