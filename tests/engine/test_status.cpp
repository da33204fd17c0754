#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/engine/status.hpp"
#include "pipeline/engine/why.hpp"
#include "tests/engine/fakes.hpp"
#include "tests/engine/small_plan.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using engine::Counts;
using record::TaskState;
using test::has;

namespace {
void write_run(const std::filesystem::path& folder, const record::Plan& plan, const std::string& journal) {
  make_directories(folder);
  write_file_atomically(folder / "plan.json", plan.to_json());
  write_file_atomically(folder / "journal.jsonl", journal);
}

/// The journal of a run in which e0 got through, and b of e1 failed.
std::string journal_of(const record::Plan& plan) {
  std::string text;
  const auto line = [&](const record::JournalEntry& e) { text += e.to_json() + "\n"; };
  line({record::RunLine{"started", "head1", "", "2026-11-22T08:15:30.000Z", 42}});
  line({record::JobLine{"intent", "b0001", "", "", "2026-11-22T08:15:30.100Z", 6}});
  line({record::JobLine{"submitted", "b0001", "7", "", "2026-11-22T08:15:30.200Z", 6}});
  for (int i = 0; i < 4; ++i) {
    line({test::report_of(plan.tasks[i].task, TaskState::running)});
    line({test::report_of(plan.tasks[i].task, TaskState::done)});
  }
  line({test::report_of(plan.tasks[4].task, TaskState::failed, "kernel_error")});
  record::TaskReport skipped = test::report_of(plan.tasks[5].task, TaskState::skipped);
  skipped.message = "it reads step 'b', which failed";
  line({skipped});
  line({record::JobLine{"ended", "b0001", "7", "exit code 0", "2026-11-22T08:15:40.000Z", 6}});
  line({record::RunLine{"finished", "head1", "", "2026-11-22T08:15:40.100Z", 42}});
  return text;
}

template <class F>
std::string refusal(F&& f) {
  try {
    f();
    return "";
  } catch (const UserError& e) {
    return e.what();
  }
}
}  // namespace

TEST_CASE("a run's folder tells how far every step is, what failed and where to look") {
  const test::TestFolder folder;
  auto plan = test::small_plan(3);
  plan.tasks[6].state = plan.tasks[7].state = plan.tasks[8].state = TaskState::done;
  write_run(folder / "r", plan, journal_of(plan));
  const auto s = engine::read_status(folder / "r");
  CHECK(s.state == "finished");
  CHECK(s.host == "head1");
  CHECK(s.pid == 42);
  CHECK(s.started == "2026-11-22T08:15:30.000Z");
  CHECK(s.updated == "2026-11-22T08:15:40.100Z");
  CHECK(s.done_before == 3);
  CHECK(s.progress.all == Counts{0, 0, 4, 1, 1});
  REQUIRE(s.progress.steps.size() == 3);
  CHECK(s.progress.steps[1] == std::pair<std::string, Counts>{"b", Counts{0, 0, 1, 1, 0}});
  REQUIRE(s.failures.size() == 2);
  CHECK(s.failures[0].step == "b");
  CHECK(s.failures[0].image == "e1");
  CHECK(s.failures[0].report.failure_class == "kernel_error");
  CHECK(s.failures[0].report.node == "n1");
  CHECK(s.failures[0].report.log == "b.log");
  REQUIRE(s.jobs.size() == 1);
  CHECK(s.jobs[0].event == "ended");
}

TEST_CASE("a journal that was cut at any byte can be read") {
  const test::TestFolder folder;
  const auto plan = test::small_plan(2);
  const std::string journal = journal_of(plan);
  write_run(folder / "r", plan, "");
  std::size_t most_done = 0;
  for (std::size_t n = 0; n <= journal.size(); ++n) {
    write_file_atomically(folder / "r" / "journal.jsonl", journal.substr(0, n));
    const auto s = engine::read_status(folder / "r");
    CHECK(s.progress.all.total() == 6);
    CHECK(s.progress.all.done >= most_done);
    most_done = s.progress.all.done;
    CHECK((s.state == "running") == (n < journal.size()));
  }
  CHECK(most_done == 4);
}

