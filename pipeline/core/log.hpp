// Logging facade: one line an event on stderr. Libraries log; only programs print to stdout.
#pragma once
#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace voxflow::log {

enum class Level { debug, info, warning, error, off };

/// Least severe level that is written (default: info). Process-wide; call before threads start.
void set_level(Level level);
/// Text put in front of every line, such as "rank 3".
void set_prefix(std::string_view prefix);
void write(Level level, std::string_view message);

template <class... A>
void debug(fmt::format_string<A...> f, A&&... a) {
  write(Level::debug, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void info(fmt::format_string<A...> f, A&&... a) {
  write(Level::info, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void warning(fmt::format_string<A...> f, A&&... a) {
  write(Level::warning, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void error(fmt::format_string<A...> f, A&&... a) {
  write(Level::error, fmt::format(f, std::forward<A>(a)...));
}

}  // namespace voxflow::log
