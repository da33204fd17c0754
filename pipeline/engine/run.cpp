#include "pipeline/engine/run.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/engine/journal.hpp"
#include "pipeline/engine/task_table.hpp"

namespace voxflow::engine {

namespace {
using executor::JobState;
using record::TaskReport;
using record::TaskState;
constexpr const char* kDiskFull = "disk_full";
constexpr const char* kCancelled = "cancelled";

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

/// A batch that was submitted and has not ended.
struct Job {
  std::string id, batch;
  std::filesystem::path file;
  std::vector<std::size_t> rows;
  LineTail reports;
  bool cancelled = false;
};

/// A batch that is on disk and in the journal, and is to be submitted.
struct Prepared {
  Job job;
  record::Batch batch;
};

class Run {
 public:
  Run(const record::Plan& plan, executor::Executor& executor, const Clock& clock, const RunOptions& options)
      : plan_(plan),
        executor_(executor),
        clock_(clock),
        options_(options),
        table_(plan, options.attempts, options.memory_limit_bytes, options.time_limit_s) {}

  RunSummary run() {
    const auto began = clock_.now();
    make_directories(options_.folder / "batches");
    write_file_atomically(options_.folder / record::kPlanName, plan_.to_json());
    journal_ = std::make_unique<Journal>(options_.folder / record::kJournalName);
    journal({record::RunLine{"started", host_name(), "", now(), getpid()}}, Journal::Durable::at_once);
    show();
    drive();
    const RunEnd end = cancelled_ ? RunEnd::cancelled : pause_.empty() ? RunEnd::finished : RunEnd::paused;
    journal({record::RunLine{std::string(to_string(end)), host_name(), pause_, now(), getpid()}},
            Journal::Durable::at_once);
    if (refusal_) std::rethrow_exception(refusal_);
    return summary(end, std::chrono::duration<double>(clock_.now() - began).count());
  }

 private:
  std::string now() const { return format_time(clock_.now()); }
  void journal(const record::JournalEntry& entry, Journal::Durable durable = Journal::Durable::when_the_system_likes) {
    journal_->append(entry, durable);
  }
  void journal_job(const std::string& event, const Job& job, const std::string& detail = "") {
    journal({record::JobLine{event, job.batch, job.id, detail, now(), job.rows.size()}}, Journal::Durable::at_once);
  }
  void show() {
    if (options_.progress) options_.progress(table_.progress());
  }

  void drive() {
    for (;;) {
      check_cancel();
      if (!cancelled_ && pause_.empty()) submit_what_can_be();
      if (jobs_.empty() && !waits_for_room()) return;
      clock_.sleep_for(options_.poll_interval);
      watch();
    }
  }

  void check_cancel() {
    if (cancelled_ || options_.cancel == nullptr || !options_.cancel->load()) return;
    cancelled_ = true;
    stop_jobs();
  }

  void stop_jobs() {
    if (!stopped_at_) stopped_at_ = clock_.now();
    for (Job& job : jobs_) {
      if (job.cancelled) continue;
      try {
        executor_.cancel(job.id);
        job.cancelled = true;
        journal_job("cancelled", job);
      } catch (const SystemError& e) {
        log::warning("{}; it is asked again", e.what());
      }
    }
  }

  bool waits_for_room() const { return busy_until_ && !cancelled_ && pause_.empty(); }

  void submit_what_can_be() {
    if (busy_until_ && clock_.now() < *busy_until_) return;
    busy_until_.reset();
    const auto slots = static_cast<std::size_t>(std::max(1, executor_.parallel_jobs()));
    std::vector<Prepared> prepared;
    while (jobs_.size() + prepared.size() < slots) {
      const std::size_t free = slots - jobs_.size() - prepared.size();
      const std::size_t share = (table_.sendable() + free - 1) / free;
      const auto rows = table_.next_batch(std::clamp<std::size_t>(share, 1, options_.tasks_per_batch));
      if (rows.empty()) break;
      prepared.push_back(prepare(for_one_job(rows)));
    }
    if (!prepared.empty()) submit(prepared);
  }

  /// The first of these rows, as many as one job can hold; a row stands behind those that it reads.
  std::vector<std::size_t> for_one_job(std::vector<std::size_t> rows) const {
    std::vector<record::Task> tasks;
    for (const std::size_t row : rows) tasks.push_back(table_.rows()[row].task);
    while (tasks.size() > 1 && !executor_.fit_one_job(tasks)) tasks.pop_back();
    rows.resize(tasks.size());
    return rows;
  }

