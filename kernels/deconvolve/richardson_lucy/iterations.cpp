#include "kernels/deconvolve/richardson_lucy/iterations.hpp"

#include <algorithm>
#include <optional>

#include "kernels/shared/parallel.hpp"

namespace voxflow::richardson_lucy {

namespace {
using shared::Convolution, shared::Direction, shared::FftBuffer, shared::parallel_for;

constexpr double kFade = 0.5;  // of the margin, over which what was found at a face still counts
constexpr Index kSlab = 8;     // planes that one thread goes through in a row, where they build on each other

class Iteration {
 public:
  Iteration(const FftBuffer& data, float highest, const Domain& domain, const Filters& filters, const Settings& s,
            const Spacing3& spacing, const Context& ctx)
      : data_(data),
        domain_(domain),
        filters_(filters),
        fft_(filters.convolution),
        s_(s),
        ctx_(ctx),
        // Below this the blurred estimate is rounding of the FFT.
        least_(std::max(highest * 1e-6F, 1e-30F)),
        tv_(fft_, domain.shape, s.tv, static_cast<double>(s.background), spacing),
        estimate_(fft_.buffer()),
        work_(fft_.buffer()) {
    if (s.accelerated) previous_.emplace(fft_.buffer());
    for (std::size_t axis = 0; axis < 3; ++axis)
      for (Index i = 0; i < fft_.shape()[axis]; ++i) {
        const double away = static_cast<double>(std::abs(i - nearest(i, axis)));
        const double fade = away / (kFade * static_cast<double>(domain.margin[axis] + 1));
        share_[axis].push_back(static_cast<float>(std::max(1 - fade, 0.0)));
      }
  }

  FftBuffer run() {
    planes(fft_.shape()[kZ], [&](Index z) {
      begin(z);
      look_at(z);
    });
    for (int i = 1; i <= s_.iterations && !ctx_.cancelled(); ++i) iterate(i);
    return previous_ && s_.iterations > 1 ? std::move(*previous_) : std::move(estimate_);
  }

 private:
  // The estimate begins with the data, and is 0 outside of the domain.
  void begin(Index z) {
    std::fill_n(fft_.row(estimate_, z, 0), plane_floats(), 0.0F);
    for (Index y = 0; y < ny() && z < nz(); ++y) {
      const float* data = fft_.row(data_, z, y);
      float* e = fft_.row(estimate_, z, y);
      for (Index x = 0; x < nx(); ++x) e[x] = std::max(data[x] - s_.background, least_);
    }
    if (previous_) std::copy_n(fft_.row(estimate_, z, 0), plane_floats(), fft_.row(*previous_, z, 0));
  }

  // An iteration begins with the estimate's planes in the spectrum along y and x.
  void look_at(Index z) {
    std::copy_n(fft_.row(estimate_, z, 0), plane_floats(), fft_.row(work_, z, 0));
    if (z < nz()) fft_.forward_plane(work_, z);
  }

  void iterate(int number) {
    const bool last = number == s_.iterations;
    filter(filters_.forward, Direction::plain);
    planes(nz() - 2 * domain_.margin[kZ], [&](Index plane) {
      const Index z = plane + domain_.margin[kZ];
      fft_.backward_plane(work_, z);
      take_excess(z);
      fft_.forward_plane(work_, z);
    });
    planes(fft_.shape()[kZ], [&](Index z) {
      if (!is_measured(z, kZ))
        scale(fft_.row(work_, nearest(z, kZ), 0), share_[kZ][z], fft_.row(work_, z, 0), plane_floats());
    });
    if (filters_.back && !last)
      filter(*filters_.back, Direction::plain);
    else
      filter(filters_.forward, Direction::adjoint);
    const bool regularised = s_.tv > 0 && !last;
    if (regularised)
      // The variation at a plane needs the planes beside it as they were.
      parallel_for(ctx_, (nz() + kSlab - 1) / kSlab, [&] {
        return [&, walk = TotalVariation::Walk(tv_)](Index slab) mutable {
          for (Index z = slab * kSlab; z < std::min(nz(), (slab + 1) * kSlab) && !ctx_.cancelled(); ++z) {
            fft_.backward_plane(work_, z);
            walk.divide(estimate_, z, work_);
          }
        };
      });
    planes(fft_.shape()[kZ], [&](Index z) {
      if (z < nz()) {
        if (!regularised) fft_.backward_plane(work_, z);
        update(z, regularised ? 0.0F : 1.0F, momentum(number));
      }
      if (!last) look_at(z);
    });
  }

