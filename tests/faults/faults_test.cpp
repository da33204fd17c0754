// voxflow-batch with kernels that die in every way: each costs its own task, and the others end done.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "pipeline/core/text.hpp"
#include "tests/support/archive_fixture.hpp"

using namespace voxflow;
using namespace voxflow::test;

namespace {
using Reports = std::map<std::string, record::TaskReport>;

class BatchFixture : public ArchiveFixture {
 public:
  BatchFixture() {
    record::ImageInfo info;
    info.grid.shape = {8, 9, 10};
    info.channels = {{"c0", std::nullopt, std::nullopt}};
    image_ = acquire<float>(info, [](std::size_t i) { return static_cast<double>(i); });
    batch.id = "b", batch.run = "r", batch.archive = archive.root().string(), batch.agent = "test", batch.cores = 2;
    batch.plugin_folders = {VOXFLOW_TEST_KERNELS};
  }

  // Adds a task; its name tells what it is to report.
  record::Task& add(const std::string& name, const std::string& kind, int ranks) {
    record::Task t =
        again(task("test.fault", R"({"kind":")" + kind + "\"}", {image_}), static_cast<int>(batch.tasks.size()));
    t.step = name;
    t.resources = {ranks, 1, static_cast<std::uint64_t>(ranks) * 120'000'000, 60};
    return batch.tasks.emplace_back(t);
  }

