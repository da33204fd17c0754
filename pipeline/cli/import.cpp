// voxflow import: microscope files become acquisitions of the archive.
#include <unistd.h>

#include <memory>

#include <fmt/format.h>

#include "pipeline/acquisition/batch.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/import_requests.hpp"
#include "pipeline/cli/interrupt.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/cli/progress.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/core/parallel.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/record/identity.hpp"

namespace voxflow::cli {

namespace {
using acquisition::ImageOutcome;
using State = ImageOutcome::State;

/// Planes of images under way take at most so much of the machine's memory.
constexpr std::uint64_t kShareOfMemory = 4;

std::uint64_t physical_memory_bytes() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE));
}

/// An image that was there takes the annotations given now; its channels keep their names.
void add_to_known(Session& session, const interop::ImportRequest& request, const interop::Imported& known) {
  const auto manifest = session.archive().manifest(known.artifact);
  const auto& channels = manifest.value().output("image")->image->channels;
  for (std::size_t i = 0; i < request.channel_names.size(); ++i)
    if (request.channel_names[i] != channels.at(i).name)
      throw UserError(
          fmt::format("image '{}' holds the same voxels, and its channel {} is named '{}', not '{}'; an acquisition is "
                      "never changed",
                      known.name, i, channels[i].name, request.channel_names[i]));
  if (request.annotations.empty()) return;
  const record::AnnotationChange change{record::content_id(known.content), request.annotations, {}, current_agent()};
  session.catalog().annotate_all({&change, 1});
}

/// " (the same as NAME of project P)" where another project has the same voxels; they are one image in the catalog.
std::string other_name(Session& session, const interop::Imported& imported) {
  const catalog::Entity entity = session.catalog().get(record::content_id(imported.content));
  if (entity.artifact == imported.artifact) return "";
  return fmt::format(" (the same as '{}' of project {})", entity.name, entity.project);
}

acquisition::BatchOptions batch_options(const ImportOptions& options, const ImportRequests& requests) {
  acquisition::BatchOptions batch;
  batch.project = options.project;
  batch.agent = current_agent();
  if (requests.mask) {
    batch.mask = &*requests.mask;
    batch.keep = requests.mask->keep;
  }
  batch.mask_text = requests.mask_text;
  if (!options.keep.empty())
    batch.keep = options.keep == "copy" ? acquisition::KeepRaw::copy : acquisition::KeepRaw::reference;
  if (!options.accept_because.empty()) batch.accepted = {batch.agent, options.accept_because};
  batch.images_at_a_time = options.at_a_time > 0 ? options.at_a_time : few_threads();
  batch.images_at_a_time = std::min(batch.images_at_a_time, requests.images.size());
  batch.memory_bytes = physical_memory_bytes() / kShareOfMemory;
  batch.interrupted = &interrupted();
  return batch;
}

std::vector<ImageOutcome> import_all(const archive::Archive& archive, const ImportRequests& requests,
                                     const acquisition::BatchOptions& options) {
  std::vector<ImageOutcome> outcomes(requests.images.size());
  ProgressDisplay display(system_clock());
  engine::Progress progress;
  progress.all.waiting = outcomes.size();
  import_batch(archive, requests.images, options, [&](std::size_t i, const ImageOutcome& outcome) {
    outcomes[i] = outcome;
    if (outcome.state == State::not_begun) return;
    const bool well = outcome.state != State::failed && outcome.state != State::quarantined;
    --progress.all.waiting;
    ++(well ? progress.all.done : progress.all.failed);
    display.show(progress);
  });
  return outcomes;
}

/// What came of all images, to be said at the end.
class Summary {
 public:
  Summary(Session& session, const ImportRequests& requests) : session_(session), requests_(requests) {}

  void take(std::size_t i, const ImageOutcome& outcome) {
    const auto& request = requests_.images[i].request;
    switch (outcome.state) {
      case State::not_begun:
        ++not_begun_;
        return;
      case State::failed:
        fail(outcome.message, outcome.code);
        return;
      case State::quarantined:
        ++quarantined_;
        log::error("{}: rejected, in quarantine as {}: {}", request.files.front().string(), outcome.quarantine,
                   outcome.message);
        return;
      case State::unchanged:
        ++unchanged_;
        break;
      default:
        break;
    }
    try {
      take_imported(request, outcome);
    } catch (const UserError& e) {
      fail(e.what(), e.code());
    }
  }

  int print_all() {
    print(table_.text());
    if (requests_.images.size() > 1 || quarantined_ + not_begun_ > 0) print(counts_text());
    if (quarantined_ > 0)
      print(
          "`voxflow quarantine list` shows what was rejected and why; `voxflow quarantine accept` takes it all the "
          "same");
    if (!requests_.unmatched.empty())
      print(fmt::format("{} files are not named as the mask says, such as '{}'", requests_.unmatched.size(),
                        requests_.unmatched.front().string()));
    if (not_begun_ > 0) print("import the same files again to go on from here");
    if (code_ != ExitCode::ok) return static_cast<int>(code_);
    return static_cast<int>(quarantined_ + not_begun_ > 0 ? ExitCode::failed_tasks : ExitCode::ok);
  }

