#include "pipeline/core/log.hpp"

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
}  // namespace

void set_level(Level level) {
  logger().set_level(level_of(level));
}

void set_prefix(std::string_view prefix) {
  logger().set_pattern("%H:%M:%S %^%l%$: " + (prefix.empty() ? "" : std::string(prefix) + ": ") + "%v");
}

void write(Level level, std::string_view message) {
  logger().log(level_of(level), "{}", message);
}

}  // namespace voxflow::log
