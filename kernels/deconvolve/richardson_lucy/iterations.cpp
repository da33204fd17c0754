#include "kernels/deconvolve/richardson_lucy/iterations.hpp"

#include <algorithm>
#include <optional>

#include "kernels/shared/parallel.hpp"

namespace voxflow::richardson_lucy {

namespace {
using shared::Convolution, shared::Direction, shared::FftBuffer, shared::parallel_for;

constexpr Index kSlab = 8;  // planes that one thread goes through in a row, where they build on each other

class Iteration {
 public:
  Iteration(const FftBuffer& data, float highest, const Filters& filters, const Settings& s, const Spacing3& spacing,
            const Context& ctx)
      : data_(data),
        filters_(filters),
        fft_(filters.convolution),
        s_(s),
        ctx_(ctx),
        // Below this the blurred estimate is rounding of the FFT.
        least_(std::max(highest * 1e-6F, 1e-30F)),
        tv_(fft_, s.tv, static_cast<double>(s.background), spacing),
        estimate_(fft_.buffer()),
        work_(fft_.buffer()) {
    if (s.accelerated) previous_.emplace(fft_.buffer());
  }

  FftBuffer run() {
    each_row(data_, [&](const float* data, Index z, Index y) {
      float* e = fft_.row(estimate_, z, y);
      for (Index x = 0; x < fft_.pitch(); ++x) e[x] = std::max(data[x] - s_.background, least_);
      if (previous_) std::copy_n(e, fft_.pitch(), fft_.row(*previous_, z, y));
    });
    for (int i = 1; i <= s_.iterations && !ctx_.cancelled(); ++i) iterate(i);
    return previous_ && s_.iterations > 1 ? std::move(*previous_) : std::move(estimate_);
  }

 private:
  void iterate(int number) {
    const bool last = number == s_.iterations;
    planes([&](Index z) {
      std::copy_n(fft_.row(estimate_, z, 0), plane_floats(), fft_.row(work_, z, 0));
      fft_.forward_plane(work_, z);
    });
    filter(filters_.forward, Direction::plain);
    planes([&](Index z) {
      fft_.backward_plane(work_, z);
      take_ratio(z);
      fft_.forward_plane(work_, z);
    });
    if (filters_.back && !last)
      filter(*filters_.back, Direction::plain);
    else
      filter(filters_.forward, Direction::adjoint);
    const bool regularised = s_.tv > 0 && !last;
    if (!regularised)
      return planes([&](Index z) {
        fft_.backward_plane(work_, z);
        update(z, momentum(number));
      });
    // The variation at a plane needs the planes beside it as they were.
    parallel_for(ctx_, (nz() + kSlab - 1) / kSlab, [&] {
      return [&, walk = TotalVariation::Walk(tv_)](Index slab) mutable {
        for (Index z = slab * kSlab; z < std::min(nz(), (slab + 1) * kSlab) && !ctx_.cancelled(); ++z) {
          fft_.backward_plane(work_, z);
          walk.divide(estimate_, z, work_);
        }
      };
    });
    planes([&](Index z) { update(z, momentum(number)); });
  }

  void take_ratio(Index z) {
    for (Index y = 0; y < ny(); ++y) {
      const float* data = fft_.row(data_, z, y);
      float* work = fft_.row(work_, z, y);
      for (Index x = 0; x < nx(); ++x) {
        const float ratio = data[x] / std::max(std::max(work[x], 0.0F) + s_.background, least_);
        work[x] = data[x] < s_.saturation ? ratio : std::max(ratio, 1.0F);
      }
    }
  }

  void update(Index z, float momentum) {
    for (Index y = 0; y < ny(); ++y) {
      const float* factor = fft_.row(work_, z, y);
      float* e = fft_.row(estimate_, z, y);
      if (!previous_) {
        for (Index x = 0; x < nx(); ++x) e[x] = std::max(e[x] * factor[x], 0.0F);
        continue;
      }
      float* previous = fft_.row(*previous_, z, y);
      for (Index x = 0; x < nx(); ++x) {
        const float now = std::max(e[x] * factor[x], 0.0F);
        e[x] = std::max(now + momentum * (now - previous[x]), 0.0F);
        previous[x] = now;
      }
    }
  }

  float momentum(int number) const { return static_cast<float>(number - 1) / static_cast<float>(number + 2); }

  void filter(const FftBuffer& spectrum, Direction direction) {
    parallel_for(ctx_, ny(), [&] {
      return [&, columns = Convolution::Columns(fft_)](Index y) {
        fft_.filter_row(work_, y, spectrum, direction, columns);
      };
    });
  }
  template <class F>
  void planes(const F& work) {
    parallel_for(ctx_, nz(), [&] { return work; });
  }
  template <class F>
  void each_row(const FftBuffer& volume, const F& work) {
    planes([&](Index z) {
      for (Index y = 0; y < ny(); ++y) work(fft_.row(volume, z, y), z, y);
    });
  }
  Index nz() const { return fft_.shape()[kZ]; }
  Index ny() const { return fft_.shape()[kY]; }
  Index nx() const { return fft_.shape()[kX]; }
  Index plane_floats() const { return ny() * fft_.pitch(); }

  const FftBuffer& data_;
  const Filters& filters_;
  const Convolution& fft_;
  const Settings& s_;
  const Context& ctx_;
  float least_;
  TotalVariation tv_;
  FftBuffer estimate_, work_;
  std::optional<FftBuffer> previous_;
};
}  // namespace

FftBuffer deconvolve(const FftBuffer& data, float highest, const Filters& filters, const Settings& settings,
                     const Spacing3& spacing, const Context& ctx) {
  return Iteration(data, highest, filters, settings, spacing, ctx).run();
}

std::size_t iterations_bytes(const Index3& shape, bool accelerated) {
  return (accelerated ? 3 : 2) * Convolution::buffer_bytes(shape) + Convolution::columns_bytes(shape) +
         static_cast<std::size_t>((shape[kY] + 5) * shape[kX]) * sizeof(float);
}

}  // namespace voxflow::richardson_lucy
