#include "pipeline/executor/slurm.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/executor/slurm_script.hpp"

namespace voxflow::executor {

namespace fs = std::filesystem;

namespace {
using std::chrono::milliseconds;
constexpr milliseconds kTokenInterval{2000};
// A scheduler that was asked for a job may still be at it when it answers the next request.
constexpr int kTokenLooks = 2;
// Absences from whole answers of SLURM after which a job is no longer waited for.
constexpr int kMisses = 2;

std::string job_id(std::uint32_t job, int element) {
  return element == 0 ? std::to_string(job) : fmt::format("{}_{}", job, element);
}

/// "exit code 1", once voxflow-batch has ended.
std::optional<JobStatus> ended_by_mark(const fs::path& batch_file) {
  std::error_code none;
  if (!fs::exists(end_mark(batch_file), none)) return std::nullopt;
  return JobStatus{JobState::ended, std::string(trim(read_file(end_mark(batch_file))))};
}

JobStatus status_of(const SlurmJob& job) {
  switch (job.state) {
    case SlurmState::pending:
      return {JobState::queued, job.detail};
    case SlurmState::running:
      return {JobState::running, job.detail};
    case SlurmState::held:
    case SlurmState::lost_node:
    case SlurmState::preempted:
      return {JobState::lost, job.detail, true};
    default:
      return {JobState::ended, job.detail};
  }
}

class SlurmExecutor final : public Executor {
 public:
  SlurmExecutor(std::unique_ptr<SlurmClient> client, SlurmOptions options, const Clock& clock)
      : client_(std::move(client)),
        options_(std::move(options)),
        clock_(clock),
        limits_(client_->limits(options_.site.partition)) {
    const int wished = options_.site.cores_per_job;
    if (wished > limits_.cores)
      throw UserError(fmt::format("slurm.cores_per_job of the site settings is {}, partition '{}' has {} cores", wished,
                                  limits_.partition, limits_.cores));
    cores_per_job_ = wished > 0 ? wished : std::max(1, limits_.largest_node_cores);
    time_limit_s_ = options_.site.time_limit_s;
    if (limits_.time_limit_s > 0)
      time_limit_s_ = time_limit_s_ > 0 ? std::min(time_limit_s_, limits_.time_limit_s) : limits_.time_limit_s;
  }

  std::string name() const override { return "slurm"; }
  int cores_per_job() const override { return cores_per_job_; }
  std::uint64_t memory_per_job() const override {
    const std::uint64_t base = kBaseMemoryMb * static_cast<std::uint64_t>(cores_per_job_);
    return limits_.largest_node_memory_mb > base ? (limits_.largest_node_memory_mb - base) << 20 : 0;
  }
  double time_per_job_s() const override { return std::max(0.0, time_limit_s_ - kSpareTime_s); }
  int cores_for(const std::vector<record::Task>& tasks) const override { return useful_cores(tasks, cores_per_job_); }
  bool fit_one_job(const std::vector<record::Task>& tasks) const override {
    record::Batch batch;
    batch.cores = cores_for(tasks), batch.tasks = tasks;
    const JobSize size = size_of(batch, 0);
    const std::uint64_t node_cores = std::min<std::uint64_t>(limits_.largest_node_memory_mb / size.memory_per_core_mb,
                                                             static_cast<std::uint64_t>(limits_.largest_node_cores));
    return node_cores / static_cast<std::uint64_t>(size.cores_per_rank) * static_cast<std::uint64_t>(limits_.nodes) >=
           static_cast<std::uint64_t>(size.ranks);
  }
  int parallel_jobs() const override {
    return options_.site.parallel_jobs > 0 ? options_.site.parallel_jobs : std::max(1, limits_.nodes);
  }

