#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/executor/executor.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using executor::JobState;

namespace {
/// A stand-in for voxflow-batch that runs the batch file as a shell script.
std::filesystem::path shell_program(const test::TestFolder& folder) {
  const auto program = folder / "batch_program";
  write_file_atomically(program, "#!/bin/sh\nexec sh \"$1\"\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  return program;
}

executor::JobStatus wait_for_end(executor::Executor& e, const std::string& job) {
  for (int i = 0; i < 2000; ++i) {
    const auto status = e.poll({job}).at(job);
    if (status.state == JobState::ended || status.state == JobState::lost) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return {JobState::running, "still running after ten seconds"};
}

/// A process that has ended but that nobody has waited for is not alive.
bool alive(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string id, name, state;
  return static_cast<bool>(in >> id >> name >> state) && state != "Z";
}

pid_t read_pid(const std::filesystem::path& file) {
  for (int i = 0; i < 2000; ++i) {
    std::ifstream in(file);
    pid_t pid = 0;
    if (in >> pid && in.get() == '\n') return pid;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return 0;
}

bool ends_soon(pid_t pid) {
  for (int i = 0; i < 2000 && alive(pid); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return !alive(pid);
}
}  // namespace

TEST_CASE("a job runs the batch program on its batch file and writes its output into the log beside it") {
  const test::TestFolder folder;
  write_file_atomically(folder / "b1.json", "echo out; echo problem >&2; exit 3\n");
  const auto local = executor::make_local_executor(shell_program(folder), 4);
  CHECK(local->name() == "local");
  CHECK(local->cores_per_job() == 4);
  const auto status = wait_for_end(*local, local->submit(folder / "b1.json", {}));
  CHECK(status.state == JobState::ended);
  CHECK(status.detail == "exit code 3");
  CHECK(read_file(folder / "b1.json.log") == "out\nproblem\n");
}

TEST_CASE("a job that dies of a signal says which one") {
  const test::TestFolder folder;
  write_file_atomically(folder / "b1.json", "kill -SEGV $$\n");
  const auto local = executor::make_local_executor(shell_program(folder), 1);
  CHECK(wait_for_end(*local, local->submit(folder / "b1.json", {})).detail ==
        "killed by signal 11 (Segmentation fault)");
}

TEST_CASE("cancelling ends the job's whole process group") {
  const test::TestFolder folder;
  write_file_atomically(folder / "b1.json", "sleep 60 & echo $! > " + (folder / "pid").string() + "; wait\n");
  const auto local = executor::make_local_executor(shell_program(folder), 1);
  const auto job = local->submit(folder / "b1.json", {});
  const pid_t grandchild = read_pid(folder / "pid");
  REQUIRE(grandchild > 0);
  CHECK(local->poll({job}).at(job).state == JobState::running);
  local->cancel(job);
  CHECK(wait_for_end(*local, job).detail == "killed by signal 15 (Terminated)");
  CHECK(ends_soon(grandchild));
}

TEST_CASE("no job outlives the executor") {
  const test::TestFolder folder;
  write_file_atomically(folder / "b1.json", "echo $$ > " + (folder / "pid").string() + "; exec sleep 60\n");
  pid_t job = 0;
  {
    const auto local = executor::make_local_executor(shell_program(folder), 1);
    local->submit(folder / "b1.json", {});
    job = read_pid(folder / "pid");
    REQUIRE(job > 0);
    CHECK(alive(job));
  }
  CHECK_FALSE(alive(job));
}

TEST_CASE("no job outlives a program that is killed") {
  const test::TestFolder folder;
  write_file_atomically(folder / "b1.json", "echo $$ > " + (folder / "pid").string() + "; exec sleep 60\n");
  const auto program = shell_program(folder);
  const pid_t head = fork();
  if (head == 0) {
    const auto local = executor::make_local_executor(program, 1);
    local->submit(folder / "b1.json", {});
    for (;;) pause();
  }
  const pid_t job = read_pid(folder / "pid");
  REQUIRE(job > 0);
  kill(head, SIGKILL);
  waitpid(head, nullptr, 0);
  CHECK(ends_soon(job));
}

TEST_CASE("a job of another program is lost, and a batch program that is not there is a system error") {
  const test::TestFolder folder;
  const auto local = executor::make_local_executor(shell_program(folder), 1);
  CHECK(local->poll({"123"}).at("123").state == JobState::lost);
  try {
    executor::make_local_executor(folder / "none", 1);
    FAIL("no error");
  } catch (const SystemError& e) {
    CHECK(std::string(e.what()) == "cannot run '" + (folder / "none").string() +
                                       "', which drives the jobs of this machine: No such file or directory");
  }
}
