#include "pipeline/engine/heads.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <optional>
#include <set>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/engine/journal.hpp"
#include "pipeline/engine/status.hpp"

namespace voxflow::engine {

namespace {
namespace fs = std::filesystem;
using record::RunLine;

/// Whether the journal's last line says how the run ended. Of a long journal only the end is read.
bool has_ended(const fs::path& journal) {
  constexpr std::streamoff kEnd = 8192;
  std::ifstream in(journal, std::ios::binary | std::ios::ate);
  if (!in) return false;
  in.seekg(std::max<std::streamoff>(0, static_cast<std::streamoff>(in.tellg()) - kEnd));
  std::string line, last;
  while (std::getline(in, line))
    if (!line.empty()) last = line;
  try {
    const auto entry = record::JournalEntry::from_json(last);
    const auto* run = std::get_if<RunLine>(&entry.what);
    return run != nullptr && run->event != "started";
  } catch (const UserError&) {
    return false;
  }
}

std::string this_host() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string program_of(const std::string& process) {
  std::ifstream file("/proc/" + process + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

std::optional<OpenRun> open_run(const fs::path& folder, const std::set<Digest>& keys) {
  if (!fs::exists(folder / record::kPlanName) || has_ended(folder / record::kJournalName)) return std::nullopt;
  const RunStatus status = read_status(folder);
  OpenRun run{folder, status.plan.run, status.host, status.started, status.pid, head_state(status.host, status.pid), 0};
  for (const auto& planned : status.plan.tasks)
    run.shared_tasks += planned.state != record::TaskState::done && keys.contains(planned.task.key);
  return run.shared_tasks > 0 ? std::optional(run) : std::nullopt;
}
}  // namespace

HeadState head_state(const std::string& host, int pid) {
  if (host != this_host()) return HeadState::elsewhere;
  const bool there = pid > 0 && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno != ESRCH);
  // Since the head's end another program may have its id.
  return there && program_of(std::to_string(pid)) == program_of("self") ? HeadState::at_work : HeadState::gone;
}

std::vector<OpenRun> open_runs(const fs::path& runs, const record::Plan& plan) {
  std::set<Digest> keys;
  for (const auto& planned : plan.tasks)
    if (planned.state != record::TaskState::done) keys.insert(planned.task.key);
  std::vector<OpenRun> open;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(runs, none)) {
    try {
      if (auto run = open_run(entry.path(), keys)) open.push_back(std::move(*run));
    } catch (const UserError&) {
      continue;  // a plan that cannot be read holds up no other
    }
  }
  std::sort(open.begin(), open.end(), [](const OpenRun& a, const OpenRun& b) { return a.run < b.run; });
  return open;
}

void close_run(const OpenRun& run, const std::string& message, const Clock& clock) {
  Journal journal(run.folder / record::kJournalName);
  journal.append({RunLine{"interrupted", run.host, message, format_time(clock.now()), run.pid}},
                 Journal::Durable::at_once);
}

}  // namespace voxflow::engine
