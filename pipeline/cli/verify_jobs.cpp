#include "pipeline/cli/verify_jobs.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/cli/interrupt.hpp"
#include "pipeline/cli/progress.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/engine/plan.hpp"
#include "pipeline/engine/run.hpp"

namespace fs = std::filesystem;

namespace voxflow::cli {

namespace {
constexpr const char* kDamaged = "damaged";
constexpr int kThreads = 2;  // of a job: they keep its disk busy
constexpr std::uint64_t kMemoryBytes = 512 << 20;
constexpr double kSlowestDisk_bytes_per_s = 20e6, kShortest_s = 10;

std::uint64_t size_bytes(const archive::Archive& archive, const std::string& artifact) {
  std::uint64_t bytes = 0;
  std::error_code gone;  // what cannot be read is told by the verification
  for (const auto& entry : fs::directory_iterator(archive.root() / artifact, gone)) {
    const auto n = entry.file_size(gone);
    if (!gone) bytes += n;
  }
  return bytes;
}

record::Task task_for(const archive::Archive& archive, const std::string& artifact, const std::string& run,
                      int threads) {
  record::Task task;
  task.key = sha256(run + "\n" + artifact);
  task.identity.params = "{}";
  task.run = run;
  task.step = "verify";
  task.artifact = artifact;
  task.resources.threads = threads;
  task.resources.memory_bytes = kMemoryBytes;
  task.resources.time_s = kShortest_s + static_cast<double>(size_bytes(archive, artifact)) / kSlowestDisk_bytes_per_s;
  return task;
}

record::Plan plan_for(const archive::Archive& archive, const std::vector<std::string>& artifacts, int threads) {
  record::Plan plan;
  plan.run = engine::new_run_id("verify", system_clock());
  plan.workflow = "verify";
  plan.archive = archive.root().string();
  plan.created = format_time(system_clock().now());
  plan.agent = current_agent();
  plan.images = artifacts.size();
  for (const std::string& artifact : artifacts)
    plan.tasks.push_back({task_for(archive, artifact, plan.run, threads), record::TaskState::waiting, true, {}});
  return plan;
}

[[noreturn]] void fail_not_verified(const engine::RunSummary& summary, const record::Plan& plan, std::size_t missing,
                                    const fs::path& logs) {
  std::string why = summary.message;
  for (const auto& report : summary.not_done)
    if (report.failure_class != kDamaged && why.empty()) {
      const auto planned =
          std::find_if(plan.tasks.begin(), plan.tasks.end(), [&](const auto& p) { return p.task.key == report.key; });
      why = fmt::format("'{}': {}", planned->task.artifact, report.message);
    }
  if (why.empty()) why = "it was interrupted";
  throw SystemError(fmt::format("{} of {} artifacts could not be verified ({}); the jobs' logs are in '{}'", missing,
                                plan.tasks.size(), why, logs.string()));
}
}  // namespace

void verify_in_jobs(Session& session, const ExecutorOptions& where, const std::vector<std::string>& artifacts,
                    const Found& found) {
  if (artifacts.empty()) return;
  const archive::Archive& archive = session.archive();
  const auto executor = make_executor(session, where, "voxflow-verify");
  const record::Plan plan = plan_for(archive, artifacts, std::min(kThreads, executor->cores_per_job()));
  for (const auto& planned : plan.tasks) executor->check_request(planned.task);

  std::size_t verified = 0;
  engine::RunOptions options;
  options.folder = archive.root() / "verifications" / plan.run;
  options.time_limit_s = executor->time_per_job_s();
  options.cancel = &interrupted();
  options.ended = [&](const record::Task& task, const record::TaskReport& report) {
    if (report.state != record::TaskState::done && report.failure_class != kDamaged) return;
    found(task.artifact,
          report.state == record::TaskState::done ? std::vector<std::string>{} : split(report.message, '\n'));
    ++verified;
  };
  ProgressDisplay display(system_clock());
  options.progress = [&display](const engine::Progress& progress) { display.show(progress); };
  const auto summary = engine::run_plan(plan, *executor, system_clock(), options);
  if (verified < artifacts.size()) fail_not_verified(summary, plan, artifacts.size() - verified, options.folder);
  fs::remove_all(options.folder);
}

}  // namespace voxflow::cli
