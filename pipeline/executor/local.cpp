// Jobs as child processes of this one, each in a process group of its own.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/executor/executor.hpp"

extern char** environ;

namespace voxflow::executor {

namespace {
using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::seconds kGrace{20};

std::string describe(int wait_status) {
  if (WIFEXITED(wait_status)) return fmt::format("exit code {}", WEXITSTATUS(wait_status));
  return fmt::format("killed by signal {} ({})", WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
}

/// Descriptors and attributes of a child, released whatever happens.
class SpawnSettings {
 public:
  SpawnSettings(const std::string& log) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0640);
    posix_spawn_file_actions_adddup2(&actions_, 1, 2);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  pid_t spawn(const std::vector<std::string>& command) const {
    std::vector<char*> argv;
    for (const std::string& a : command) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    pid_t pid = 0;
    const int problem = posix_spawnp(&pid, argv[0], &actions_, &attributes_, argv.data(), environ);
    if (problem != 0) throw_errno(fmt::format("cannot start '{}'", command.front()), problem);
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

class LocalExecutor final : public Executor {
 public:
  LocalExecutor(std::filesystem::path batch_program, int cores) : program_(std::move(batch_program)), cores_(cores) {}
  ~LocalExecutor() override { end_all(); }

  std::string name() const override { return "local"; }
  int cores_per_job() const override { return cores_; }
  int parallel_jobs() const override { return 1; }

  std::string submit(const std::filesystem::path& batch_file, const record::Batch&) override {
    const SpawnSettings settings(batch_file.string() + ".log");
    // A job may not outlive the program that started it, however that ends: the kernel signals it when its parent is
    // gone.
    const pid_t pid = settings.spawn({"setpriv", "--pdeathsig", "TERM", program_.string(), batch_file.string()});
    std::string job = std::to_string(pid);
    jobs_[job] = {pid, {JobState::running, ""}, {}};
    return job;
  }

  std::map<std::string, JobStatus> poll(const std::vector<std::string>& jobs) override {
    std::map<std::string, JobStatus> result;
    for (const std::string& job : jobs) {
      const auto it = jobs_.find(job);
      if (it == jobs_.end()) {
        result[job] = {JobState::lost, "not a job of this program"};
        continue;
      }
      refresh(it->second);
      result[job] = it->second.status;
    }
    return result;
  }

  void cancel(const std::string& job) override {
    const auto it = jobs_.find(job);
    if (it == jobs_.end() || it->second.status.state != JobState::running || it->second.kill_at) return;
    kill(-it->second.pid, SIGTERM);
    it->second.kill_at = SteadyClock::now() + kGrace;
  }

 private:
  struct Job {
    pid_t pid = 0;
    JobStatus status;
    std::optional<SteadyClock::time_point> kill_at;  // of a cancelled job
  };

  static void refresh(Job& job) {
    if (job.status.state != JobState::running) return;
    int wait_status = 0;
    const pid_t got = waitpid(job.pid, &wait_status, WNOHANG);
    if (got == job.pid) {
      job.status = {JobState::ended, describe(wait_status)};
      kill(-job.pid, SIGKILL);  // what it may have left behind in its group
    } else if (got < 0 && errno == ECHILD) {
      job.status = {JobState::lost, "the process was waited for elsewhere"};
    } else if (job.kill_at && SteadyClock::now() >= *job.kill_at) {
      kill(-job.pid, SIGKILL);
    }
  }

  void end_all() {
    for (auto& [id, job] : jobs_) {
      refresh(job);
      if (job.status.state == JobState::running) cancel(id);
    }
    for (auto& [id, job] : jobs_)
      while (job.status.state == JobState::running) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        refresh(job);
      }
  }

  std::filesystem::path program_;
  int cores_;
  std::map<std::string, Job> jobs_;
};
}  // namespace

std::unique_ptr<Executor> make_local_executor(std::filesystem::path batch_program, int cores) {
  if (access(batch_program.c_str(), X_OK) != 0)
    throw_errno(fmt::format("cannot run '{}', which drives the jobs of this machine", batch_program.string()), errno);
  return std::make_unique<LocalExecutor>(std::move(batch_program), cores);
}

}  // namespace voxflow::executor
