// The supervisor's parts without a worker: the lines of the protocol, and what a death is called.
#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "pipeline/core/files.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/supervise/death.hpp"
#include "pipeline/supervise/protocol.hpp"
#include "pipeline/supervise/supervisor.hpp"
#include "pipeline/supervise/team_process.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::supervise;

namespace {
// As in voxflow-batch: a team that has died is told from its status, not from a failed write.
[[maybe_unused]] const auto kPipeSignal = ::signal(SIGPIPE, SIG_IGN);

int exit_status(int code) {
  return code << 8;
}

// Answers as voxflow-worker would, by a shell script.
class ScriptLauncher final : public Launcher {
 public:
  explicit ScriptLauncher(std::string script) : script_(std::move(script)) {}
  Command team(int, int, const std::vector<std::string>&) const override { return {{"sh", "-c", script_}, {}}; }

 private:
  std::string script_;
};

record::Task make_task(int number, std::vector<Digest> after = {}) {
  record::Task t;
  t.identity.kernel = "test.none", t.identity.version = 1, t.identity.params = "{}";
  t.key = sha256(std::to_string(number));
  t.step = "s" + std::to_string(number), t.image = "m", t.project = "p", t.artifact = "p/results/" + t.key.hex();
  t.after = std::move(after);
  return t;
}

std::vector<record::TaskReport> reports_of(const std::filesystem::path& batch_file) {
  std::vector<record::TaskReport> reports;
  for (const std::string& line : split(read_file(batch_file.string() + ".reports"), '\n'))
    if (!line.empty()) reports.push_back(record::TaskReport::from_json(line));
  return reports;
}
}  // namespace

TEST_CASE("answers come back from their lines, and other lines are no answers") {
  const Digest key = sha256("task");
  record::TaskReport report;
  report.key = key, report.state = record::TaskState::failed, report.failure_class = "kernel_error",
  report.message = "two\nlines";
  for (const Answer& a : {Answer(Ready{}), Answer(Started{key}), Answer(Heartbeat{3, 12}), Answer(Result{report})}) {
    const std::string line = to_line(a);
    CHECK(line.back() == '\n');
    CHECK(line.find('\n') == line.size() - 1);
    const auto back = answer_from(trim(line));
    REQUIRE(back);
    CHECK(to_line(*back) == line);
  }
  for (const char* line : {"", "ready", "Hello from a kernel", "@voxflow", "@voxflow heartbeat x",
                           "@voxflow heartbeat 1 2 3", "@voxflow started 12", "@voxflow result {}", "@voxflow results"})
    CHECK_FALSE(answer_from(line));
}

TEST_CASE("deaths are told apart by signal, by exit code of mpirun and by the log") {
  CHECK(explain_death(SIGSEGV, "").failure_class == "crash");
  CHECK(explain_death(SIGSEGV, "").message == "a rank crashed (SIGSEGV)");
  CHECK(explain_death(exit_status(128 + SIGSEGV), "").message == "a rank crashed (SIGSEGV)");
  CHECK(explain_death(exit_status(128 + SIGABRT), "").failure_class == "abort");
  CHECK(explain_death(SIGABRT, "terminate called after throwing an instance of 'std::bad_alloc'").failure_class ==
        "out_of_memory");
  CHECK(explain_death(SIGILL, "").failure_class == "illegal_instruction");
  CHECK(explain_death(SIGKILL, "").failure_class == "out_of_memory");
  CHECK(explain_death(exit_status(7), "MPI_ABORT was invoked on rank 1").message ==
        "a rank called MPI_Abort (exit code 7)");
  CHECK(explain_death(exit_status(5), "").message == "a rank ended by itself with exit code 5");
}

TEST_CASE("the last lines of a log are those that say something") {
  CHECK(last_lines("one\n\n  \ntwo\nthree\n", 2) == "two\nthree");
  CHECK(last_lines("", 2).empty());
}

TEST_CASE("what comes after a failed task is skipped, and the rest goes on") {
  test::TestFolder folder;
  record::Batch batch;
  batch.archive = folder.path().string(), batch.cores = 1;
  batch.tasks = {make_task(1), make_task(2, {sha256("1")}), make_task(3, {sha256("2")}), make_task(4)};
  SupervisorOptions options;
  options.batch_file = folder / "batch";
  // Fails the task of step s1 and does every other one.
  const ScriptLauncher launcher(R"(echo '@voxflow ready'
while read -r line; do
  key=$(printf %s "$line" | grep -o '"key":"[0-9a-f]*"' | cut -d'"' -f4)
  case "$line" in *'"step":"s1"'*) state='"failed","class":"kernel_error","message":"no"' ;; *) state='"done"' ;; esac
  echo "@voxflow started $key"
  echo "a stray line"
  printf '@voxflow result {"key":"%s","state":%s,"attempt":1,"time":"","wall_s":0}\n' "$key" "$state"
