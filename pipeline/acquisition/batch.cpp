#include "pipeline/acquisition/batch.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "pipeline/acquisition/ledger.hpp"
#include "pipeline/acquisition/quarantine.hpp"
#include "pipeline/acquisition/raw_files.hpp"
#include "pipeline/core/clock.hpp"
#include "pipeline/core/parallel.hpp"
#include "pipeline/record/identity.hpp"

namespace fs = std::filesystem;

namespace voxflow::acquisition {

namespace {
/// Nobody's mistake: a person wants to stop.
class Interrupted : public UserError {
 public:
  Interrupted() : UserError("interrupted") {}
};

/// Lets images begin while there is memory for their planes.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t bytes) : bytes_(bytes) {}

  void acquire(std::uint64_t bytes) {
    std::unique_lock hold(lock_);
    freed_.wait(hold, [&] { return used_ == 0 || used_ + bytes <= bytes_; });
    used_ += bytes;
  }
  void release(std::uint64_t bytes) {
    {
      const std::lock_guard hold(lock_);
      used_ -= bytes;
    }
    freed_.notify_all();
  }

 private:
  std::mutex lock_;
  std::condition_variable freed_;
  const std::uint64_t bytes_;
  std::uint64_t used_ = 0;
};

/// What an import holds at a time: slabs of a chunk's depth of planes, the same again packed, and the gate's counts.
std::uint64_t bytes_under_way(const record::ImageInfo& image) {
  const auto plane = static_cast<std::uint64_t>(image.grid.shape[kY] * image.grid.shape[kX]);
  const auto depth = static_cast<std::uint64_t>(archive::chunk_shape(image.grid)[kZ]);
  const std::uint64_t slab = depth * plane * size_bytes(image.dtype);
  return 2 * std::max(slab, interop::kBatchBytes) + image.channels.size() * plane * sizeof(std::uint32_t);
}

/// The gate, and what else is to be right before an image is published.
class ImportInspector final : public interop::Inspector {
 public:
  ImportInspector(const archive::Archive& archive, const BatchOptions& options, GateOptions gate, MemoryBudget& budget,
                  const std::vector<fs::path>& files)
      : archive_(archive), options_(options), gate_(std::move(gate)), budget_(budget) {
    for (const fs::path& file : files)
      if (fs::exists(file)) before_.push_back(state_of(file));  // where it is not, the import tells
  }
  ~ImportInspector() override {
    if (held_ > 0) budget_.release(held_);
  }
  ImportInspector(const ImportInspector&) = delete;
  ImportInspector& operator=(const ImportInspector&) = delete;

  void begin(const record::ImageInfo& image) override {
    const std::uint64_t bytes = bytes_under_way(image);
    budget_.acquire(bytes);
    held_ = bytes;
    gate_.begin(image);
  }
  void planes(int t, int c, Index first, Index planes, const void* voxels) override {
    if (options_.interrupted != nullptr && *options_.interrupted) throw Interrupted();
    gate_.planes(t, c, first, planes, voxels);
  }
  void complete(record::Manifest& manifest) override {
    check_unchanged();
    report_ = gate_.report(manifest);
    gate_.complete(manifest);
    if (options_.keep == KeepRaw::copy)
      manifest.origin->raw = keep_raw_files(archive_, options_.project, options_.agent, manifest.origin->files,
                                            manifest.origin->file_digests);
  }
  const QualityReport& report() const { return report_; }
  /// Throws UserError when a file is not what it was before it was read.
  void check_unchanged() const {
    for (const FileState& file : before_)
      if (state_of(file.path) != file)
        throw Unfinished(fmt::format(
            "'{}' changed while it was read; it is still being written: import it again when it is complete",
            file.path));
  }
  /// A file that grows says nothing of its image's quality yet.
  class Unfinished : public UserError {
   public:
    using UserError::UserError;
  };

