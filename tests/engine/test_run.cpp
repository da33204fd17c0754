#include <doctest/doctest.h>

#include <algorithm>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/engine/run.hpp"
#include "pipeline/engine/status.hpp"
#include "tests/engine/fakes.hpp"
#include "tests/engine/small_plan.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using engine::Counts;
using engine::RunEnd;
using record::TaskState;
using test::has;
using test::report_of;
using Names = std::vector<std::string>;

namespace {
/// A run of a plan on a fake executor, whose batches report what `outcome` says of each task ("" for success) in order,
/// and that they could not run what reads from a task that failed.
class Fixture {
 public:
  explicit Fixture(record::Plan p) : plan(std::move(p)) {
    options.folder = folder / plan.run;
    options.memory_limit_bytes = 8'000'000'000;
    options.published = [this](const std::string& artifact) { return published.contains(artifact); };
    options.emit = [this](const record::Event& e) { events.push_back(e); };
    executor.work = [this](const record::Batch& batch, std::ostream& out) { work(batch, out); };
  }

  void work(const record::Batch& batch, std::ostream& out) {
    std::set<Digest> failed;
    for (const auto& t : batch.tasks) {
      if (std::any_of(t.after.begin(), t.after.end(), [&](const Digest& d) { return failed.contains(d); })) {
        out << report_of(t, TaskState::skipped).to_json() << "\n";
        failed.insert(t.key);
        continue;
      }
      out << report_of(t, TaskState::running).to_json() << "\n";
      const std::string failure = outcome ? outcome(t) : "";
      if (failure.empty())
        published.insert(t.artifact);
      else
        failed.insert(t.key);
      if (failure == "silence") continue;
      out << report_of(t, failure.empty() ? TaskState::done : TaskState::failed, failure).to_json() << "\n";
    }
  }

  engine::RunSummary run() { return engine::run_plan(plan, executor, clock, options); }
  engine::RunStatus status() const { return engine::read_status(options.folder); }

  test::TestFolder folder;
  record::Plan plan;
  engine::RunOptions options;
  test::FakeExecutor executor;
  test::FakeClock clock;
  std::set<std::string> published;
  std::vector<record::Event> events;
  std::function<std::string(const record::Task&)> outcome;
};

/// Fails `step` with `failure_class` as long as the attempt is at most `attempts`.
auto failing(const std::string& step, const std::string& failure_class, int attempts = 99) {
  return [=](const record::Task& t) { return t.step == step && t.attempt <= attempts ? failure_class : std::string(); };
}
}  // namespace

TEST_CASE("a plan runs to its end, chains of an image together, every task after those it reads from") {
  Fixture f(test::small_plan(2));
  const auto s = f.run();
  CHECK(s.end == RunEnd::finished);
  CHECK(s.progress.all == Counts{0, 0, 6, 0, 0});
  CHECK(f.executor.sent() == std::vector<Names>{{"e0/a", "e0/b", "e0/c", "e1/a", "e1/b", "e1/c"}});
  CHECK(f.executor.batches[0].cores == 4);
  CHECK(f.executor.batches[0].archive == f.plan.archive);
  CHECK(s.not_done.empty());
}

TEST_CASE("tasks that do not fit one job together go into several, one after the other") {
  Fixture f(test::small_plan(1));
  f.executor.tasks_of_a_job = 2;
  CHECK(f.run().end == RunEnd::finished);
  CHECK(f.executor.sent() == std::vector<Names>{{"e0/a", "e0/b"}, {"e0/c"}});
}

TEST_CASE("a plan in which everything is done submits nothing") {
  auto p = test::small_plan(2);
  for (auto& t : p.tasks) t.state = TaskState::done;
  Fixture f(p);
  CHECK(f.run().end == RunEnd::finished);
  CHECK(f.executor.batches.empty());
  CHECK(f.status().done_before == 6);
}