  pid_t start() {
    write_file_atomically(file, batch.to_json());
    const pid_t pid = ::fork();
    if (pid == 0) {
      const std::string log = file.string() + ".log";
      if (::freopen(log.c_str(), "a", stderr) == nullptr) ::_exit(126);
      ::execl(VOXFLOW_BATCH, VOXFLOW_BATCH, file.c_str(), nullptr);
      ::_exit(127);
    }
    return pid;
  }
  static int wait(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  // The last report of each task, by step.
  Reports reports() const {
    Reports last;
    std::ifstream lines(file.string() + ".reports");
    for (std::string line; std::getline(lines, line);) {
      const auto r = record::TaskReport::from_json(line);
      for (const auto& t : batch.tasks)
        if (t.key == r.key) last[t.step] = r;
    }
    return last;
  }
  void wait_until_running(const std::string& step) const {
    for (int i = 0; i < 3000; ++i) {
      const Reports r = reports();
      if (const auto it = r.find(step); it != r.end() && it->second.state == record::TaskState::running) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    FAIL("the task did not start");
  }

  std::filesystem::path file = folder / "batch";
  record::Batch batch;

 private:
  record::TaskInput image_;
};

void check_failed(const Reports& reports, const std::string& step, const std::string& failure_class,
                  const std::string& says) {
  CAPTURE(step);
  const auto it = reports.find(step);
  REQUIRE(it != reports.end());
  CHECK(it->second.state == record::TaskState::failed);
  CHECK(it->second.failure_class == failure_class);
  CHECK_MESSAGE(it->second.message.find(says) != std::string::npos, it->second.message);
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> all;
  std::ifstream in("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
  for (pid_t child = 0; in >> child;) {
    all.push_back(child);
    const auto below = children_of(child);
    all.insert(all.end(), below.begin(), below.end());
  }
  return all;
}

bool all_gone(const std::vector<pid_t>& pids) {
  for (int i = 0; i < 1000; ++i) {
    bool gone = true;
    for (const pid_t pid : pids) {
      std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
      std::string number, name, state;
      if (stat >> number >> name >> state && state != "Z") gone = false;
    }
    if (gone) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}
}  // namespace

TEST_CASE("a kernel's death costs its own task in teams of one rank") {
  BatchFixture b;
  b.add("good 1", "none", 1);
  b.add("segfault", "segfault", 1);
  b.add("illegal", "illegal", 1);
  b.add("abort", "abort", 1);
  b.add("leave", "leave", 1);
  b.add("good 2", "none", 1);
  b.add("exhaust", "exhaust", 1);
  b.add("throw", "throw", 1);
  b.add("late", "patient", 1).resources.time_s = 1;
  b.add("poor", "none", 1).resources.memory_bytes = 1'000'000;
  b.add("good 3", "none", 1);
  CHECK(b.wait(b.start()) == 1);
  const Reports r = b.reports();
  for (const char* good : {"good 1", "good 2", "good 3"})
    CHECK_MESSAGE(r.at(good).state == record::TaskState::done, r.at(good).message);
  check_failed(r, "segfault", "crash", "step 'segfault', image 'synthetic': a rank crashed (SIGSEGV)");
  check_failed(r, "illegal", "illegal_instruction", "an instruction that this processor does not know");
  check_failed(r, "abort", "abort", "a rank aborted (SIGABRT)");
  check_failed(r, "leave", "abort", "a rank ended by itself with exit code 5");
  check_failed(r, "exhaust", "out_of_memory",
               "step 'exhaust', image 'synthetic': timepoint 0, channel 0, block at 0, 0, 0 (z, y, x): the memory "
               "given to the task ran out");
  check_failed(r, "throw", "kernel_error",
               "block at 0, 0, 0 (z, y, x): kernel 'test.fault': the specimen is upside down");
  check_failed(r, "late", "timeout", "step 'late', image 'synthetic': not done after the 1 s that it was given");
  check_failed(r, "poor", "too_little_memory", "step 'poor', image 'synthetic': one rank of kernel 'test.fault' needs");
}

TEST_CASE("a kernel's death costs its own task in teams of several ranks") {
  BatchFixture b;
  b.add("good 1", "none", 2);
  b.add("segfault", "segfault", 2);
  b.add("mpi_abort", "mpi_abort", 2);
  b.add("exhaust", "exhaust", 2);
  b.add("throw", "throw", 2);
  b.add("good 2", "none", 2);
  CHECK(b.wait(b.start()) == 1);
  const Reports r = b.reports();
  for (const char* good : {"good 1", "good 2"})
    CHECK_MESSAGE(r.at(good).state == record::TaskState::done, r.at(good).message);
  check_failed(r, "segfault", "crash", "a rank crashed (SIGSEGV)");
  check_failed(r, "mpi_abort", "abort", "exit code 7");
  check_failed(r, "exhaust", "out_of_memory", "the memory given to the task ran out");
  check_failed(r, "throw", "kernel_error", "the specimen is upside down (rank 0)");
}

TEST_CASE("a team that shows no sign of life is ended, and the others go on") {
  BatchFixture b;
  b.batch.hang_timeout_s = 5;
  b.add("hang", "hang", 1);
  b.add("hang together", "hang", 2);
  b.add("good", "none", 1);
  CHECK(b.wait(b.start()) == 1);
  const Reports r = b.reports();
  check_failed(r, "hang", "hang", "step 'hang', image 'synthetic': no sign of life for 5 s");
  check_failed(r, "hang together", "hang", "step 'hang together', image 'synthetic': no sign of life for 5 s");
  CHECK(r.at("good").state == record::TaskState::done);
}

TEST_CASE("SIGTERM cancels what runs, starts nothing more, and leaves nothing behind") {
  BatchFixture b;
  b.batch.cores = 1;
  b.add("patient", "patient", 1);
  b.add("later", "none", 1);
  const pid_t pid = b.start();
  b.wait_until_running("patient");
  const auto children = children_of(pid);
  ::kill(pid, SIGTERM);
  CHECK(b.wait(pid) == 1);
  check_failed(b.reports(), "patient", "cancelled", "the task was cancelled");
  // What had not begun goes back to the head, at no cost.
  check_failed(b.reports(), "later", "cancelled", "the batch was told to end before it began");
  CHECK(all_gone(children));
  CHECK(archive::find_leftovers(b.archive).empty());
}

TEST_CASE("when the supervisor is killed its teams go, too") {
  for (const int ranks : {1, 2}) {
    BatchFixture b;
    b.add("hang", "hang", ranks);
    const pid_t pid = b.start();
    b.wait_until_running("hang");
    std::vector<pid_t> children;
    for (int i = 0; i < 500 && children.size() < static_cast<std::size_t>(ranks == 1 ? 1 : 3); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      children = children_of(pid);
    }
    ::kill(pid, SIGKILL);
    CHECK(b.wait(pid) == -1);
    CHECK(all_gone(children));
  }
}
