// Orthonormal cosine transforms of eight lines of voxels at once, in a fixed order of operations.
#pragma once
#include <immintrin.h>

#include <cmath>
#include <numbers>

#include "pipeline/core/geometry.hpp"

namespace voxflow::dct {

/// Eight floats side by side. Products and sums are joined by hand, so that every compiler rounds alike.
using Lanes = __m256;

inline Lanes lanes(float v) {
  return _mm256_set1_ps(v);
}
inline Lanes multiply_add(Lanes a, Lanes b, Lanes c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline Lanes multiply_subtract(Lanes a, Lanes b, Lanes c) {
  return _mm256_fmsub_ps(a, b, c);
}

/// cos(i pi / 16) / 2.
inline constexpr float kCosine[8] = {0.5F,
                                     0.49039264020161522F,
                                     0.46193976625564337F,
                                     0.41573480615127262F,
                                     0.35355339059327376F,
                                     0.27778511650980111F,
                                     0.19134171618254489F,
                                     0.09754516100806413F};

/// One line of one voxel.
struct Transform1 {
  void forward(Lanes*) const {}
  void backward(Lanes*) const {}
};

/// Of four voxels: sums and differences of opposite ones, apart.
struct Transform4 {
  void forward(Lanes* v) const {
    const Lanes half = lanes(0.5F), a = lanes(kCosine[2] * kRoot2), b = lanes(kCosine[6] * kRoot2);
    const Lanes s0 = v[0] + v[3], s1 = v[1] + v[2], d0 = v[0] - v[3], d1 = v[1] - v[2];
    v[0] = half * (s0 + s1);
    v[1] = multiply_add(a, d0, b * d1);
    v[2] = half * (s0 - s1);
    v[3] = multiply_subtract(b, d0, a * d1);
  }
  void backward(Lanes* v) const {
    const Lanes half = lanes(0.5F), a = lanes(kCosine[2] * kRoot2), b = lanes(kCosine[6] * kRoot2);
    const Lanes s0 = half * (v[0] + v[2]), s1 = half * (v[0] - v[2]);
    const Lanes d0 = multiply_add(a, v[1], b * v[3]), d1 = multiply_subtract(b, v[1], a * v[3]);
    v[0] = s0 + d0, v[1] = s1 + d1, v[2] = s1 - d1, v[3] = s0 - d0;
  }
  static constexpr float kRoot2 = 1.41421356237309505F;
};

/// Of eight voxels.
struct Transform8 {
  void forward(Lanes* v) const {
    const Lanes c1 = lanes(kCosine[1]), c3 = lanes(kCosine[3]), c5 = lanes(kCosine[5]), c7 = lanes(kCosine[7]);
    const Lanes c2 = lanes(kCosine[2]), c4 = lanes(kCosine[4]), c6 = lanes(kCosine[6]);
    const Lanes s0 = v[0] + v[7], s1 = v[1] + v[6], s2 = v[2] + v[5], s3 = v[3] + v[4];
    const Lanes d0 = v[0] - v[7], d1 = v[1] - v[6], d2 = v[2] - v[5], d3 = v[3] - v[4];
    const Lanes e0 = s0 + s3, e1 = s1 + s2, f0 = s0 - s3, f1 = s1 - s2;
    v[0] = c4 * (e0 + e1);
    v[1] = multiply_add(c1, d0, multiply_add(c3, d1, multiply_add(c5, d2, c7 * d3)));
    v[2] = multiply_add(c2, f0, c6 * f1);
    v[3] = multiply_subtract(c3, d0, multiply_add(c7, d1, multiply_add(c1, d2, c5 * d3)));
    v[4] = c4 * (e0 - e1);
    v[5] = multiply_add(c5, d0, multiply_add(c7, d2, multiply_subtract(c3, d3, c1 * d1)));
    v[6] = multiply_subtract(c6, f0, c2 * f1);
    v[7] = multiply_add(c7, d0, multiply_subtract(c3, d2, multiply_add(c5, d1, c1 * d3)));
  }
  void backward(Lanes* v) const {
    const Lanes c1 = lanes(kCosine[1]), c3 = lanes(kCosine[3]), c5 = lanes(kCosine[5]), c7 = lanes(kCosine[7]);
    const Lanes c2 = lanes(kCosine[2]), c4 = lanes(kCosine[4]), c6 = lanes(kCosine[6]);
    const Lanes e0 = c4 * (v[0] + v[4]), e1 = c4 * (v[0] - v[4]);
    const Lanes f0 = multiply_add(c2, v[2], c6 * v[6]), f1 = multiply_subtract(c6, v[2], c2 * v[6]);
    const Lanes s0 = e0 + f0, s1 = e1 + f1, s2 = e1 - f1, s3 = e0 - f0;
    const Lanes d0 = multiply_add(c1, v[1], multiply_add(c3, v[3], multiply_add(c5, v[5], c7 * v[7])));
    const Lanes d1 = multiply_subtract(c3, v[1], multiply_add(c7, v[3], multiply_add(c1, v[5], c5 * v[7])));
    const Lanes d2 = multiply_add(c5, v[1], multiply_add(c7, v[5], multiply_subtract(c3, v[7], c1 * v[3])));
    const Lanes d3 = multiply_add(c7, v[1], multiply_subtract(c3, v[5], multiply_add(c5, v[3], c1 * v[7])));
    v[0] = s0 + d0, v[1] = s1 + d1, v[2] = s2 + d2, v[3] = s3 + d3;
    v[4] = s3 - d3, v[5] = s2 - d2, v[6] = s1 - d1, v[7] = s0 - d0;
  }
};

/// Of any length up to `N`; voxels from there on count as 0.
template <int N>
class TransformAny {
 public:
  explicit TransformAny(Index length) {
    for (Index k = 0; k < length; ++k)
      for (Index i = 0; i < length; ++i) {
        const double scale = std::sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(length));
        const double angle =
            std::numbers::pi * (static_cast<double>(i) + 0.5) * static_cast<double>(k) / static_cast<double>(length);
        cosines_[k][i] = static_cast<float>(scale * std::cos(angle));
      }
  }
  void forward(Lanes* v) const {
    apply(v, [this](int to, int from) { return cosines_[to][from]; });
  }
  void backward(Lanes* v) const {
    apply(v, [this](int to, int from) { return cosines_[from][to]; });
  }

 private:
  template <class Weight>
  static void apply(Lanes* v, const Weight& weight) {
    Lanes sums[N];
    for (int to = 0; to < N; ++to) {
      sums[to] = _mm256_setzero_ps();
      for (int from = 0; from < N; ++from) sums[to] = multiply_add(lanes(weight(to, from)), v[from], sums[to]);
    }
    for (int i = 0; i < N; ++i) v[i] = sums[i];
  }
  float cosines_[N][N] = {};
};

/// Swaps rows and columns of 8 x 8 floats.
inline void transpose(Lanes* v) {
  Lanes a[8], b[8];
  for (int i = 0; i < 8; i += 2) {
    a[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
    a[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    b[i] = _mm256_shuffle_ps(a[i], a[i + 2], 0x44);
    b[i + 1] = _mm256_shuffle_ps(a[i], a[i + 2], 0xEE);
    b[i + 2] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0x44);
    b[i + 3] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; ++i) {
    v[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
    v[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
  }
}

}  // namespace voxflow::dct
