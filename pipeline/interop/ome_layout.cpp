// OME-TIFF: compressed tiles in the order in which they come, those of the smaller copies behind them, then one
// directory a plane, the first with the OME-XML, each with its smaller copies as SubIFDs.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "pipeline/archive/ome_xml.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/interop/ome_tiles.hpp"
#include "pipeline/interop/tiff_directory.hpp"
#include "pipeline/interop/tiff_layout.hpp"

namespace voxflow::interop {

namespace {
constexpr std::uint64_t kMostClassicBytes = 3'900'000'000;
constexpr std::uint64_t kTagsBytes = 400;         // of a directory, without its tiles
constexpr std::uint64_t kTileOverheadBytes = 32;  // place, size, and the wrapping of what cannot be compressed
constexpr Index kMostExtent = std::numeric_limits<std::int32_t>::max();
constexpr std::uint64_t kFlushBytes = 1 << 20;

class OmeLayout : public TiffLayout {
 public:
  OmeLayout(const TiffStack& stack, OutputFile& out, TiffForm form)
      : stack_(stack), out_(out), form_(form), tiles_(checked(stack, out), out, tiff_header_bytes(form)) {}

  Index row_step() const override { return tiles_.levels().front().tile[kY]; }

  void write(int t, int c, const Box3& box, const void* voxels) override { tiles_.write(t, c, box, voxels); }

  void finish() override {
    tiles_.make_levels();
    if (tiles_.end() % 2 == 1) tiles_.append({0});
    const std::uint64_t first = tiles_.end(), planes = plane_count(stack_);
    Bytes8 bytes;
    for (std::uint64_t plane = 0; plane < planes; ++plane) {
      add_directories(plane, tiles_.end() + bytes.size(), plane + 1 < planes, bytes);
      if (bytes.size() < kFlushBytes && plane + 1 < planes) continue;
      tiles_.append(bytes);
      bytes.clear();
    }
    const Bytes8 header = tiff_header(form_, first);
    out_.write_at(0, header.data(), header.size());
  }

 private:
  static const TiffStack& checked(const TiffStack& stack, const OutputFile& out) {
    if (std::max(stack.shape[kY], stack.shape[kX]) > kMostExtent)
      throw UserError(fmt::format("'{}': its planes are {} x {} voxels (y, x); a TIFF holds at most {} along an axis",
                                  out.file().string(), stack.shape[kY], stack.shape[kX], kMostExtent));
    return stack;
  }

  /// The plane's directory at `here`, those of its smaller copies behind it, and whether another plane follows.
  void add_directories(std::uint64_t plane, std::uint64_t here, bool another, Bytes8& to) const {
    const std::size_t levels = tiles_.levels().size();
    std::vector<TiffDirectory> smaller;
    for (std::size_t level = 1; level < levels; ++level) smaller.push_back(directory(plane, level, {}));
    // The places of the SubIFDs are known once it is known how long the directory is that lists them.
    std::vector<std::uint64_t> places(smaller.size());
    std::uint64_t at = here + directory(plane, 0, places).size();
    for (std::size_t i = 0; i < smaller.size(); ++i) {
      places[i] = at;
      at += smaller[i].size();
    }
    const auto add = [&](const Bytes8& bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); };
    add(directory(plane, 0, places).encode(here, another ? at : 0));
    for (std::size_t i = 0; i < smaller.size(); ++i) add(smaller[i].encode(places[i], 0));
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

  TiffDirectory directory(std::uint64_t plane, std::size_t level, const std::vector<std::uint64_t>& smaller) const {
    const TileLevel& l = tiles_.levels()[level];
    TiffDirectory d(form_);
    d.add_long(254, level > 0 ? 1 : 0);
    d.add_long(256, static_cast<std::uint32_t>(l.shape[kX]));
    d.add_long(257, static_cast<std::uint32_t>(l.shape[kY]));
    d.add_short(258, static_cast<std::uint16_t>(8 * size_bytes(stack_.dtype)));
    d.add_short(259, 8);
    d.add_short(262, 1);
    if (plane == 0 && level == 0) d.add_text(270, ome_xml());
    d.add_short(277, 1);
    constexpr double kMicrometresOfACentimetre = 1e4;
    const double times = static_cast<double>(Index{1} << level);
    d.add_rational(282, kMicrometresOfACentimetre / stack_.spacing[kX].value / times);
    d.add_rational(283, kMicrometresOfACentimetre / stack_.spacing[kY].value / times);
    d.add_short(296, 3);
    if (stack_.dtype != DType::float32) d.add_short(317, 2);
    d.add_long(322, static_cast<std::uint32_t>(l.tile[kX]));
    d.add_long(323, static_cast<std::uint32_t>(l.tile[kY]));
    d.add_offsets(324, tiles_.places(level, plane));
    d.add_longs(325, tiles_.sizes(level, plane));
    if (!smaller.empty()) d.add_offsets(330, smaller);
    d.add_short(339, stack_.dtype == DType::float32 ? 3 : 1);
    return d;
  }

  const TiffStack& stack_;
  OutputFile& out_;
  TiffForm form_;
  OmeTiles tiles_;
};
}  // namespace

std::unique_ptr<TiffLayout> ome_layout(const TiffStack& stack, OutputFile& out, TiffForm form) {
  return std::make_unique<OmeLayout>(stack, out, form);
}

TiffForm ome_form(const TiffStack& stack) {
  std::uint64_t most = 0;
  for (const TileLevel& level : tile_levels(stack)) {
    const std::uint64_t tile_bytes = static_cast<std::uint64_t>(count(level.tile)) * size_bytes(stack.dtype);
    most += plane_count(stack) * (level.tiles() * (tile_bytes + kTileOverheadBytes) + kTagsBytes);
  }
  return most > kMostClassicBytes ? TiffForm::big : TiffForm::classic;
}

}  // namespace voxflow::interop
