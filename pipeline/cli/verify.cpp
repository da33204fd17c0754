// voxflow verify, replicate, clean: is what the archive holds still what was published?
#include <atomic>
#include <memory>
#include <mutex>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "pipeline/archive/replica.hpp"
#include "pipeline/archive/verification_log.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/cli/progress.hpp"
#include "pipeline/cli/verify_jobs.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/parallel.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow::cli {

namespace {
struct Options {
  std::string query, not_within, replica;
  ExecutorOptions where;
};

/// The artifacts that a query selects; all that are published without one.
std::vector<std::string> selected(Session& session, const std::string& query) {
  if (query.empty()) return archive::published_artifacts(session.archive());
  std::set<std::string> artifacts;
  for (const catalog::Entity& e : session.catalog().find(catalog::query::parse(query))) artifacts.insert(e.artifact);
  return {artifacts.begin(), artifacts.end()};
}

/// Leaves out what was found sound within that time.
void leave_out_recent(std::vector<std::string>& artifacts, const archive::VerificationLog& log,
                      const std::string& within) {
  const auto quantity = parse_quantity(within);
  if (!quantity || quantity->unit.empty())
    throw UserError(fmt::format("--unless-within is '{}', wanted is a time with its unit, as '30 days'", within));
  const auto age = std::chrono::duration<double>(convert(*quantity, "s"));
  const std::string since =
      format_time(system_clock().now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(age));
  const auto last = log.read();
  std::erase_if(artifacts, [&](const std::string& artifact) {
    const auto known = last.find(artifact);
    return known != last.end() && known->second.sound && known->second.time >= since;
  });
}

/// Does `work` for every artifact on a few threads, with a bar on a terminal. `work` says whether all is well.
template <class F>
void for_each_artifact(const std::vector<std::string>& artifacts, F&& work) {
  ProgressDisplay display(system_clock());
  engine::Progress progress;
  progress.all.waiting = artifacts.size();
  std::mutex lock;
  for_each_in_parallel(artifacts.size(), few_threads(), [&](std::size_t i) {
    const bool well = work(artifacts[i]);
    const std::lock_guard hold(lock);
    --progress.all.waiting;
    ++(well ? progress.all.done : progress.all.failed);
    display.show(progress);
  });
}

std::string artifacts_text(std::size_t n) {
  return fmt::format("{} artifact{}", n, n == 1 ? "" : "s");
}

/// What a verification found, and what it restored.
class Findings {
 public:
  Findings(const archive::Archive& archive, std::filesystem::path replica)
      : archive_(archive), log_(archive), replica_(std::move(replica)) {}

  /// Takes what was found of an artifact; thread-safe. True when it is sound.
  bool take(const std::string& artifact, std::vector<std::string> problems) {
    bool whole_again = false;
    if (!problems.empty() && !replica_.empty()) try {
        archive::restore(archive_, artifact, replica_);
        whole_again = true;
      } catch (const Error& e) {
        problems.emplace_back(e.what());
      }
    const bool sound = problems.empty();
    log_.append(artifact, {format_time(system_clock().now()), sound || whole_again});
    const std::lock_guard hold(lock_);
    ++verified;
    restored += whole_again ? 1 : 0;
    if (!sound) damaged[artifact] = std::move(problems);
    return sound;
  }
  std::map<std::string, std::vector<std::string>> damaged;
  std::size_t verified = 0, restored = 0;

