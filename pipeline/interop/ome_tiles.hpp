// The compressed tiles of an OME-TIFF's planes, and of the smaller copies of each plane; private to this room.
#pragma once
#include <cstdint>
#include <vector>

#include "pipeline/interop/output_file.hpp"
#include "pipeline/interop/tiff_directory.hpp"
#include "pipeline/interop/tiff_writer.hpp"

namespace voxflow::interop {

/// One resolution of every plane. Level 0 is the plane, each further one halves y and x (z stays, as OME-TIFF has it)
/// until none exceeds 256.
struct TileLevel {
  Index3 shape{1, 1, 1};  // of a plane
  Index3 tile{1, 1, 1};   // extents that are multiples of 16, as TIFF wants them
  Index across = 0, down = 0;
  std::uint64_t tiles() const { return static_cast<std::uint64_t>(across * down); }
};
std::vector<TileLevel> tile_levels(const TiffStack& stack);

/// Appends tiles to a file and knows where they are.
class OmeTiles {
 public:
  /// Keeps references to both; the first tile lies at `begin`.
  OmeTiles(const TiffStack& stack, OutputFile& out, std::uint64_t begin);

  /// Whole rows of level 0 of volume (t, c), compressed on a few threads.
  void write(int t, int c, const Box3& box, const void* voxels);
  /// Makes the smaller copies of all planes, from what was written. Throws SystemError when it does not read back.
  void make_levels();

  const std::vector<TileLevel>& levels() const { return levels_; }
  std::vector<std::uint64_t> places(std::size_t level, std::uint64_t plane) const;
  std::vector<std::uint32_t> sizes(std::size_t level, std::uint64_t plane) const;
  /// Where the next bytes go.
  std::uint64_t end() const { return end_; }
  void append(const Bytes8& bytes);

 private:
  struct Stored {
    std::uint64_t place = 0;
    std::uint32_t size = 0;
  };
  std::size_t number(std::size_t level, std::uint64_t plane, Index tile) const;
  void store(std::size_t level, std::uint64_t plane, Index tile, const Bytes8& encoded);
  Bytes8 cut(const void* voxels, const Index3& extent, const Index3& at) const;
  Bytes8 encode(Bytes8 tile, const Index3& shape) const;
  Bytes8 decode(std::size_t level, std::uint64_t plane, Index tile) const;
  Bytes8 shrunk(std::size_t level, std::uint64_t plane, Index tile) const;

  const TiffStack& stack_;
  OutputFile& out_;
  std::vector<TileLevel> levels_;
  std::vector<std::vector<Stored>> stored_;  // a level; plane by plane
  std::uint64_t end_ = 0;
};

}  // namespace voxflow::interop