  // By how much the data are more than what is expected of the estimate, over that. Next to what was measured it is
  // taken to fade away.
  void take_excess(Index z) {
    const Index first = domain_.margin[kX], end = nx() - domain_.margin[kX];
    for (Index y = domain_.margin[kY]; y < ny() - domain_.margin[kY]; ++y) {
      const float* data = fft_.row(data_, z, y);
      float* work = fft_.row(work_, z, y);
      for (Index x = first; x < end; ++x) {
        const float expected = std::max(std::max(work[x], 0.0F) + s_.background, least_);
        const float excess = (data[x] - expected) / expected;
        work[x] = data[x] < s_.saturation ? excess : std::max(excess, 0.0F);
      }
      for (Index x = 0; x < first; ++x) work[x] = share_[kX][x] * work[first];
      for (Index x = end; x < fft_.shape()[kX]; ++x) work[x] = share_[kX][x] * work[end - 1];
    }
    for (Index y = 0; y < fft_.shape()[kY]; ++y)
      if (!is_measured(y, kY))
        scale(fft_.row(work_, z, nearest(y, kY)), share_[kY][y], fft_.row(work_, z, y), fft_.pitch());
  }

  // Multiplies the estimate by what is in the work, and `more`.
  void update(Index z, float more, float momentum) {
    for (Index y = 0; y < ny(); ++y) {
      const float* factor = fft_.row(work_, z, y);
      float* e = fft_.row(estimate_, z, y);
      if (!previous_) {
        for (Index x = 0; x < nx(); ++x) e[x] = std::max(e[x] * (more + factor[x]), 0.0F);
        continue;
      }
      float* previous = fft_.row(*previous_, z, y);
      for (Index x = 0; x < nx(); ++x) {
        const float now = std::max(e[x] * (more + factor[x]), 0.0F);
        e[x] = std::max(now + momentum * (now - previous[x]), 0.0F);
        previous[x] = now;
      }
    }
  }

  float momentum(int number) const { return static_cast<float>(number - 1) / static_cast<float>(number + 2); }

  void filter(const FftBuffer& spectrum, Direction direction) {
    parallel_for(ctx_, fft_.shape()[kY], [&] {
      return [&, columns = Convolution::Columns(fft_)](Index y) {
        fft_.filter_row(work_, y, spectrum, direction, columns);
      };
    });
  }
  template <class F>
  void planes(Index n, const F& work) {
    parallel_for(ctx_, n, [&] { return work; });
  }
  static void scale(const float* from, float by, float* to, Index n) {
    if (by == 0) return void(std::fill_n(to, n, 0.0F));
    for (Index i = 0; i < n; ++i) to[i] = by * from[i];
  }
  bool is_measured(Index i, std::size_t axis) const { return nearest(i, axis) == i; }
  Index nearest(Index i, std::size_t axis) const {
    return std::clamp(i, domain_.margin[axis], domain_.shape[axis] - domain_.margin[axis] - 1);
  }
  Index nz() const { return domain_.shape[kZ]; }
  Index ny() const { return domain_.shape[kY]; }
  Index nx() const { return domain_.shape[kX]; }
  Index plane_floats() const { return fft_.shape()[kY] * fft_.pitch(); }

  const FftBuffer& data_;
  const Domain& domain_;
  const Filters& filters_;
  const Convolution& fft_;
  const Settings& s_;
  const Context& ctx_;
  float least_;
  TotalVariation tv_;
  FftBuffer estimate_, work_;
  std::optional<FftBuffer> previous_;
  std::array<std::vector<float>, 3> share_;  // of the nearest voxel's excess, along each axis of the padded volume
};
}  // namespace

FftBuffer deconvolve(const FftBuffer& data, float highest, const Domain& domain, const Filters& filters,
                     const Settings& settings, const Spacing3& spacing, const Context& ctx) {
  return Iteration(data, highest, domain, filters, settings, spacing, ctx).run();
}

std::size_t iterations_bytes(const Index3& shape, bool accelerated) {
  return (accelerated ? 3 : 2) * Convolution::buffer_bytes(shape) + Convolution::columns_bytes(shape) +
         static_cast<std::size_t>((shape[kY] + 5) * shape[kX]) * sizeof(float);
}

}  // namespace voxflow::richardson_lucy
