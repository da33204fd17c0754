#include "pipeline/executor/slurm_script.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "pipeline/core/hash.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::executor {

namespace fs = std::filesystem;

namespace {
int cores_of(const record::Task& task) {
  return task.resources.ranks * task.resources.threads;
}

/// Of this process only what programs need to run as the same user does; what is set for this host stays here.
std::vector<std::string> job_environment(const record::SlurmSite& site) {
  constexpr std::array kNames{
      "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SLURM_CONF", "VOXFLOW_KERNEL_PATH"};
  std::map<std::string, std::string> all;
  for (const char* name : kNames)
    if (const char* value = std::getenv(name); value != nullptr) all[name] = value;
  for (const auto& [name, value] : site.environment) all[name] = value;
  std::vector<std::string> lines;
  for (const auto& [name, value] : all) lines.push_back(fmt::format("{}={}", name, value));
  return lines;
}
}  // namespace

int useful_cores(const std::vector<record::Task>& tasks, int most) {
  std::map<std::string, int> of_image;
  for (const record::Task& t : tasks) of_image[t.image] = std::max(of_image[t.image], cores_of(t));
  int sum = 0;
  for (const auto& [image, cores] : of_image) sum = std::min(most, sum + cores);
  return std::max(1, sum);
}

JobSize size_of(const record::Batch& batch, double time_limit_s) {
  JobSize size;
  double core_seconds = 0, longest = 0, memory_per_core = 0;
  for (const record::Task& t : batch.tasks) {
    size.cores_per_rank = std::max(size.cores_per_rank, t.resources.threads);
    memory_per_core = std::max(memory_per_core, static_cast<double>(t.resources.memory_bytes) / cores_of(t));
    core_seconds += t.resources.time_s * cores_of(t);
    longest = std::max(longest, t.resources.time_s);
  }
  size.ranks = (batch.cores + size.cores_per_rank - 1) / size.cores_per_rank;
  size.memory_per_core_mb = kBaseMemoryMb + static_cast<std::uint64_t>(std::ceil(memory_per_core / (1 << 20)));
  double time = std::max(longest, core_seconds / batch.cores) + kSpareTime_s;
  if (time_limit_s > 0) time = std::min(time, time_limit_s);
  size.minutes = static_cast<std::uint32_t>(std::ceil(time / 60));
  return size;
}

std::string token_prefix(const std::string& run) {
  return fmt::format("voxflow {}/", run);
}

std::string token_of(std::span<const Submission> submissions) {
  std::string files;
  for (const Submission& s : submissions) files += fs::absolute(s.file).string() + "\n";
  const record::Batch& first = *submissions.front().batch;
  return fmt::format("{}{} {}", token_prefix(first.run), first.id, sha256(files).hex().substr(0, 16));
}

fs::path end_mark(const fs::path& batch_file) {
  return batch_file.string() + ".end";
}

fs::path list_file(std::span<const Submission> submissions) {
  return submissions.front().file.string() + ".array";
}

SlurmRequest make_request(std::span<const Submission> submissions, const JobSize& size, const SlurmOptions& options) {
  const record::Batch& first = *submissions.front().batch;
  const bool array = submissions.size() > 1;
  SlurmRequest r;
  r.name = fmt::format("voxflow-{}", first.id);
  r.comment = token_of(submissions);
  r.folder = submissions.front().file.parent_path().string();
  r.output = array ? list_file(submissions).string() + ".%a.log" : submissions.front().file.string() + ".log";
  r.environment = job_environment(options.site);
  r.ranks = size.ranks, r.cores_per_rank = size.cores_per_rank;
  r.memory_per_core_mb = size.memory_per_core_mb, r.minutes = size.minutes;
  r.elements = array ? static_cast<int>(submissions.size()) : 0;
  r.script = "#!/bin/sh\n";
  for (const std::string& line : options.site.setup)
    r.script += fmt::format(
        "{{ :; {}\n}} || {{ echo {} >&2; exit 1; }}\n", line,
        shell_quote(fmt::format("voxflow: error: this line of slurm.setup of the site settings failed: {}", line)));
  if (array) {
    r.script += fmt::format("file=$(sed -n \"${{SLURM_ARRAY_TASK_ID}}p\" {})\nexec >>\"$file.log\" 2>&1\n",
                            shell_quote(list_file(submissions).string()));
  } else {
    r.script += fmt::format("file={}\n", shell_quote(submissions.front().file.string()));
  }
  r.script += fmt::format("exec {} --launcher srun", shell_quote(options.batch_program.string()));
  for (const std::string& option : options.site.srun) r.script += " " + shell_quote("--srun-option=" + option);
  r.script += fmt::format(" --walltime {} --end-mark \"$file.end\" \"$file\"\n", size.minutes * 60);
  return r;
}

}  // namespace voxflow::executor
