// ImageJ's layout: one directory, then all planes in one piece. ImageJ finds each plane by its number and reads no
// further directory; those behind the planes are for others, as far as 32-bit offsets reach.
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/interop/imagej_description.hpp"
#include "pipeline/interop/tiff_directory.hpp"
#include "pipeline/interop/tiff_layout.hpp"
#include "pipeline/interop/unicode.hpp"

namespace voxflow::interop {

namespace {
constexpr std::uint64_t kOffsetsEnd = std::uint64_t{1} << 32;
constexpr Index kMostVoxelsOfAPlane = std::numeric_limits<std::int32_t>::max();
constexpr std::uint16_t kMetadataSizes = 50838, kMetadata = 50839;
constexpr std::uint64_t kFlushBytes = 1 << 20;

using Range = std::array<double, 2>;
constexpr Range kNothingSeen{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
// Takes as many characters as any number does.
constexpr Range kLongest{-std::numeric_limits<double>::max(), -std::numeric_limits<double>::min()};

template <class T>
void extend(Range& range, const T* voxels, std::size_t n) {
  T low = std::numeric_limits<T>::max(), high = std::numeric_limits<T>::lowest();
  for (std::size_t i = 0; i < n; ++i) {
    if constexpr (std::is_floating_point_v<T>)
      if (!std::isfinite(voxels[i])) continue;
    low = std::min(low, voxels[i]);
    high = std::max(high, voxels[i]);
  }
  if (low > high) return;
  range = {std::min(range[0], static_cast<double>(low)), std::max(range[1], static_cast<double>(high))};
}

bool all_zero(const char* bytes, std::size_t size) {
  return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, size - 1) == 0;
}

Bytes8 utf16_bytes(const std::string& text) {
  Bytes8 bytes;
  for (const char16_t c : utf16(text)) append_number(bytes, c, 2);
  return bytes;
}

/// ImageJ's own part of the first directory: blocks of one kind, each with its size.
struct Metadata {
  Bytes8 kinds, blocks;
  std::vector<std::uint32_t> sizes;

  void add(const char (&kind)[5], const std::vector<Bytes8>& more) {
    for (const int i : {3, 2, 1, 0}) kinds.push_back(static_cast<unsigned char>(kind[i]));
    append_number(kinds, more.size(), 4);
    for (const Bytes8& block : more) {
      sizes.push_back(static_cast<std::uint32_t>(block.size()));
      blocks.insert(blocks.end(), block.begin(), block.end());
    }
  }
  void add_to(TiffDirectory& directory) const {
    Bytes8 all{'J', 'I', 'J', 'I'};
    all.insert(all.end(), kinds.begin(), kinds.end());
    std::vector<std::uint32_t> all_sizes{static_cast<std::uint32_t>(all.size())};
    all_sizes.insert(all_sizes.end(), sizes.begin(), sizes.end());
    all.insert(all.end(), blocks.begin(), blocks.end());
    directory.add_longs(kMetadataSizes, all_sizes);
    directory.add_bytes(kMetadata, std::move(all));
  }
};

class ImageJLayout : public TiffLayout {
 public:
  ImageJLayout(const TiffStack& stack, OutputFile& out)
      : stack_(stack), out_(out), ranges_(static_cast<std::size_t>(stack.channels), kNothingSeen) {
    check();
    const std::vector<Range> longest(ranges_.size(), kLongest);
    const std::uint64_t front = tiff_header_bytes(TiffForm::classic) + directory(0, longest).size();
    begin_ = (front + 15) / 16 * 16;
    end_ = begin_ + plane_count(stack_) * plane_bytes(stack_);
  }

  Index row_step() const override { return 1; }

  void write(int t, int c, const Box3& box, const void* voxels) override {
    const auto row_bytes = static_cast<std::uint64_t>(stack_.shape[kX]) * size_bytes(stack_.dtype);
    const auto part_bytes = static_cast<std::size_t>(box.extent[kY]) * row_bytes;
    const auto* from = static_cast<const char*>(voxels);
    for (Index z = 0; z < box.extent[kZ]; ++z, from += part_bytes) {
      const std::uint64_t at = begin_ + plane_number(stack_, t, c, box.origin[kZ] + z) * plane_bytes(stack_) +
                               static_cast<std::uint64_t>(box.origin[kY]) * row_bytes;
      if (!all_zero(from, part_bytes)) out_.write_at(at, from, part_bytes);
    }
    visit_dtype(stack_.dtype, [&]<class T>(T*) {
      extend(ranges_[static_cast<std::size_t>(c)], static_cast<const T*>(voxels),
             static_cast<std::size_t>(count(box.extent)));
    });
  }

