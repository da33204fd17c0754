// Runs a kernel over image sources into an image sink: the passes that every task is made of, whoever stores the
// result.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/run/geometry.hpp"
#include "pipeline/run/image_io.hpp"
#include "pipeline/run/options.hpp"
#include "pipeline/run/small_values.hpp"
#include "pipeline/run/team.hpp"

namespace voxflow::run {

/// A kernel with everything that it works on.
struct Job {
  std::shared_ptr<const AnyKernel> kernel;
  ParamValues params;
  std::map<int, ParamValues> params_by_channel;                      // by the leading input's channel
  std::map<std::string, std::shared_ptr<const ImageSource>> images;  // volumetric inputs, by port
  SmallInputs small;
  std::vector<int> channels, timepoints;  // narrow the first volumetric input; empty: all
  std::optional<Index3> blocks;           // wished core shape
  std::uint64_t memory_bytes = 0;         // that one rank may use; 0: not limited
  Request request() const;
};

/// What a job put out, beside what went to the sink.
struct JobResult {
  std::map<std::string, record::ImageInfo> volumes;  // by port
  std::map<std::string, std::uint64_t> objects;      // of label outputs, all volumes together
  SmallOutputs small;                                // on rank 0
  std::map<std::string, std::uint64_t> counters;     // "nan_voxels", "clamped_voxels"; on rank 0
  std::uint64_t memory_estimate_bytes = 0;           // of one rank
};

/// Collective over `team`; the sink is used on rank 0. Every rank returns, or throws the same TaskError:
/// "kernel_error", "too_little_memory" (before any voxel is read), "cancelled" within one block, ...
JobResult execute(const Job& job, Team& team, const RunOptions& options, ImageSink& sink);

}  // namespace voxflow::run
