// voxflow quarantine: what the quality gate rejected, why, and a person's word against it.
#include <memory>

#include <fmt/format.h>

#include "pipeline/acquisition/batch.hpp"
#include "pipeline/acquisition/quarantine.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/import_requests.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/core/parallel.hpp"

namespace voxflow::cli {

namespace {
using acquisition::QuarantineRecord;

std::vector<std::string> reasons(const QuarantineRecord& record) {
  std::vector<std::string> texts;
  for (const auto& f : record.report.findings)
    if (f.verdict == acquisition::Verdict::reject) texts.push_back(f.rule + ": " + f.text);
  return texts;
}

int list(Session& session, const std::string& project) {
  const auto records = acquisition::in_quarantine(session.archive(), project);
  if (session.json) {
    auto all = nlohmann::json::array();
    for (const auto& r : records) all.push_back(nlohmann::json::parse(r.to_json()));
    print_json(all);
    return 0;
  }
  TextTable table({"id", "project", "image", "since", "files", "why"});
  for (const auto& r : records) {
    bool first = true;
    for (const std::string& why : reasons(r)) {
      table.add(first ? std::vector<std::string>{r.id, r.project, r.name, r.time,
                                                 fmt::format("{} of '{}'", r.files.size(), r.files.front()), why}
                      : std::vector<std::string>{"", "", "", "", "", why});
      first = false;
    }
  }
  print(table.text());
  print(fmt::format("{} image{} in quarantine", records.size(), records.size() == 1 ? "" : "s"));
  return 0;
}

QuarantineRecord record_of(Session& session, const std::string& id) {
  std::vector<QuarantineRecord> found;
  for (auto& r : acquisition::in_quarantine(session.archive(), ""))
    if (r.id.starts_with(id)) found.push_back(std::move(r));
  if (found.size() == 1) return found.front();
  throw UserError(
      found.empty()
          ? fmt::format("nothing in quarantine has the id '{}'; `voxflow quarantine list` shows ids", id)
          : fmt::format("{} images in quarantine have ids that begin with '{}'; write more of it", found.size(), id));
}

int accept(Session& session, const std::string& id, const std::string& because) {
  const QuarantineRecord record = record_of(session, id);
  const auto mask = acquisition::parse_mask({record.mask_name + ".yaml", record.mask_text});
  auto found = acquisition::candidates(mask, acquisition::walk({record.files.begin(), record.files.end()}));
  if (found.images.size() != 1)
    throw InternalError(fmt::format("the files of '{}' make {} images", record.id, found.images.size()));
  fit_annotations(found.images.front().request.annotations, session.catalog().keys());
  acquisition::BatchOptions options;
  options.project = record.project;
  options.agent = current_agent();
  options.mask = &mask;
  options.mask_text = record.mask_text;
  options.keep = mask.keep;
  options.accepted = {options.agent, because};
  acquisition::ImageOutcome outcome;
  import_batch(session.archive(), found.images, options, [&](std::size_t, const auto& o) { outcome = o; });
  if (outcome.state == acquisition::ImageOutcome::State::failed) throw Error(outcome.code, outcome.message);
  if (outcome.state == acquisition::ImageOutcome::State::quarantined)
    throw UserError(fmt::format("'{}' cannot be imported, whoever accepts it: {}", record.name, outcome.message));
  session.catalog().ingest();
  print(fmt::format("{} imported as sha256:{}, accepted by {}: {}", outcome.image.name, outcome.image.content.hex(),
                    options.agent, because));
  return 0;
}
}  // namespace

void add_quarantine(CLI::App& app, Session& session) {
  struct Options {
    std::string project, id, because;
  };
  auto* command = app.add_subcommand("quarantine", "Images that the quality gate rejected");
  command->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  auto* show = command->add_subcommand("list", "Show what is in quarantine, and why");
  show->add_option("--project", options->project, "Of one project only");
  show->callback(
      [&session, options] { session.action = [&session, options] { return list(session, options->project); }; });
  auto* take = command->add_subcommand("accept", "Import a rejected image all the same; who and why is recorded");
  take->add_option("id", options->id, "Its id, or the beginning of it")->required();
  take->add_option("--because", options->because, "The reason")->required();
  take->callback([&session, options] {
    session.action = [&session, options] { return accept(session, options->id, options->because); };
  });
}

}  // namespace voxflow::cli
