#include "kernels/denoise/tv/total_variation.hpp"

#include <immintrin.h>

#include <algorithm>
#include <cmath>

namespace voxflow::tv {

namespace {
using Lanes = __m256;
constexpr Index kLane = 8;

Lanes lanes(float v) {
  return _mm256_set1_ps(v);
}
Lanes load(const float* from) {
  return _mm256_loadu_ps(from);
}

// Step lengths of one iteration.
struct Steps {
  float primal = 0, dual = 0, overshoot = 0;
};

// The steps shrink and grow as the quadratic term allows, which makes the error fall with the square of the iterations.
std::vector<Steps> plan_steps(const Problem& problem) {
  double bound = 0;  // of the gradient's squared norm
  for (const float slope : problem.slopes) bound += 4 * static_cast<double>(slope * slope);
  bound = std::max(bound, 1e-12);
  constexpr double kFirst = 0.5;
  double primal = kFirst, dual = 1 / (bound * kFirst);
  std::vector<Steps> steps;
  for (int i = 0; i < problem.iterations; ++i) {
    const double factor = 1 / std::sqrt(1 + 2 * primal);
    steps.push_back({static_cast<float>(primal), static_cast<float>(dual), static_cast<float>(factor)});
    primal *= factor, dual /= factor;
  }
  return steps;
}

// What is iterated on, by its place beside the others.
enum Field : Index { kNoisy, kImage, kAhead, kFlowZ, kFlowY, kFlowX, kFields };

// Rows of all fields side by side, so that those in use do not push each other out of the cache. Each has zeros before
// it and room behind, so that neighbours and whole lanes can be read.
class Rows {
 public:
  explicit Rows(const Index3& shape) : ny_(shape[kY]), stride_(stride(shape)), values_(size(shape)) {}
  static std::size_t size(const Index3& shape) {
    return static_cast<std::size_t>(shape[kZ] * shape[kY] * kFields * stride(shape) + kLane);
  }
  float* at(Field field, Index z, Index y) {
    return values_.data() + ((z * ny_ + y) * kFields + field) * stride_ + kLane;
  }

 private:
  static Index stride(const Index3& shape) { return (shape[kX] + kLane) / kLane * kLane + kLane; }
  Index ny_, stride_;
  std::vector<float> values_;
};

class Minimiser {
 public:
  Minimiser(const float* voxels, const Index3& shape, const Problem& problem)
      : shape_(shape),
        problem_(problem),
        steps_(plan_steps(problem)),
        rows_(shape),
        nothing_(static_cast<std::size_t>(shape[kX] + kLane)) {
    for (Index z = 0; z < shape[kZ]; ++z)
      for (Index y = 0; y < shape[kY]; ++y, voxels += shape[kX])
        for (const Field field : {kNoisy, kImage, kAhead}) {
          std::copy_n(voxels, shape[kX], rows_.at(field, z, y));
          rows_.at(field, z, y)[shape[kX]] = voxels[shape[kX] - 1];
        }
  }

  // Several iterations go through the volume one plane behind each other, while planes are in the cache: a plane needs
  // of the iteration before only the next one.
  void run(const Context& ctx) {
    constexpr std::size_t kTogether = 8;
    for (std::size_t first = 0; first < steps_.size(); first += kTogether) {
      const std::size_t together = std::min(kTogether, steps_.size() - first);
      for (Index front = 0; front < shape_[kZ] + static_cast<Index>(together) - 1 && !ctx.cancelled(); ++front)
        for (std::size_t i = 0; i < together; ++i)
          if (const Index z = front - static_cast<Index>(i); z >= 0 && z < shape_[kZ]) step(z, steps_[first + i]);
    }
  }

  void copy_to(float* voxels) {
    for (Index z = 0; z < shape_[kZ]; ++z)
      for (Index y = 0; y < shape_[kY]; ++y, voxels += shape_[kX])
        std::copy_n(rows_.at(kImage, z, y), shape_[kX], voxels);
  }

 private:
  void step(Index z, const Steps& steps) {
    for (Index y = 0; y < shape_[kY]; ++y) {
      climb(z, y, steps);
      descend(z, y, steps);
    }
  }

