#include "kernels/measure/objects/accumulator.hpp"

#include <algorithm>
#include <cmath>

namespace voxflow::objects {

namespace {
// A block's labels with a border of one voxel, which is 0 outside the volume.
class FramedLabels {
 public:
  FramedLabels(VolumeView<const std::uint32_t> labels, const Box3& core, const Index3& shape)
      : voxels_(static_cast<std::size_t>(count(labels.shape())), 0U), view_(voxels_.data(), labels.shape()) {
    const Box3 framed = grow(core, Halo::symmetric({1, 1, 1}));
    Box3 inside = intersect(framed, {{0, 0, 0}, shape});
    for (std::size_t i = 0; i < 3; ++i) inside.origin[i] -= framed.origin[i];
    copy_voxels(labels.sub(inside), view_.sub(inside));
  }
  /// First voxel of a row of the core; what lies around it may be read too.
  const std::uint32_t* row(Index z, Index y) const { return &view_(z + 1, y + 1, 1); }
  /// How far the neighbour in that direction lies.
  Index offset(const Index3& step) const {
    return step[kZ] * view_.stride()[kZ] + step[kY] * view_.stride()[kY] + step[kX];
  }

 private:
  std::vector<std::uint32_t> voxels_;
  VolumeView<std::uint32_t> view_;
};

// Of `length` voxels of one label, those whose neighbour has another one.
std::int64_t others(const std::uint32_t* neighbours, Index length, std::uint32_t label) {
  std::int64_t n = 0;
  for (Index i = 0; i < length; ++i) n += neighbours[i] != label ? 1 : 0;
  return n;
}

void count_crossings(const FramedLabels& labels, const std::uint32_t* run, Index length, Crossings& crossings) {
  crossings[0] += (run[-1] != *run ? 1 : 0) + (run[length] != *run ? 1 : 0);
  for (std::size_t k = 1; k < kDirections.size(); ++k) {
    const Index offset = labels.offset(kDirections[k]);
    crossings[k] += others(run + offset, length, *run) + others(run - offset, length, *run);
  }
}
}  // namespace

void Intensity::add(float v) {
  if (!std::isfinite(v)) return;
  ++count;
  min = std::min(min, v);
  max = std::max(max, v);
  const Parts p = parts_of(v);
  sum.add(p.mantissa, p.exponent);
  squares.add(p.mantissa * p.mantissa, 2 * p.exponent);
}

void Intensity::add(const Intensity& other) {
  count += other.count;
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  sum.add(other.sum);
  squares.add(other.squares);
}

double Intensity::mean() const {
  return static_cast<double>(sum.value() / static_cast<long double>(count));
}

double Intensity::standard_deviation() const {
  const auto n = static_cast<long double>(count);
  const long double total = sum.value();
  return static_cast<double>(std::sqrt(std::max(0.0L, squares.value() - total * total / n) / n));
}

void Object::add_run(Index z, Index y, Index x, Index length) {
  const Index3 first{z, y, x}, last{z, y, x + length - 1};
  for (std::size_t i = 0; i < 3; ++i) {
    low[i] = voxels == 0 ? first[i] : std::min(low[i], first[i]);
    high[i] = voxels == 0 ? last[i] : std::max(high[i], last[i]);
  }
  voxels += length;
  coordinate_sum[kZ] += z * length;
  coordinate_sum[kY] += y * length;
  const Index sum_x = x * length + length * (length - 1) / 2;
  coordinate_sum[kX] += sum_x;
  const Wide n = length, wide_z = z, wide_y = y, wide_x = x;
  products[0] += wide_z * wide_z * n;
  products[1] += wide_y * wide_y * n;
  products[2] += wide_x * wide_x * n + wide_x * n * (n - 1) + (n - 1) * n * (2 * n - 1) / 6;
  products[3] += wide_z * wide_y * n;
  products[4] += wide_z * sum_x;
  products[5] += wide_y * sum_x;
}

void Object::add(const Object& other) {
  for (std::size_t i = 0; i < 3; ++i) {
    low[i] = std::min(low[i], other.low[i]);
    high[i] = std::max(high[i], other.high[i]);
    coordinate_sum[i] += other.coordinate_sum[i];
  }
  voxels += other.voxels;
  for (std::size_t i = 0; i < products.size(); ++i) products[i] += other.products[i];
  for (std::size_t i = 0; i < crossings.size(); ++i) crossings[i] += other.crossings[i];
  for (std::size_t i = 0; i < channels.size(); ++i) channels[i].add(other.channels[i]);
}

Objects::Objects(VolumeView<const std::uint32_t> labels, const Box3& core, const Index3& shape,
                 const std::vector<VolumeView<const float>>& channels, const Context& ctx)
    : channels_(channels.size()) {
  const FramedLabels framed(labels, core, shape);
  const auto [nz, ny, nx] = core.extent;
  for (Index z = 0; z < nz && !ctx.cancelled(); ++z)
    for (Index y = 0; y < ny; ++y) {
      const std::uint32_t* row = framed.row(z, y);
      for (Index x = 0, end = 0; x < nx; x = end) {
        while (end < nx && row[end] == row[x]) ++end;
        if (row[x] == 0) continue;
        Object& object =
            objects_.try_emplace(row[x], Object{.channels = std::vector<Intensity>(channels_)}).first->second;
        object.add_run(core.origin[kZ] + z, core.origin[kY] + y, core.origin[kX] + x, end - x);
        count_crossings(framed, row + x, end - x, object.crossings);
        for (std::size_t c = 0; c < channels_; ++c)
          for (Index i = x; i < end; ++i) object.channels[c].add(channels[c](z, y, i));
      }
    }
}

void Objects::add(const Objects& other) {
  channels_ = std::max(channels_, other.channels_);
  for (const auto& [label, object] : other.objects_) {
    const auto [it, is_new] = objects_.try_emplace(label, object);
    if (!is_new) it->second.add(object);
  }
}

void Objects::encode(ByteWriter& out) const {
  out.put(static_cast<std::uint64_t>(channels_)).put(static_cast<std::uint64_t>(objects_.size()));
  for (const auto& [label, o] : objects_)
    out.put(label)
        .put(o.voxels)
        .put(o.low)
        .put(o.high)
        .put(o.coordinate_sum)
        .put(o.products)
        .put(o.crossings)
        .put(o.channels);
}

Objects Objects::decode(ByteReader& in) {
  Objects objects;
  objects.channels_ = in.get<std::uint64_t>();
  for (auto left = in.get<std::uint64_t>(); left > 0; --left) {
    Object& o = objects.objects_[in.get<std::uint32_t>()];
    o.voxels = in.get<std::int64_t>();
    o.low = in.get<Index3>();
    o.high = in.get<Index3>();
    o.coordinate_sum = in.get<Index3>();
    o.products = in.get<ProductSums>();
    o.crossings = in.get<Crossings>();
    o.channels = in.get_vector<Intensity>();
  }
  return objects;
}

}  // namespace voxflow::objects
