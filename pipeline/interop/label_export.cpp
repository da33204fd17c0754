#include "pipeline/interop/label_export.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/bands.hpp"
#include "pipeline/interop/output_file.hpp"
#include "pipeline/interop/roi_zip.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
constexpr std::uint64_t kSlabBytes = 64 << 20, kMostOverlayBytes = 1 << 30;

void check_labels(const record::ImageInfo& info) {
  if (info.kind != record::ImageKind::labels && info.kind != record::ImageKind::mask)
    throw UserError(fmt::format("its voxels are of kind '{}', and only those of kind 'labels' or 'mask' have outlines",
                                to_string(info.kind)));
}

/// A box of planes as labels, whatever integer they are stored as.
std::vector<std::uint32_t> read_labels(const archive::ImageReader& reader, int t, int c, const Box3& box) {
  std::vector<std::byte> bytes;
  read_band(reader, t, c, box, bytes);
  std::vector<std::uint32_t> labels(static_cast<std::size_t>(count(box.extent)));
  visit_dtype(reader.info().dtype, [&]<class T>(T*) {
    const auto* voxels = reinterpret_cast<const T*>(bytes.data());
    std::transform(voxels, voxels + labels.size(), labels.begin(), [](T v) { return static_cast<std::uint32_t>(v); });
  });
  return labels;
}

std::string roi_name(const record::ImageInfo& info, std::uint32_t label, int t, int c, Index z) {
  std::string name = fmt::format("label{}", label);
  if (info.channel_count() > 1) name += fmt::format("_c{}", c + 1);
  if (info.grid.shape[kZ] > 1) name += fmt::format("_z{}", z + 1);
  if (info.timepoints > 1) name += fmt::format("_t{}", t + 1);
  return name;
}

std::string sizes(const record::ImageInfo& info) {
  const Index3& n = info.grid.shape;
  return fmt::format("{} x {} x {} x {} x {}", info.timepoints, info.channel_count(), n[kZ], n[kY], n[kX]);
}

/// f(name, roi) for the regions of `reader` as they lie on `image`.
void for_each_roi_on(const record::ImageInfo& image, const archive::ImageReader& reader,
                     const std::function<void(const std::string&, const Bytes8&)>& f) {
  const record::ImageInfo& info = reader.info();
  const auto place = [&](int t, int c, Index z) { return roi_place(image, t, info.channel_count() > 1 ? c : -1, z); };
  const Index3& shape = info.grid.shape;
  const Index plane = shape[kY] * shape[kX];
  const Index fit = static_cast<Index>(kSlabBytes / sizeof(std::uint32_t)) / plane;
  const Index depth = std::clamp<Index>(fit, 1, archive::chunk_shape(info.grid)[kZ]);
  for (int t = 0; t < info.timepoints; ++t)
    for (int c = 0; c < info.channel_count(); ++c)
      for (Index z = 0; z < shape[kZ]; z += depth) {
        const Index planes = std::min(depth, shape[kZ] - z);
        const auto slab = read_labels(reader, t, c, {{z, 0, 0}, {planes, shape[kY], shape[kX]}});
        for (Index i = 0; i < planes; ++i)
          for (const Outline& o : trace_outlines(slab.data() + i * plane, shape[kY], shape[kX])) {
            const std::string name = roi_name(info, o.label, t, c, z + i);
            f(name, encode_roi(o, name, place(t, c, z + i)));
          }
      }
}
}  // namespace

void for_each_label_roi(const fs::path& labels, const std::function<void(const std::string&, const Bytes8&)>& f) {
  const archive::ImageReader reader(labels);
  check_labels(reader.info());
  for_each_roi_on(reader.info(), reader, f);
}

std::vector<Bytes8> overlay_of(const fs::path& labels, const record::ImageInfo& image) {
  const archive::ImageReader reader(labels);
  const record::ImageInfo& info = reader.info();
  check_labels(info);
  const bool fits = info.grid.shape == image.grid.shape && info.timepoints == image.timepoints &&
                    (info.channel_count() == 1 || info.channel_count() == image.channel_count());
  if (!fits)
    throw UserError(
        fmt::format("the labels are {} voxels (t c z y x) and the image {}; an overlay has the size of its image",
                    sizes(info), sizes(image)));
  std::vector<Bytes8> regions;
  std::uint64_t bytes = 0;
  for_each_roi_on(image, reader, [&](const std::string&, const Bytes8& roi) {
    bytes += roi.size();
    if (bytes > kMostOverlayBytes)
      throw UserError("the overlay would take more than a gigabyte in front of the image; export the labels as roi");
    regions.push_back(roi);
  });
  return regions;
}

std::size_t export_rois(const fs::path& labels, const fs::path& file, Existing existing) {
  OutputFile out(file, existing);
  RoiZipWriter zip(out);
  std::size_t written = 0;
  for_each_label_roi(labels, [&](const std::string& name, const Bytes8& roi) {
    zip.add(name, roi);
    ++written;
  });
  zip.finish();
  out.commit();
  return written;
}

}  // namespace voxflow::interop