  void check_request(const record::Task& task) const override {
    const auto& r = task.resources;
    if (r.ranks * r.threads > cores_per_job_)
      throw UserError(
          fmt::format("step '{}' requests {} cores ({} ranks of {} threads), a job has {}; change its 'resources', or "
                      "slurm.cores_per_job of the site settings",
                      task.step, r.ranks * r.threads, r.ranks, r.threads, cores_per_job_));
    if (r.threads > limits_.largest_node_cores)
      throw UserError(
          fmt::format("step '{}' requests {} threads, the largest node of partition '{}' has {} cores; "
                      "change its 'resources'",
                      task.step, r.threads, limits_.partition, limits_.largest_node_cores));
    record::Batch alone;
    alone.cores = r.ranks * r.threads, alone.tasks = {task};
    const JobSize size = size_of(alone, 0);
    const std::uint64_t rank_mb = size.memory_per_core_mb * static_cast<std::uint64_t>(r.threads);
    if (rank_mb > limits_.largest_node_memory_mb)
      throw UserError(fmt::format(
          "step '{}' requests {} MB of memory a rank, the largest node of partition '{}' has {} MB; change its "
          "'resources'",
          task.step, rank_mb, limits_.partition, limits_.largest_node_memory_mb));
    if (time_limit_s_ > 0 && size.minutes * 60 > time_limit_s_)
      throw UserError(fmt::format(
          "step '{}' requests {:.0f} min with {} min for start and end, a job may take {:.0f} min in partition "
          "'{}'; change its 'resources', or slurm.time_limit of the site settings",
          task.step, r.time_s / 60, size.minutes - static_cast<std::uint32_t>(r.time_s / 60), time_limit_s_ / 60,
          limits_.partition));
  }

  std::string submit(const fs::path& batch_file, const record::Batch& batch) override {
    const Submission one{batch_file, &batch};
    const Submitted result = submit_all(std::span(&one, 1));
    if (result.problem) std::rethrow_exception(result.problem);
    return result.jobs.front();
  }

  Submitted submit_all(std::span<const Submission> submissions) override {
    Submitted result;
    try {
      while (!submissions.empty()) {
        const JobSize size = size_of(*submissions.front().batch, time_limit_s_);
        std::size_t alike = 1;
        while (alike < submissions.size() && alike < static_cast<std::size_t>(limits_.array_elements) &&
               size_of(*submissions[alike].batch, time_limit_s_) == size)
          ++alike;
        submit_alike(submissions.first(alike), size, result.jobs);
        submissions = submissions.subspan(alike);
      }
    } catch (const Error&) {
      result.problem = std::current_exception();
    }
    return result;
  }

  std::map<std::string, JobStatus> poll(const std::vector<std::string>& ids) override {
    std::map<std::string, JobStatus> result;
    bool open = false;
    for (const std::string& id : ids) {
      const auto it = jobs_.find(id);
      if (it == jobs_.end()) {
        result[id] = {JobState::lost, "not a job of this run"};
        continue;
      }
      if (const auto end = ended_by_mark(it->second.batch_file)) it->second.status = *end;
      open = open || !is_over(it->second);
    }
    if (open && clock_.now() >= next_request_) refresh();
    for (const std::string& id : ids)
      if (const auto it = jobs_.find(id); it != jobs_.end()) result[id] = it->second.status;
    return result;
  }

  void cancel(const std::string& id) override { client_->cancel(id); }

  std::size_t cancel_run(const std::string& run) override {
    std::set<std::uint32_t> left;
    for (const SlurmJob& job : client_->jobs(SlurmClient::Freshness::anyhow).value_or(std::vector<SlurmJob>{}))
      if (job.comment.starts_with(token_prefix(run)) && status_of(job).state != JobState::ended)
        left.insert(job.array > 0 ? job.array : job.job);
    for (const std::uint32_t job : left) client_->cancel(std::to_string(job));
    return left.size();
  }

 private:
  struct Job {
    std::uint32_t job = 0;
    int element = 0;  // of an array, from 1
    fs::path batch_file;
    JobStatus status;
    int misses = 0;
  };

  static bool is_over(const Job& job) {
    return job.status.state == JobState::ended || job.status.state == JobState::lost;
  }

  void submit_alike(std::span<const Submission> submissions, const JobSize& size, std::vector<std::string>& ids) {
    const SlurmRequest request = make_request(submissions, size, options_);
    if (request.elements > 0) {
      std::string list;
      for (const Submission& s : submissions) list += s.file.string() + "\n";
      write_file_atomically(list_file(submissions), list);
    }
    const std::uint32_t job = submit_once(request);
    for (std::size_t i = 0; i < submissions.size(); ++i) {
      const int element = request.elements > 0 ? static_cast<int>(i) + 1 : 0;
      const std::string id = job_id(job, element);
      jobs_[id] = {job, element, submissions[i].file, {}, 0};
      ids.push_back(id);
    }
    interval_ = options_.shortest_interval;
    next_request_ = clock_.now() + interval_;
  }