  void finish() override {
    out_.resize(end_);
    const std::uint64_t planes = plane_count(stack_), first = tiff_header_bytes(TiffForm::classic);
    const std::uint64_t behind = end_ + end_ % 2, size = planes > 1 ? directory(1, ranges_).size() : 0;
    const bool reached = planes > 1 && behind + (planes - 1) * size < kOffsetsEnd;
    put(0, tiff_header(TiffForm::classic, first));
    put(first, directory(0, ranges_).encode(first, reached ? behind : 0));
    if (!reached) return;
    Bytes8 bytes;
    std::uint64_t at = behind;
    for (std::uint64_t i = 1; i < planes; ++i) {
      const std::uint64_t here = behind + (i - 1) * size;
      const Bytes8 one = directory(i, ranges_).encode(here, i + 1 < planes ? here + size : 0);
      bytes.insert(bytes.end(), one.begin(), one.end());
      if (bytes.size() < kFlushBytes && i + 1 < planes) continue;
      put(at, bytes);
      at += bytes.size();
      bytes.clear();
    }
  }

 private:
  void check() const {
    if (stack_.dtype == DType::uint32)
      throw UserError(
          fmt::format("'{}': ImageJ reads no 32-bit integers; write uint8, uint16 or float32", out_.file().string()));
    if (stack_.shape[kY] > kMostVoxelsOfAPlane / stack_.shape[kX])
      throw UserError(
          fmt::format("'{}': its planes are {} x {} voxels (y, x), and ImageJ reads at most {} in one; "
                      "write an OME-TIFF",
                      out_.file().string(), stack_.shape[kY], stack_.shape[kX], kMostVoxelsOfAPlane));
  }

  void put(std::uint64_t at, const Bytes8& bytes) { out_.write_at(at, bytes.data(), bytes.size()); }

  std::string description(const std::vector<Range>& ranges) const {
    ImageJDescription d;
    d.channels = stack_.channels;
    d.slices = static_cast<long>(stack_.shape[kZ]);
    d.frames = stack_.timepoints;
    d.images = d.channels * d.slices * d.frames;
    d.unit = "micron";
    d.spacing = stack_.spacing[kZ].value;
    d.frame_interval_s = stack_.time_step_s;
    if (stack_.channels == 1 && ranges[0][0] <= ranges[0][1]) d.display = ranges[0];
    if (stack_.values) d.values = {stack_.values->offset, stack_.values->scale};
    return format_imagej_description(d);
  }

  Metadata metadata(const std::vector<Range>& ranges) const {
    Metadata m;
    std::string info;
    for (const auto& [key, value] : stack_.notes) info += fmt::format("{}: {}\n", key, value);
    if (!info.empty()) m.add("info", {utf16_bytes(info)});
    if (!stack_.channel_details.empty()) {
      std::vector<Bytes8> labels;
      for (std::uint64_t i = 0; i < plane_count(stack_); ++i)
        labels.push_back(utf16_bytes(stack_.channel_details[i % stack_.channel_details.size()].name));
      m.add("labl", labels);
    }
    Bytes8 shown;
    for (const Range& range : ranges)
      for (const double v : range[0] <= range[1] ? range : Range{0, 1})
        append_number(shown, std::bit_cast<std::uint64_t>(v), sizeof v);
    m.add("rang", {shown});
    if (!stack_.overlay.empty()) m.add("over", stack_.overlay);
    return m;
  }

  TiffDirectory directory(std::uint64_t plane, const std::vector<Range>& ranges) const {
    TiffDirectory d(TiffForm::classic);
    d.add_long(254, 0);
    d.add_long(256, static_cast<std::uint32_t>(stack_.shape[kX]));
    d.add_long(257, static_cast<std::uint32_t>(stack_.shape[kY]));
    d.add_short(258, static_cast<std::uint16_t>(8 * size_bytes(stack_.dtype)));
    d.add_short(259, 1);
    d.add_short(262, 1);
    if (plane == 0) d.add_text(270, description(ranges));
    d.add_offsets(273, {begin_ + plane * plane_bytes(stack_)});
    d.add_short(277, 1);
    d.add_long(278, static_cast<std::uint32_t>(stack_.shape[kY]));
    d.add_offsets(279, {plane_bytes(stack_)});
    if (plane == 0) d.add_rational(282, 1 / stack_.spacing[kX].value);
    if (plane == 0) d.add_rational(283, 1 / stack_.spacing[kY].value);
    if (plane == 0) d.add_short(296, 1);
    d.add_short(339, stack_.dtype == DType::float32 ? 3 : 1);
    if (plane == 0) metadata(ranges).add_to(d);
    return d;
  }

  const TiffStack& stack_;
  OutputFile& out_;
  std::vector<Range> ranges_;  // of each channel, of what was written so far
  std::uint64_t begin_ = 0, end_ = 0;
};
}  // namespace

std::unique_ptr<TiffLayout> imagej_layout(const TiffStack& stack, OutputFile& out) {
  return std::make_unique<ImageJLayout>(stack, out);
}

}  // namespace voxflow::interop
