// OME-TIFF: compressed tiles in the order in which they come, then one directory a plane, the first with the OME-XML.
#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "pipeline/archive/deflate.hpp"
#include "pipeline/archive/ome_xml.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/parallel.hpp"
#include "pipeline/interop/tiff_directory.hpp"
#include "pipeline/interop/tiff_layout.hpp"

namespace voxflow::interop {

namespace {
constexpr Index kTile = 256;
constexpr std::uint64_t kMostClassicBytes = 3'900'000'000;
constexpr std::uint64_t kTagsBytes = 400;         // of a directory, without its tiles
constexpr std::uint64_t kTileOverheadBytes = 32;  // place, size, and the wrapping of what cannot be compressed
constexpr Index kMostExtent = std::numeric_limits<std::int32_t>::max();
constexpr std::uint64_t kFlushBytes = 1 << 20;

/// Extents that are multiples of 16, as TIFF wants them.
Index3 tile_shape(const TiffStack& stack) {
  const auto extent = [&](std::size_t axis) { return std::min(kTile, (stack.shape[axis] + 15) / 16 * 16); };
  return {1, extent(kY), extent(kX)};
}

Index tiles_along(const TiffStack& stack, std::size_t axis) {
  const Index extent = tile_shape(stack)[axis];
  return (stack.shape[axis] + extent - 1) / extent;
}

/// Each voxel less the one before it in its row: TIFF's predictor 2.
template <class T>
void subtract_neighbours(T* row, Index n) {
  for (Index x = n - 1; x > 0; --x) row[x] = static_cast<T>(row[x] - row[x - 1]);
}

class OmeLayout : public TiffLayout {
 public:
  OmeLayout(const TiffStack& stack, OutputFile& out, TiffForm form)
      : stack_(stack),
        out_(out),
        tile_(tile_shape(stack)),
        across_(tiles_along(stack, kX)),
        down_(tiles_along(stack, kY)),
        form_(form) {
    if (std::max(stack.shape[kY], stack.shape[kX]) > kMostExtent)
      throw UserError(fmt::format("'{}': its planes are {} x {} voxels (y, x); a TIFF holds at most {} along an axis",
                                  out.file().string(), stack.shape[kY], stack.shape[kX], kMostExtent));
    const std::uint64_t tiles = plane_count(stack) * static_cast<std::uint64_t>(across_ * down_);
    places_.resize(tiles);
    sizes_.resize(tiles);
    end_ = tiff_header_bytes(form_);
  }

  Index row_step() const override { return tile_[kY]; }

  void write(int t, int c, const Box3& box, const void* voxels) override {
    const Index rows = (box.extent[kY] + tile_[kY] - 1) / tile_[kY];
    const auto tiles = static_cast<std::size_t>(box.extent[kZ] * rows * across_);
    std::vector<Bytes8> encoded(tiles);
    const auto place = [&](std::size_t i) {
      const auto n = static_cast<Index>(i);
      return Index3{n / (rows * across_), n / across_ % rows, n % across_};
    };
    for_each_in_parallel(tiles, few_threads(),
                         [&](std::size_t i) { encoded[i] = encode(voxels, box.extent, place(i)); });
    for (std::size_t i = 0; i < tiles; ++i) {
      const Index3 at = place(i);
      const std::uint64_t plane = plane_number(stack_, t, c, box.origin[kZ] + at[kZ]);
      const auto tile = static_cast<std::uint64_t>((box.origin[kY] / tile_[kY] + at[kY]) * across_ + at[kX]);
      const std::uint64_t number = plane * static_cast<std::uint64_t>(across_ * down_) + tile;
      places_[number] = end_;
      sizes_[number] = static_cast<std::uint32_t>(encoded[i].size());
      append(encoded[i]);
    }
  }

  void finish() override {
    if (end_ % 2 == 1) append({0});
    const std::uint64_t first = end_, planes = plane_count(stack_);
    Bytes8 bytes;
    for (std::uint64_t plane = 0; plane < planes; ++plane) {
      const TiffDirectory d = directory(plane);
      const std::uint64_t here = end_ + bytes.size();
      const Bytes8 one = d.encode(here, plane + 1 < planes ? here + d.size() : 0);
      bytes.insert(bytes.end(), one.begin(), one.end());
      if (bytes.size() < kFlushBytes && plane + 1 < planes) continue;
      append(bytes);
      bytes.clear();
    }
    const Bytes8 header = tiff_header(form_, first);
    out_.write_at(0, header.data(), header.size());
  }

 private:
  void append(const Bytes8& bytes) {
    out_.write_at(end_, bytes.data(), bytes.size());
    end_ += bytes.size();
  }