  /// A batch on disk, with its intent in the journal.
  Prepared prepare(const std::vector<std::size_t>& rows) {
    record::Batch batch;
    batch.id = fmt::format("b{:04}", ++batches_);
    batch.run = plan_.run;
    batch.archive = plan_.archive;
    batch.agent = plan_.agent;
    batch.job = fmt::format("{}/{}", plan_.run, batch.id);
    batch.hang_timeout_s = options_.hang_timeout_s;
    batch.plugin_folders = options_.plugin_folders;
    for (const std::size_t row : rows) batch.tasks.push_back(table_.rows()[row].task);
    batch.cores = executor_.cores_for(batch.tasks);
    const auto file = options_.folder / "batches" / (batch.id + ".json");
    write_file_atomically(file, batch.to_json());
    Job job{"", batch.id, file, rows, LineTail(file.string() + ".reports")};
    journal_job("intent", job);
    for (const std::size_t row : rows) table_.sent(row, batch.id);
    return {std::move(job), std::move(batch)};
  }

  void submit(std::vector<Prepared>& prepared) {
    std::vector<executor::Submission> submissions;
    for (const Prepared& p : prepared) submissions.push_back({p.job.file, &p.batch});
    const executor::Submitted submitted = executor_.submit_all(submissions);
    for (std::size_t i = 0; i < submitted.jobs.size(); ++i) {
      prepared[i].job.id = submitted.jobs[i];
      journal_job("submitted", prepared[i].job);
      jobs_.push_back(std::move(prepared[i].job));
    }
    if (!submitted.problem) return;
    const std::string why = take_refusal(submitted.problem);
    for (std::size_t i = submitted.jobs.size(); i < prepared.size(); ++i) {
      journal_job("refused", prepared[i].job, why);
      std::error_code gone;  // it is written again under another number
      std::filesystem::remove(prepared[i].job.file, gone);
      for (const std::size_t row : prepared[i].job.rows) table_.returned(row);
    }
  }

  /// What an executor's refusal means for the run; its text.
  std::string take_refusal(const std::exception_ptr& problem) {
    try {
      std::rethrow_exception(problem);
    } catch (const executor::BusyError& e) {
      busy_until_ = clock_.now() + options_.busy_wait;
      if (!told_busy_)
        log::info("{}; asking again every {} s", e.what(),
                  std::chrono::duration_cast<std::chrono::seconds>(options_.busy_wait).count());
      told_busy_ = true;
      return e.what();
    } catch (const SystemError& e) {
      pause_ = e.what();
    } catch (const UserError& e) {
      pause_ = e.what();
      refusal_ = problem;
    }
    return pause_;
  }

  void watch() {
    std::vector<std::string> ids;
    for (const Job& job : jobs_) ids.push_back(job.id);
    const auto states = executor_.poll(ids);
    for (Job& job : jobs_) {
      const auto it = states.find(job.id);
      const executor::JobStatus status =
          it == states.end() ? executor::JobStatus{JobState::lost, "unknown"} : it->second;
      const bool over = status.state == JobState::ended || status.state == JobState::lost || given_up();
      // Read after the state: what an ended job wrote is then complete.
      take_reports(job);
      if (!over) continue;
      close_job(job, status);
    }
    std::erase_if(jobs_, [](const Job& job) { return job.id.empty(); });
    for (const std::size_t row : table_.skip_dependants()) {
      TaskReport report = table_.rows()[row].last;
      report.time = now();
      journal({report});
    }
    // Whatever else they compute could not be written either.
    if (disk_full_ || stopped_at_) stop_jobs();
    show();
  }

  bool given_up() const { return stopped_at_ && clock_.now() - *stopped_at_ >= options_.cancel_grace; }

  void take_reports(Job& job) {
    for (const std::string& line : job.reports.read()) {
      TaskReport report;
      try {
        report = TaskReport::from_json(line);
      } catch (const UserError&) {
        continue;
      }
      const auto row = table_.find(report.key);
      if (!row || table_.rows()[*row].batch != job.batch) continue;
      take(*row, std::move(report));
    }
  }