done)");
  CHECK_FALSE(run_batch(batch, launcher, options));
  std::map<std::string, record::TaskReport> last;
  for (const auto& r : reports_of(folder / "batch")) last[r.key.hex()] = r;
  CHECK(last[sha256("1").hex()].failure_class == "kernel_error");
  CHECK(last[sha256("1").hex()].log == (folder / "batch").string() + ".team0.log");
  CHECK(last[sha256("2").hex()].state == record::TaskState::skipped);
  CHECK(last[sha256("2").hex()].message == "it reads from step 's1', which failed");
  CHECK(last[sha256("3").hex()].message == "it reads from step 's2', which was skipped");
  CHECK(last[sha256("4").hex()].state == record::TaskState::done);
}

TEST_CASE("a team that does not start is tried twice, then its task fails with what it said") {
  test::TestFolder folder;
  record::Batch batch;
  batch.archive = folder.path().string();
  batch.tasks = {make_task(1)};
  SupervisorOptions options;
  options.batch_file = folder / "batch";
  CHECK_FALSE(run_batch(batch, ScriptLauncher("echo 'no such library' >&2; exit 3"), options));
  const auto reports = reports_of(folder / "batch");
  CHECK(reports.back().failure_class == "launch");
  CHECK(reports.back().message ==
        "step 's1', image 'm': the team did not start: a rank ended by itself with exit code 3; last lines of its "
        "log:\nno such "
        "library");
  CHECK(read_file((folder / "batch").string() + ".team0.log") == "no such library\nno such library\n");
}

TEST_CASE("a task whose result is published already is done without a team") {
  test::TestFolder folder;
  record::Batch batch;
  batch.archive = folder.path().string();
  batch.tasks = {make_task(1)};
  make_directories(folder / batch.tasks[0].artifact);
  write_file_atomically(folder / batch.tasks[0].artifact / "manifest.json", "{}");
  SupervisorOptions options;
  options.batch_file = folder / "batch";
  CHECK(run_batch(batch, ScriptLauncher("exit 1"), options));
  CHECK(reports_of(folder / "batch").size() == 1);
}

TEST_CASE("no task starts that the job's time is too short for: it goes back to the head, and the rest goes on") {
  test::TestFolder folder;
  record::Batch batch;
  batch.archive = folder.path().string();
  batch.tasks = {make_task(1)};
  batch.tasks[0].resources.time_s = 3600;
  SupervisorOptions options;
  options.batch_file = folder / "batch";
  options.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  CHECK_FALSE(run_batch(batch, ScriptLauncher("exit 1"), options));
  const auto reports = reports_of(folder / "batch");
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].failure_class == "cancelled");
  CHECK(reports[0].message == "the job's time is too short for it");
}

TEST_CASE("a team in a SLURM job is a step with cores of its own; one rank alone needs no MPI") {
  const auto srun = make_srun_launcher({"--network=sn_all"});
  const auto words = [](const Command& c) { return join(c.words, " "); };
  CHECK(words(srun->team(4, 2, {"worker", "--archive", "a"})) ==
        "srun --exact --kill-on-bad-exit=1 --input=0 --mem=0 --quiet --cpus-per-task 2 --ntasks 4 --mpi=pmix "
        "--network=sn_all worker --archive a");
  CHECK(words(srun->team(1, 1, {"worker"})) ==
        "srun --exact --kill-on-bad-exit=1 --input=0 --mem=0 --quiet --cpus-per-task 1 --ntasks 1 --mpi=none "
        "--network=sn_all worker --solo");
  CHECK(srun->cores_per_rank(3) == 3);
  CHECK(make_local_launcher()->cores_per_rank(3) == 1);
}

TEST_CASE("a program that is not there ends its team with exit code 127") {
  test::TestFolder folder;
  TeamProcess process({{"/nowhere/voxflow-worker"}, {}}, folder / "log");
  std::optional<int> status;
  for (int i = 0; i < 500 && !status; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    status = process.ended();
  }
  REQUIRE(status);
  CHECK(WEXITSTATUS(*status) == 127);
  CHECK(read_file(folder / "log") == "cannot start the program of the team\n");
}
