#include "kernels/denoise/dct/shrink.hpp"

#include <algorithm>

#include "kernels/denoise/dct/transform.hpp"

namespace voxflow::dct {

namespace {
constexpr Index kLane = 8, kPatchY = kLargestPatch[kY], kPatchX = kLargestPatch[kX];

struct alignas(32) EightFloats {
  float v[kLane] = {};
};
using Columns = std::vector<EightFloats>;

Index lane_groups(Index voxels) {
  return (voxels + kLane - 1) / kLane;
}

Index row_stride(const Index3& extent) {
  return extent[kX] + kLane;
}

// Never a multiple of a page of floats: the planes of a patch would fall on the same lines of the cache.
Index plane_stride(const Index3& extent) {
  constexpr Index kPage = 1024, kApart = 80;
  return (extent[kY] * row_stride(extent) / kPage + 1) * kPage + kApart;
}

// All patches of one z and y: a row of patches, whose spectra along z and y are taken once for every x, and back once
// for the sum of what its patches say.
template <Index PatchZ, class AlongZ, class AlongY, class AlongX>
class PatchRow {
 public:
  PatchRow(const Shrinkage& shrinkage, const PatchLattice& lattice, const Box3& wanted, AlongZ along_z, AlongY along_y,
           AlongX along_x)
      : shrinkage_(shrinkage), lattice_(lattice), along_z_(along_z), along_y_(along_y), along_x_(along_x) {
    first_ = lattice[kX].first_over(wanted.origin[kX]);
    for (Index x = first_; lattice[kX].is_patch(x) && x < wanted.end(kX); x = lattice[kX].next(x))
      patches_.push_back(x);
    groups_ = lane_groups(patches_.back() + kPatchX - first_);
    const auto columns = static_cast<std::size_t>(groups_ * kLane * PatchZ);
    noisy_.resize(columns), pilot_.resize(columns), sum_.resize(columns);
    weights_.resize(static_cast<std::size_t>(groups_ * kLane));
  }

  // Adds what the patches at (z, y) say to `sums`, and what it weighs to `weights`.
  void filter(const Voxels& noisy, const Voxels* pilot, Index z, Index y, Voxels& sums, Voxels& weights) {
    forward(noisy, z, y, noisy_);
    if (pilot != nullptr) forward(*pilot, z, y, pilot_);
    std::fill(sum_.begin(), sum_.end(), EightFloats{});
    std::fill(weights_.begin(), weights_.end(), 0.0F);
    for (const Index x : patches_) pilot == nullptr ? cut(x - first_) : weigh(x - first_);
    backward(z, y, sums, weights);
  }

 private:
  static Lanes load(const Columns& columns, Index x, Index z) {
    return _mm256_load_ps(columns[static_cast<std::size_t>(x * PatchZ + z)].v);
  }
  static void store(Columns& columns, Index x, Index z, Lanes v) {
    _mm256_store_ps(columns[static_cast<std::size_t>(x * PatchZ + z)].v, v);
  }

  // Columns of spectra along z and y.
  void forward(const Voxels& from, Index z, Index y, Columns& to) const {
    for (Index group = 0; group < groups_; ++group) {
      Lanes v[PatchZ][kPatchY];
      for (Index k = 0; k < PatchZ; ++k) {
        for (Index i = 0; i < kPatchY; ++i)
          v[k][i] = k < lattice_[kZ].length() && i < lattice_[kY].length()
                        ? _mm256_loadu_ps(from.row(z + k, y + i, first_ + group * kLane))
                        : _mm256_setzero_ps();
        along_y_.forward(v[k]);
      }
      for (Index i = 0; i < kPatchY; ++i) {
        Lanes line[PatchZ];
        for (Index k = 0; k < PatchZ; ++k) line[k] = v[k][i];
        along_z_.forward(line);
        for (Index k = 0; k < PatchZ; ++k) v[k][i] = line[k];
      }
      for (Index k = 0; k < PatchZ; ++k) {
        transpose(v[k]);
        for (Index i = 0; i < kLane; ++i) store(to, group * kLane + i, k, v[k][i]);
      }
    }
  }