  void take(std::size_t row, TaskReport report) {
    switch (report.state) {
      case TaskState::running:
        table_.started(row);
        journal({report});
        break;
      case TaskState::done:
        finish(row, std::move(report));
        break;
      case TaskState::failed:
        if (report.failure_class == kCancelled)
          table_.returned(row);
        else
          fail(row, std::move(report));
        break;
      default:
        table_.returned(row);
        break;  // the batch could not run it; whether it is skipped is decided here
    }
  }

  void finish(std::size_t row, TaskReport report) {
    if (options_.published && !options_.published(table_.rows()[row].task.artifact)) {
      report.state = TaskState::failed;
      report.failure_class = "missing_output";
      report.message = "the job says that it is done, but its artifact is not published";
      return fail(row, std::move(report));
    }
    table_.done(row);
    journal({report});
    if (options_.ended) options_.ended(table_.rows()[row].task, report);
  }

  void fail(std::size_t row, TaskReport report) {
    const record::Task& task = table_.rows()[row].task;
    report.attempt = task.attempt;
    journal({report});
    if (report.failure_class == kDiskFull) {
      pause_ = report.message.empty() ? "the disk or quota is full" : report.message;
      disk_full_ = true;
      table_.returned(row);
      return;
    }
    if (options_.emit)
      options_.emit(record::failed_event({task.key, plan_.run, task.step, task.image, report.attempt,
                                          report.failure_class, report.message, report.node, report.log},
                                         report.time.empty() ? now() : report.time));
    if (table_.failed(row, report) == TaskTable::Verdict::failed && options_.ended) options_.ended(task, report);
  }

  /// After the job's end the manifests decide what it did; what it left undone and did not explain is lost.
  void close_job(Job& job, const executor::JobStatus& status) {
    journal_job(status.state == JobState::lost ? "lost" : "ended", job, status.detail);
    for (const std::size_t row : job.rows) {
      const TaskTable::Row& r = table_.rows()[row];
      if (r.batch != job.batch) continue;
      TaskReport report;
      report.key = r.task.key;
      report.attempt = r.task.attempt;
      report.time = now();
      if (options_.published && options_.published(r.task.artifact)) {
        report.state = TaskState::done;
        take(row, std::move(report));
      } else if (cancelled_ || !pause_.empty() || reads_undone(r.task) ||
                 (status.blameless && table_.may_be_lost_again(row))) {
        table_.returned(row);
      } else {
        report.state = TaskState::failed;
        report.failure_class = "lost";
        report.message = fmt::format("job {} ended without a word on this task ({})", job.id, status.detail);
        report.log = job.file.string() + ".log";
        fail(row, std::move(report));
      }
    }
    job.id.clear();
  }

  bool reads_undone(const record::Task& task) const {
    return std::any_of(task.after.begin(), task.after.end(), [&](const Digest& key) {
      const auto from = table_.find(key);
      return from && table_.rows()[*from].state != TaskState::done;
    });
  }

  RunSummary summary(RunEnd end, double wall_s) const {
    RunSummary s{end, pause_, table_.progress(), {}, wall_s};
    for (const TaskTable::Row& row : table_.rows())
      if (row.state == TaskState::failed || row.state == TaskState::skipped) s.not_done.push_back(row.last);
    return s;
  }

  const record::Plan& plan_;
  executor::Executor& executor_;
  const Clock& clock_;
  const RunOptions& options_;
  TaskTable table_;
  std::unique_ptr<Journal> journal_;
  std::vector<Job> jobs_;
  std::size_t batches_ = 0;
  std::string pause_;
  bool cancelled_ = false, disk_full_ = false;
  std::exception_ptr refusal_;  // of a batch that never will be taken
  std::optional<std::chrono::system_clock::time_point> busy_until_;
  std::optional<std::chrono::system_clock::time_point> stopped_at_;
  bool told_busy_ = false;
};
}  // namespace

void Counts::add(TaskState state) {
  switch (state) {
    case TaskState::waiting:
      ++waiting;
      break;
    case TaskState::running:
      ++running;
      break;
    case TaskState::done:
      ++done;
      break;
    case TaskState::failed:
      ++failed;
      break;
    default:
      ++skipped;
      break;
  }
}

std::string_view to_string(RunEnd e) {
  switch (e) {
    case RunEnd::finished:
      return "finished";
    case RunEnd::paused:
      return "paused";
    default:
      return "cancelled";
  }
}

RunSummary run_plan(const record::Plan& plan, executor::Executor& executor, const Clock& clock,
                    const RunOptions& options) {
  return Run(plan, executor, clock, options).run();
}

}  // namespace voxflow::engine
