// How a run's progress is shown: a bar that is drawn again in place on a terminal, a line a step elsewhere.
#pragma once
#include <set>
#include <string>

#include "pipeline/core/clock.hpp"
#include "pipeline/engine/run.hpp"

namespace voxflow::cli {

/// "[=====>    ] 45/120  denoise, threshold  1 failed  0:42, about 1:10 left", in at most `width` columns: what does
/// not fit is left out from the end, the bar last.
std::string progress_bar(const engine::Progress& progress, std::size_t width, double elapsed_s);

/// "step 'denoise': 3 done, 1 failed"
std::string step_line(const std::string& step, const engine::Counts& counts);

/// Takes the bar away when it ends.
class ProgressDisplay {
 public:
  explicit ProgressDisplay(const Clock& clock);
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;
  void show(const engine::Progress& progress);

 private:
  const Clock& clock_;
  const std::chrono::system_clock::time_point began_;
  const bool terminal_;
  std::string shown_;
  std::set<std::string> told_;
};

}  // namespace voxflow::cli
