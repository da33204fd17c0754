#include "kernels/shared/fft.hpp"

#include <fftw3.h>

#include <algorithm>
#include <mutex>
#include <new>

#include "kernels/shared/fft_planner.hpp"

namespace voxflow::shared {

Index fast_size(Index n) {
  for (;; ++n) {
    Index rest = n;
    for (const Index p : {2, 3, 5, 7})
      while (rest % p == 0) rest /= p;
    if (rest == 1) return n;
  }
}

Index3 fast_shape(const Index3& shape) {
  return {fast_size(shape[kZ]), fast_size(shape[kY]), fast_size(shape[kX])};
}

std::size_t fft_bytes(const Index3& shape) {
  return static_cast<std::size_t>(count(spectrum_layout(shape))) * sizeof(float);
}

FftBuffer::FftBuffer(const Index3& shape)
    : layout_(spectrum_layout(shape)), data_(fftwf_alloc_real(static_cast<std::size_t>(count(layout_)))) {
  if (!data_) throw std::bad_alloc();
}

void FftBuffer::Free::operator()(float* p) const {
  fftwf_free(p);
}

void FftBuffer::fill(float value) const {
  std::fill_n(data_.get(), size(), value);
}

struct Fft::Plans {
  FftwPlan forward, backward;
};

Fft::Fft(const Index3& shape) : shape_(shape) {
  const FftBuffer buffer(shape);  // estimating a plan writes no voxel, so none of it becomes resident
  const auto nz = static_cast<int>(shape[kZ]), ny = static_cast<int>(shape[kY]), nx = static_cast<int>(shape[kX]);
  auto* spectrum = reinterpret_cast<fftwf_complex*>(buffer.data());
  const std::lock_guard lock(planner_mutex());
  auto plans = std::make_shared<Plans>();
  plans->forward = FftwPlan(fftwf_plan_dft_r2c_3d(nz, ny, nx, buffer.data(), spectrum, FFTW_ESTIMATE));
  plans->backward = FftwPlan(fftwf_plan_dft_c2r_3d(nz, ny, nx, spectrum, buffer.data(), FFTW_ESTIMATE));
  plans_ = std::move(plans);
}

void Fft::forward(const FftBuffer& buffer) const {
  fftwf_execute_dft_r2c(plans_->forward.get(), buffer.data(), reinterpret_cast<fftwf_complex*>(buffer.data()));
}

void Fft::backward(const FftBuffer& buffer) const {
  fftwf_execute_dft_c2r(plans_->backward.get(), reinterpret_cast<fftwf_complex*>(buffer.data()), buffer.data());
}

}  // namespace voxflow::shared