  /// One job for one request, also where SLURM takes the job and its answer is lost.
  std::uint32_t submit_once(const SlurmRequest& request) {
    const auto give_up = clock_.now() + options_.patience;
    for (;;) {
      const SlurmAnswer answer = client_->submit(request, options_.site);
      switch (answer.kind) {
        case SlurmAnswer::Kind::accepted:
          return answer.job;
        case SlurmAnswer::Kind::busy:
          throw BusyError(fmt::format("SLURM takes no more jobs for now: {}", answer.text));
        case SlurmAnswer::Kind::refused:
          throw UserError(
              fmt::format("SLURM refuses the job ({} ranks of {} cores, {} MB a core, {} min, partition '{}'): "
                          "{}; change 'resources' or the site settings",
                          request.ranks, request.cores_per_rank, request.memory_per_core_mb, request.minutes,
                          limits_.partition, answer.text));
        default:
          log::warning("SLURM did not say whether it took a job ({}); looking for it", answer.text);
          if (const auto job = find_token(request.comment, give_up, answer.text)) return *job;
      }
    }
  }

  /// The job that carries `token`; nothing when SLURM has none. Throws SystemError when it does not answer until
  /// `give_up`.
  std::optional<std::uint32_t> find_token(const std::string& token, std::chrono::system_clock::time_point give_up,
                                          const std::string& why) {
    for (int looks = 0; looks < kTokenLooks;) {
      clock_.sleep_for(kTokenInterval);
      try {
        const auto jobs = client_->jobs(SlurmClient::Freshness::anyhow).value_or(std::vector<SlurmJob>{});
        const auto found =
            std::find_if(jobs.begin(), jobs.end(), [&](const SlurmJob& j) { return j.comment == token; });
        if (found != jobs.end()) return found->array != 0 ? found->array : found->job;
        ++looks;
      } catch (const SystemError&) {
      }
      if (clock_.now() >= give_up)
        throw SystemError(
            fmt::format("SLURM does not answer ({}); whether it took the job '{}' is not known: a job that it did take "
                        "does no harm, its results are found by the next run",
                        why, token));
    }
    return std::nullopt;
  }

  void refresh() {
    next_request_ = clock_.now() + interval_;
    interval_ = std::min(options_.longest_interval, interval_ * 3 / 2);
    try {
      const auto answer = client_->jobs(SlurmClient::Freshness::if_changed);
      silent_ = false;
      if (answer) seen_ = *answer;
    } catch (const SystemError& e) {
      if (!silent_) log::warning("SLURM does not say how the jobs stand ({}); going on by what they write", e.what());
      silent_ = true;
      return;
    }
    for (auto& [id, job] : jobs_)
      if (!is_over(job)) take(id, job);
  }

  void take(const std::string& id, Job& job) {
    const SlurmJob* found = nullptr;
    for (const SlurmJob& s : seen_) {
      const bool same = job.element == 0 ? s.job == job.job
                                         : s.array == job.job &&
                                               (!s.element || *s.element == static_cast<std::uint32_t>(job.element));
      if (same && (found == nullptr || s.element)) found = &s;
    }
    if (found == nullptr) {
      if (++job.misses >= kMisses) job.status = {JobState::lost, "SLURM no longer knows the job", true};
      return;
    }
    job.misses = 0;
    job.status = status_of(*found);
    // A held job would wait for an administrator; its tasks go elsewhere.
    if (found->state == SlurmState::held) client_->cancel(id);
    // The last word of the batch, which may have come since.
    if (const auto end = ended_by_mark(job.batch_file)) job.status = *end;
  }

  std::unique_ptr<SlurmClient> client_;
  SlurmOptions options_;
  const Clock& clock_;
  SlurmLimits limits_;
  int cores_per_job_ = 1;
  double time_limit_s_ = 0;
  std::map<std::string, Job> jobs_;
  std::vector<SlurmJob> seen_;
  milliseconds interval_{0};
  std::chrono::system_clock::time_point next_request_;
  bool silent_ = false;
};
}  // namespace

std::unique_ptr<Executor> make_slurm_executor(std::unique_ptr<SlurmClient> client, SlurmOptions options,
                                              const Clock& clock) {
  if (access(options.batch_program.c_str(), X_OK) != 0)
    throw_errno(fmt::format("cannot run '{}', which drives jobs", options.batch_program.string()), errno);
  return std::make_unique<SlurmExecutor>(std::move(client), std::move(options), clock);
}

}  // namespace voxflow::executor