 private:
  const archive::Archive& archive_;
  const BatchOptions& options_;
  QualityInspector gate_;
  MemoryBudget& budget_;
  std::vector<FileState> before_;
  std::uint64_t held_ = 0;
  QualityReport report_;
};

class Batch {
 public:
  Batch(const archive::Archive& archive, const BatchOptions& options)
      : archive_(archive), options_(options), ledger_(archive, options.project), budget_(options.memory_bytes) {}

  /// What one image fails by is its outcome; a full disk is everybody's.
  ImageOutcome import(const Candidate& candidate) {
    try {
      return import_or_quarantine(candidate);
    } catch (const DiskFullError&) {
      throw;
    } catch (const Error& e) {
      ImageOutcome outcome;
      outcome.state = ImageOutcome::State::failed;
      outcome.message = e.what();
      outcome.code = e.code();
      return outcome;
    }
  }

 private:
  ImageOutcome import_or_quarantine(const Candidate& candidate) {
    interop::ImportRequest request = candidate.request;
    request.project = options_.project;
    request.agent = options_.agent;
    const std::string id = request_id(request, (options_.mask != nullptr ? options_.mask->sha256 : "") +
                                                   (options_.keep == KeepRaw::copy ? " copy" : ""));
    if (auto known = known_outcome(id)) return *known;
    try {
      return import_now(request, candidate, id);
    } catch (const Rejected& e) {
      return quarantine(request, id, e.report());
    } catch (const Interrupted&) {
      return {};
    } catch (const ImportInspector::Unfinished&) {
      throw;
    } catch (const UserError& e) {
      if (options_.mask == nullptr) throw;
      const bool calibration = dynamic_cast<const interop::MissingCalibration*>(&e) != nullptr;
      QualityReport report;
      report.findings = candidate.findings;
      report.findings.push_back({calibration ? "calibration" : "unreadable", Verdict::reject, e.what()});
      return quarantine(request, id, std::move(report));
    }
  }

  std::optional<ImageOutcome> known_outcome(const std::string& id) const {
    const auto entry = ledger_.find(id);
    if (!entry) return std::nullopt;
    ImageOutcome outcome;
    if (!entry->artifact.empty()) {
      const auto manifest = archive_.manifest(entry->artifact);
      if (!manifest) return std::nullopt;
      outcome.state = ImageOutcome::State::unchanged;
      const record::Output& image = manifest->outputs.front();
      outcome.image = {entry->artifact, image.content_digest, true, image.image.value(), manifest->name, {}};
      return outcome;
    }
    const auto record = find_in_quarantine(archive_, options_.project, entry->quarantine);
    if (!record || options_.accepted || !record->accepted_by.empty()) return std::nullopt;
    outcome.state = ImageOutcome::State::quarantined;
    outcome.quarantine = record->id;
    outcome.report = record->report;
    outcome.message = reasons(record->report);
    return outcome;
  }

  ImageOutcome import_now(interop::ImportRequest& request, const Candidate& candidate, const std::string& id) {
    if (!candidate.whole) {
      QualityReport report;
      report.findings = candidate.findings;
      return quarantine(request, id, std::move(report));
    }
    const std::size_t threads = options_.images_at_a_time > 1 ? 1 : few_threads();
    ImportInspector inspector(archive_, options_, {options_.mask, candidate.findings, options_.accepted, threads},
                              budget_, request.files);
    request.inspector = &inspector;
    ImageOutcome outcome;
    outcome.image = interop::import_image(request, archive_);
    outcome.state = outcome.image.already_there ? ImageOutcome::State::already_there : ImageOutcome::State::imported;
    outcome.report = inspector.report();
    if (outcome.image.already_there) {
      inspector.check_unchanged();
      tell_second_location(outcome.image, request.agent);
    }
    LedgerEntry entry{{}, outcome.image.artifact, ""};
    for (const std::string& file : outcome.image.origin.files) entry.files.push_back(state_of(file));
    ledger_.append(id, entry);
    close_quarantine(request, outcome.image.artifact);
    return outcome;
  }

