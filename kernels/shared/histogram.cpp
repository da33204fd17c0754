#include "kernels/shared/histogram.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

namespace voxflow::shared {

namespace {
constexpr std::uint32_t kPageShift = 12, kPageBins = 1U << kPageShift, kPages = 1U << (24 - kPageShift);
using Page = std::array<std::uint32_t, kPageBins>;
}  // namespace

Histogram::Histogram(VolumeView<const float> voxels, const Context& ctx) {
  std::vector<std::unique_ptr<Page>> pages(kPages);
  const auto [nz, ny, nx] = voxels.shape();
  for (Index z = 0; z < nz && !ctx.cancelled(); ++z)
    for (Index y = 0; y < ny; ++y)
      for (const float *v = voxels.row(z, y), *end = v + nx; v != end; ++v) {
        if (!std::isfinite(*v)) continue;
        const std::uint32_t bin = bin_of(*v);
        std::unique_ptr<Page>& page = pages[bin >> kPageShift];
        if (!page) page = std::make_unique<Page>();
        ++(*page)[bin % kPageBins];
      }
  const auto for_each_bin = [&](auto&& f) {
    for (std::uint32_t p = 0; p < kPages; ++p)
      for (std::uint32_t i = 0; pages[p] && i < kPageBins; ++i)
        if (const std::uint32_t n = (*pages[p])[i]; n > 0) f(Bin{(p << kPageShift) + i, n});
  };
  std::size_t filled = 0;
  for_each_bin([&](const Bin&) { ++filled; });
  bins_.reserve(filled);
  for_each_bin([&](const Bin& bin) { bins_.push_back(bin); });
}

void Histogram::add(const Histogram& other) {
  std::vector<Bin> sum;
  sum.reserve(bins_.size() + other.bins_.size());
  auto a = bins_.cbegin(), b = other.bins_.cbegin();
  while (a != bins_.cend() || b != other.bins_.cend()) {
    if (b == other.bins_.cend() || (a != bins_.cend() && a->bin < b->bin))
      sum.push_back(*a++);
    else if (a == bins_.cend() || b->bin < a->bin)
      sum.push_back(*b++);
    else
      sum.push_back({a->bin, a->count + b->count}), ++a, ++b;
  }
  bins_ = std::move(sum);
}

void Histogram::encode(ByteWriter& out) const {
  std::vector<std::uint32_t> bins;
  std::vector<std::uint64_t> counts;
  for (const Bin& b : bins_) bins.push_back(b.bin), counts.push_back(b.count);
  out.put(bins).put(counts);
}

Histogram Histogram::decode(ByteReader& in) {
  const auto bins = in.get_vector<std::uint32_t>();
  const auto counts = in.get_vector<std::uint64_t>();
  Histogram h;
  for (std::size_t i = 0; i < bins.size(); ++i) h.bins_.push_back({bins[i], counts.at(i)});
  return h;
}

std::size_t histogram_bytes(std::size_t voxels) {
  const std::size_t pages = std::min<std::size_t>(voxels, kPages),
                    bins = std::min<std::size_t>(voxels, kPages * kPageBins);
  return kPages * sizeof(void*) + pages * sizeof(Page) + bins * sizeof(Histogram::Bin);
}

std::optional<std::uint32_t> otsu_bin(const Histogram& histogram) {
  double count = 0, sum = 0;
  for (const auto& [bin, n] : histogram.bins()) {
    count += static_cast<double>(n);
    sum += static_cast<double>(n) * value_of(bin);
  }
  std::optional<std::uint32_t> best;
  double best_variance = -1, low_count = 0, low_sum = 0;
  for (std::size_t i = 0; i + 1 < histogram.bins().size(); ++i) {
    const auto& [bin, n] = histogram.bins()[i];
    low_count += static_cast<double>(n);
    low_sum += static_cast<double>(n) * value_of(bin);
    const double high_count = count - low_count;
    const double distance = low_sum / low_count - (sum - low_sum) / high_count;
    const double variance = low_count * high_count * distance * distance;
    if (variance > best_variance) best = bin, best_variance = variance;
  }
  return best;
}

}  // namespace voxflow::shared