  // The dual step: the flow follows the gradient, and is cut to the length `weight`.
  void climb(Index z, Index y, const Steps& steps) {
    const float *here = rows_.at(kAhead, z, y), *behind = rows_.at(kAhead, z, std::min(y + 1, shape_[kY] - 1)),
                *below = rows_.at(kAhead, std::min(z + 1, shape_[kZ] - 1), y);
    float *flow_z = rows_.at(kFlowZ, z, y), *flow_y = rows_.at(kFlowY, z, y), *flow_x = rows_.at(kFlowX, z, y);
    const Lanes step_z = lanes(steps.dual * problem_.slopes[kZ]), step_y = lanes(steps.dual * problem_.slopes[kY]),
                step_x = lanes(steps.dual * problem_.slopes[kX]);
    const Lanes weight = lanes(problem_.weight), smallest = lanes(problem_.weight * problem_.weight);
    for (Index x = 0; x < shape_[kX]; x += kLane) {
      const Lanes u = load(here + x);
      const Lanes pz = _mm256_fmadd_ps(step_z, load(below + x) - u, load(flow_z + x));
      const Lanes py = _mm256_fmadd_ps(step_y, load(behind + x) - u, load(flow_y + x));
      const Lanes px = _mm256_fmadd_ps(step_x, load(here + x + 1) - u, load(flow_x + x));
      const Lanes squared = _mm256_fmadd_ps(pz, pz, _mm256_fmadd_ps(py, py, px * px));
      const Lanes shorten = weight / _mm256_sqrt_ps(_mm256_max_ps(squared, smallest));
      _mm256_storeu_ps(flow_z + x, pz * shorten);
      _mm256_storeu_ps(flow_y + x, py * shorten);
      _mm256_storeu_ps(flow_x + x, px * shorten);
    }
  }

  // The primal step: the image follows what flows into each voxel, and is drawn to the noisy one.
  void descend(Index z, Index y, const Steps& steps) {
    const float *flow_z = rows_.at(kFlowZ, z, y), *flow_y = rows_.at(kFlowY, z, y), *flow_x = rows_.at(kFlowX, z, y);
    const float* above = z > 0 ? rows_.at(kFlowZ, z - 1, y) : nothing_.data();
    const float* before = y > 0 ? rows_.at(kFlowY, z, y - 1) : nothing_.data();
    const float* noisy = rows_.at(kNoisy, z, y);
    float *image = rows_.at(kImage, z, y), *ahead = rows_.at(kAhead, z, y);
    const Lanes slope_z = lanes(problem_.slopes[kZ]), slope_y = lanes(problem_.slopes[kY]),
                slope_x = lanes(problem_.slopes[kX]);
    const Lanes primal = lanes(steps.primal), scale = lanes(1 / (1 + steps.primal)), overshoot = lanes(steps.overshoot);
    for (Index x = 0; x < shape_[kX]; x += kLane) {
      const Lanes inflow = _mm256_fmadd_ps(slope_z, load(flow_z + x) - load(above + x),
                                           _mm256_fmadd_ps(slope_y, load(flow_y + x) - load(before + x),
                                                           slope_x * (load(flow_x + x) - load(flow_x + x - 1))));
      const Lanes was = load(image + x);
      const Lanes is = _mm256_fmadd_ps(primal, inflow + load(noisy + x), was) * scale;
      _mm256_storeu_ps(image + x, is);
      _mm256_storeu_ps(ahead + x, _mm256_fmadd_ps(overshoot, is - was, is));
    }
    ahead[shape_[kX]] = ahead[shape_[kX] - 1];  // no gradient at the face
  }

  Index3 shape_;
  Problem problem_;
  std::vector<Steps> steps_;
  Rows rows_;
  std::vector<float> nothing_;
};
}  // namespace

void minimise(float* voxels, const Index3& shape, const Problem& problem, const Context& ctx) {
  Minimiser minimiser(voxels, shape, problem);
  minimiser.run(ctx);
  minimiser.copy_to(voxels);
}

std::size_t minimise_bytes(const Index3& shape) {
  constexpr std::size_t kSteps = 65536;
  return (Rows::size(shape) + static_cast<std::size_t>(shape[kX] + kLane)) * sizeof(float) + kSteps;
}

}  // namespace voxflow::tv
