// libvoxflow_executor_slurm: SlurmClient by libslurm. Rebuilt alone against a site's SLURM; nothing else knows
// libslurm.
#include "pipeline/executor/slurm_client.hpp"

#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string_view>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/executor/slurm_library.hpp"

namespace voxflow::executor {

namespace {
template <class T, void (*release)(T*)>
struct Released {
  void operator()(T* message) const { release(message); }
};
template <class T, void (*release)(T*)>
using Message = std::unique_ptr<T, Released<T, release>>;

std::string slurm_text(int error) {
  return fmt::format("{} ({})", slurm_strerror(error), error);
}

[[noreturn]] void throw_slurm(const std::string& what, int error) {
  throw SystemError(fmt::format("{}: {}; is slurmctld running, and munge?", what, slurm_text(error)));
}

char* text_or_null(const std::string& s) {
  return s.empty() ? nullptr : const_cast<char*>(s.c_str());
}

/// Errors after which nobody knows whether slurmctld got the request.
bool is_silence(int error) {
  constexpr std::array kErrors{EINTR,
                               ETIMEDOUT,
                               ECONNREFUSED,
                               ECONNRESET,
                               EPIPE,
                               EHOSTUNREACH,
                               ENETUNREACH,
                               static_cast<int>(SLURM_PROTOCOL_SOCKET_IMPL_TIMEOUT),
                               static_cast<int>(SLURM_PROTOCOL_SOCKET_IMPL_ZERO_RECV_LENGTH),
                               static_cast<int>(ESLURM_IN_STANDBY_MODE)};
  return std::find(kErrors.begin(), kErrors.end(), error) != kErrors.end() ||
         (error >= SLURM_COMMUNICATIONS_CONNECTION_ERROR && error <= SLURM_COMMUNICATIONS_SHUTDOWN_ERROR) ||
         (error >= SLURMCTLD_COMMUNICATIONS_CONNECTION_ERROR && error <= SLURMCTLD_COMMUNICATIONS_SHUTDOWN_ERROR);
}

/// Limits that other jobs' ends lift.
bool is_busy(int error) {
  constexpr std::array kErrors{EAGAIN,
                               static_cast<int>(ESLURM_ACCOUNTING_POLICY),
                               static_cast<int>(ESLURM_QOS_THRES),
                               static_cast<int>(ESLURM_RESERVATION_MAINT),
                               static_cast<int>(ESLURM_PARTITION_DOWN),
                               static_cast<int>(ESLURM_SUBMISSIONS_DISABLED)};
  return std::find(kErrors.begin(), kErrors.end(), error) != kErrors.end();
}

SlurmState state_of(const slurm_job_info_t& job) {
  switch (job.job_state & JOB_STATE_BASE) {
    case JOB_PENDING:
      // After a launch that failed SLURM holds the job until an administrator lets it go.
      return job.priority == 0 && job.restart_cnt > 0 ? SlurmState::held : SlurmState::pending;
    case JOB_RUNNING:
    case JOB_SUSPENDED:
      return SlurmState::running;
    case JOB_COMPLETE:
      return SlurmState::completed;
    case JOB_CANCELLED:
      return SlurmState::cancelled;
    case JOB_TIMEOUT:
    case JOB_DEADLINE:
      return SlurmState::timeout;
    case JOB_OOM:
      return SlurmState::out_of_memory;
    case JOB_NODE_FAIL:
    case JOB_BOOT_FAIL:
      return SlurmState::lost_node;
    case JOB_PREEMPTED:
      return SlurmState::preempted;
    default:
      return SlurmState::failed;
  }
}

std::string detail_of(const slurm_job_info_t& job) {
  static const std::array kNames{"PENDING", "RUNNING",   "SUSPENDED", "COMPLETED", "CANCELLED", "FAILED",
                                 "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE",  "OUT_OF_MEMORY"};
  const std::size_t base = job.job_state & JOB_STATE_BASE;
  std::string text = base < kNames.size() ? kNames[base] : fmt::format("state {}", base);
  if (base == JOB_FAILED && WIFEXITED(job.exit_code)) text += fmt::format(", exit code {}", WEXITSTATUS(job.exit_code));
  if (job.state_desc != nullptr) text += fmt::format(" ({})", job.state_desc);
  if (job.nodes != nullptr && *job.nodes != '\0') text += fmt::format(" on {}", job.nodes);
  return text;
}

SlurmJob job_of(const slurm_job_info_t& job) {
  SlurmJob j;
  j.job = job.job_id, j.array = job.array_job_id;
  if (job.array_job_id != 0 && job.array_task_id != NO_VAL) j.element = job.array_task_id;
  j.state = state_of(job), j.detail = detail_of(job), j.restarts = job.restart_cnt;
  if (job.comment != nullptr) j.comment = job.comment;
  return j;
}

class LibSlurm final : public SlurmClient {
 public:
  LibSlurm() { slurm_init(nullptr); }
  ~LibSlurm() override { slurm_fini(); }

