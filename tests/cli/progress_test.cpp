// The line that shows how a run stands.
#include "pipeline/cli/progress.hpp"

#include <doctest/doctest.h>

using namespace voxflow;
using cli::progress_bar;
using engine::Counts;
using engine::Progress;

namespace {
Progress some_way() {
  return {{50, 4, 60, 0, 6},
          {{"denoise", {0, 0, 40, 0, 0}}, {"threshold", {20, 3, 15, 0, 2}}, {"measure", {30, 1, 5, 0, 4}}}};
}
}  // namespace

TEST_CASE("the bar tells counts, time, what went wrong and what runs") {
  CHECK(progress_bar(some_way(), 120, 66) ==
        "[================>             ] 66/120  1:06, about 0:54 left  6 skipped  threshold, measure");
}

TEST_CASE("before anything is through there is no estimate") {
  CHECK(progress_bar({{3, 1, 0, 0, 0}, {{"denoise", {3, 1, 0, 0, 0}}}}, 80, 5) ==
        "[>                             ] 0/4  0:05  denoise");
}

TEST_CASE("at the end the bar is full") {
  CHECK(progress_bar({{0, 0, 3, 1, 0}, {}}, 80, 3725) == "[==============================] 4/4  1:02:05  1 failed");
}

TEST_CASE("what does not fit is left out, and no line is longer than the terminal is wide") {
  CHECK(progress_bar(some_way(), 50, 66) == "[=========>        ] 66/120  1:06, about 0:54 left");
  for (std::size_t width = 1; width < 130; ++width) CHECK(progress_bar(some_way(), width, 66).size() <= width);
  CHECK(progress_bar(some_way(), 20, 66) == "[======>    ] 66/120");
  CHECK(progress_bar(some_way(), 6, 66) == "66/120");
}

TEST_CASE("a plan without tasks divides by nothing") {
  CHECK(progress_bar({}, 60, 0).starts_with("[>"));
}

TEST_CASE("elsewhere a step has a line when it is through") {
  CHECK(cli::step_line("denoise", {0, 0, 3, 0, 0}) == "step 'denoise': 3 done");
  CHECK(cli::step_line("denoise", {0, 0, 3, 1, 2}) == "step 'denoise': 3 done, 1 failed, 2 skipped");
}
