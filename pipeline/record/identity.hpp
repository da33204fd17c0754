// The identity of content and of tasks: what is hashed, and in which form. A change here changes every key in an
// archive.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/core/hash.hpp"
#include "pipeline/record/image_info.hpp"

namespace voxflow::record {

/// Digest of one volume (one t, c): voxel type, shape, spacing and kind, then the digests of its decoded level-0 chunks
/// in raster order. The chunk shape is a function of the grid (archive::chunk_shape), so it needs no place of its own.
Digest volume_digest(const ImageInfo& info, std::span<const Digest> chunks);

/// Digest of an image: its volumes' digests in t, c order.
Digest image_digest(std::span<const Digest> volumes);

/// Everything that decides a task's result, and nothing else.
struct TaskIdentity {
  std::string kernel;
  int version = 0;
  /// Resolved parameters, every default filled in, as canonical JSON text (canonical_params).
  std::string params;
  /// Parameters that differ for some channels: channel index → canonical JSON text of all resolved parameters.
  std::map<int, std::string> params_by_channel;
  /// Input port → input id: a content digest ("sha256:…") or an upstream task's port ("task:<key>:<port>").
  std::map<std::string, std::string> inputs;
  /// Channels and timepoints the step is narrowed to; empty: all.
  std::vector<int> channels, timepoints;
  /// Core shape of the block grid, where the kernel is not exact.
  std::optional<Index3> block_shape;

  /// SHA-256 over the canonical JSON of the above.
  Digest key() const;
  /// That canonical JSON, which manifests keep so that `why` can name the part that differs.
  std::string canonical() const;
  friend bool operator==(const TaskIdentity&, const TaskIdentity&) = default;
};

std::string content_id(const Digest& content);
std::string task_id(const Digest& task_key, const std::string& port);

}  // namespace voxflow::record
