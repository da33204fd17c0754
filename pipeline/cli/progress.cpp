#include "pipeline/cli/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "pipeline/core/log.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::cli {

namespace {
constexpr std::size_t kBarWidth = 30, kLeastBarWidth = 8, kDefaultColumns = 80;

std::size_t ended(const engine::Counts& counts) {
  return counts.done + counts.failed + counts.skipped;
}

/// "0:42", "12:05", "3:12:05".
std::string duration_text(double seconds) {
  const long all = std::lround(std::max(seconds, 0.0)), hours = all / 3600;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, all / 60 % 60, all % 60);
  return fmt::format("{}:{:02}", all / 60, all % 60);
}

std::string some(std::size_t n, const char* what) {
  return n == 0 ? "" : fmt::format(", {} {}", n, what);
}

std::string bar(double share, std::size_t width) {
  const auto full = static_cast<std::size_t>(share * static_cast<double>(width));
  std::string text(full, '=');
  if (full < width) text += '>';
  text.resize(width, ' ');
  return "[" + text + "]";
}

std::size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultColumns;
  return size.ws_col;
}
}  // namespace

std::string progress_bar(const engine::Progress& progress, std::size_t width, double elapsed_s) {
  const engine::Counts& all = progress.all;
  const std::size_t through = ended(all), total = std::max<std::size_t>(all.total(), 1);
  const double share = static_cast<double>(through) / static_cast<double>(total);
  std::vector<std::string> running;
  for (const auto& [step, counts] : progress.steps)
    if (counts.running > 0) running.push_back(step);

  const std::string counts = fmt::format("{}/{}", through, all.total());
  std::string time = duration_text(elapsed_s);
  if (through > 0 && through < all.total())
    time += fmt::format(", about {} left", duration_text(elapsed_s * (1 / share - 1)));
  std::vector<std::string> parts{time};
  std::string bad = some(all.failed, "failed") + some(all.skipped, "skipped");
  if (!bad.empty()) parts.push_back(bad.substr(2));
  if (!running.empty()) parts.push_back(join(running, ", "));

  // In order of importance: counts, time, what went wrong, what runs.
  std::string text = counts;
  for (const std::string& part : parts)
    if (text.size() + 2 + part.size() + kLeastBarWidth + 3 <= width) text += "  " + part;
  if (text.size() + kLeastBarWidth + 3 > width) return text.substr(0, width);
  return bar(share, std::min(kBarWidth, width - text.size() - 3)) + " " + text;
}

std::string step_line(const std::string& step, const engine::Counts& counts) {
  return fmt::format("step '{}': {} done{}{}", step, counts.done, some(counts.failed, "failed"),
                     some(counts.skipped, "skipped"));
}

ProgressDisplay::ProgressDisplay(const Clock& clock)
    : clock_(clock), began_(clock.now()), terminal_(log::on_terminal()) {}

ProgressDisplay::~ProgressDisplay() {
  log::set_status("");
}

void ProgressDisplay::show(const engine::Progress& progress) {
  if (terminal_) {
    const double elapsed_s = std::chrono::duration<double>(clock_.now() - began_).count();
    // The last column is left free: some terminals go to the next line when it is written.
    std::string text = progress_bar(progress, terminal_columns() - 1, elapsed_s);
    if (text == shown_) return;
    log::set_status(text);
    shown_ = std::move(text);
    return;
  }
  for (const auto& [step, counts] : progress.steps)
    if (counts.total() > 0 && ended(counts) == counts.total() && told_.insert(step).second)
      log::info("{}", step_line(step, counts));
}

}  // namespace voxflow::cli
