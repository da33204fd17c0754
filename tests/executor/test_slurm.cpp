// What the SLURM executor asks of a scheduler, and what it makes of the answers; the scheduler here is a fake.
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <vector>

#include "pipeline/core/files.hpp"
#include "pipeline/executor/slurm.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::executor;
using Kind = SlurmAnswer::Kind;
using std::chrono::seconds;

namespace {
class FakeClock final : public Clock {
 public:
  std::chrono::system_clock::time_point now() const override { return now_; }
  void sleep_for(std::chrono::milliseconds d) const override { now_ += d; }

 private:
  mutable std::chrono::system_clock::time_point now_{seconds(1'795'335'330)};
};

/// What the fake was asked and what it is to answer; outlives the executor's client.
struct Scheduler {
  SlurmLimits limits{"main", 3, 6, 2, 4000, 0, 1000};
  std::vector<SlurmRequest> requests;
  std::vector<std::string> cancelled;
  std::function<SlurmAnswer()> answer = [] { return SlurmAnswer{Kind::accepted, 7, ""}; };
  std::function<std::optional<std::vector<SlurmJob>>()> jobs = [] { return std::vector<SlurmJob>{}; };
  int looks = 0;
};

class FakeClient final : public SlurmClient {
 public:
  explicit FakeClient(Scheduler& s) : scheduler_(s) {}
  SlurmLimits limits(const std::string&) override { return scheduler_.limits; }
  SlurmAnswer submit(const SlurmRequest& r, const record::SlurmSite&) override {
    scheduler_.requests.push_back(r);
    return scheduler_.answer();
  }
  std::optional<std::vector<SlurmJob>> jobs(Freshness) override {
    ++scheduler_.looks;
    return scheduler_.jobs();
  }
  void cancel(const std::string& job) override { scheduler_.cancelled.push_back(job); }

 private:
  Scheduler& scheduler_;
};

record::Task task(const std::string& image, int ranks = 2, int threads = 1) {
  record::Task t;
  t.step = "denoise", t.image = image;
  t.resources = {ranks, threads, 1'000'000'000, 600};
  return t;
}

struct Fixture {
  test::TestFolder folder;
  Scheduler scheduler;
  FakeClock clock;
  SlurmOptions options{"/bin/true", {}, {}, {}, {}};
  std::vector<record::Batch> batches;

  Fixture() {
    const SlurmOptions defaults;
    options.shortest_interval = defaults.shortest_interval, options.longest_interval = defaults.longest_interval;
    options.patience = defaults.patience;
  }
  std::unique_ptr<Executor> make() {
    return make_slurm_executor(std::make_unique<FakeClient>(scheduler), options, clock);
  }
  std::filesystem::path file(int n) const { return folder / ("b" + std::to_string(n) + ".json"); }
  Submitted submit(Executor& executor, int count) {
    std::vector<Submission> submissions;
    batches.assign(static_cast<std::size_t>(count), {});
    for (int i = 0; i < count; ++i) {
      record::Batch& b = batches[static_cast<std::size_t>(i)];
      b.id = "b" + std::to_string(i), b.run = "r", b.tasks = {task("m" + std::to_string(i))};
      b.cores = executor.cores_for(b.tasks);
      submissions.push_back({file(i), &b});
    }
    return executor.submit_all(submissions);
  }
  static SlurmJob seen(SlurmState state, std::uint32_t job = 7) {
    SlurmJob j;
    j.job = job, j.state = state, j.detail = "as SLURM says";
    return j;
  }
};

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const UserError& e) {
    return e.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
}  // namespace

TEST_CASE("one batch becomes a job, several that are alike an array") {
  Fixture f;
  const auto slurm = f.make();
  CHECK(f.submit(*slurm, 1).jobs == std::vector<std::string>{"7"});
  CHECK(f.scheduler.requests[0].elements == 0);
  CHECK(f.submit(*slurm, 3).jobs == std::vector<std::string>{"7_1", "7_2", "7_3"});
  REQUIRE(f.scheduler.requests.size() == 2);
  const SlurmRequest& array = f.scheduler.requests[1];
  CHECK(array.elements == 3);
  CHECK(read_file(f.folder / "b0.json.array") ==
        f.file(0).string() + "\n" + f.file(1).string() + "\n" + f.file(2).string() + "\n");
  CHECK(array.ranks == 2);
  CHECK(array.minutes == 12);
  CHECK(array.memory_per_core_mb == 256 + 477);
  CHECK(contains(array.script, "SLURM_ARRAY_TASK_ID"));
  CHECK(contains(array.script, "--launcher srun --walltime 720 --end-mark"));
}

TEST_CASE("a line of the site's set-up that fails ends the job and is named; what it sets reaches the batch") {
  const auto run_script = [](const std::vector<std::string>& setup) {
    Fixture f;
    f.options.site.setup = setup;
    f.options.batch_program = "/usr/bin/env";
    const auto slurm = f.make();
    f.submit(*slurm, 1);
    // Without the last line, which becomes the batch.
    std::string script = f.scheduler.requests.at(0).script;
    script.resize(script.rfind("exec "));
    write_file_atomically(f.folder / "job.sh", script + "echo \"arrived $WITH\"\n");
    return test::run_program("sh", {(f.folder / "job.sh").string()});
  };
  const test::Outcome well = run_script({"export WITH=this", "[ -z \"\" ] || sleep 120", "# the end"});
  CHECK(well.exit_code == 0);
  CHECK(well.out == "arrived this\n");
  const test::Outcome failed = run_script({"true", "module_that_is_not_there 'load it'"});
  CHECK(failed.exit_code == 1);
  CHECK(failed.out == "");
  CHECK(contains(failed.err,
                 "voxflow: error: this line of slurm.setup of the site settings failed: module_that_is_not_there 'load "
                 "it'"));
}

TEST_CASE("an array is no longer than the site allows") {
  Fixture f;
  f.scheduler.limits.array_elements = 2;
  const auto slurm = f.make();
  CHECK(f.submit(*slurm, 5).jobs.size() == 5);
  CHECK(f.scheduler.requests.size() == 3);
}

TEST_CASE("a job asks for the cores that its tasks can use at a time") {
  Fixture f;
  f.options.site.cores_per_job = 6;
  const auto slurm = f.make();
  CHECK(slurm->cores_for({task("a"), task("a"), task("a")}) == 2);
  CHECK(slurm->cores_for({task("a"), task("b")}) == 4);
  CHECK(slurm->cores_for({task("a", 4), task("b", 4)}) == 6);
}

TEST_CASE("tasks that fit a job each, but not together, are told apart") {
  Fixture f;
  f.options.site.cores_per_job = 6;  // of three nodes with two cores and 4000 MB each
  const auto slurm = f.make();
  const record::Task wide = task("a", 6);
  record::Task deep = task("a", 1);
  deep.resources.memory_bytes = 2'000'000'000;
  CHECK(slurm->fit_one_job({wide}));
  CHECK(slurm->fit_one_job({deep}));
  CHECK_FALSE(slurm->fit_one_job({wide, deep}));  // two cores of a node with 2 GB and the program's own each
  deep.resources.memory_bytes = 1'500'000'000;
  CHECK(slurm->fit_one_job({wide, deep}));
}

TEST_CASE("a job that SLURM took without saying so is found by its token, and not sent again") {
  Fixture f;
  const auto slurm = f.make();
  f.scheduler.answer = [] { return SlurmAnswer{Kind::unknown, 0, "timed out"}; };
  f.scheduler.jobs = [&] {
    SlurmJob j = Fixture::seen(SlurmState::pending, 41);
    j.comment = f.scheduler.requests.back().comment;
    return std::vector<SlurmJob>{Fixture::seen(SlurmState::running, 40), j};
  };
  CHECK(f.submit(*slurm, 1).jobs == std::vector<std::string>{"41"});
  CHECK(f.scheduler.requests.size() == 1);
}

TEST_CASE("a job that SLURM did not take is sent again when SLURM answers") {
  Fixture f;
  const auto slurm = f.make();
  int calls = 0;
  f.scheduler.answer = [&] {
    return ++calls == 1 ? SlurmAnswer{Kind::unknown, 0, "timed out"} : SlurmAnswer{Kind::accepted, 9, ""};
  };
  f.scheduler.jobs = [&]() -> std::optional<std::vector<SlurmJob>> {
    if (f.scheduler.looks < 3) throw SystemError("silence");
    return std::vector<SlurmJob>{};
  };
  CHECK(f.submit(*slurm, 1).jobs == std::vector<std::string>{"9"});
  CHECK(f.scheduler.requests.size() == 2);
  CHECK(f.scheduler.requests[0].comment == f.scheduler.requests[1].comment);
}

TEST_CASE("a SLURM that stays silent is a system error after some patience") {
  Fixture f;
  const auto slurm = f.make();
  f.scheduler.answer = [] { return SlurmAnswer{Kind::unknown, 0, "timed out"}; };
  f.scheduler.jobs = []() -> std::optional<std::vector<SlurmJob>> { throw SystemError("silence"); };
  const Submitted s = f.submit(*slurm, 1);
  CHECK(s.jobs.empty());
  REQUIRE(s.problem != nullptr);
  CHECK_THROWS_AS(std::rethrow_exception(s.problem), SystemError);
  CHECK(f.scheduler.requests.size() == 1);
}

TEST_CASE("a full queue is waited for, a refusal is the user's mistake and says what was asked for") {
  Fixture f;
  const auto slurm = f.make();
  f.scheduler.answer = [] { return SlurmAnswer{Kind::busy, 0, "limit"}; };
  CHECK_THROWS_AS(std::rethrow_exception(f.submit(*slurm, 1).problem), BusyError);
  f.scheduler.answer = [] { return SlurmAnswer{Kind::refused, 0, "Invalid feature specification"}; };
  CHECK(message_of([&] { std::rethrow_exception(f.submit(*slurm, 1).problem); }) ==
        "SLURM refuses the job (2 ranks of 1 cores, 733 MB a core, 12 min, partition 'main'): Invalid feature "
        "specification; change 'resources' or the site settings");
}

TEST_CASE("requests that no job can have are refused with the setting to change") {
  Fixture f;
  f.scheduler.limits.time_limit_s = 1200;
  const auto slurm = f.make();
  slurm->check_request(task("a"));
  CHECK(message_of([&] { slurm->check_request(task("a", 7)); }) ==
        "step 'denoise' requests 7 cores (7 ranks of 1 threads), a job has 2; change its 'resources', or "
        "slurm.cores_per_job of the site settings");
  auto large = task("a");
  large.resources.memory_bytes = 9'000'000'000;
  CHECK(contains(message_of([&] { slurm->check_request(large); }), "the largest node of partition 'main' has 4000 MB"));
  auto slow = task("a");
  slow.resources.time_s = 3600;
  CHECK(
      message_of([&] { slurm->check_request(slow); }) ==
      "step 'denoise' requests 60 min with 2 min for start and end, a job may take 20 min in partition 'main'; change "
      "its 'resources', or slurm.time_limit of the site settings");
  f.options.site.cores_per_job = 7;
  CHECK(message_of([&] { f.make(); }) == "slurm.cores_per_job of the site settings is 7, partition 'main' has 6 cores");
  f.options.site.cores_per_job = 6;
  CHECK(contains(message_of([&] { f.make()->check_request(task("a", 1, 3)); }),
                 "requests 3 threads, the largest node of partition 'main' has 2 cores"));
}

TEST_CASE("the batch's own end counts, whatever SLURM says, and asks nothing of SLURM") {
  Fixture f;
  const auto slurm = f.make();
  f.submit(*slurm, 1);
  f.scheduler.jobs = [] { return std::vector{Fixture::seen(SlurmState::held)}; };
  write_file_atomically(f.file(0).string() + ".end", "exit code 0\n");
  f.clock.sleep_for(seconds(60));
  const JobStatus s = slurm->poll({"7"}).at("7");
  CHECK(s.state == JobState::ended);
  CHECK(s.detail == "exit code 0");
  CHECK(f.scheduler.looks == 0);
}

TEST_CASE("SLURM is asked once for all jobs, seldom, and more seldom the longer nothing ends") {
  Fixture f;
  const auto slurm = f.make();
  const auto jobs = f.submit(*slurm, 3).jobs;
  f.scheduler.jobs = []() -> std::optional<std::vector<SlurmJob>> {
    SlurmJob together = Fixture::seen(SlurmState::pending);
    together.array = 7;
    SlurmJob second = Fixture::seen(SlurmState::running, 8);
    second.array = 7, second.element = 2;
    return std::vector{together, second};
  };
  for (int i = 0; i < 36000; ++i) {
    slurm->poll(jobs);
    f.clock.sleep_for(std::chrono::milliseconds(100));
  }
  CHECK(f.scheduler.looks > 100);
  CHECK(f.scheduler.looks < 140);
  const auto states = slurm->poll(jobs);
  CHECK(states.at("7_1").state == JobState::queued);
  CHECK(states.at("7_2").state == JobState::running);
}

TEST_CASE("a lost node, preemption and a held launch are no fault of the tasks; a held job is taken back") {
  for (const SlurmState state : {SlurmState::lost_node, SlurmState::preempted, SlurmState::held}) {
    Fixture f;
    const auto slurm = f.make();
    f.submit(*slurm, 1);
    f.scheduler.jobs = [&] { return std::vector{Fixture::seen(state)}; };
    f.clock.sleep_for(seconds(2));
    const JobStatus s = slurm->poll({"7"}).at("7");
    CHECK(s.state == JobState::lost);
    CHECK(s.blameless);
    CHECK(s.detail == "as SLURM says");
    CHECK(f.scheduler.cancelled.size() == (state == SlurmState::held ? 1 : 0));
  }
}

TEST_CASE("a failed or cancelled job has ended by itself") {
  for (const SlurmState state :
       {SlurmState::failed, SlurmState::cancelled, SlurmState::timeout, SlurmState::completed}) {
    Fixture f;
    const auto slurm = f.make();
    f.submit(*slurm, 1);
    f.scheduler.jobs = [&] { return std::vector{Fixture::seen(state)}; };
    f.clock.sleep_for(seconds(2));
    CHECK(slurm->poll({"7"}).at("7").state == JobState::ended);
    CHECK_FALSE(slurm->poll({"7"}).at("7").blameless);
  }
}

TEST_CASE("a job that SLURM has forgotten is lost only when it says so twice; a silent SLURM says nothing") {
  Fixture f;
  const auto slurm = f.make();
  f.submit(*slurm, 1);
  f.scheduler.jobs = []() -> std::optional<std::vector<SlurmJob>> { throw SystemError("silence"); };
  for (int i = 0; i < 5; ++i) {
    f.clock.sleep_for(seconds(40));
    CHECK(slurm->poll({"7"}).at("7").state == JobState::queued);
  }
  f.scheduler.jobs = [] { return std::vector<SlurmJob>{}; };
  f.clock.sleep_for(seconds(40));
  CHECK(slurm->poll({"7"}).at("7").state == JobState::queued);
  f.clock.sleep_for(seconds(40));
  CHECK(slurm->poll({"7"}).at("7").state == JobState::lost);
  CHECK(slurm->poll({"8"}).at("8").state == JobState::lost);
}

TEST_CASE("a library that is not there or is another one is told with what to do") {
  const test::TestFolder folder;
  const std::string none = (folder / "none.so").string();
  CHECK(message_of([&] { load_slurm_client(none); }) ==
        "this voxflow has no SLURM executor: '" + none +
            "' is not there; build voxflow where SLURM's development files (libslurm-dev) are installed, or run with "
            "--executor local");
  CHECK(message_of([&] { load_slurm_client(VOXFLOW_TEST_OTHER_LIBRARY); }) ==
        "'" VOXFLOW_TEST_OTHER_LIBRARY
        "' has no symbol 'voxflow_executor_stamp', so it is not the SLURM library of a voxflow");
  write_file_atomically(folder / "text.so", "text");
  CHECK_THROWS_AS(load_slurm_client(folder / "text.so"), SystemError);
}

TEST_CASE("the jobs that a killed head has left are found by their token and cancelled, an array once") {
  Fixture f;
  const auto job = [](std::uint32_t id, std::uint32_t array, SlurmState state, const std::string& comment) {
    SlurmJob j;
    j.job = id, j.array = array, j.state = state, j.comment = comment;
    return j;
  };
  f.scheduler.jobs = [&] {
    return std::vector<SlurmJob>{job(7, 0, SlurmState::running, "voxflow night/b0001 aa"),
                                 job(9, 8, SlurmState::running, "voxflow night/b0002 bb"),
                                 job(8, 8, SlurmState::pending, "voxflow night/b0002 bb"),
                                 job(10, 0, SlurmState::completed, "voxflow night/b0003 cc"),
                                 job(11, 0, SlurmState::pending, "voxflow night-2/b0001 dd"),
                                 job(12, 0, SlurmState::pending, "something else")};
  };
  CHECK(f.make()->cancel_run("night") == 2);
  CHECK(f.scheduler.cancelled == std::vector<std::string>{"7", "8"});
}
