#include "pipeline/core/log.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace voxflow::log {

namespace {
spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    default:
      return spdlog::level::off;
  }
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto l = std::make_shared<spdlog::logger>("voxflow", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    l->set_pattern("%H:%M:%S %^%l%$: %v");
    return l;
  }();
  return *instance;
}

/// The line below the log.
struct Status {
  std::mutex mutex;
  std::string line;

  // Carriage return, then "erase to the end of the line" (ECMA-48, EL).
  void erase() const {
    if (!line.empty()) std::fputs("\r\x1b[K", stderr);
  }
  void draw() const {
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
  }
};

Status& status() {
  static Status instance;
  return instance;
}
}  // namespace

void set_level(Level level) {
  logger().set_level(level_of(level));
}

void set_prefix(std::string_view prefix) {
  logger().set_pattern("%H:%M:%S %^%l%$: " + (prefix.empty() ? "" : std::string(prefix) + ": ") + "%v");
}

void write(Level level, std::string_view message) {
  Status& below = status();
  const std::lock_guard lock(below.mutex);
  below.erase();
  logger().log(level_of(level), "{}", message);
  below.draw();
}

bool on_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && kind != nullptr && *kind != '\0' && std::string_view(kind) != "dumb";
}

void set_status(std::string_view line) {
  if (!on_terminal()) return;
  Status& below = status();
  const std::lock_guard lock(below.mutex);
  below.erase();
  below.line = line;
  below.draw();
}

}  // namespace voxflow::log
