// voxflow-worker: one rank of a team. Takes tasks over rank 0's standard input, runs them, answers on its standard
// output, and stays warm between them. Knows no database.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <iostream>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "pipeline/cli/memory_limit.hpp"
#include "pipeline/core/clock.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/run/agreement.hpp"
#include "pipeline/run/mpi_team.hpp"
#include "pipeline/run/task_runner.hpp"
#include "pipeline/supervise/protocol.hpp"

namespace {
using namespace voxflow;

std::atomic<bool> cancel_task{false}, terminated{false};

extern "C" void on_terminate(int) {
  terminated = true;
  cancel_task = true;
}

struct Settings {
  std::string archive, agent, job;
  std::vector<std::string> plugin_folders;
  bool solo = false;
};

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

// Where answers go: the standard output that the process was started with. Afterwards descriptor 1 is the log, so that
// what kernels and libraries print cannot be taken for an answer.
class Answers {
 public:
  Answers() : file_(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)) { ::dup2(STDERR_FILENO, STDOUT_FILENO); }
  void send(const supervise::Answer& answer) const {
    const std::string line = supervise::to_line(answer);
    for (std::size_t done = 0; done < line.size();) {
      const ssize_t n = ::write(file_, line.data() + done, line.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return;  // the supervisor is gone: the end of the input says so, too
      done += static_cast<std::size_t>(n);
    }
  }

 private:
  int file_;
};

// Lines of the standard input, read by a thread of its own so that a running task can be cancelled; cancelled, too,
// when the input ends.
class Inbox {
 public:
  Inbox() {
    std::thread([this] {
      for (std::string line; std::getline(std::cin, line);) put(line);
      const std::lock_guard lock(mutex_);
      ended_ = true;
      changed_.notify_all();
    }).detach();
  }
  // The next task's line; nothing when the input has ended.
  std::optional<std::string> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || !lines_.empty(); });
    if (lines_.empty()) return std::nullopt;
    Line line = std::move(lines_.front());
    lines_.pop_front();
    cancel_task = line.cancelled || terminated;
    return std::move(line.text);
  }

 private:
  void put(const std::string& line) {
    const std::lock_guard lock(mutex_);
    if (line == supervise::kCancelLine) {
      for (Line& waiting : lines_) waiting.cancelled = true;
      cancel_task = true;
    } else if (!line.empty()) {
      lines_.push_back({line});
      changed_.notify_all();
    }
  }
  struct Line {
    std::string text;
    bool cancelled = false;  // before it was begun
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Line> lines_;
  bool ended_ = false;
};

plugins::Registry load_kernels(const std::vector<std::string>& folders) {
  plugins::Registry kernels;
  std::set<std::filesystem::path> seen;
  std::vector<std::filesystem::path> all = plugins::default_folders();
  all.insert(all.end(), folders.begin(), folders.end());
  for (const auto& folder : all)
    if (seen.insert(std::filesystem::weakly_canonical(folder)).second) kernels.load_folder(folder);
  return kernels;
}

// One rank's side of a warm team.
class Worker {
 public:
  Worker(const Settings& settings, run::Team& team, const Answers& answers)
      : settings_(settings),
        team_(team),
        answers_(answers),
        archive_(settings.archive),
        kernels_(load_kernels(settings.plugin_folders)) {}

  void serve() {
    std::optional<Inbox> inbox;
    if (team_.rank() == 0) {
      inbox.emplace();
      answers_.send(supervise::Ready{});
    }
    for (;;) {
      std::string line;
      if (inbox) line = inbox->next().value_or("");
      team_.broadcast(line);
      if (line.empty()) return;
      if (team_.rank() != 0) cancel_task = terminated.load();
      run(record::Task::from_json(line));
    }
  }

 private:
  void run(const record::Task& task) {
    const auto begin = std::chrono::steady_clock::now();
    record::TaskReport report;
    report.key = task.key, report.attempt = task.attempt, report.state = record::TaskState::done,
    report.node = host_name();
    if (team_.rank() == 0) answers_.send(supervise::Started{task.key});
    try {
      const cli::MemoryLimit limit(memory_of(task));
      run::run_task(task, archive_, kernels_, team_, options(task));
    } catch (const run::TaskError& e) {
      report.state = record::TaskState::failed, report.failure_class = e.failure_class(), report.message = e.what();
    }
    cli::give_memory_back();
    report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    report.time = format_time(system_clock().now());
    if (team_.rank() == 0) answers_.send(supervise::Result{report});
  }

  // What the worker holds already, the stacks of the task's threads, and the task's share.
  std::uint64_t memory_of(const record::Task& task) const {
    constexpr std::uint64_t kStackBytes = std::uint64_t{8} << 20;
    return baseline_bytes_ + kStackBytes * static_cast<std::uint64_t>(task.resources.threads) +
           task.resources.memory_bytes / static_cast<std::uint64_t>(team_.size());
  }

  run::RunOptions options(const record::Task& task) {
    run::RunOptions o;
    o.threads = task.resources.threads;
    o.cancel = &cancel_task;
    o.agent = settings_.agent, o.job = settings_.job, o.host = host_name();
    last_beat_ = {};
    o.progress = [this](std::size_t done, std::size_t total) {
      const auto now = std::chrono::steady_clock::now();
      if (now - last_beat_ < std::chrono::seconds(1)) return;
      last_beat_ = now;
      answers_.send(supervise::Heartbeat{done, total});
    };
    return o;
  }

  const Settings& settings_;
  run::Team& team_;
  const Answers& answers_;
  archive::Archive archive_;
  plugins::Registry kernels_;
  std::uint64_t baseline_bytes_ = cli::data_bytes();
  std::chrono::steady_clock::time_point last_beat_;
};

int serve(const Settings& settings, run::Team& team, const Answers& answers) {
  if (team.size() > 1) log::set_prefix("rank " + std::to_string(team.rank()));
  std::unique_ptr<Worker> worker;
  run::together(team, [&] { worker = std::make_unique<Worker>(settings, team, answers); });
  worker->serve();
  return 0;
}
}  // namespace

int main(int argc, char** argv) {
  // A worker whose launcher dies has nobody to work for.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const Answers answers;
  Settings settings;
  CLI::App app("One rank of a team: takes tasks on standard input. Started by voxflow-batch.");
  app.add_option("--archive", settings.archive, "Root of the archive")->required();
  app.add_option("--kernels", settings.plugin_folders, "Folders with kernel plugins, beside the installed ones");
  app.add_option("--agent", settings.agent, "For whom the tasks run");
  app.add_option("--job", settings.job, "The job that the team belongs to");
  app.add_flag("--solo", settings.solo, "A team of one rank, without MPI");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(voxflow::ExitCode::user);
  }
  struct sigaction action {};
  action.sa_handler = on_terminate;
  ::sigaction(SIGTERM, &action, nullptr);
  try {
    if (settings.solo) return serve(settings, run::solo_team(), answers);
    run::MpiSession mpi(&argc, &argv);
    return serve(settings, mpi.team(), answers);
  } catch (const Error& e) {
    log::error("{}", e.what());
    return static_cast<int>(e.code());
  } catch (const std::exception& e) {
    log::error("{}", e.what());
    return static_cast<int>(ExitCode::internal);
  }
}
