// Verification as jobs of an executor: artifacts are held against their manifests where the cluster's nodes read them.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "pipeline/cli/executing.hpp"
#include "pipeline/cli/session.hpp"

namespace voxflow::cli {

/// What was found of an artifact: nothing when it is sound. Called as the jobs report.
using Found = std::function<void(const std::string& artifact, const std::vector<std::string>& problems)>;

/// Verifies by voxflow-verify in jobs and shows their progress; a lost job's artifacts are sent again. Throws
/// SystemError when some could not be verified: it names the first, and the folder of the jobs' logs.
void verify_in_jobs(Session& session, const ExecutorOptions& where, const std::vector<std::string>& artifacts,
                    const Found& found);

}  // namespace voxflow::cli
