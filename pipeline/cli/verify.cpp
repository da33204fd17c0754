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
#include "pipeline/core/error.hpp"
#include "pipeline/core/parallel.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow::cli {

namespace {
struct Options {
  std::string query, not_within, replica;
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

/// A manifest that cannot be read is one of them.
std::vector<std::string> problems_of(const archive::Archive& archive, const std::string& artifact) {
  try {
    return archive::verify_artifact(archive, artifact);
  } catch (const Error& e) {
    return {e.what()};
  }
}

int verify(Session& session, const Options& options) {
  const archive::Archive& archive = session.archive();
  archive::VerificationLog log(archive);
  auto artifacts = selected(session, options.query);
  const std::size_t all = artifacts.size();
  if (!options.not_within.empty()) leave_out_recent(artifacts, log, options.not_within);
  const auto replica = options.replica.empty() ? std::filesystem::path() : open_replica(archive, options.replica);
  std::mutex lock;
  std::map<std::string, std::vector<std::string>> damaged;
  std::size_t restored = 0;
  for_each_artifact(artifacts, [&](const std::string& artifact) {
    auto problems = problems_of(archive, artifact);
    bool whole_again = false;
    if (!problems.empty() && !replica.empty()) try {
        archive::restore(archive, artifact, replica);
        whole_again = true;
      } catch (const Error& e) {
        problems.emplace_back(e.what());
      }
    log.append(artifact, {format_time(system_clock().now()), problems.empty() || whole_again});
    const std::lock_guard hold(lock);
    restored += whole_again ? 1 : 0;
    if (!problems.empty()) damaged[artifact] = std::move(problems);
    return !damaged.contains(artifact);
  });
  if (session.json) {
    print(nlohmann::json{{"verified", artifacts.size()},
                         {"left_out", all - artifacts.size()},
                         {"damaged", damaged},
                         {"restored", restored}}
              .dump(2));
  } else {
    for (const auto& [artifact, problems] : damaged)
      for (const std::string& problem : problems) print(problem);
    print(fmt::format("{} verified, {} damaged{}{}", artifacts_text(artifacts.size()), damaged.size(),
                      restored > 0 ? fmt::format(", {} restored from '{}'", restored, replica.string()) : "",
                      all > artifacts.size() ? fmt::format(", {} found sound within {} and left out",
                                                           all - artifacts.size(), options.not_within)
                                             : ""));
  }
  return static_cast<int>(damaged.size() == restored ? ExitCode::ok : ExitCode::system);
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
      for (const auto& folder : leftovers) print(folder.string());
      const std::size_t removed = *look_only ? 0 : archive::remove_leftovers(session.archive());
      print(fmt::format("{} temporary folder{} {}", *look_only ? leftovers.size() : removed,
                        (*look_only ? leftovers.size() : removed) == 1 ? "" : "s",
                        *look_only ? "would be removed" : "removed"));
      return 0;
    };
  });
}

}  // namespace voxflow::cli
