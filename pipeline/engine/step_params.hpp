// A step's parameters for one image: what the workflow says, the image's annotations, defaults. Private to this room.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "catalog/model/model.hpp"
#include "pipeline/workflow/workflow.hpp"

namespace voxflow::engine {

/// Resolved parameters; channels whose parameters differ from `all` by index of the first input's channels.
struct StepParams {
  ParamValues all;
  std::map<int, ParamValues> by_channel;
};

/// `image`: the source image whose annotations count. `channels`: of the step's first volumetric input. `used`: indices
/// of those that the step works on. Throws UserError when a value does not fit.
StepParams step_params(const workflow::Step& step, const SchemaInfo& kernel, const catalog::Entity& image,
                       const std::vector<record::Channel>& channels, const std::vector<int>& used);

}  // namespace voxflow::engine
