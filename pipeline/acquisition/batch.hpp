// Imports many images: several at a time, each on its own; what is there already is passed over.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/acquisition/candidates.hpp"
#include "pipeline/acquisition/quality_inspector.hpp"
#include "pipeline/archive/artifact.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/interop/import.hpp"

namespace voxflow::acquisition {

struct BatchOptions {
  std::string project, agent;
  const Mask* mask = nullptr;  // null: warnings only, and what cannot be imported is an error
  std::string mask_text;       // as it was read
  KeepRaw keep = KeepRaw::reference;
  std::optional<Acceptance> accepted;  // of what the gate would reject
  std::size_t images_at_a_time = 1;
  std::uint64_t memory_bytes = UINT64_MAX;         // for planes of images under way; one image is always let through
  const std::atomic<bool>* interrupted = nullptr;  // once true, no image is begun and those under way are given up
};

struct ImageOutcome {
  enum class State { imported, already_there, unchanged, quarantined, failed, not_begun } state = State::not_begun;
  interop::Imported image;       // of imported and already_there; of unchanged only artifact and name
  QualityReport report;          // of imported and quarantined
  std::string quarantine;        // id
  std::string message;           // of failed and quarantined
  ExitCode code = ExitCode::ok;  // who has to act where it failed
};

/// Imports the images and tells of each once, from one thread at a time. Throws DiskFullError, since every further
/// image would fail alike, and InternalError.
void import_batch(const archive::Archive& archive, const std::vector<Candidate>& images, const BatchOptions& options,
                  const std::function<void(std::size_t, const ImageOutcome&)>& tell);

}  // namespace voxflow::acquisition
