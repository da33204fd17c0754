#include "pipeline/core/unfinished.hpp"

#include <charconv>

#include <fmt/format.h>
#include <unistd.h>

namespace voxflow {

namespace {
constexpr std::string_view kMark = ".tmp-";

std::string host_name() {
  std::string name(256, '\0');
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  name.resize(name.find('\0'));
  return name;
}
}  // namespace

std::string unfinished_mark() {
  return fmt::format("{}{}-{}-", kMark, host_name(), ::getpid());
}

bool is_unfinished(std::string_view name) {
  return name.starts_with('.') && name.find(kMark) != std::string_view::npos;
}

std::optional<pid_t> unfinished_by(std::string_view name) {
  const auto mark = name.rfind(kMark);
  if (mark == std::string_view::npos) return std::nullopt;
  name.remove_prefix(mark + kMark.size());
  const auto random_at = name.rfind('-');
  if (random_at == std::string_view::npos) return std::nullopt;
  name = name.substr(0, random_at);
  const auto pid_at = name.rfind('-');
  if (pid_at == std::string_view::npos || name.substr(0, pid_at) != host_name()) return std::nullopt;
  pid_t pid = 0;
  const auto* const end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + pid_at + 1, end, pid);
  return read.ptr == end && pid > 0 ? std::optional(pid) : std::nullopt;
}

}  // namespace voxflow
