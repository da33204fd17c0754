#include "kernels/measure/objects/accumulator.hpp"

#include <algorithm>
#include <cmath>

namespace voxflow::objects {

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
  coordinate_sum[kX] += x * length + length * (length - 1) / 2;
}

void Object::add(const Object& other) {
  for (std::size_t i = 0; i < 3; ++i) {
    low[i] = std::min(low[i], other.low[i]);
    high[i] = std::max(high[i], other.high[i]);
    coordinate_sum[i] += other.coordinate_sum[i];
  }
  voxels += other.voxels;
  for (std::size_t i = 0; i < channels.size(); ++i) channels[i].add(other.channels[i]);
}

Objects::Objects(VolumeView<const std::uint32_t> labels, const Index3& origin,
                 const std::vector<VolumeView<const float>>& channels, const Context& ctx)
    : channels_(channels.size()) {
  const auto [nz, ny, nx] = labels.shape();
  for (Index z = 0; z < nz && !ctx.cancelled(); ++z)
    for (Index y = 0; y < ny; ++y) {
      const std::uint32_t* row = labels.row(z, y);
      for (Index x = 0, end = 0; x < nx; x = end) {
        while (end < nx && row[end] == row[x]) ++end;
        if (row[x] == 0) continue;
        Object& object =
            objects_.try_emplace(row[x], Object{.channels = std::vector<Intensity>(channels_)}).first->second;
        object.add_run(origin[kZ] + z, origin[kY] + y, origin[kX] + x, end - x);
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
    out.put(label).put(o.voxels).put(o.low).put(o.high).put(o.coordinate_sum).put(o.channels);
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
    o.channels = in.get_vector<Intensity>();
  }
  return objects;
}

}  // namespace voxflow::objects
