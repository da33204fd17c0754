#include "pipeline/supervise/supervisor.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <list>

#include "pipeline/core/log.hpp"
#include "pipeline/record/manifest.hpp"
#include "pipeline/supervise/death.hpp"
#include "pipeline/supervise/task_board.hpp"
#include "pipeline/supervise/team.hpp"

namespace voxflow::supervise {

namespace {
using record::TaskState;
using std::chrono::steady_clock;
constexpr int kPollMilliseconds = 100;
constexpr int kLaunchAttempts = 2;

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

std::chrono::milliseconds seconds(double s) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(s * 1000));
}

class Supervisor {
 public:
  Supervisor(const record::Batch& batch, const Launcher& launcher, const SupervisorOptions& options)
      : batch_(batch),
        launcher_(launcher),
        options_(options),
        board_(batch, options.batch_file.string() + ".reports") {}

  bool run() {
    take_published();
    while (!over()) {
      if (!stopping()) hand_out();
      wait();
      for (auto team = teams_.begin(); team != teams_.end();) {
        listen(*team);
        watch(*team);
        const auto status = team->process().ended();
        if (status) bury(*team, *status);
        team = status ? teams_.erase(team) : std::next(team);
      }
    }
    end_teams();
    give_back([](const record::Task&) { return true; }, "the batch was told to end before it began");
    return board_.all_done();
  }

 private:
  bool stopping() const { return options_.stop != nullptr && *options_.stop; }
  bool in_time(const record::Task& task) const {
    return !options_.deadline || steady_clock::now() + seconds(task.resources.time_s) <= *options_.deadline;
  }
  bool over() const {
    const bool running = board_.count(TaskState::running) > 0;
    return stopping() ? !running : !running && board_.count(TaskState::waiting) == 0;
  }
  static int cores_of(const record::Task& task) { return task.resources.ranks * task.resources.threads; }
  int busy_cores() const {
    int cores = 0;
    for (const TeamSlot& team : teams_)
      if (team.task) cores += cores_of(batch_.tasks[*team.task]);
    return cores;
  }
  std::filesystem::path manifest_of(const record::Task& task) const {
    return std::filesystem::path(batch_.archive) / task.artifact / record::kManifestName;
  }

  // What another batch or an earlier attempt has published needs no team.
  void take_published() {
    for (std::size_t i = 0; i < batch_.tasks.size(); ++i) {
      if (!std::filesystem::exists(manifest_of(batch_.tasks[i]))) continue;
      record::TaskReport report;
      report.state = TaskState::done, report.node = host_;
      board_.finish(i, report);
    }
  }

  // What the job's time is too short for goes back to the head, which sends it again.
  void give_back_late() {
    give_back([this](const record::Task& t) { return !in_time(t); }, "the job's time is too short for it");
  }

  /// Waiting tasks that go back to the head at no cost.
  template <class F>
  void give_back(F&& which, const char* why) {
    while (const auto task = board_.next(which)) {
      record::TaskReport report;
      report.state = TaskState::failed, report.node = host_;
      report.failure_class = "cancelled", report.message = why;
      board_.finish(*task, report);
    }
  }

  void hand_out() {
    if (options_.deadline) give_back_late();
    for (;;) {
      const int busy = busy_cores();
      const auto task =
          board_.next([&](const record::Task& t) { return busy == 0 || busy + cores_of(t) <= batch_.cores; });
      if (!task) return;
      TeamSlot* team = team_for(batch_.tasks[*task].resources);
      if (team == nullptr) return;
      board_.start(*task);
      team->give(*task, batch_.tasks[*task].to_json(), steady_clock::now());
    }
  }

  // An idle team of that many ranks; a new one where there is none. Idle teams of other sizes make room. Nothing while
  // one of them is still ending.
  TeamSlot* team_for(const record::Resources& request) {
    const int ranks = request.ranks, cores_per_rank = launcher_.cores_per_rank(request.threads);
    int cores = 0;
    for (TeamSlot& team : teams_) {
      if (!team.task && !team.input_closed && !team.ending() && team.ranks() == ranks &&
          team.cores_per_rank() == cores_per_rank)
        return &team;
      cores += team.ranks() * team.cores_per_rank();
    }
    for (TeamSlot& team : teams_) {
      if (cores + ranks * cores_per_rank <= batch_.cores) break;
      if (team.task) continue;
      close(team);
      cores -= team.ranks() * team.cores_per_rank();
    }
    return &launch(ranks, cores_per_rank);
  }

  TeamSlot& launch(int ranks, int cores_per_rank) {
    int number = 0;
    while (std::any_of(teams_.begin(), teams_.end(), [&](const TeamSlot& t) { return t.number() == number; })) ++number;
    std::vector<std::string> worker{
        options_.worker_program.string(), "--archive", batch_.archive, "--agent", batch_.agent, "--job", batch_.job};
    for (const std::string& folder : batch_.plugin_folders) worker.insert(worker.end(), {"--kernels", folder});
    const std::string log = fmt::format("{}.team{}.log", options_.batch_file.string(), number);
    return teams_.emplace_back(number, ranks, cores_per_rank, launcher_.team(ranks, cores_per_rank, worker), log);
  }

