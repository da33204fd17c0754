#include "kernels/shared/convolution.hpp"

#include <fftw3.h>

#include <algorithm>
#include <mutex>

#include "kernels/shared/fft_planner.hpp"
#include "pipeline/core/error.hpp"

namespace voxflow::shared {

namespace {
constexpr Index kRowFloats = 16;  // a row is a whole number of cache lines
constexpr Index kTogether = 64;   // columns that are transformed together: what of them is at work fits the cache

fftwf_complex* fftw(std::complex<float>* p) {
  return reinterpret_cast<fftwf_complex*>(p);
}
}  // namespace

struct Convolution::Plans {
  FftwPlan forward, backward;             // of a plane
  FftwPlan up, down, up_rest, down_rest;  // along z, of kTogether columns and of the last ones
};

Index3 Convolution::layout_of(const Index3& shape) {
  const Index pitch = (2 * (shape[kX] / 2 + 1) + kRowFloats - 1) / kRowFloats * kRowFloats;
  return {shape[kZ], shape[kY], pitch - 2};
}

Convolution::Convolution(const Index3& shape) : shape_(shape), pitch_(spectrum_layout(layout_of(shape))[kX]) {
  const std::array<int, 2> plane{static_cast<int>(shape[kY]), static_cast<int>(shape[kX])};
  const std::array<int, 2> real{plane[0], static_cast<int>(pitch_)}, complex{plane[0], static_cast<int>(columns())};
  const auto nz = static_cast<int>(shape[kZ]);
  const FftBuffer volume({1, shape[kY], pitch_ - 2});
  const Columns room(*this);
  const auto along_z = [&](Index n, int sign) {
    const auto together = static_cast<int>(n);
    auto* data = fftw(room.data_.spectrum());
    return fftwf_plan_many_dft(1, &nz, together, data, nullptr, together, 1, data, nullptr, together, 1, sign,
                               FFTW_ESTIMATE);
  };
  const Index rest = columns() % kTogether;
  const std::lock_guard lock(planner_mutex());
  auto plans = std::make_shared<Plans>();
  plans->forward = FftwPlan(fftwf_plan_many_dft_r2c(2, plane.data(), 1, volume.data(), real.data(), 1, 0,
                                                    fftw(volume.spectrum()), complex.data(), 1, 0, FFTW_ESTIMATE));
  plans->backward = FftwPlan(fftwf_plan_many_dft_c2r(2, plane.data(), 1, fftw(volume.spectrum()), complex.data(), 1, 0,
                                                     volume.data(), real.data(), 1, 0, FFTW_ESTIMATE));
  plans->up = FftwPlan(along_z(kTogether, FFTW_FORWARD)), plans->down = FftwPlan(along_z(kTogether, FFTW_BACKWARD));
  if (rest > 0)
    plans->up_rest = FftwPlan(along_z(rest, FFTW_FORWARD)), plans->down_rest = FftwPlan(along_z(rest, FFTW_BACKWARD));
  plans_ = std::move(plans);
}

void Convolution::forward_plane(const FftBuffer& volume, Index z) const {
  float* plane = row(volume, z, 0);
  fftwf_execute_dft_r2c(plans_->forward.get(), plane, reinterpret_cast<fftwf_complex*>(plane));
}

void Convolution::backward_plane(const FftBuffer& volume, Index z) const {
  float* plane = row(volume, z, 0);
  fftwf_execute_dft_c2r(plans_->backward.get(), reinterpret_cast<fftwf_complex*>(plane), plane);
}

void Convolution::up(const FftBuffer& volume, Index y, Index first, Index n, const Columns& room) const {
  for (Index z = 0; z < shape_[kZ]; ++z)
    std::copy_n(row(volume, z, y) + 2 * first, 2 * n, room.data_.data() + 2 * z * n);
  auto* data = fftw(room.data_.spectrum());
  fftwf_execute_dft((n == kTogether ? plans_->up : plans_->up_rest).get(), data, data);
}

void Convolution::down(const FftBuffer& volume, Index y, Index first, Index n, const Columns& room) const {
  auto* data = fftw(room.data_.spectrum());
  fftwf_execute_dft((n == kTogether ? plans_->down : plans_->down_rest).get(), data, data);
  for (Index z = 0; z < shape_[kZ]; ++z)
    std::copy_n(room.data_.data() + 2 * z * n, 2 * n, row(volume, z, y) + 2 * first);
}

void Convolution::filter_row(const FftBuffer& volume, Index y, const FftBuffer& spectrum, Direction direction,
                             const Columns& room) const {
  const float sign = direction == Direction::plain ? 1.0F : -1.0F;
  auto* data = room.data_.spectrum();
  for (Index first = 0; first < columns(); first += kTogether) {
    const Index n = std::min(kTogether, columns() - first);
    up(volume, y, first, n, room);
    for (Index z = 0; z < shape_[kZ]; ++z) {
      auto* v = reinterpret_cast<float*>(data + z * n);
      const auto* h = reinterpret_cast<const float*>(spectrum_row(spectrum, z, y) + first);
      for (Index i = 0; i < 2 * n; i += 2) {
        const float hi = sign * h[i + 1];
        const float re = v[i] * h[i] - v[i + 1] * hi, im = v[i] * hi + v[i + 1] * h[i];
        v[i] = re, v[i + 1] = im;
      }
    }
    down(volume, y, first, n, room);
  }
}

void Convolution::spectrum_along_z(const FftBuffer& volume, Index y, const FftBuffer& spectrum,
                                   const Columns& room) const {
  for (Index first = 0; first < columns(); first += kTogether) {
    const Index n = std::min(kTogether, columns() - first);
    up(volume, y, first, n, room);
    for (Index z = 0; z < shape_[kZ]; ++z)
      std::copy_n(room.data_.spectrum() + z * n, n, spectrum_row(spectrum, z, y) + first);
  }
}

void Convolution::volume_along_z(const FftBuffer& spectrum, Index y, const FftBuffer& volume,
                                 const Columns& room) const {
  for (Index first = 0; first < columns(); first += kTogether) {
    const Index n = std::min(kTogether, columns() - first);
    for (Index z = 0; z < shape_[kZ]; ++z)
      std::copy_n(spectrum_row(spectrum, z, y) + first, n, room.data_.spectrum() + z * n);
    down(volume, y, first, n, room);
  }
}

std::size_t Convolution::columns_bytes(const Index3& shape) {
  return static_cast<std::size_t>(shape[kZ] * kTogether) * sizeof(std::complex<float>);
}

Convolution::Columns::Columns(const Convolution& of) : data_({1, of.shape_[kZ], 2 * kTogether - 2}) {}

}  // namespace voxflow::shared