TEST_CASE("a batch is submitted only when everything that it reads outside itself is done") {
  auto p = test::small_plan(2);
  p.tasks[3].task.after = {p.tasks[0].task.key};  // image 1 reads what image 0 makes
  Fixture f(p);
  f.executor.jobs_at_a_time = 2;
  f.executor.on_submit = [&](const record::Batch& b) {
    for (const auto& t : b.tasks)
      for (const Digest& d : t.after) {
        const bool inside = std::any_of(b.tasks.begin(), b.tasks.end(), [&](const auto& o) { return o.key == d; });
        const auto from = std::find_if(p.tasks.begin(), p.tasks.end(), [&](const auto& o) { return o.task.key == d; });
        CHECK((inside || f.published.contains(from->task.artifact)));
      }
  };
  f.options.tasks_per_batch = 3;
  CHECK(f.run().progress.all.done == 6);
  CHECK(f.executor.batches.size() == 2);
}

TEST_CASE("tasks are shared out among the jobs that the executor wants, whole images each") {
  Fixture f(test::small_plan(5));
  f.executor.jobs_at_a_time = 2;
  f.run();
  CHECK(f.executor.sent() ==
        std::vector<Names>{{"e0/a", "e0/b", "e0/c", "e1/a", "e1/b", "e1/c", "e2/a", "e2/b", "e2/c"},
                           {"e3/a", "e3/b", "e3/c", "e4/a", "e4/b", "e4/c"}});
}

TEST_CASE("intent is on disk before a job is submitted") {
  Fixture f(test::small_plan(1));
  f.executor.on_submit = [&](const record::Batch& b) {
    const std::string journal = read_file(f.options.folder / "journal.jsonl");
    has(journal, "\"batch\":\"" + b.id + "\"");
    has(journal, "\"event\":\"intent\"");
    CHECK(journal.find("submitted") == std::string::npos);
    CHECK(record::Batch::from_json(read_file(f.options.folder / "batches" / (b.id + ".json"))).tasks.size() == 3);
  };
  f.run();
}

TEST_CASE("a crash costs one task and is tried again, with what reads from it") {
  for (const char* failure : {"crash", "hang", "abort", "lost", "launch", "timeout", "system_error"}) {
    CAPTURE(failure);
    Fixture f(test::small_plan(2));
    f.outcome = failing("b", failure, 1);
    const auto s = f.run();
    CHECK(s.progress.all.done == 6);
    CHECK(f.executor.sent().at(1) == Names{"e0/b", "e0/c", "e1/b", "e1/c"});
    CHECK(f.executor.batches.at(1).tasks.at(0).attempt == 2);
    CHECK(f.events.size() == 2);
  }
}

TEST_CASE("a task that keeps crashing fails after its attempts, and what reads from it is skipped with the reason") {
  Fixture f(test::small_plan(2));
  f.outcome = [](const record::Task& t) { return t.image == "e0" && t.step == "a" ? "crash" : ""; };
  f.options.attempts = 3;
  const auto s = f.run();
  CHECK(s.end == RunEnd::finished);
  CHECK(s.progress.all == Counts{0, 0, 3, 1, 2});
  CHECK(f.executor.batches.size() == 3);
  REQUIRE(s.not_done.size() == 3);
  CHECK(s.not_done[0].failure_class == "crash");
  CHECK(s.not_done[0].attempt == 3);
  CHECK(s.not_done[1].message == "it reads step 'a', which failed");
  CHECK(s.not_done[2].message == "it reads step 'b', which was skipped");
  CHECK(f.events.size() == 3);
  CHECK(f.events[0].kind == "failed");
  CHECK(f.events[0].id != f.events[1].id);
}

TEST_CASE("errors of kernel and user, and what nobody knows, are not tried again") {
  for (const char* failure : {"kernel_error", "user_error", "illegal_instruction", "something_new"}) {
    CAPTURE(failure);
    Fixture f(test::small_plan(1));
    f.outcome = failing("b", failure);
    CHECK(f.run().progress.all == Counts{0, 0, 1, 1, 1});
    CHECK(f.executor.batches.size() == 1);
  }
}