  SlurmLimits limits(const std::string& wished) override {
    SlurmLimits limits;
    partition_info_msg_t* partitions = nullptr;
    if (slurm_load_partitions(0, &partitions, SHOW_ALL) != SLURM_SUCCESS) throw_slurm("SLURM does not answer", errno);
    const Message<partition_info_msg_t, slurm_free_partition_info_msg> held(partitions);
    const partition_info_t& partition = find_partition(*partitions, wished);
    limits.partition = partition.name;
    limits.nodes = static_cast<int>(partition.total_nodes), limits.cores = static_cast<int>(partition.total_cpus);
    if (partition.max_time != INFINITE && partition.max_time != NO_VAL) limits.time_limit_s = 60.0 * partition.max_time;
    add_nodes(limits);
    slurm_conf_t* conf = nullptr;
    if (slurm_load_ctl_conf(0, &conf) != SLURM_SUCCESS) throw_slurm("SLURM does not tell its settings", errno);
    limits.array_elements = std::max(1, static_cast<int>(conf->max_array_sz) - 1);
    slurm_free_ctl_conf(conf);
    return limits;
  }

  SlurmAnswer submit(const SlurmRequest& r, const record::SlurmSite& site) override {
    job_desc_msg_t d;
    slurm_init_job_desc_msg(&d);
    std::vector<char*> environment;
    for (const std::string& line : r.environment) environment.push_back(const_cast<char*>(line.c_str()));
    environment.push_back(nullptr);
    d.environment = environment.data(), d.env_size = static_cast<std::uint32_t>(r.environment.size());
    d.user_id = getuid(), d.group_id = getgid();
    d.name = text_or_null(r.name), d.comment = text_or_null(r.comment), d.script = text_or_null(r.script);
    d.work_dir = text_or_null(r.folder), d.std_out = text_or_null(r.output), d.std_err = text_or_null(r.output);
    d.std_in = const_cast<char*>("/dev/null"), d.open_mode = OPEN_MODE_APPEND;
    d.num_tasks = static_cast<std::uint32_t>(r.ranks), d.cpus_per_task = static_cast<std::uint16_t>(r.cores_per_rank);
    d.min_cpus = static_cast<std::uint32_t>(r.ranks * r.cores_per_rank);
    d.pn_min_memory = r.memory_per_core_mb | MEM_PER_CPU;
    d.time_limit = r.minutes;
    // A job that lost its node is sent again by voxflow, with what is left of its tasks.
    d.requeue = 0;
    const std::string elements = fmt::format("1-{}", r.elements);
    if (r.elements > 0) d.array_inx = const_cast<char*>(elements.c_str());
    apply(site, d);
    submit_response_msg_t* response = nullptr;
    if (slurm_submit_batch_job(&d, &response) != SLURM_SUCCESS) return failed(errno);
    const Message<submit_response_msg_t, slurm_free_submit_response_response_msg> held(response);
    return {SlurmAnswer::Kind::accepted, response->job_id, ""};
  }

  std::optional<std::vector<SlurmJob>> jobs(Freshness freshness) override {
    job_info_msg_t* all = nullptr;
    if (slurm_load_jobs(freshness == Freshness::anyhow ? 0 : last_update_, &all, SHOW_ALL) != SLURM_SUCCESS) {
      if (errno == SLURM_NO_CHANGE_IN_DATA) return std::nullopt;
      throw_slurm("SLURM does not answer", errno);
    }
    const Message<job_info_msg_t, slurm_free_job_info_msg> held(all);
    last_update_ = all->last_update;
    std::vector<SlurmJob> mine;
    for (std::uint32_t i = 0; i < all->record_count; ++i)
      if (all->job_array[i].user_id == getuid()) mine.push_back(job_of(all->job_array[i]));
    return mine;
  }

  void cancel(const std::string& job) override {
    if (slurm_kill_job2(job.c_str(), SIGKILL, 0, nullptr) == SLURM_SUCCESS) return;
    const int error = errno;
    if (error != ESLURM_ALREADY_DONE && error != ESLURM_INVALID_JOB_ID)
      throw_slurm(fmt::format("SLURM does not cancel job {}", job), error);
  }