  void close(TeamSlot& team) {
    if (team.input_closed) return;
    team.input_closed = true;
    team.process().close_input();
  }

  void wait() {
    std::vector<pollfd> outputs;
    for (TeamSlot& team : teams_) outputs.push_back({team.process().output(), POLLIN, 0});
    ::poll(outputs.data(), outputs.size(), kPollMilliseconds);
    // The output of a team that has ended stays readable until its status has come.
    if (std::any_of(outputs.begin(), outputs.end(), [](const pollfd& p) { return (p.revents & POLLHUP) != 0; }))
      ::usleep(2000);
  }

  void listen(TeamSlot& team) {
    for (const std::string& line : team.process().read_lines()) {
      const auto answer = answer_from(line);
      if (!answer) continue;
      team.last_sign = steady_clock::now();
      if (std::holds_alternative<Ready>(*answer)) {
        team.ready = true, launch_failures_ = 0;
      } else if (std::holds_alternative<Started>(*answer)) {
        team.task_begin = team.last_sign;
      } else if (const auto* result = std::get_if<Result>(&*answer)) {
        take_result(team, result->report);
      }
    }
  }

  void take_result(TeamSlot& team, record::TaskReport report) {
    if (!team.task || report.key != batch_.tasks[*team.task].key) return;
    if (report.state != TaskState::done && team.verdict)
      report.failure_class = team.verdict->failure_class, report.message = team.verdict->message;
    finish(team, std::move(report));
  }

  void finish(TeamSlot& team, record::TaskReport report) {
    report.node = host_, report.log = team.log().string();
    const record::Task& task = batch_.tasks[*team.task];
    if (report.state == TaskState::done)
      log::info("step '{}', image '{}': done in {:.1f} s", task.step, task.image, report.wall_s);
    else
      log::error("{}: {}", report.failure_class, report.message);
    board_.finish(*team.task, std::move(report));
    team.release();
  }

  void watch(TeamSlot& team) {
    const auto now = steady_clock::now();
    team.press_on(now, options_.grace);
    if (!team.task) return;
    if (!team.ready) {
      if (stopping())
        team.end_gently({"cancelled", "the task was cancelled"}, now, options_.grace);
      else if (now - team.last_sign > options_.launch_time)
        team.end_now({"launch", "the team did not start"}, now, options_.grace);
      return;
    }
    const record::Task& task = batch_.tasks[*team.task];
    if (stopping()) {
      team.end_gently({"cancelled", "the task was cancelled"}, now, options_.grace);
    } else if (now - team.task_begin > seconds(task.resources.time_s)) {
      team.end_gently(
          {"timeout", fmt::format("step '{}', image '{}': not done after the {} s that it was given; give the step "
                                  "more time",
                                  task.step, task.image, task.resources.time_s)},
          now, options_.grace);
    } else if (now - team.last_sign > seconds(batch_.hang_timeout_s)) {
      team.end_now({"hang", fmt::format("step '{}', image '{}': no sign of life for {} s", task.step, task.image,
                                        batch_.hang_timeout_s)},
                   now, options_.grace);
    }
  }

  // A team is dead: the task that it had failed, unless the team never was ready, which may be the machine's fault.
  void bury(TeamSlot& team, int status) {
    listen(team);
    if (!team.task) return;
    if (!team.ready && !team.verdict && ++launch_failures_ < kLaunchAttempts && !stopping()) {
      board_.put_back(*team.task);
      return;
    }
    const record::Task& task = batch_.tasks[*team.task];
    const std::string tail = team.log_tail();
    Death death = explain_death(status, tail);
    if (!team.ready) death = {"launch", "the team did not start: " + death.message};
    record::TaskReport report;
    report.state = TaskState::failed;
    if (team.verdict) {
      report.failure_class = team.verdict->failure_class, report.message = team.verdict->message;
    } else {
      report.failure_class = death.failure_class;
      report.message = fmt::format("step '{}', image '{}': {}", task.step, task.image, death.message);
      if (const std::string last = last_lines(tail, 6); !last.empty())
        report.message += "; last lines of its log:\n" + last;
    }
    report.wall_s = std::chrono::duration<double>(steady_clock::now() - team.task_begin).count();
    finish(team, std::move(report));
  }

  void end_teams() {
    for (TeamSlot& team : teams_) close(team);
    const auto begin = steady_clock::now();
    bool asked = false;
    while (!teams_.empty()) {
      teams_.remove_if([](TeamSlot& t) { return t.process().ended().has_value(); });
      const auto waited = steady_clock::now() - begin;
      if (waited > 2 * options_.grace) teams_.clear();
      if (waited > options_.grace && !asked) {
        asked = true;
        for (TeamSlot& team : teams_) team.process().terminate();
      }
      if (!teams_.empty()) wait();
    }
  }

  const record::Batch& batch_;
  const Launcher& launcher_;
  const SupervisorOptions& options_;
  TaskBoard board_;
  std::list<TeamSlot> teams_;
  std::string host_ = host_name();
  int launch_failures_ = 0;
};
}  // namespace

bool run_batch(const record::Batch& batch, const Launcher& launcher, const SupervisorOptions& options) {
  return Supervisor(batch, launcher, options).run();
}

}  // namespace voxflow::supervise
