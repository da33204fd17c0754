// Which (timepoint, channel) each call of a kernel sees at each of its ports.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "pipeline/record/image_info.hpp"
#include "pipeline/sdk/block.hpp"
#include "pipeline/sdk/schema.hpp"

namespace voxflow::run {

/// One axis (t or c) of a task: position i of the output reads index of_port[port][i] of each input.
struct AxisPlan {
  bool all = false;         // one call sees all positions
  std::vector<int> values;  // of each position: the index that kernels, tables and transforms are told
  std::map<std::string, std::vector<int>> of_port;
  std::string leading;  // the port whose channel names and time step the outputs take
};

/// (timepoint, channel), as positions of the output or as indices of an input.
struct Place {
  int t = 0, c = 0;
  friend bool operator==(const Place&, const Place&) = default;
};

/// One call of the kernel for a block.
struct Call {
  Slice slice;
  std::vector<Place> outputs;                        // positions, t-major
  std::map<std::string, std::vector<Place>> inputs;  // indices in each port's image, t-major; one where it is broadcast
};

struct CallPlan {
  AxisPlan t, c;
  std::vector<Call> calls;  // t-major
};

/// `ports`: the volumetric inputs that are connected, in the order of the schema; `channels` and `timepoints` narrow
/// the first one. Throws UserError when the images' timepoints or channels do not fit together or are not there.
CallPlan plan_calls(const SchemaInfo& schema, const std::vector<std::pair<std::string, record::ImageInfo>>& ports,
                    const std::vector<int>& channels, const std::vector<int>& timepoints);

/// What each survey of a kernel that looks at groups of slices sees: the plan's one call, with that group at `port`.
/// Throws InternalError when there is no group, or one holds a slice that the plan does not.
std::vector<Call> plan_groups(const CallPlan& plan, const std::string& port, const std::vector<SliceGroup>& groups);

}  // namespace voxflow::run
