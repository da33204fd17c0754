// Non-local means whose window grows around each voxel for as long as it finds the same (Boulanger et al. 2010,
// doi:10.1109/TMI.2009.2033991), on stabilised voxels.
#pragma once
#include <functional>
#include <vector>

#include "pipeline/sdk/block.hpp"

namespace voxflow::nlm {

/// How windows grow, and what is compared.
struct Search {
  Index3 patch{};               // half-width of what is compared around two voxels
  std::vector<Index3> windows;  // half-widths of the boxes in which voxels are looked for, one after the other
  int timepoints = 0;           // before and after, that are looked into
  float strength = 1;           // by how much of the noise patches may differ
};

/// What an estimate sees beyond a voxel.
Index3 reach_of(const Search& search);

/// Timepoints come and go one after the other, so that few are in memory.
struct Series {
  int timepoints = 1;
  std::function<std::vector<float>(int)> noisy;             // voxels of the box, of standard deviation 1
  std::function<void(int, const std::vector<float>&)> put;  // estimates of the core
};

/// Estimates the voxels of `core` for every timepoint of `series`, whose volumes fill `box`, which holds the core and
/// its reach; all in raster order. Every voxel gets the same bits whatever the core is. Ends early when cancelled.
void adaptive_means(const Series& series, const Box3& box, const Box3& core, const Search& search, const Context& ctx);

/// Bytes that `adaptive_means` takes for boxes of that extent.
std::size_t adaptive_bytes(const Index3& extent, const Search& search);

}  // namespace voxflow::nlm