TEST_CASE("a run whose process is gone is interrupted, not running") {
  const test::TestFolder folder;
  char host[256] = "";
  REQUIRE(::gethostname(host, sizeof host - 1) == 0);
  constexpr int kNoProcess = 1 << 23;  // above what Linux gives out
  for (const auto& [pid, state] : {std::pair{kNoProcess, "interrupted"}, {static_cast<int>(::getpid()), "running"}}) {
    write_run(
        folder / "r", test::small_plan(1),
        record::JournalEntry{record::RunLine{"started", host, "", "2026-11-22T08:15:30.000Z", pid}}.to_json() + "\n");
    const auto s = engine::read_status(folder / "r");
    CHECK(s.state == state);
    CHECK(s.progress.all.waiting == 3);
  }
}

TEST_CASE("a run whose journal is not there yet has everything before it") {
  const test::TestFolder folder;
  write_run(folder / "r", test::small_plan(1), "");
  std::filesystem::remove(folder / "r" / "journal.jsonl");
  CHECK(engine::read_status(folder / "r").progress.all.waiting == 3);
}

TEST_CASE("a folder that is no run is refused") {
  const test::TestFolder folder;
  has(refusal([&] { engine::read_status(folder.path()); }), "is not a run: it has no plan.json");
}

TEST_CASE("a run is found as the last one, by name, or by the unique beginning of it") {
  const test::TestFolder folder;
  CHECK(refusal([&] { engine::find_run(folder / "runs", "last"); }) ==
        "there is no run in this archive; 'voxflow run FILE' starts one");
  for (const char* run : {"20261121-090000-w-aaaa", "20261122-090000-w-bbbb", "20261122-100000-w-cccc"})
    write_run(folder / "runs" / run, test::small_plan(1), "");
  make_directories(folder / "runs" / "99999999-unfinished");
  CHECK(engine::find_run(folder / "runs", "last").filename() == "20261122-100000-w-cccc");
  CHECK(engine::find_run(folder / "runs", "20261121-090000-w-aaaa").filename() == "20261121-090000-w-aaaa");
  CHECK(engine::find_run(folder / "runs", "20261121").filename() == "20261121-090000-w-aaaa");
  CHECK(refusal([&] { engine::find_run(folder / "runs", "20261122"); }) ==
        "several runs begin with '20261122'; they are: 20261122-090000-w-bbbb, 20261122-100000-w-cccc");
  has(refusal([&] { engine::find_run(folder / "runs", "20271122-100000-w-cccc"); }),
      "there is no run '20271122-100000-w-cccc'; did you mean '20261122-100000-w-cccc'?");
}

TEST_CASE("why explains a task by image, step or key: its reasons, what it waits for, how it went") {
  const test::TestFolder folder;
  auto plan = test::small_plan(2);
  plan.tasks[0].state = TaskState::done;
  plan.tasks[0].reasons.clear();
  plan.tasks[4].keep = false;
  write_run(folder / "r", plan, journal_of(plan));
  const auto s = engine::read_status(folder / "r");
  const std::string key = plan.tasks[4].task.key.hex();
  CHECK(engine::why(plan, "e1/b", &s) == "e1/b  " + key.substr(0, 12) +
                                             "\n  runs because: new image\n  after: e1/a\n"
                                             "  its result is needed only by the steps that read it (keep: false)\n"
                                             "  failed: kernel_error: it went wrong\n  on n1\n  log: b.log\n");
  CHECK(engine::why(plan, key.substr(0, 8), &s) == engine::why(plan, "e1/b", &s));
  has(engine::why(plan, "e0"), "nothing to do: its result is published in demo/results/");
  has(engine::why(plan, "e1", &s), "skipped: it reads step 'b', which failed");
  has(engine::why(plan, "c"), "e0/c  ");
  CHECK(refusal([&] { engine::why(plan, "e7"); }) ==
        "the plan of workflow 'w' has no image, step or task 'e7'; did you mean 'e0'?");
}
