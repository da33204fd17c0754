// What follows from a kernel, its parameters and its inputs' geometry before any voxel is read: calls, blocks, outputs
// and memory. The planner and the runner ask the same functions.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pipeline/decompose/block_grid.hpp"
#include "pipeline/decompose/border.hpp"
#include "pipeline/record/image_info.hpp"
#include "pipeline/run/call_plan.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace voxflow::run {

/// A kernel with what is known of its task without reading voxels.
struct Request {
  const AnyKernel* kernel = nullptr;
  ParamValues params;                               // resolved or not
  std::map<int, ParamValues> params_by_channel;     // by the leading input's channel
  std::map<std::string, record::ImageInfo> images;  // connected volumetric inputs, by port
  SmallValues small;                                // tables, transforms and PSFs, by port; may be unknown at plan time
  std::set<std::string> connected;                  // ports of those inputs, also when their values are unknown
  std::vector<int> channels, timepoints;            // narrow the first volumetric input; empty: all
  std::optional<Index3> blocks;                     // wished core shape
};

/// A volumetric input as the runner reads it.
struct InputPort {
  std::string port;
  record::ImageInfo info;
  PortKind kind = PortKind::image;
  DType memory = DType::float32;  // voxel type that the kernel sees
  decompose::Outside outside = decompose::Outside::clip;
};

/// A volumetric output as the runner makes it.
struct OutputPort {
  std::string port;
  record::ImageInfo info;         // `dtype` is what is hashed
  DType memory = DType::float32;  // voxel type that the kernel fills
};

/// Everything that is fixed before the first block.
struct Layout {
  std::vector<InputPort> inputs;    // in the order of the schema
  std::vector<OutputPort> outputs;  // likewise
  Geometry geometry;
  CallPlan plan;
  std::vector<Call> groups;  // what each survey sees of the one call, where the kernel looks at groups of slices
  Grid grid;                 // that the blocks cut: of the outputs, or of the first input where there are none
  Halo halo;
  bool whole_volume = false;  // one block: the kernel is `volume`
  Index3 chunk{};
  std::optional<decompose::BlockGrid> blocks;  // nothing when there are no voxels at all
  std::size_t blocks_per_call() const { return blocks ? blocks->cores().size() : 0; }
  /// A call whose slices are in memory at once: the first survey or run.
  const Call& first_call() const { return groups.empty() ? plan.calls.front() : groups.front(); }
  /// The box of `input` that `core` needs; `state` belongs to `bound`.
  Box3 input_box(const InputPort& input, const BoundKernel& bound, const AnyState& state, const Box3& core,
                 const Slice& slice) const;
};

/// The request's parameters bound: index 0 for all channels, then one for each entry of params_by_channel, in its
/// order. Where every channel has an entry, index 0 is the first of them again: what is common need not be complete.
/// Throws UserError when a value does not fit.
std::vector<std::unique_ptr<BoundKernel>> bind_all(const Request& request);

/// Throws UserError when ports are missing or unknown, or images do not fit the kernel or each other.
Layout plan_layout(const Request& request, const std::vector<std::unique_ptr<BoundKernel>>& bound);

/// What the task will put out at each volumetric port. Throws as plan_layout does, and what the kernel's output_grid
/// throws when it needs a small input that is not known yet.
std::map<std::string, record::ImageInfo> predict_output(const Request& request);

/// The core shape that belongs in the task's identity: where the result depends on the grid, or where one is wished.
std::optional<Index3> block_shape(const Request& request);

/// Pieces that ranks can share: every block of every call; 1 for a kernel that needs none.
std::size_t work_units(const Request& request);

/// Memory that one rank needs with `threads` threads: buffers of its largest block for each thread, chunks on their
/// way, and what readers keep. A lower bound while footprints depend on a small input that is not known yet.
std::uint64_t block_memory(const Request& request, int threads);
/// The same where layout and states (one for each bound kernel; empty: not known) are there already.
std::uint64_t memory_estimate(const Request& request, const Layout& layout,
                              const std::vector<std::unique_ptr<BoundKernel>>& bound,
                              const std::vector<AnyState>& states, int threads);

}  // namespace voxflow::run
