#include "pipeline/conformance/specimen.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "pipeline/run/sources.hpp"

namespace voxflow::conformance {

namespace {
// Bits that depend on all of the coordinates (the finaliser of MurmurHash3).
std::uint32_t mix(std::uint32_t h) {
  h = (h ^ h >> 16) * 0x85EBCA6BU;
  h = (h ^ h >> 13) * 0xC2B2AE35U;
  return h ^ h >> 16;
}

struct Place {
  int t, c;
  Index z, y, x;
};

double unit_noise(const Place& p) {
  const auto word = [](Index i) { return static_cast<std::uint32_t>(i); };
  return mix(word(p.x) + mix(word(p.y) + mix(word(p.z) + mix(word(p.t) + mix(word(p.c)))))) / 4294967296.0;
}

// Bright waves over a dark ground.
double intensity(const Place& p) {
  const double wave = std::sin(0.31 * static_cast<double>(p.x) + p.c) *
                      std::sin(0.23 * static_cast<double>(p.y) + p.t) * std::cos(0.37 * static_cast<double>(p.z));
  return 100 + 900 * std::max(0.0, wave) + 80 * unit_noise(p);
}

bool in_mask(const Place& p) {
  return intensity({0, 0, p.z, p.y, p.x}) > 400 || unit_noise(p) < 0.02;
}

std::uint32_t label(const Place& p) {
  if (!in_mask(p)) return 0;
  return 66000 + static_cast<std::uint32_t>(p.z / 9 * 400 + p.y / 13 * 20 + p.x / 17);
}

template <class T, class F>
std::shared_ptr<const run::ImageSource> fill(record::ImageInfo info, F&& value) {
  const Index3& shape = info.grid.shape;
  std::vector<T> voxels;
  voxels.reserve(static_cast<std::size_t>(count(shape) * info.timepoints * info.channel_count()));
  for (int t = 0; t < info.timepoints; ++t)
    for (int c = 0; c < info.channel_count(); ++c)
      for (Index z = 0; z < shape[kZ]; ++z)
        for (Index y = 0; y < shape[kY]; ++y)
          for (Index x = 0; x < shape[kX]; ++x) voxels.push_back(static_cast<T>(value(Place{t, c, z, y, x})));
  std::vector<std::byte> bytes(voxels.size() * sizeof(T));
  std::memcpy(bytes.data(), voxels.data(), bytes.size());
  return std::make_shared<run::MemorySource>(std::move(info), std::move(bytes));
}

std::shared_ptr<const run::ImageSource> make_image(PortKind kind, const Specimen& s) {
  record::ImageInfo info;
  info.grid = s.grid;
  info.timepoints = s.timepoints;
  const int channels = kind == PortKind::image ? s.channels : 1;
  for (int c = 0; c < channels; ++c) info.channels.push_back({"c" + std::to_string(c), std::nullopt, std::nullopt});
  if (kind == PortKind::labels) {
    info.kind = record::ImageKind::labels, info.dtype = DType::uint32;
    return fill<std::uint32_t>(std::move(info), label);
  }
  if (kind == PortKind::mask) {
    info.kind = record::ImageKind::mask, info.dtype = DType::uint8;
    return fill<std::uint8_t>(std::move(info), in_mask);
  }
  info.kind = record::ImageKind::intensity, info.dtype = s.dtype;
  const auto value = [&](const Place& p) {
    if (s.nan_voxel == Index3{p.z, p.y, p.x}) return std::numeric_limits<double>::quiet_NaN();
    return intensity(p);
  };
  return visit_dtype(s.dtype,
                     [&](auto* type) { return fill<std::remove_pointer_t<decltype(type)>>(std::move(info), value); });
}

Table make_table() {
  Table table;
  table.add({"label_id", "", std::vector<std::int64_t>{1, 2, 3}});
  table.add({"anchor_x", "um", std::vector<double>{0.5, 1.25, 4.0}});
  return table;
}

// A slight tilt and shift.
TransformSet make_transforms() {
  Affine3 a;
  a.matrix = {{{0.99, 0.03, -0.02}, {-0.01, 1.02, 0.04}, {0.02, -0.03, 0.98}}};
  a.translation_um = {0.11, -0.23, 0.31};
  return {{{-1, -1, a}}};
}

Psf make_psf() {
  Psf psf{{{3, 5, 5}, {{{0.2}, {0.2}, {0.2}}}}, {}};
  double sum = 0;
  for (int z = -1; z <= 1; ++z)
    for (int y = -2; y <= 2; ++y)
      for (int x = -2; x <= 2; ++x) {
        psf.voxels.push_back(static_cast<float>(std::exp(-0.5 * (z * z + y * y + x * x))));
        sum += psf.voxels.back();
      }
  for (float& v : psf.voxels) v = static_cast<float>(v / sum);
  return psf;
}
}  // namespace

std::map<std::string, std::shared_ptr<const run::ImageSource>> make_images(const SchemaInfo& schema,
                                                                           const Specimen& specimen) {
  std::map<std::string, std::shared_ptr<const run::ImageSource>> images;
  for (const PortInfo& p : schema.inputs)
    if (is_volumetric(p.type.kind)) images[p.name] = make_image(p.type.kind, specimen);
  return images;
}

run::SmallInputs make_small_inputs(const SchemaInfo& schema) {
  run::SmallInputs small;
  for (const PortInfo& p : schema.inputs) {
    if (p.type.kind == PortKind::table) small.values[p.name] = make_table();
    if (p.type.kind == PortKind::transform) small.values[p.name] = make_transforms();
    if (p.type.kind == PortKind::psf) small.values[p.name] = make_psf();
  }
  return small;
}

}  // namespace voxflow::conformance