 private:
  const archive::Archive& archive_;
  archive::VerificationLog log_;
  const std::filesystem::path replica_;
  std::mutex lock_;
};

void print_findings(const Findings& found, const Options& options, std::size_t left_out, bool json) {
  if (json) {
    print(nlohmann::json{
        {"verified", found.verified}, {"left_out", left_out}, {"damaged", found.damaged}, {"restored", found.restored}}
              .dump(2));
    return;
  }
  for (const auto& [artifact, problems] : found.damaged)
    for (const std::string& problem : problems) print(problem);
  print(fmt::format(
      "{} verified, {} damaged{}{}", artifacts_text(found.verified), found.damaged.size(),
      found.restored > 0 ? fmt::format(", {} restored from '{}'", found.restored, options.replica) : "",
      left_out > 0 ? fmt::format(", {} found sound within {} and left out", left_out, options.not_within) : ""));
}

/// Nothing is made where nothing is: a mistyped name repairs nothing.
std::filesystem::path replica_to_repair_from(const archive::Archive& archive, const std::string& folder) {
  if (folder.empty()) return {};
  std::error_code none;
  if (std::filesystem::is_empty(folder, none) || none)
    throw UserError(fmt::format("'{}' is no replica to repair from; `voxflow replicate --to` makes one", folder));
  return open_replica(archive, folder);
}

int verify(Session& session, const Options& options) {
  const archive::Archive& archive = session.archive();
  auto artifacts = selected(session, options.query);
  const std::size_t all = artifacts.size();
  if (!options.not_within.empty()) leave_out_recent(artifacts, archive::VerificationLog(archive), options.not_within);
  Findings found(archive, replica_to_repair_from(archive, options.replica));
  const auto report = [&] { print_findings(found, options, all - artifacts.size(), session.json); };
  if (options.where.local()) {
    for_each_artifact(artifacts, [&](const std::string& artifact) {
      return found.take(artifact, archive::verify_artifact(archive, artifact));
    });
  } else {
    try {
      verify_in_jobs(session, options.where, artifacts,
                     [&](const auto& artifact, const auto& problems) { found.take(artifact, problems); });
    } catch (const SystemError&) {
      report();  // of those that were verified
      throw;
    }
  }
  report();
  return static_cast<int>(found.damaged.size() == found.restored ? ExitCode::ok : ExitCode::system);
}

int replicate(Session& session, const Options& options) {
  const archive::Archive& archive = session.archive();
  const auto replica = open_replica(archive, options.replica);
  const auto artifacts = selected(session, options.query);
  std::atomic<std::size_t> copied{0}, there{0};
  std::mutex lock;
  std::vector<std::string> problems;
  for_each_artifact(artifacts, [&](const std::string& artifact) {
    try {
      ++(archive::replicate(archive, artifact, replica) == archive::Replication::copied ? copied : there);
      return true;
    } catch (const DiskFullError&) {
      throw;
    } catch (const SystemError& e) {
      const std::lock_guard hold(lock);
      problems.emplace_back(e.what());
      return false;
    }
  });
  for (const std::string& problem : problems) print(problem);
  print(fmt::format("{} copied to '{}', {} there before, {} damaged", artifacts_text(copied), replica.string(),
                    there.load(), problems.size()));
  return static_cast<int>(problems.empty() ? ExitCode::ok : ExitCode::system);
}
}  // namespace

void add_verify(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("verify", "Hold artifacts against the digests they were published with");
  const auto options = std::make_shared<Options>();
  command->add_option("query", options->query, "Which images and results (default: everything in the archive)");
  command->add_option(
      "--unless-within", options->not_within,
      "Leave out what was found sound within this time, such as '30 days': goes on where an earlier one stopped");
  command->add_option("--repair", options->replica,
                      "Restore damaged artifacts from this replica (see `voxflow replicate`)");
  add_executor_options(*command, options->where);
  command->callback(
      [&session, options] { session.action = [&session, options] { return verify(session, *options); }; });
}

void add_replicate(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("replicate", "Keep a second, verified copy of artifacts in another folder");
  const auto options = std::make_shared<Options>();
  command->add_option("query", options->query, "Which images and results (default: everything in the archive)");
  command->add_option("--to", options->replica, "Folder of the copy")->required();
  command->callback(
      [&session, options] { session.action = [&session, options] { return replicate(session, *options); }; });
}

void add_clean(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("clean", "Remove what processes that died left half-written");
  const auto look_only = std::make_shared<bool>(false);
  command->add_flag("--dry-run", *look_only, "Only say what would be removed");
  command->callback([&session, look_only] {
    session.action = [&session, look_only] {
      const auto leftovers = archive::find_leftovers(session.archive());
      for (const auto& path : leftovers) print(path.string());
      const std::size_t n = *look_only ? leftovers.size() : archive::remove_leftovers(session.archive());
      print(fmt::format("{} left-over{} {}", n, n == 1 ? "" : "s", *look_only ? "would be removed" : "removed"));
      return 0;
    };
  });
}

}  // namespace voxflow::cli
