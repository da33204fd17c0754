// The manifest: commit record of an artifact, and the event derived from it.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/core/hash.hpp"
#include "pipeline/record/annotation.hpp"
#include "pipeline/record/image_info.hpp"

namespace voxflow::record {

inline constexpr const char* kManifestName = "manifest.json";

/// One thing that an artifact holds: an acquisition's "image", or what a step put out at a port.
struct Output {
  std::string port;
  std::string kind;  // "image", "labels", "mask", "table", "transform", "psf"
  std::string file;  // inside the artifact
  Digest content_digest;
  std::optional<ImageInfo> image;      // of volumetric outputs
  std::optional<std::uint64_t> count;  // objects of a label image, rows of a table
  friend bool operator==(const Output&, const Output&) = default;
};

struct FileRecord {
  std::string name;
  std::uint64_t size_bytes = 0;
  Digest sha256;
  friend bool operator==(const FileRecord&, const FileRecord&) = default;
};

/// An input as it was used: its id in the task key, its content, and where it lay, relative to the archive.
struct InputRecord {
  std::string port, id;
  Digest content_digest;
  std::string artifact, output_port;
  friend bool operator==(const InputRecord&, const InputRecord&) = default;
};

/// Where an acquisition came from.
struct Origin {
  std::vector<std::string> files;  // as given to import
  std::vector<Digest> file_digests;
  std::string importer;          // what read the files: "ome-tiff"
  std::string importer_version;  // "libtiff 4.5.0"; "" in older manifests
  std::string converter;         // its command, of files that another program converted
  std::string overrides;         // calibration given by a person, JSON text, "" for none
  std::string mask;              // the acquisition mask's name, "" for none
  std::string mask_sha256;       // of the mask's file, hex
  std::string quality;           // what the quality gate measured and found, JSON text, "" for none
  std::string raw;               // the artifact that keeps the files byte by byte, "" where they are kept by reference
  friend bool operator==(const Origin&, const Origin&) = default;
};

struct Manifest {
  std::string kind;  // "acquisition" or "result"
  std::string project;
  std::string name;  // of an acquisition: what people call it
  std::vector<Output> outputs;
  std::vector<FileRecord> files;
  std::vector<Annotation> annotations;  // of an acquisition, as imported
  std::optional<Origin> origin;

  // Results:
  std::optional<Digest> task_key;
  std::string identity;  // TaskIdentity::canonical()
  std::string kernel;
  int kernel_version = 0;
  std::string plugin_digest;  // hex, "" when built in
  std::string params;         // canonical JSON
  std::vector<InputRecord> inputs;
  std::string workflow, step, run, workflow_sha256;
  std::map<std::string, std::uint64_t> counters;  // "nan_voxels", "clamped_voxels"

  // How it came about; never part of an identity:
  std::string agent, host, job;
  int attempt = 1;
  std::string software;            // "voxflow 0.1.0"
  std::string started, published;  // UTC
  int ranks = 1, threads = 1;
  double wall_s = 0, cpu_s = 0;
  std::uint64_t max_rss_bytes = 0;

  const Output* output(std::string_view port) const;
  std::string to_json() const;
  /// Throws UserError when `text` is not a manifest of a known version.
  static Manifest from_json(std::string_view text);
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// Something that happened, as the log keeps it. `payload` is JSON text.
struct Event {
  std::string id;      // UUID; equal for the same happening
  std::string time;    // UTC
  std::string kind;    // "published", "failed", "annotated", "located", "key_declared"
  std::string source;  // artifact relative to the archive, or the run
  std::string payload;
  std::string to_json() const;  // one line
  static Event from_json(std::string_view line);
  friend bool operator==(const Event&, const Event&) = default;
};

/// Name of the event's file in events/new. Content published twice, in two projects, has one id and two sources.
std::string event_file_name(const Event& event);

/// The event of a published artifact: id = uuid5 of task key (or kind) and content digests, so that a lost one can be
/// emitted again. `artifact` is relative to the archive.
Event published_event(const Manifest& manifest, const std::string& artifact);

/// A task that did not end well, as event payload; the event's id comes from task key and attempt.
struct Failure {
  Digest task_key;
  std::string run, step, image;
  int attempt = 1;
  std::string failure_class;  // "crash", "out_of_memory", "timeout", "hang", "kernel_error", "missing_input", ...
  std::string message, node, log;
  std::string to_json() const;
  static Failure from_json(std::string_view text);
  friend bool operator==(const Failure&, const Failure&) = default;
};
Event failed_event(const Failure& failure, const std::string& time);

/// A person's or a program's annotation of one entity, as event payload.
struct AnnotationChange {
  std::string entity;  // "sha256:<content digest>" or "task:<task key>:<port>"
  std::vector<Annotation> set;
  std::vector<std::string> removed;  // keys
  std::string agent;
  std::string to_json() const;
  static AnnotationChange from_json(std::string_view text);
  friend bool operator==(const AnnotationChange&, const AnnotationChange&) = default;
};
/// Every annotation is a happening of its own: its event's id is random.
Event annotated_event(const AnnotationChange& change, const std::string& time);

/// Further files with the content of an acquisition that is there already, as event payload.
struct SourceLocation {
  std::string entity;  // "sha256:<content digest>"
  std::vector<std::string> files;
  std::vector<Digest> file_digests;
  std::string agent;
  std::string to_json() const;
  static SourceLocation from_json(std::string_view text);
  friend bool operator==(const SourceLocation&, const SourceLocation&) = default;
};
/// The same files found again are the same happening.
Event located_event(const SourceLocation& location, const std::string& time);

/// The declaration of an annotation key as event payload {"name", "type", "unit"}; equal declarations are one
/// happening.
AnnotationKey annotation_key_from_json(std::string_view text);
Event key_declared_event(const AnnotationKey& key, const std::string& time);

}  // namespace voxflow::record