 private:
  void fail(const std::string& message, ExitCode code) {
    // Of several who have to act, the operator comes first.
    code_ = std::max(code_, code);
    log::error("{}", message);
    ++failed_;
  }

  void take_imported(const interop::ImportRequest& request, const ImageOutcome& outcome) {
    const interop::Imported& image = outcome.image;
    if (outcome.state == State::already_there) add_to_known(session_, request, image);
    const std::string known_as = other_name(session_, image);
    table_.add({image.name + (!known_as.empty()     ? known_as
                              : image.already_there ? " (was there)"
                                                    : ""),
                shape_text(image.info), spacing_text(image.info.grid), std::string(to_string(image.info.dtype)),
                outcome.state == State::imported ? std::string(to_string(outcome.report.verdict())) : "",
                "sha256:" + image.content.hex()});
    for (const acquisition::Finding& f : outcome.report.findings)
      if (outcome.state == State::imported) log::warning("{}: {}", image.name, f.text);
  }

  std::string counts_text() const {
    std::string text = fmt::format("{} of {} imported", table_.rows(), requests_.images.size());
    const auto add = [&](std::size_t n, const char* what) {
      if (n > 0) text += fmt::format(", {} {}", n, what);
    };
    add(unchanged_, "of them before");
    add(quarantined_, "in quarantine");
    add(failed_, "failed");
    add(not_begun_, "not begun");
    return text;
  }

  Session& session_;
  const ImportRequests& requests_;
  TextTable table_{{"image", "t c z y x", "spacing z y x", "voxels", "qc", "id"}};
  std::size_t unchanged_ = 0, quarantined_ = 0, failed_ = 0, not_begun_ = 0;
  ExitCode code_ = ExitCode::ok;
};

int import(Session& session, const ImportOptions& options) {
  const ImportRequests requests = import_requests(session, options);
  const auto& archive = session.archive();
  archive::remove_leftovers(archive);
  const auto outcomes = import_all(archive, requests, batch_options(options, requests));
  session.catalog().ingest();
  if (outcomes.size() == 1 && outcomes.front().state == State::failed)
    throw Error(outcomes.front().code, outcomes.front().message);
  Summary summary(session, requests);
  for (std::size_t i = 0; i < outcomes.size(); ++i) summary.take(i, outcomes[i]);
  return summary.print_all();
}
}  // namespace

void add_import(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("import", "Take microscope files into the archive");
  const auto options = std::make_shared<ImportOptions>();
  command
      ->add_option("files", options->files,
                   "TIFF, OME-TIFF, BigDataViewer, Imaris, HDF5, MRC, MetaImage, NRRD, NIfTI files; others by the "
                   "site's converter; with --mask also folders, which are walked")
      ->required();
  command->add_option("--project", options->project, "Project that the images belong to")->required();
  command->add_option("--mask", options->mask,
                      "Acquisition mask of the microscope: a YAML file that says which files make an image");
  command->add_option("--name", options->name, "Name of the image (default: the file's)");
  command
      ->add_option("--files-are", options->files_are,
                   "What several files are: an image each, or the channels or timepoints of one image")
      ->check(CLI::IsMember({"images", "channels", "timepoints"}));
  command->add_option("--channel-names", options->channel_names, "Names of the channels, in order: DAPI,LaminB1")
      ->delimiter(',');
  command->add_option(
      "--spacing", options->spacing,
      "Distance of voxels z,y,x with unit, where the files do not say it or say it wrongly: 0.5,0.2,0.2 um");
  command->add_option("--pages", options->pages, "What the pages are of a TIFF that does not say it: z (default) or t")
      ->check(CLI::IsMember({"z", "t"}));
  command->add_option("--annotate", options->annotations, "key=value, such as species=G12 or time_post_infection=18h")
      ->take_all();
  command->add_option("--series", options->series,
                      "Which image of a file that holds several, from 0; or all: each becomes an image of its own");
  command->add_option("--dataset", options->dataset, "Which dataset of an HDF5 file that holds several: /volumes/raw");
  command->add_option("--site", options->site,
                      "Site settings (YAML), which name the converter of other formats; unless given VOXFLOW_SITE, or "
                      "site.yaml in the archive");
  command
      ->add_option("--keep", options->keep,
                   "The files themselves: left where they are and referred to (default), or copied byte by byte")
      ->check(CLI::IsMember({"reference", "copy"}));
  command->add_option("--accept-rejected", options->accept_because,
                      "Import what the quality gate rejects, for this reason; who and why is recorded");
  command->add_option("--at-a-time", options->at_a_time, "Images imported at a time (default: by the machine)")
      ->check(CLI::Range(1, 64));
  command->callback(
      [&session, options] { session.action = [&session, options] { return import(session, *options); }; });
}

}  // namespace voxflow::cli