TEST_CASE("out of memory doubles the request up to the limit, a timeout doubles the time") {
  Fixture f(test::small_plan(1));
  f.outcome = failing("b", "out_of_memory");
  f.options.attempts = 9;
  f.run();
  std::vector<std::uint64_t> requests;
  for (const auto& b : f.executor.batches)
    for (const auto& t : b.tasks)
      if (t.step == "b") requests.push_back(t.resources.memory_bytes);
  CHECK(requests == std::vector<std::uint64_t>{2'000'000'000, 4'000'000'000, 8'000'000'000});
  Fixture g(test::small_plan(1));
  g.outcome = failing("b", "timeout", 1);
  g.run();
  CHECK(g.executor.batches.at(1).tasks.at(0).resources.time_s == 7200);
}

TEST_CASE("of a task without a report the manifest decides, else it is lost and tried again") {
  Fixture f(test::small_plan(1));
  f.executor.last_words = "killed by signal 9 (Killed)";
  int runs = 0;
  f.executor.work = [&](const record::Batch& batch, std::ostream& out) {
    if (++runs > 1) return f.work(batch, out);
    f.published.insert(batch.tasks[0].artifact);
    out << report_of(batch.tasks[1], TaskState::running).to_json() << "\n{\"key\": \"cut";
  };
  const auto s = f.run();
  CHECK(s.progress.all.done == 3);
  CHECK(f.executor.sent() == std::vector<Names>{{"e0/a", "e0/b", "e0/c"}, {"e0/b", "e0/c"}});
  CHECK(f.executor.batches[1].tasks[0].attempt == 2);
  CHECK(f.executor.batches[1].tasks[1].attempt == 1);
  REQUIRE(f.events.size() == 1);
  has(f.events[0].payload, "lost");
  has(f.events[0].payload, "job job1 ended without a word on this task (killed by signal 9 (Killed))");
}

TEST_CASE("a batch program that never works fails its tasks instead of starting for ever") {
  Fixture f(test::small_plan(2));
  f.executor.last_words = "exit code 127";
  f.executor.work = [](const record::Batch&, std::ostream&) {};
  const auto s = f.run();
  CHECK(s.end == RunEnd::finished);
  CHECK(s.progress.all == Counts{0, 0, 0, 2, 4});
  CHECK(f.executor.batches.size() == 2);
}

TEST_CASE("done without the manifest is a failure") {
  Fixture f(test::small_plan(1));
  f.executor.work = [](const record::Batch& batch, std::ostream& out) {
    out << report_of(batch.tasks[0], TaskState::done).to_json() << "\n";
  };
  const auto s = f.run();
  CHECK(s.not_done.at(0).failure_class == "missing_output");
  CHECK(s.not_done.at(0).message == "the job says that it is done, but its artifact is not published");
}

TEST_CASE("a full disk pauses the run: no further batch, nothing fails, running jobs are stopped") {
  Fixture f(test::small_plan(4));
  f.options.tasks_per_batch = 3;
  f.executor.jobs_at_a_time = 2;
  f.outcome = [](const record::Task& t) { return t.image == "e0" && t.step == "b" ? "disk_full" : ""; };
  const auto s = f.run();
  CHECK(s.end == RunEnd::paused);
  CHECK(s.message == "it went wrong");
  CHECK(s.progress.all.failed == 0);
  CHECK(s.progress.all.skipped == 0);
  CHECK(s.progress.all.waiting == 6 + 2);
  CHECK(f.executor.batches.size() == 2);
  CHECK(f.events.empty());
  CHECK(f.status().state == "paused");
}

TEST_CASE("an executor that refuses pauses the run with its words") {
  Fixture f(test::small_plan(1));
  f.executor.on_submit = [](const record::Batch&) { throw SystemError("the scheduler does not answer"); };
  const auto s = f.run();
  CHECK(s.end == RunEnd::paused);
  CHECK(s.message == "the scheduler does not answer");
  CHECK(s.progress.all.waiting == 3);
}

TEST_CASE("an executor that is busy is asked again, and what it did not take leaves no batch behind") {
  Fixture f(test::small_plan(1));
  int refusals = 20;
  f.executor.on_submit = [&](const record::Batch&) {
    if (refusals-- > 0) throw executor::BusyError("the queue is full");
  };
  const auto s = f.run();
  CHECK(s.end == RunEnd::finished);
  CHECK(s.progress.all.done == 3);
  std::size_t batches = 0;
  for (const auto& entry : std::filesystem::directory_iterator(f.options.folder / "batches"))
    if (entry.path().extension() == ".json") ++batches;
  CHECK(batches == f.executor.batches.size());
}

TEST_CASE("a job whose cancelling fails keeps no other from being cancelled, and is asked again") {
  Fixture f(test::small_plan(2));
  f.options.tasks_per_batch = 3;
  f.executor.jobs_at_a_time = 2;
  f.executor.polls_before_end = 3;
  std::atomic<bool> cancel{false};
  f.options.cancel = &cancel;
  f.executor.on_submit = [&](const record::Batch& b) { cancel = b.id == "b0002"; };
  int refusals = 1;
  f.executor.on_cancel = [&](const std::string& id) {
    if (id == "job1" && refusals-- > 0) throw SystemError("the scheduler does not answer");
  };
  CHECK(f.run().end == RunEnd::cancelled);
  CHECK(f.executor.cancelled == Names{"job2", "job1"});
}

TEST_CASE("cancelling ends the jobs, keeps what was done and writes it down") {
  Fixture f(test::small_plan(2));
  f.options.tasks_per_batch = 3;
  f.executor.jobs_at_a_time = 2;
  std::atomic<bool> cancel{false};
  f.options.cancel = &cancel;
  f.outcome = [&](const record::Task&) {
    cancel = true;
    return "";
  };
  f.executor.polls_before_end = 0;
  f.executor.on_submit = [&](const record::Batch& b) { f.executor.polls_before_end = b.id == "b0001" ? 5 : 0; };
  const auto s = f.run();
  CHECK(s.end == RunEnd::cancelled);
  CHECK(s.progress.all.failed == 0);
  CHECK(s.progress.all.done == 3);
  CHECK(s.progress.all.waiting == 3);
  CHECK(f.executor.cancelled.size() == 1);
  CHECK(f.status().state == "cancelled");
}

TEST_CASE("a job that does not end when it is cancelled is not waited for for ever") {
  Fixture f(test::small_plan(1));
  std::atomic<bool> cancel{false};
  f.options.cancel = &cancel;
  class Stubborn final : public executor::Executor {
   public:
    std::string name() const override { return "stubborn"; }
    int cores_per_job() const override { return 1; }
    int parallel_jobs() const override { return 1; }
    std::string submit(const std::filesystem::path&, const record::Batch&) override { return "1"; }
    std::map<std::string, executor::JobStatus> poll(const std::vector<std::string>&) override {
      return {{"1", {executor::JobState::running, ""}}};
    }
    void cancel(const std::string&) override {}
  } stubborn;
  f.clock.on_sleep = [&] { cancel = true; };
  CHECK(engine::run_plan(f.plan, stubborn, f.clock, f.options).end == RunEnd::cancelled);
}

TEST_CASE("a task whose job was ended from outside has not failed, and is sent again as it was") {
  Fixture f(test::small_plan(1));
  int failures = 0;
  f.outcome = [&](const record::Task& t) { return t.step == "b" && failures++ == 0 ? "cancelled" : ""; };
  CHECK(f.run().progress.all.done == 3);
  CHECK(f.executor.batches.at(1).tasks.at(0).attempt == 1);
  CHECK(f.events.empty());
}

TEST_CASE("progress is told by step as tasks end") {
  Fixture f(test::small_plan(2));
  std::vector<std::size_t> done;
  std::vector<std::string> steps;
  f.options.progress = [&](const engine::Progress& p) {
    done.push_back(p.all.done);
    steps.clear();
    for (const auto& [step, counts] : p.steps) steps.push_back(step);
    CHECK(p.all.total() == 6);
  };
  f.run();
  CHECK(done.front() == 0);
  CHECK(done.back() == 6);
  CHECK(steps == Names{"a", "b", "c"});
}

TEST_CASE("the end of each task is told once: when it is done, or has failed for good") {
  Fixture f(test::small_plan(1));
  f.outcome = [](const record::Task& t) -> std::string {
    if (t.step == "a" && t.attempt == 1) return "crash";
    return t.step == "b" ? "kernel_error" : "";
  };
  Names told;
  f.options.ended = [&](const record::Task& task, const record::TaskReport& report) {
    told.push_back(task.step + " " + std::string(to_string(report.state)));
  };
  f.run();
  CHECK(told == Names{"a done", "b failed"});
}

TEST_CASE("an executor that takes no more jobs for now is asked again, and nothing fails") {
  Fixture f(test::small_plan(2));
  int asked = 0;
  f.executor.on_submit = [&](const record::Batch&) {
    if (++asked <= 3) throw executor::BusyError("the queue is full");
  };
  const auto s = f.run();
  CHECK(s.end == RunEnd::finished);
  CHECK(s.progress.all == Counts{0, 0, 6, 0, 0});
  CHECK(asked == 4);
  CHECK(s.wall_s >= 30);
}

TEST_CASE("a batch that the executor refuses for good ends the run with its error when the other jobs have ended") {
  Fixture f(test::small_plan(2));
  f.options.tasks_per_batch = 3;
  f.executor.jobs_at_a_time = 2;
  f.executor.on_submit = [](const record::Batch& b) {
    if (b.id == "b0002") throw UserError("there is no partition 'gold'");
  };
  CHECK_THROWS_WITH_AS(f.run(), "there is no partition 'gold'", UserError);
  CHECK(f.executor.batches.size() == 1);
  CHECK(f.published.size() == 3);
  CHECK(f.status().state == "paused");
}

TEST_CASE("a job that is lost through no fault of its tasks costs no attempt, but not for ever") {
  Fixture f(test::small_plan(1));
  f.options.attempts = 1;
  f.executor.last_words = "NODE_FAIL on n2";
  f.executor.blameless = true;
  SUBCASE("the next job does the work") {
    int runs = 0;
    f.executor.work = [&](const record::Batch& batch, std::ostream& out) {
      if (++runs > 1) f.work(batch, out);
    };
    const auto s = f.run();
    CHECK(s.progress.all.done == 3);
    CHECK(f.executor.batches.at(1).tasks.at(0).attempt == 1);
    CHECK(f.events.empty());
  }
  SUBCASE("every job is lost") {
    f.executor.work = [](const record::Batch&, std::ostream&) {};
    const auto s = f.run();
    CHECK(f.executor.batches.size() == 4);
    CHECK(s.progress.all.failed == 1);
    has(s.not_done.at(0).message, "NODE_FAIL on n2");
  }
}

TEST_CASE("a timeout raises the request up to the longest time that a job can have") {
  Fixture f(test::small_plan(1));
  f.options.attempts = 5;
  f.options.time_limit_s = 9000;
  f.outcome = failing("a", "timeout");
  CHECK(f.run().progress.all.failed == 1);
  REQUIRE(f.executor.batches.size() == 3);
  CHECK(f.executor.batches[1].tasks.at(0).resources.time_s == 7200);
  CHECK(f.executor.batches[2].tasks.at(0).resources.time_s == 9000);
}
