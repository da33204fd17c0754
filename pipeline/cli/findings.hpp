// What a kernel found out about each volume and worked with (sdk/findings.hpp), for people.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "pipeline/cli/session.hpp"
#include "pipeline/core/table.hpp"

namespace voxflow::cli {

/// Nothing where the kernel found nothing, or the entity is no result.
std::optional<Table> findings_of(Session& session, const catalog::Entity& entity);

/// A line for each volume: "timepoint 0, channel 1, gain 2.1".
std::vector<std::string> findings_lines(const Table& findings);

}  // namespace voxflow::cli
