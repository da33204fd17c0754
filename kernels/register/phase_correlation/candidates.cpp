#include "kernels/register/phase_correlation/candidates.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/shared/parallel.hpp"

namespace voxflow::phase_correlation {

namespace {
constexpr int kPeaks = 6;  // of each correlation

std::vector<double> weights(Window window, Index n) {
  std::vector<double> w(static_cast<std::size_t>(n), 1.0);
  if (window == Window::hann && n > 1)
    for (Index i = 0; i < n; ++i)
      w[static_cast<std::size_t>(i)] =
          0.5 - 0.5 * std::cos(2 * std::numbers::pi * (static_cast<double>(i) + 0.5) / static_cast<double>(n));
  return w;
}

double mean(VolumeView<const float> v) {
  double sum = 0;
  for (Index z = 0; z < v.shape()[kZ]; ++z)
    for (Index y = 0; y < v.shape()[kY]; ++y)
      for (Index x = 0; x < v.shape()[kX]; ++x) sum += static_cast<double>(v.row(z, y)[x]);
  return sum / static_cast<double>(count(v.shape()));
}

// The volume without its mean, then zeros.
void pad(VolumeView<const float> v, Window window, const shared::FftBuffer& to) {
  to.fill(0);
  const double middle = mean(v);
  const auto wz = weights(window, v.shape()[kZ]), wy = weights(window, v.shape()[kY]),
             wx = weights(window, v.shape()[kX]);
  for (Index z = 0; z < v.shape()[kZ]; ++z)
    for (Index y = 0; y < v.shape()[kY]; ++y) {
      const float* from = v.row(z, y);
      float* row = to.row(z, y);
      const double w = wz[static_cast<std::size_t>(z)] * wy[static_cast<std::size_t>(y)];
      for (Index x = 0; x < v.shape()[kX]; ++x)
        row[x] = static_cast<float>((static_cast<double>(from[x]) - middle) * w * wx[static_cast<std::size_t>(x)]);
    }
}

// Cross-power spectrum of fixed and moving, in place of fixed.
void multiply(const shared::FftBuffer& fixed, const shared::FftBuffer& moving) {
  float* f = fixed.data();
  const float* m = moving.data();
  for (std::size_t i = 0; i < fixed.size(); i += 2) {
    const float re = f[i] * m[i] + f[i + 1] * m[i + 1], im = f[i] * m[i + 1] - f[i + 1] * m[i];
    f[i] = re, f[i + 1] = im;
  }
}

// Leaves the phase alone; frequencies that hold nothing but rounding become 0.
void normalise(const shared::FftBuffer& spectrum) {
  float* v = spectrum.data();
  const auto power = [v](std::size_t i) {
    const double re = v[i], im = v[i + 1];
    return re * re + im * im;
  };
  double largest = 0;
  for (std::size_t i = 0; i < spectrum.size(); i += 2) largest = std::max(largest, power(i));
  for (std::size_t i = 0; i < spectrum.size(); i += 2) {
    const auto factor = static_cast<float>(power(i) > 1e-12 * largest ? 1 / std::sqrt(power(i)) : 0);
    v[i] *= factor, v[i + 1] *= factor;
  }
}

// Takes the highest values one after the other, and what lies around each of them away.
void take_peaks(const shared::FftBuffer& correlation, const Index3& padded, const Index3& largest,
                std::vector<Candidate>& peaks) {
  constexpr Index kApart = 2;
  const auto at = [&](Index z, Index y, Index x) -> float& {
    return correlation.row(z < 0 ? z + padded[kZ] : z, y < 0 ? y + padded[kY] : y)[x < 0 ? x + padded[kX] : x];
  };
  constexpr float kTaken = std::numeric_limits<float>::lowest();
  for (int peak = 0; peak < kPeaks; ++peak) {
    Index3 best{};
    float highest = kTaken;
    for (Index z = -largest[kZ]; z <= largest[kZ]; ++z)
      for (Index y = -largest[kY]; y <= largest[kY]; ++y)
        for (Index x = -largest[kX]; x <= largest[kX]; ++x)
          if (const float v = at(z, y, x); v > highest) highest = v, best = {z, y, x};
    if (highest == kTaken) return;
    peaks.push_back({best, 0, 0});
    const Box3 around = intersect(grow({best, {1, 1, 1}}, Halo::symmetric({kApart, kApart, kApart})),
                                  grow({{0, 0, 0}, {1, 1, 1}}, Halo::symmetric(largest)));
    for (Index z = around.origin[kZ]; z < around.end(kZ); ++z)
      for (Index y = around.origin[kY]; y < around.end(kY); ++y)
        for (Index x = around.origin[kX]; x < around.end(kX); ++x) at(z, y, x) = kTaken;
  }
}

double score(VolumeView<const float> fixed, VolumeView<const float> moving, const Index3& shift) {
  const Box3 box = overlap(fixed.shape(), shift);
  double f = 0, m = 0, ff = 0, mm = 0, fm = 0;
  for (Index z = box.origin[kZ]; z < box.end(kZ); ++z)
    for (Index y = box.origin[kY]; y < box.end(kY); ++y) {
      const float* a = fixed.row(z, y);
      const float* b = moving.row(z + shift[kZ], y + shift[kY]) + shift[kX];
      for (Index x = box.origin[kX]; x < box.end(kX); ++x) {
        const double u = a[x], v = b[x];
        f += u, m += v, ff += u * u, mm += v * v, fm += u * v;
      }
    }
  const auto n = static_cast<double>(count(box.extent));
  const double power = (ff - f * f / n) * (mm - m * m / n);
  return power > 0 ? (fm - f * m / n) / std::sqrt(power) : 0;
}

std::vector<Candidate> find_peaks(VolumeView<const float> fixed, VolumeView<const float> moving, const Index3& largest,
                                  Window window, const Context& ctx) {
  const Index3 padded = padded_shape(fixed.shape(), largest);
  const shared::Fft fft(padded);
  const shared::FftBuffer power(padded), work(padded);
  shared::parallel_for(ctx, 2, [&] {
    return [&](Index i) {
      pad(i == 0 ? fixed : moving, window, i == 0 ? power : work);
      fft.forward(i == 0 ? power : work);
    };
  });
  if (ctx.cancelled()) return {};
  multiply(power, work);
  std::copy_n(power.data(), power.size(), work.data());
  normalise(work);
  std::vector<Candidate> plain, normalised;
  shared::parallel_for(ctx, 2, [&] {
    return [&](Index i) {
      fft.backward(i == 0 ? power : work);
      take_peaks(i == 0 ? power : work, padded, largest, i == 0 ? plain : normalised);
    };
  });
  for (const Candidate& c : normalised)
    if (std::none_of(plain.begin(), plain.end(), [&](const Candidate& p) { return p.shift == c.shift; }))
      plain.push_back(c);
  return plain;
}
}  // namespace

Index3 padded_shape(const Index3& shape, const Index3& largest) {
  Index3 padded{};
  for (std::size_t i = 0; i < 3; ++i) padded[i] = shared::fast_size(shape[i] + largest[i]);
  return padded;
}

double likelihood_gain(const Index3& shape, const Point3& shift, double score) {
  constexpr double kLeast = 1e-6;  // no two pictures are more alike than this
  double part = 1;
  for (std::size_t i = 0; i < 3; ++i) part *= 1 - std::abs(shift[i]) / static_cast<double>(shape[i]);
  return score > 0 ? -part * std::log(std::max(kLeast, 1 - score * score)) : 0;
}

Box3 overlap(const Index3& shape, const Index3& shift) {
  Box3 box;
  for (std::size_t i = 0; i < 3; ++i) {
    box.origin[i] = std::max<Index>(0, -shift[i]);
    box.extent[i] = std::max<Index>(0, shape[i] - std::abs(shift[i]));
  }
  return box;
}

std::vector<Candidate> find_candidates(VolumeView<const float> fixed, VolumeView<const float> moving,
                                       const Index3& largest, Window window, const Context& ctx) {
  std::vector<Candidate> found = find_peaks(fixed, moving, largest, window, ctx);
  shared::parallel_for(ctx, static_cast<Index>(found.size()), [&] {
    return [&](Index i) {
      Candidate& c = found[static_cast<std::size_t>(i)];
      c.score = score(fixed, moving, c.shift);
      const auto [z, y, x] = c.shift;
      c.gain = likelihood_gain(fixed.shape(), {static_cast<double>(z), static_cast<double>(y), static_cast<double>(x)},
                               c.score);
    };
  });
  std::stable_sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) { return a.gain > b.gain; });
  return found;
}

}  // namespace voxflow::phase_correlation
