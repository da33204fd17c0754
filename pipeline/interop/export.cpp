#include "pipeline/interop/export.hpp"

#include <cerrno>
#include <cmath>
#include <fstream>
#include <limits>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/units.hpp"
#include "pipeline/interop/bands.hpp"
#include "pipeline/interop/label_export.hpp"
#include "pipeline/interop/output_file.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
constexpr std::uint32_t kMostUint16 = std::numeric_limits<std::uint16_t>::max();
constexpr std::uint32_t kMostExactFloat = std::uint32_t{1} << 24;

std::uint32_t highest_label(const archive::ImageReader& reader) {
  std::uint32_t highest = 0;
  for_each_band(reader, 1, [&](int, int, const Box3& box, const std::vector<std::byte>& voxels) {
    const auto* labels = reinterpret_cast<const std::uint32_t*>(voxels.data());
    for (Index i = 0; i < count(box.extent); ++i) highest = std::max(highest, labels[i]);
  });
  return highest;
}

DType label_type(std::uint32_t highest, TiffProfile profile) {
  if (highest <= kMostUint16) return DType::uint16;
  if (profile == TiffProfile::ome) return DType::uint32;
  if (highest <= kMostExactFloat) return DType::float32;
  throw UserError(
      fmt::format("its labels reach {}, and an ImageJ TIFF keeps whole numbers up to {} exactly; export it "
                  "as ome-tiff",
                  highest, kMostExactFloat));
}

struct Survey {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  std::uint64_t nan = 0, outside = 0;
};

/// Extremes among finite values, and what lies outside of `range` (of all finite numbers where none is given).
Survey survey(const archive::ImageReader& reader, const std::optional<std::array<double, 2>>& range) {
  Survey s;
  for_each_band(reader, 1, [&](int, int, const Box3& box, const std::vector<std::byte>& voxels) {
    const auto* values = reinterpret_cast<const float*>(voxels.data());
    for (Index i = 0; i < count(box.extent); ++i) {
      const double v = values[i];
      if (std::isnan(v)) {
        ++s.nan;
        continue;
      }
      if (range ? v < (*range)[0] || v > (*range)[1] : std::isinf(v)) ++s.outside;
      if (std::isinf(v)) continue;
      s.low = std::min(s.low, v);
      s.high = std::max(s.high, v);
    }
  });
  return s;
}

/// What a file is to hold of the image.
Exported choose(const archive::ImageReader& reader, const ExportRequest& request) {
  const DType dtype = reader.info().dtype;
  Exported e;
  e.dtype = dtype;
  if (dtype == DType::uint32) e.dtype = label_type(highest_label(reader), request.profile);
  if (dtype != DType::float32 || !request.as_uint16) return e;
  const Survey s = survey(reader, request.range);
  const double low = request.range ? (*request.range)[0] : s.low, high = request.range ? (*request.range)[1] : s.high;
  e.dtype = DType::uint16;
  e.values = LinearScale{};
  if (low <= high) e.values->offset = low;
  if (low < high) e.values->scale = (high - low) / kMostUint16;
  e.saturated_voxels = s.outside;
  e.nan_voxels = s.nan;
  return e;
}

template <class To, class From>
void convert(const std::byte* from, std::size_t n, const std::optional<LinearScale>& values, std::byte* to) {
  const auto* f = reinterpret_cast<const From*>(from);
  auto* out = reinterpret_cast<To*>(to);
  for (std::size_t i = 0; i < n; ++i)
    out[i] = values ? convert_voxel<To>((static_cast<double>(f[i]) - values->offset) / values->scale)
                    : convert_voxel<To>(f[i]);
}

void convert(const std::vector<std::byte>& from, DType from_type, const Exported& e, std::vector<std::byte>& to) {
  const std::size_t n = from.size() / size_bytes(from_type);
  to.resize(n * size_bytes(e.dtype));
  visit_dtype(from_type, [&]<class From>(From*) {
    visit_dtype(e.dtype, [&]<class To>(To*) { convert<To, From>(from.data(), n, e.values, to.data()); });
  });
}

TiffStack stack_for(const record::ImageInfo& info, const ExportRequest& request, const Exported& e) {
  TiffStack stack;
  stack.profile = request.profile;
  stack.dtype = e.dtype;
  stack.kind = info.kind;
  stack.shape = info.grid.shape;
  stack.channels = info.channel_count();
  stack.timepoints = info.timepoints;
  stack.spacing = info.grid.spacing;
  stack.time_step_s = info.time_step_s;
  stack.name = request.name;
  stack.channel_details = info.channels;
  stack.notes = request.notes;
  stack.values = e.values;
  if (!request.overlay.empty()) stack.overlay = overlay_of(request.overlay, info);
  if (!e.values) return stack;
  stack.notes.emplace_back("value_offset", format_number(e.values->offset));
  stack.notes.emplace_back("value_scale", format_number(e.values->scale));
  stack.notes.emplace_back("saturated_voxels", std::to_string(e.saturated_voxels));
  stack.notes.emplace_back("nan_voxels", std::to_string(e.nan_voxels));
  return stack;
}
}  // namespace

Exported export_image(const ExportRequest& request) {
  const archive::ImageReader reader(request.image);
  const record::ImageInfo& info = reader.info();
  const Exported e = choose(reader, request);
  TiffWriter writer(request.file, stack_for(info, request, e), request.existing);
  std::vector<std::byte> converted;
  for_each_band(reader, writer.row_step(), [&](int t, int c, const Box3& box, const std::vector<std::byte>& voxels) {
    if (e.dtype != info.dtype) convert(voxels, info.dtype, e, converted);
    writer.write(t, c, box, (e.dtype == info.dtype ? voxels : converted).data());
  });
  writer.finish();
  return e;
}

void export_table(const fs::path& table, const fs::path& file, Existing existing) {
  std::ifstream in(table, std::ios::binary);
  if (!in) throw_errno(fmt::format("cannot read '{}'", table.string()), errno);
  OutputFile out(file, existing);
  std::vector<char> part(1 << 20);
  for (std::uint64_t at = 0; in; at += static_cast<std::uint64_t>(in.gcount())) {
    in.read(part.data(), static_cast<std::streamsize>(part.size()));
    if (in.bad()) throw SystemError(fmt::format("cannot read '{}'", table.string()));
    out.write_at(at, part.data(), static_cast<std::size_t>(in.gcount()));
  }
  out.commit();
}

}  // namespace voxflow::interop