 private:
  static const partition_info_t& find_partition(const partition_info_msg_t& all, const std::string& wished) {
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < all.record_count; ++i) {
      const partition_info_t& p = all.partition_array[i];
      if (wished.empty() ? (p.flags & PART_FLAG_DEFAULT) != 0 : wished == p.name) return p;
      names.emplace_back(p.name);
    }
    if (wished.empty())
      throw UserError(fmt::format(
          "SLURM has no default partition; name one as slurm.partition of the site settings: {}", join(names, ", ")));
    throw UserError(fmt::format("SLURM has no partition '{}'{}; slurm.partition of the site settings may be: {}",
                                wished, did_you_mean(wished, names), join(names, ", ")));
  }

  static void add_nodes(SlurmLimits& limits) {
    node_info_msg_t* nodes = nullptr;
    if (slurm_load_node(0, &nodes, SHOW_ALL) != SLURM_SUCCESS) throw_slurm("SLURM does not tell its nodes", errno);
    const Message<node_info_msg_t, slurm_free_node_info_msg> held(nodes);
    partition_info_msg_t* partitions = nullptr;
    if (slurm_load_partitions(0, &partitions, SHOW_ALL) != SLURM_SUCCESS)
      throw_slurm("SLURM does not tell its partitions", errno);
    const Message<partition_info_msg_t, slurm_free_partition_info_msg> held_too(partitions);
    slurm_populate_node_partitions(nodes, partitions);
    for (std::uint32_t i = 0; i < nodes->record_count; ++i) {
      const node_info_t& node = nodes->node_array[i];
      if (node.name == nullptr || node.partitions == nullptr) continue;
      const auto in = split(node.partitions, ',');
      if (std::find(in.begin(), in.end(), limits.partition) == in.end()) continue;
      limits.largest_node_cores = std::max(limits.largest_node_cores, static_cast<int>(node.cpus));
      limits.largest_node_memory_mb = std::max<std::uint64_t>(limits.largest_node_memory_mb, node.real_memory);
    }
  }

  static void apply(const record::SlurmSite& site, job_desc_msg_t& d) {
    d.partition = text_or_null(site.partition), d.account = text_or_null(site.account), d.qos = text_or_null(site.qos);
    d.features = text_or_null(site.constraint), d.tres_per_node = text_or_null(site.gres);
    for (const auto& [name, value] : site.options) {
      char* text = text_or_null(value);
      if (name == "exclude") d.exc_nodes = text;
      if (name == "licenses") d.licenses = text;
      if (name == "nodelist") d.req_nodes = text;
      if (name == "reservation") d.reservation = text;
      if (name == "wckey") d.wckey = text;
      if (name == "nice") d.nice = static_cast<std::uint32_t>(NICE_OFFSET + std::atoi(text));
    }
  }

  static SlurmAnswer failed(int error) {
    const auto kind = is_silence(error) ? SlurmAnswer::Kind::unknown
                      : is_busy(error)  ? SlurmAnswer::Kind::busy
                                        : SlurmAnswer::Kind::refused;
    return {kind, 0, slurm_text(error)};
  }

  std::time_t last_update_ = 0;
};

/// Lines of libslurm's log without "program: error: " before them.
std::string log_text(const std::string& log) {
  std::vector<std::string> lines;
  for (const std::string& line : split(log, '\n')) {
    const auto mark = line.find(": ", line.find(": ") + 1);
    const auto text = trim(std::string_view(line).substr(mark == std::string::npos ? 0 : mark + 2));
    if (!text.empty()) lines.emplace_back(text);
  }
  return lines.empty() ? "its configuration cannot be read" : join(lines, "; ");
}

/// Why libslurm would end this process at once when it reads its configuration: tried in a child.
std::string configuration_problem() {
  // libslurm itself would wait a minute for it.
  if (const char* file = std::getenv("SLURM_CONF"); file != nullptr && access(file, R_OK) != 0)
    return fmt::format("SLURM_CONF is '{}', which cannot be read", file);
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return "";
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    slurm_init(nullptr);
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  std::array<char, 512> buffer{};
  for (ssize_t n = 0; child > 0 && (n = read(ends[0], buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status == 0) return "";
  return log_text(text);
}
}  // namespace

}  // namespace voxflow::executor

extern "C" {
voxflow::executor::ExecutorStamp voxflow_executor_stamp() {
  return voxflow::executor::executor_build_stamp();
}

voxflow::executor::SlurmClient* voxflow_slurm_client(std::string* problem) {
  using namespace voxflow::executor;
  try {
    *problem = configuration_problem();
    return problem->empty() ? new LibSlurm : nullptr;
  } catch (const std::exception& e) {
    *problem = e.what();
    return nullptr;
  }
}
}