  void backward(Index z, Index y, Voxels& sums, Voxels& weights) const {
    for (Index group = 0; group < groups_; ++group) {
      Lanes v[PatchZ][kPatchY];
      for (Index k = 0; k < PatchZ; ++k) {
        for (Index i = 0; i < kLane; ++i) v[k][i] = load(sum_, group * kLane + i, k);
        transpose(v[k]);
      }
      for (Index i = 0; i < kPatchY; ++i) {
        Lanes line[PatchZ];
        for (Index k = 0; k < PatchZ; ++k) line[k] = v[k][i];
        along_z_.backward(line);
        for (Index k = 0; k < PatchZ; ++k) v[k][i] = line[k];
      }
      const Lanes weight = _mm256_loadu_ps(&weights_[static_cast<std::size_t>(group * kLane)]);
      for (Index k = 0; k < lattice_[kZ].length(); ++k) {
        along_y_.backward(v[k]);
        for (Index i = 0; i < lattice_[kY].length(); ++i) {
          add(sums.row(z + k, y + i, first_ + group * kLane), v[k][i]);
          add(weights.row(z + k, y + i, first_ + group * kLane), weight);
        }
      }
    }
  }

  static void add(float* to, Lanes v) { _mm256_storeu_ps(to, _mm256_loadu_ps(to) + v); }

  static Lanes mean_alone() { return _mm256_castsi256_ps(_mm256_setr_epi32(-1, 0, 0, 0, 0, 0, 0, 0)); }

  // Hard threshold. Patches of few coefficients weigh more.
  void cut(Index x) {
    const Lanes threshold = lanes(shrinkage_.threshold), sign = lanes(-0.0F);
    Lanes v[PatchZ][kPatchX];
    __m256i kept = _mm256_setzero_si256();
    for (Index k = 0; k < PatchZ; ++k) {
      for (Index i = 0; i < kPatchX; ++i) v[k][i] = load(noisy_, x + i, k);
      along_x_.forward(v[k]);
      for (Index i = 0; i < kPatchX; ++i) {
        Lanes keep = _mm256_cmp_ps(_mm256_andnot_ps(sign, v[k][i]), threshold, _CMP_GE_OQ);
        if (k == 0 && i == 0) keep = _mm256_or_ps(keep, mean_alone());
        v[k][i] = _mm256_and_ps(v[k][i], keep);
        kept = _mm256_sub_epi32(kept, _mm256_castps_si256(keep));
      }
      along_x_.backward(v[k]);
    }
    alignas(32) std::int32_t counts[kLane];
    _mm256_store_si256(reinterpret_cast<__m256i*>(counts), kept);
    std::int32_t sum = 0;
    for (const std::int32_t n : counts) sum += n;
    accumulate(x, v, 1 / static_cast<float>(sum));
  }

  // Empirical Wiener filter. Patches of little gain, which keep little noise, weigh more.
  void weigh(Index x) {
    const Lanes noise = lanes(shrinkage_.noise);
    Lanes v[PatchZ][kPatchX], energy = _mm256_setzero_ps();
    for (Index k = 0; k < PatchZ; ++k) {
      Lanes signal[kPatchX];
      for (Index i = 0; i < kPatchX; ++i) v[k][i] = load(noisy_, x + i, k), signal[i] = load(pilot_, x + i, k);
      along_x_.forward(v[k]);
      along_x_.forward(signal);
      for (Index i = 0; i < kPatchX; ++i) {
        const Lanes squared = signal[i] * signal[i];
        Lanes gain = squared / (squared + noise);
        if (k == 0 && i == 0) gain = _mm256_blendv_ps(gain, lanes(1), mean_alone());
        v[k][i] = v[k][i] * gain;
        energy = multiply_add(gain, gain, energy);
      }
      along_x_.backward(v[k]);
    }
    alignas(32) float energies[kLane];
    _mm256_store_ps(energies, energy);
    float sum = 0;
    for (const float e : energies) sum += e;
    accumulate(x, v, 1 / sum);
  }