  /// The same content from other files is a second location of it; so is a copy of them that is kept only now.
  void tell_second_location(const interop::Imported& image, const std::string& agent) {
    const auto first = archive_.manifest(image.artifact);
    if (!first || !first->origin) return;
    const auto tell = [&](std::vector<std::string> files) {
      const record::SourceLocation location{record::content_id(image.content), std::move(files),
                                            image.origin.file_digests, agent};
      archive::emit_event(archive_, record::located_event(location, format_time(system_clock().now())));
    };
    if (first->origin->files != image.origin.files) tell(image.origin.files);
    if (options_.keep != KeepRaw::copy) return;
    const std::string raw =
        keep_raw_files(archive_, options_.project, agent, image.origin.files, image.origin.file_digests);
    if (raw != first->origin->raw) tell({(archive_.root() / raw).string()});
  }

  ImageOutcome quarantine(const interop::ImportRequest& request, const std::string& id, QualityReport report) {
    QuarantineRecord record;
    record.project = options_.project;
    record.name = request.name.empty() ? request.files.front().stem().string() : request.name;
    for (const fs::path& file : request.files) record.files.push_back(file.string());
    record.mask_name = options_.mask->name;
    record.mask_text = options_.mask_text;
    record.report = std::move(report);
    record.agent = options_.agent;
    record = put_into_quarantine(archive_, std::move(record));
    if (options_.keep == KeepRaw::copy &&
        std::find(record.sha256.begin(), record.sha256.end(), "") == record.sha256.end()) {
      std::vector<Digest> digests;
      for (const std::string& hex : record.sha256) digests.push_back(digest_from(hex).value());
      record.raw = keep_raw_files(archive_, options_.project, options_.agent, record.files, digests);
      update_quarantine(archive_, record);
    }
    LedgerEntry entry{{}, "", record.id};
    for (const fs::path& file : request.files)
      if (fs::exists(file)) entry.files.push_back(state_of(file));
    ledger_.append(id, entry);
    ImageOutcome outcome;
    outcome.state = ImageOutcome::State::quarantined;
    outcome.quarantine = record.id;
    outcome.message = reasons(record.report);
    outcome.report = record.report;
    return outcome;
  }

  /// What was in quarantine and is imported now leaves it, with who accepted it and why.
  void close_quarantine(const interop::ImportRequest& request, const std::string& artifact) {
    if (options_.mask == nullptr) return;
    std::vector<std::string> files;
    for (const fs::path& file : request.files) files.push_back(file.string());
    auto record = find_in_quarantine(archive_, options_.project, quarantine_id(files, options_.mask->name));
    if (!record || !record->accepted_by.empty()) return;
    record->accepted_by = options_.accepted ? options_.accepted->agent : options_.agent;
    record->accepted_because =
        options_.accepted ? options_.accepted->reason : "files or mask have changed, and it passes";
    record->artifact = artifact;
    update_quarantine(archive_, *record);
  }

  static std::string reasons(const QualityReport& report) {
    std::string text;
    for (const Finding& f : report.findings)
      if (f.verdict == Verdict::reject) text += (text.empty() ? "" : "; ") + f.text;
    return text;
  }

  const archive::Archive& archive_;
  const BatchOptions& options_;
  Ledger ledger_;
  MemoryBudget budget_;
};
}  // namespace

void import_batch(const archive::Archive& archive, const std::vector<Candidate>& images, const BatchOptions& options,
                  const std::function<void(std::size_t, const ImageOutcome&)>& tell) {
  interop::check_project(options.project);
  Batch batch(archive, options);
  std::mutex lock;
  for_each_in_parallel(images.size(), options.images_at_a_time, [&](std::size_t i) {
    const bool stop = options.interrupted != nullptr && *options.interrupted;
    const ImageOutcome outcome = stop ? ImageOutcome{} : batch.import(images[i]);
    const std::lock_guard hold(lock);
    tell(i, outcome);
  });
}

}  // namespace voxflow::acquisition