  /// One tile of the box; `at` counts planes and tiles from the box's own first.
  Bytes8 encode(const void* voxels, const Index3& extent, const Index3& at) const {
    const std::size_t voxel_bytes = size_bytes(stack_.dtype);
    Bytes8 tile(static_cast<std::size_t>(count(tile_)) * voxel_bytes, 0);
    const Index y0 = at[kY] * tile_[kY], x0 = at[kX] * tile_[kX];
    const Index ny = std::min(tile_[kY], extent[kY] - y0), nx = std::min(tile_[kX], extent[kX] - x0);
    for (Index y = 0; y < ny; ++y) {
      const auto from = static_cast<std::size_t>((at[kZ] * extent[kY] + y0 + y) * extent[kX] + x0) * voxel_bytes;
      unsigned char* row = tile.data() + static_cast<std::size_t>(y * tile_[kX]) * voxel_bytes;
      std::memcpy(row, static_cast<const char*>(voxels) + from, static_cast<std::size_t>(nx) * voxel_bytes);
    }
    predict(tile);
    return archive::deflate(tile.data(), tile.size());
  }

  void predict(Bytes8& tile) const {
    visit_dtype(stack_.dtype, [&]<class T>(T*) {
      if constexpr (!std::is_floating_point_v<T>)
        for (Index y = 0; y < tile_[kY]; ++y)
          subtract_neighbours(reinterpret_cast<T*>(tile.data()) + y * tile_[kX], tile_[kX]);
    });
  }

  std::string ome_xml() const {
    archive::OmeImageText text;
    text.name = stack_.name;
    text.info.dtype = stack_.dtype;
    text.info.grid = {stack_.shape, stack_.spacing};
    text.info.timepoints = stack_.timepoints;
    text.info.time_step_s = stack_.time_step_s;
    text.info.channels = stack_.channel_details;
    text.info.channels.resize(static_cast<std::size_t>(stack_.channels));
    text.notes = stack_.notes;
    text.voxels = archive::OmeVoxels::tiff;
    return archive::format_ome_xml(text);
  }

  TiffDirectory directory(std::uint64_t plane) const {
    const auto tiles = static_cast<std::ptrdiff_t>(across_ * down_);
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(plane) * tiles;
    TiffDirectory d(form_);
    d.add_long(254, 0);
    d.add_long(256, static_cast<std::uint32_t>(stack_.shape[kX]));
    d.add_long(257, static_cast<std::uint32_t>(stack_.shape[kY]));
    d.add_short(258, static_cast<std::uint16_t>(8 * size_bytes(stack_.dtype)));
    d.add_short(259, 8);
    d.add_short(262, 1);
    if (plane == 0) d.add_text(270, ome_xml());
    d.add_short(277, 1);
    constexpr double kMicrometresOfACentimetre = 1e4;
    d.add_rational(282, kMicrometresOfACentimetre / stack_.spacing[kX].value);
    d.add_rational(283, kMicrometresOfACentimetre / stack_.spacing[kY].value);
    d.add_short(296, 3);
    if (stack_.dtype != DType::float32) d.add_short(317, 2);
    d.add_long(322, static_cast<std::uint32_t>(tile_[kX]));
    d.add_long(323, static_cast<std::uint32_t>(tile_[kY]));
    d.add_offsets(324, {places_.begin() + at, places_.begin() + at + tiles});
    d.add_longs(325, {sizes_.begin() + at, sizes_.begin() + at + tiles});
    d.add_short(339, stack_.dtype == DType::float32 ? 3 : 1);
    return d;
  }

  const TiffStack& stack_;
  OutputFile& out_;
  Index3 tile_;
  Index across_, down_;  // tiles of a plane
  TiffForm form_;
  std::vector<std::uint64_t> places_;  // of each plane's tiles in the file
  std::vector<std::uint32_t> sizes_;
  std::uint64_t end_ = 0;
};
}  // namespace

std::unique_ptr<TiffLayout> ome_layout(const TiffStack& stack, OutputFile& out, TiffForm form) {
  return std::make_unique<OmeLayout>(stack, out, form);
}

TiffForm ome_form(const TiffStack& stack) {
  const auto tiles = static_cast<std::uint64_t>(tiles_along(stack, kY) * tiles_along(stack, kX));
  const std::uint64_t tile_bytes = static_cast<std::uint64_t>(count(tile_shape(stack))) * size_bytes(stack.dtype);
  const std::uint64_t most = plane_count(stack) * (tiles * (tile_bytes + kTileOverheadBytes) + kTagsBytes);
  return most > kMostClassicBytes ? TiffForm::big : TiffForm::classic;
}

}  // namespace voxflow::interop
