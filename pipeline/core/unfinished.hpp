// How files and folders are named until they are complete, so that what dead processes left can be told.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace voxflow {

/// ".tmp-<host>-<process>-" of this process. Names of what it has not completed end in it and a few random characters.
std::string unfinished_mark();

bool is_unfinished(std::string_view name);

/// The process that made what bears `name`, if on this host.
std::optional<pid_t> unfinished_by(std::string_view name);

}  // namespace voxflow
