// Runs a kernel over volumes in memory, whole or in blocks: what a kernel's tests compare with a slow oracle.
#pragma once
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/sdk/kernel.hpp"

namespace voxflow::test {

/// One volume with its voxels in raster order.
struct Volume {
  Grid grid;
  std::variant<std::vector<float>, std::vector<std::uint32_t>, std::vector<std::uint8_t>> voxels;
  template <class T = float>
  const std::vector<T>& as() const {
    return std::get<std::vector<T>>(voxels);
  }
};

struct KernelInputs {
  std::map<std::string, std::vector<Volume>> volumes;  // one slice a channel where the kernel sees all channels
  SmallValues small;
  Slice slice{0, 0};
};

struct KernelOutputs {
  std::map<std::string, Volume> volumes;
  SmallValues small;
};

/// The shipped kernel of that name, from the build's kernel folder.
const AnyKernel& shipped_kernel(const std::string& name);

/// Runs `kernel` on cores of at most `core` voxels (z-y-x); {0, 0, 0}: the whole volume at once. The input at
/// `first` is the one whose grid the task has. Labels of blocks are not merged.
KernelOutputs run_blocks(const AnyKernel& kernel, const ParamValues& params, const KernelInputs& inputs,
                         const std::string& first, const Index3& core = {0, 0, 0}, Context context = {});

/// `make(z, y, x)` for every voxel.
template <class T, class F>
Volume make_volume(const Grid& grid, F&& make) {
  std::vector<T> voxels;
  for (Index z = 0; z < grid.shape[kZ]; ++z)
    for (Index y = 0; y < grid.shape[kY]; ++y)
      for (Index x = 0; x < grid.shape[kX]; ++x) voxels.push_back(static_cast<T>(make(z, y, x)));
  return {grid, std::move(voxels)};
}

/// The volume's voxel at a coordinate mirrored at its outermost voxels.
float mirrored(const Volume& v, Index z, Index y, Index x);

}  // namespace voxflow::test
