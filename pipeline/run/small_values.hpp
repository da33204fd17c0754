// Tables, transforms and PSFs: read whole from artifacts, and the results of several calls joined into one.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "pipeline/run/call_plan.hpp"
#include "pipeline/sdk/block.hpp"

namespace voxflow::run {

/// The small inputs of a task. A PSF with several channels is in `psfs` too, one a channel.
struct SmallInputs {
  SmallValues values;
  std::map<std::string, std::vector<Psf>> psfs;
  std::map<std::string, std::vector<std::string>> psf_channels;  // the names of those channels
  /// What a call for `channel` (an index of the leading input; -1: all) is given: the PSF of the channel of that name;
  /// where the PSFs' channels have numbers for names, that of the index. Throws UserError when there is none.
  SmallValues for_channel(int channel, const std::string& name = "") const;
};

/// Reads `file`, which holds what a port of `kind` takes. Throws UserError when it does not.
void read_small_input(const std::string& port, PortKind kind, const std::filesystem::path& file, SmallInputs& into);

/// What the calls of a task emitted, at rank 0.
struct SmallOutputs {
  std::map<std::string, Table> tables;
  std::map<std::string, TransformSet> transforms;
  std::map<std::string, std::vector<Psf>> psfs;  // one a call, of one grid
  std::vector<std::string> channels;             // names of the channels of the calls; "" where a call is for all
  Table findings;                                // sdk/findings.hpp; no columns where there are none
};

/// Joins what each call emitted, in order: tables get leading columns `timepoint` and `channel` for the axes that calls
/// are made for, transforms their t and c. Throws InternalError when a declared output is missing or of another kind.
SmallOutputs join_outputs(const SchemaInfo& schema, const CallPlan& plan, const std::vector<SmallValues>& emitted);

}  // namespace voxflow::run
