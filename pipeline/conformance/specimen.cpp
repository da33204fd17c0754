#include "pipeline/conformance/specimen.hpp"

#include <array>
#include <cmath>
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

// The content of one volume: bright waves over a dark, noisy ground, and what masks and labels make of it.
class Scene {
 public:
  Scene(const Index3& shape, int t, int c)
      : seed_(mix(static_cast<std::uint32_t>(t) + mix(static_cast<std::uint32_t>(c)))),
        wave_{wave(shape[kZ], 0.37, 1.6), wave(shape[kY], 0.23, t), wave(shape[kX], 0.31, c)} {}

  double noise(const Index3& at) const {
    std::uint32_t h = seed_;
    for (const Index i : at) h = mix(h + static_cast<std::uint32_t>(i));
    return h / 4294967296.0;
  }
  double intensity(const Index3& at) const {
    double product = 1;
    for (std::size_t i = 0; i < 3; ++i) product *= wave_[i][static_cast<std::size_t>(at[i])];
    return 100 + 900 * std::max(0.0, product) + 80 * noise(at);
  }
  bool in_mask(const Index3& at) const { return intensity(at) > 400 || noise(at) < 0.02; }
  std::uint32_t label(const Index3& at) const {
    return in_mask(at) ? 66000 + static_cast<std::uint32_t>(at[kZ] / 9 * 400 + at[kY] / 13 * 20 + at[kX] / 17) : 0;
  }

 private:
  static std::vector<double> wave(Index size, double step, double phase) {
    std::vector<double> w;
    for (Index i = 0; i < size; ++i) w.push_back(std::sin(step * static_cast<double>(i) + phase));
    return w;
  }
  std::uint32_t seed_;
  std::array<std::vector<double>, 3> wave_;
};

// `value(scene, voxel)` for every voxel of every volume.
template <class T, class F>
std::shared_ptr<const run::ImageSource> fill(record::ImageInfo info, F&& value) {
  const Index3& shape = info.grid.shape;
  std::vector<std::byte> bytes(static_cast<std::size_t>(count(shape) * info.timepoints * info.channel_count()) *
                               sizeof(T));
  T* to = reinterpret_cast<T*>(bytes.data());
  for (int t = 0; t < info.timepoints; ++t)
    for (int c = 0; c < info.channel_count(); ++c) {
      const Scene scene(shape, t, c);
      for (Index z = 0; z < shape[kZ]; ++z)
        for (Index y = 0; y < shape[kY]; ++y)
          for (Index x = 0; x < shape[kX]; ++x) *to++ = static_cast<T>(value(scene, Index3{z, y, x}));
    }
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
    return fill<std::uint32_t>(std::move(info), [](const Scene& scene, const Index3& at) { return scene.label(at); });
  }
  if (kind == PortKind::mask) {
    info.kind = record::ImageKind::mask, info.dtype = DType::uint8;
    return fill<std::uint8_t>(std::move(info), [](const Scene& scene, const Index3& at) { return scene.in_mask(at); });
  }
  info.kind = record::ImageKind::intensity, info.dtype = s.dtype;
  const auto value = [&](const Scene& scene, const Index3& at) {
    return s.nan_voxel == at ? std::numeric_limits<double>::quiet_NaN() : scene.intensity(at);
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
