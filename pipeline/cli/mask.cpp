// voxflow mask test: what an acquisition mask would do with the last images; changes nothing.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "pipeline/acquisition/quarantine.hpp"
#include "pipeline/acquisition/trial.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/import_requests.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/cli/progress.hpp"
#include "pipeline/core/text.hpp"

namespace fs = std::filesystem;

namespace voxflow::cli {

namespace {
using acquisition::TrialImage;

struct Options {
  std::string mask;
  std::vector<std::string> paths;
  std::size_t last = 100;
};

struct Trial {
  std::vector<TrialImage> images;
  std::size_t of = 0;  // from which the last ones were taken
  std::vector<fs::path> unmatched;
};

fs::file_time_type newest(const acquisition::Candidate& image) {
  fs::file_time_type time{};
  for (const fs::path& file : image.request.files) {
    std::error_code gone;
    time = std::max(time, fs::last_write_time(file, gone));
  }
  return time;
}

Trial try_files(const acquisition::Mask& mask, const Options& options) {
  auto found = acquisition::candidates(mask, acquisition::walk({options.paths.begin(), options.paths.end()}));
  Trial trial{{}, found.images.size(), found.unmatched};
  std::stable_sort(found.images.begin(), found.images.end(),
                   [](const auto& a, const auto& b) { return newest(a) < newest(b); });
  if (found.images.size() > options.last)
    found.images.erase(found.images.begin(), found.images.end() - static_cast<std::ptrdiff_t>(options.last));
  ProgressDisplay display(system_clock());
  engine::Progress progress;
  progress.all.waiting = found.images.size();
  for (const auto& image : found.images) {
    trial.images.push_back(acquisition::try_image(mask, image));
    --progress.all.waiting;
    ++progress.all.done;
    display.show(progress);
  }
  return trial;
}

/// What was measured of images that came through a mask of this name, published or in quarantine.
Trial try_records(Session& session, const acquisition::Mask& mask, const Options& options) {
  std::vector<std::pair<std::string, TrialImage>> by_time;
  for (const auto& entity : session.catalog().find(catalog::query::parse("kind = \"acquisition\""))) {
    const auto manifest = session.archive().manifest(entity.artifact);
    if (!manifest || !manifest->origin || manifest->origin->mask != mask.name) continue;
    by_time.emplace_back(manifest->published,
                         TrialImage{manifest->name, manifest->origin->files, manifest->annotations,
                                    acquisition::QualityReport::from_json(manifest->origin->quality)});
  }
  for (const auto& record : acquisition::in_quarantine(session.archive(), ""))
    if (record.mask_name == mask.name)
      by_time.emplace_back(record.time, TrialImage{record.name, record.files, {}, record.report});
  std::stable_sort(by_time.begin(), by_time.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Trial trial{{}, by_time.size(), {}};
  const std::size_t first = by_time.size() > options.last ? by_time.size() - options.last : 0;
  for (std::size_t i = first; i < by_time.size(); ++i)
    trial.images.push_back(acquisition::try_again(mask, std::move(by_time[i].second)));
  return trial;
}

std::string annotations_text(const std::vector<record::Annotation>& annotations) {
  std::vector<std::string> parts;
  for (const auto& a : annotations) parts.push_back(fmt::format("{}={}", a.key.name, value_text(a)));
  return join(parts, ", ");
}

std::string number(double v) {
  return fmt::format("{:.4g}", v);
}

void print_trial(const acquisition::Mask& mask, const Trial& trial) {
  TextTable images({"image", "files", "annotations", "qc", "why"});
  for (const TrialImage& image : trial.images) {
    std::vector<std::string> why;
    for (const auto& f : image.report.findings) why.push_back(f.text);
    images.add({image.name, std::to_string(image.files.size()), annotations_text(image.annotations),
                std::string(to_string(image.report.verdict())), why.empty() ? "" : why.front()});
    for (std::size_t i = 1; i < why.size(); ++i) images.add({"", "", "", "", why[i]});
  }
  print(images.text());
  TextTable metrics({"metric", "images", "least", "25 %", "median", "75 %", "most", "warned", "rejected"});
  for (const auto& d : acquisition::distributions(trial.images)) {
    std::vector<std::string> row{d.metric, std::to_string(d.images)};
    for (const double q : d.quantiles) row.push_back(number(q));
    row.push_back(std::to_string(d.warned));
    row.push_back(std::to_string(d.rejected));
    metrics.add(row);
  }
  print(metrics.text());
  const auto with = [&](acquisition::Verdict v) {
    return std::count_if(trial.images.begin(), trial.images.end(),
                         [&](const TrialImage& i) { return i.report.verdict() == v; });
  };
  print(fmt::format("mask '{}' on {} of {} images: {} ok, {} with warnings, {} rejected; nothing was changed",
                    mask.name, trial.images.size(), trial.of, with(acquisition::Verdict::ok),
                    with(acquisition::Verdict::warn), with(acquisition::Verdict::reject)));
  if (!trial.unmatched.empty())
    print(fmt::format("{} files are not named as the mask says, such as '{}'", trial.unmatched.size(),
                      trial.unmatched.front().string()));
}

nlohmann::json trial_json(const acquisition::Mask& mask, const Trial& trial) {
  using nlohmann::json;
  json images = json::array(), metrics = json::array(), unmatched = json::array();
  for (const TrialImage& image : trial.images) {
    json annotations = json::object();
    for (const auto& a : image.annotations) annotations[a.key.name] = value_text(a);
    images.push_back({{"name", image.name},
                      {"files", image.files},
                      {"annotations", annotations},
                      {"quality", json::parse(image.report.to_json())}});
  }
  for (const auto& d : acquisition::distributions(trial.images))
    metrics.push_back({{"metric", d.metric},
                       {"images", d.images},
                       {"quantiles", d.quantiles},
                       {"warned", d.warned},
                       {"rejected", d.rejected}});
  for (const fs::path& file : trial.unmatched) unmatched.push_back(file.string());
  return {{"mask", mask.name}, {"of", trial.of}, {"images", images}, {"metrics", metrics}, {"unmatched", unmatched}};
}

int test(Session& session, const Options& options) {
  const auto mask = options.paths.empty() ? mask_for(session, options.mask) : acquisition::load_mask(options.mask);
  const Trial trial = options.paths.empty() ? try_records(session, mask, options) : try_files(mask, options);
  if (trial.images.empty())
    throw UserError(
        options.paths.empty()
            ? fmt::format("no image of the archive came through mask '{}'; name files or folders to try it on",
                          mask.name)
            : fmt::format("none of {} files is named as mask '{}' says", trial.unmatched.size(), mask.name));
  if (session.json)
    print_json(trial_json(mask, trial));
  else
    print_trial(mask, trial);
  return 0;
}
}  // namespace

void add_mask(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("mask", "Acquisition masks: what a microscope's files make up");
  command->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  auto* trial = command->add_subcommand("test", "Show what a mask would do with the last images; changes nothing");
  trial->add_option("mask", options->mask, "The mask's YAML file")->required();
  trial->add_option("paths", options->paths,
                    "Files or folders (default: images of the archive that came through a mask of this name)");
  trial->add_option("--last", options->last, "How many images, the latest ones (default 100)")
      ->check(CLI::Range(1, 1'000'000));
  trial->callback([&session, options] { session.action = [&session, options] { return test(session, *options); }; });
}

}  // namespace voxflow::cli