  void accumulate(Index x, const Lanes (&v)[PatchZ][kPatchX], float weight) {
    const Lanes w = lanes(weight);
    for (Index i = 0; i < kPatchX; ++i)
      for (Index k = 0; k < PatchZ; ++k) store(sum_, x + i, k, multiply_add(w, v[k][i], load(sum_, x + i, k)));
    add(&weights_[static_cast<std::size_t>(x)], w);
  }

  const Shrinkage& shrinkage_;
  const PatchLattice& lattice_;
  AlongZ along_z_;
  AlongY along_y_;
  AlongX along_x_;
  Index first_ = 0, groups_ = 0;  // first column, and groups of eight columns
  std::vector<Index> patches_;
  Columns noisy_, pilot_, sum_;
  std::vector<float> weights_;
};

template <Index PatchZ, class AlongZ, class AlongY, class AlongX>
Voxels filter(const Voxels& noisy, const Voxels* pilot, const Shrinkage& shrinkage, const Index3& volume,
              const Box3& wanted, const Context& ctx, AlongZ along_z, AlongY along_y, AlongX along_x) {
  const PatchLattice lattice = patch_lattice(volume, shrinkage.steps);
  PatchRow<PatchZ, AlongZ, AlongY, AlongX> row(shrinkage, lattice, wanted, along_z, along_y, along_x);
  Voxels sums(noisy.box()), weights(noisy.box());
  const PatchAxis &on_z = lattice[kZ], &on_y = lattice[kY];
  for (Index z = on_z.first_over(wanted.origin[kZ]); on_z.is_patch(z) && z < wanted.end(kZ) && !ctx.cancelled();
       z = on_z.next(z))
    for (Index y = on_y.first_over(wanted.origin[kY]); on_y.is_patch(y) && y < wanted.end(kY); y = on_y.next(y))
      row.filter(noisy, pilot, z, y, sums, weights);
  for (Index z = wanted.origin[kZ]; z < wanted.end(kZ); ++z)
    for (Index y = wanted.origin[kY]; y < wanted.end(kY); ++y) {
      float* sum = sums.row(z, y, wanted.origin[kX]);
      const float* weight = weights.row(z, y, wanted.origin[kX]);
      for (Index x = 0; x < wanted.extent[kX]; ++x) sum[x] /= weight[x];
    }
  return sums;
}
}  // namespace

Voxels::Voxels(const Box3& box)
    : box_(box),
      stride_(row_stride(box.extent)),
      plane_(plane_stride(box.extent)),
      voxels_(static_cast<std::size_t>(box.extent[kZ] * plane_ + kLane)) {}

std::size_t Voxels::bytes(const Index3& extent) {
  return static_cast<std::size_t>(extent[kZ] * plane_stride(extent) + kLane) * sizeof(float);
}

Voxels shrink(const Voxels& noisy, const Voxels* pilot, const Shrinkage& shrinkage, const Index3& volume,
              const Box3& wanted, const Context& ctx) {
  if (volume[kY] >= kPatchY && volume[kX] >= kPatchX) {
    if (volume[kZ] >= kLargestPatch[kZ])
      return filter<kLargestPatch[kZ]>(noisy, pilot, shrinkage, volume, wanted, ctx, Transform4(), Transform8(),
                                       Transform8());
    if (volume[kZ] == 1)
      return filter<1>(noisy, pilot, shrinkage, volume, wanted, ctx, Transform1(), Transform8(), Transform8());
  }
  const auto length = [&](std::size_t axis) { return std::min(volume[axis], kLargestPatch[axis]); };
  return filter<kLargestPatch[kZ]>(noisy, pilot, shrinkage, volume, wanted, ctx, TransformAny<4>(length(kZ)),
                                   TransformAny<8>(length(kY)), TransformAny<8>(length(kX)));
}

std::size_t shrink_bytes(const Index3& extent) {
  const auto columns = static_cast<std::size_t>((extent[kX] + 2 * kLane) * kLargestPatch[kZ]);
  return 2 * Voxels::bytes(extent) + 3 * columns * sizeof(EightFloats) + columns * sizeof(float) + 4096;
}

}  // namespace voxflow::dct
