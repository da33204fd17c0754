// The catalog's things as plain values: entities, activities, links.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/core/hash.hpp"
#include "pipeline/record/annotation.hpp"
#include "pipeline/record/image_info.hpp"
#include "pipeline/record/manifest.hpp"

namespace voxflow::catalog {

enum class EntityKind { acquisition, result, labels, mask, table, transform, psf };
std::string_view to_string(EntityKind k);
std::optional<EntityKind> entity_kind_from(std::string_view name);

enum class EntityState { active, superseded, rejected, quarantined, missing, forgotten };
std::string_view to_string(EntityState s);
std::optional<EntityState> entity_state_from(std::string_view name);

/// One image, label image, table, transform or PSF: an acquisition, or what a step put out at one port.
struct Entity {
  /// "sha256:<content digest>" of an acquisition, "task:<task key>:<port>" of a result: what stands in task keys.
  std::string id;
  EntityKind kind = EntityKind::acquisition;
  EntityState state = EntityState::active;
  std::string project;
  /// What people call it. A result has its acquisition's name with workflow and step: "embryo_3 first_look/denoised".
  std::string name;
  Digest content_digest;
  std::optional<Digest> task_key;
  std::string port;
  std::string artifact;             // folder, relative to the archive
  std::string file;                 // inside the artifact
  std::vector<std::string> copies;  // other artifact folders with the same content
  std::uint64_t size_bytes = 0;
  std::string created;  // UTC
  std::optional<record::ImageInfo> image;
  std::optional<std::uint64_t> count;  // objects or rows
  std::vector<record::Annotation> annotations;
};

/// What made an entity.
struct Activity {
  std::string id;  // the event's UUID
  std::string workflow, step, run, kernel;
  int kernel_version = 0;
  std::string status;  // "done", "failed"
  int attempt = 1;
  std::string started, ended, agent, host, job, software, workflow_sha256;
  std::string params;    // canonical JSON
  std::string identity;  // TaskIdentity::canonical()
  std::optional<Digest> task_key;
  std::string plugin_sha256;
  std::string failure_class, message, log;  // of a failed one
};

/// "`entity` was derived from `source` by `activity`".
struct Link {
  std::string entity, source, activity;
  std::string role;  // the input port
};

}  // namespace voxflow::catalog
