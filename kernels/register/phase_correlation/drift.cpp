#include "kernels/register/phase_correlation/drift.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace voxflow::phase_correlation {

namespace {
// Weighted least squares with position 0 fixed; the matrix is a band as wide as the widest gap.
class BandSolver {
 public:
  BandSolver(const std::vector<Step>& steps, std::size_t timepoints) : n_(timepoints - 1) {
    for (const Step& s : steps) width_ = std::max(width_, s.to - s.from);
    band_.resize(n_ * (width_ + 1));
    right_.resize(n_);
  }

  std::vector<Point3> solve(const std::vector<Step>& steps, const std::vector<double>& weights) {
    std::fill(band_.begin(), band_.end(), 0);
    std::fill(right_.begin(), right_.end(), Point3{});
    for (std::size_t i = 0; i < steps.size(); ++i) add(steps[i], weights[i]);
    factorise();
    substitute();
    std::vector<Point3> positions{Point3{}};
    positions.insert(positions.end(), right_.begin(), right_.end());
    return positions;
  }

 private:
  // Row `row`, `below` places left of the diagonal.
  double& entry(std::size_t row, std::size_t below) { return band_[row * (width_ + 1) + below]; }

  void add(const Step& s, double weight) {
    entry(s.to - 1, 0) += weight;
    if (s.from > 0) entry(s.from - 1, 0) += weight, entry(s.to - 1, s.to - s.from) -= weight;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      right_[s.to - 1][axis] += weight * s.shift_voxels[axis];
      if (s.from > 0) right_[s.from - 1][axis] -= weight * s.shift_voxels[axis];
    }
  }

  // Cholesky: the band becomes its lower factor.
  void factorise() {
    for (std::size_t row = 0; row < n_; ++row)
      for (std::size_t below = std::min(row, width_) + 1; below-- > 0;) {
        const std::size_t column = row - below;
        double sum = entry(row, below);
        for (std::size_t k = std::max(row, width_) - width_; k < column; ++k)
          if (column - k <= width_) sum -= entry(row, row - k) * entry(column, column - k);
        entry(row, below) = below == 0 ? std::sqrt(sum) : sum / entry(column, 0);
      }
  }

  void substitute() {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (std::size_t row = 0; row < n_; ++row) {
        for (std::size_t below = 1; below <= std::min(row, width_); ++below)
          right_[row][axis] -= entry(row, below) * right_[row - below][axis];
        right_[row][axis] /= entry(row, 0);
      }
      for (std::size_t row = n_; row-- > 0;) {
        for (std::size_t above = 1; above <= width_ && row + above < n_; ++above)
          right_[row][axis] -= entry(row + above, above) * right_[row + above][axis];
        right_[row][axis] /= entry(row, 0);
      }
    }
  }

  std::size_t n_, width_ = 1;
  std::vector<double> band_;
  std::vector<Point3> right_;
};

double misfit(const Step& s, const std::vector<Point3>& positions) {
  double squares = 0;
  for (std::size_t i = 0; i < 3; ++i)
    squares += std::pow(positions[s.to][i] - positions[s.from][i] - s.shift_voxels[i], 2);
  return std::sqrt(squares);
}
}  // namespace

std::vector<std::size_t> gaps(std::size_t timepoints) {
  std::vector<std::size_t> all;
  for (const std::size_t gap : {1, 2, 5, 15})
    if (gap < timepoints) all.push_back(gap);
  return all;
}

std::size_t first_unreached(const std::vector<Step>& steps, std::size_t timepoints) {
  std::vector<std::size_t> group(timepoints);
  std::iota(group.begin(), group.end(), std::size_t{0});
  for (bool changed = true; changed;) {
    changed = false;
    for (const Step& s : steps) {
      const std::size_t lower = std::min(group[s.from], group[s.to]);
      changed = changed || group[s.from] != lower || group[s.to] != lower;
      group[s.from] = group[s.to] = lower;
    }
  }
  const auto it = std::find_if(group.begin(), group.end(), [](std::size_t g) { return g != 0; });
  return static_cast<std::size_t>(it - group.begin());
}

std::vector<Point3> positions(const std::vector<Step>& steps, std::size_t timepoints) {
  if (timepoints < 2) return std::vector<Point3>(timepoints);
  constexpr double kSound_voxels = 0.05;  // misfits below count by their square, others by their size
  constexpr int kRounds = 60;
  BandSolver solver(steps, timepoints);
  std::vector<double> weights(steps.size(), 1.0);
  std::vector<Point3> found;
  for (int round = 0; round < kRounds; ++round) {
    found = solver.solve(steps, weights);
    for (std::size_t i = 0; i < steps.size(); ++i)
      weights[i] = kSound_voxels / std::max(kSound_voxels, misfit(steps[i], found));
  }
  return found;
}

}  // namespace voxflow::phase_correlation
