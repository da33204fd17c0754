#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "pipeline/core/files.hpp"
#include "pipeline/engine/heads.hpp"
#include "pipeline/engine/status.hpp"
#include "tests/engine/fakes.hpp"
#include "tests/engine/small_plan.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using engine::HeadState;
using record::TaskState;

namespace {
std::string this_host() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

int ended_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

/// A run of `images` images, begun by that process, with further journal lines.
void write_run(const std::filesystem::path& runs, const std::string& name, int images, const std::string& host, int pid,
               const std::vector<record::JournalEntry>& more = {}) {
  auto plan = test::small_plan(images);
  plan.run = name;
  make_directories(runs / name);
  write_file_atomically(runs / name / "plan.json", plan.to_json());
  std::string journal =
      record::JournalEntry{record::RunLine{"started", host, "", "2026-11-22T08:15:30.000Z", pid}}.to_json() + "\n";
  for (const auto& entry : more) journal += entry.to_json() + "\n";
  write_file_atomically(runs / name / "journal.jsonl", journal);
}
}  // namespace

TEST_CASE("a head is at work while a process of its id runs the same program, and is not seen on other hosts") {
  CHECK(engine::head_state(this_host(), ::getpid()) == HeadState::at_work);
  CHECK(engine::head_state(this_host(), ended_process()) == HeadState::gone);
  CHECK(engine::head_state(this_host(), 1) == HeadState::gone);  // another program has the id
  CHECK(engine::head_state("elsewhere", ::getpid()) == HeadState::elsewhere);
}

TEST_CASE("open runs are those without an end that share tasks with the plan") {
  const test::TestFolder runs;
  const int gone = ended_process();
  const auto plan = test::small_plan(2);
  CHECK(engine::open_runs(runs.path() / "none", plan).empty());

  write_run(runs.path(), "1-ended", 2, this_host(), ::getpid(),
            {{record::RunLine{"finished", this_host(), "", "2026-11-22T08:20:00.000Z", ::getpid()}}});
  write_run(runs.path(), "2-at-work", 1, this_host(), ::getpid());
  write_run(runs.path(), "3-gone", 2, this_host(), gone, {{test::report_of(plan.tasks[0].task, TaskState::done)}});
  write_run(runs.path(), "4-elsewhere", 3, "elsewhere", 7);
  make_directories(runs / "5-no-run");
  const auto open = engine::open_runs(runs.path(), plan);
  REQUIRE(open.size() == 3);
  CHECK(open[0].run == "2-at-work");
  CHECK(open[0].head == HeadState::at_work);
  CHECK(open[0].shared_tasks == 3);
  CHECK(open[0].pid == ::getpid());
  CHECK(open[0].started == "2026-11-22T08:15:30.000Z");
  CHECK(open[1].head == HeadState::gone);
  CHECK(open[1].shared_tasks == 6);
  CHECK(open[2].head == HeadState::elsewhere);
  CHECK(open[2].host == "elsewhere");

  auto other = test::small_plan(1);
  for (auto& planned : other.tasks) planned.task.key = sha256("other" + planned.task.step);
  CHECK(engine::open_runs(runs.path(), other).empty());
}

TEST_CASE("a run that another one goes on with is interrupted, and open no more") {
  const test::TestFolder runs;
  const auto plan = test::small_plan(1);
  write_run(runs.path(), "night", 1, "elsewhere", 7);
  const test::FakeClock clock;
  engine::close_run(engine::open_runs(runs.path(), plan).at(0), "run x goes on in its place", clock);
  CHECK(engine::open_runs(runs.path(), plan).empty());
  const auto status = engine::read_status(runs / "night");
  CHECK(status.state == "interrupted");
  CHECK(status.message == "run x goes on in its place");
}
