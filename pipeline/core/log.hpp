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

/// Whether stderr is a terminal on which a line can be drawn again in place.
bool on_terminal();
/// A line that stays below the log's on a terminal and is drawn again in place, as a progress bar is; "" takes it away.
/// It must fit the terminal's width. Nothing happens where stderr is no terminal.
void set_status(std::string_view line);

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
