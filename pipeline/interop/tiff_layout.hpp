// How a profile lays planes out in a file; private to this room.
#pragma once
#include <memory>

#include "pipeline/interop/output_file.hpp"
#include "pipeline/interop/tiff_directory.hpp"
#include "pipeline/interop/tiff_writer.hpp"

namespace voxflow::interop {

/// Number of a plane in the order in which both profiles count them: channel first, then z, then timepoint.
inline std::uint64_t plane_number(const TiffStack& stack, int t, int c, Index z) {
  return static_cast<std::uint64_t>((t * stack.shape[kZ] + z) * stack.channels + c);
}

inline std::uint64_t plane_count(const TiffStack& stack) {
  return static_cast<std::uint64_t>(stack.timepoints) * static_cast<std::uint64_t>(stack.channels) *
         static_cast<std::uint64_t>(stack.shape[kZ]);
}

inline std::uint64_t plane_bytes(const TiffStack& stack) {
  return static_cast<std::uint64_t>(stack.shape[kY] * stack.shape[kX]) * size_bytes(stack.dtype);
}

class TiffLayout {
 public:
  virtual ~TiffLayout() = default;
  virtual Index row_step() const = 0;
  /// `box` has been checked.
  virtual void write(int t, int c, const Box3& box, const void* voxels) = 0;
  /// Writes what is known only now.
  virtual void finish() = 0;
};

/// Keeps references to both. Throws UserError when ImageJ could not read such a stack.
std::unique_ptr<TiffLayout> imagej_layout(const TiffStack& stack, OutputFile& out);

/// Keeps references to both. Throws UserError when a plane is too wide or too high for a TIFF.
std::unique_ptr<TiffLayout> ome_layout(const TiffStack& stack, OutputFile& out, TiffForm form);
/// Classic where the file will surely fit into its 32-bit offsets.
TiffForm ome_form(const TiffStack& stack);

}  // namespace voxflow::interop
