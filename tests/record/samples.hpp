// Records with every member set to something of its own, for tests of their JSON form.
#pragma once
#include "pipeline/record/manifest.hpp"
#include "pipeline/record/plan.hpp"
#include "pipeline/record/task.hpp"

namespace voxflow::record {

inline ImageInfo sample_image() {
  ImageInfo info;
  info.kind = ImageKind::labels;
  info.dtype = DType::uint32;
  info.grid = {{16, 64, 48}, {{{0.5}, {0.104}, {0.1}}}};
  info.timepoints = 2;
  info.channels = {{"nuclei", 520.5, 488.0}, {"membrane", std::nullopt, std::nullopt}};
  info.time_step_s = 30.25;
  return info;
}

inline Manifest sample_result() {
  Manifest m;
  m.kind = "result";
  m.project = "malaria";
  m.outputs = {{"labels", "labels", "labels.h5", sha256("labels"), sample_image(), 42},
               {"objects", "table", "objects.tsv", sha256("objects"), std::nullopt, std::nullopt}};
  m.files = {{"labels.h5", 123'456'789'012, sha256("file")}};
  m.task_key = sha256("task");
  m.identity = R"({"kernel":"segment.components","version":3})";
  m.kernel = "segment.components";
  m.kernel_version = 3;
  m.plugin_digest = sha256("plugin").hex();
  m.params = R"({"connectivity":26,"smallest_um3":0.5})";
  m.inputs = {{"mask", "task:ab:mask", sha256("mask"), "malaria/results/ab/abcd", "image"}};
  m.workflow = "first_look", m.step = "cells", m.run = "2026-11-22_1", m.workflow_sha256 = sha256("yaml").hex();
  m.counters = {{"clamped_voxels", 7}, {"nan_voxels", 18'446'744'073'709'551'615U}};
  m.agent = "mira", m.host = "n3", m.job = "4711", m.attempt = 2;
  m.software = "voxflow 0.1.0", m.started = "2026-11-22T08:15:30.123Z", m.published = "2026-11-22T08:16:00.000Z";
  m.ranks = 3, m.threads = 2, m.wall_s = 29.877, m.cpu_s = 120.5, m.max_rss_bytes = 5'000'000'000;
  return m;
}

inline Manifest sample_acquisition() {
  Manifest m;
  m.kind = "acquisition";
  m.project = "malaria";
  m.name = "embryo 3";
  m.outputs = {{"image", "image", "data.h5", sha256("content"), sample_image(), std::nullopt}};
  m.annotations = {{{"strain", AnnotationType::text, ""}, std::string("3D7")},
                   {{"time_post_infection", AnnotationType::number, "h"}, 18.5},
                   {{"acquired", AnnotationType::date, ""}, std::string("2026-11-22")},
                   {{"fixed", AnnotationType::boolean, ""}, true}};
  record::Origin origin;
  origin.files = {"a.tif", "b.tif"};
  origin.file_digests = {sha256("a"), sha256("b")};
  origin.importer = "tiff";
  origin.importer_version = "libtiff 4.5.0";
  origin.overrides = R"({"spacing_um":[0.5,0.1,0.1]})";
  origin.mask = "confocal_2";
  origin.mask_sha256 = sha256("mask").hex();
  origin.quality = R"({"verdict":"ok"})";
  origin.raw = "cells/raw/ab/abc";
  m.origin = std::move(origin);
  return m;
}

inline Task sample_task() {
  Task t;
  t.key = sha256("task");
  t.identity.kernel = "segment.components";
  t.identity.version = 3;
  t.identity.params = R"({"connectivity":26})";
  t.identity.params_by_channel = {{1, R"({"connectivity":6})"}};
  t.identity.inputs = {{"mask", "task:ab:mask"}};
  t.identity.channels = {0, 1};
  t.identity.timepoints = {3};
  t.identity.block_shape = Index3{32, 128, 128};
  t.inputs = {{"mask", "task:ab:mask", "malaria/results/ab/abcd", "image"}};
  t.project = "malaria", t.workflow = "first_look", t.workflow_sha256 = sha256("yaml").hex(), t.step = "cells";
  t.run = "2026-11-22_1", t.image = "embryo 3", t.artifact = result_folder("malaria", t.key);
  t.resources = {3, 2, 8'000'000'000, 1800.5};
  t.attempt = 2;
  t.after = {sha256("before")};
  return t;
}

inline TaskReport sample_report() {
  return {sha256("task"), TaskState::failed, 2, "crash", "signal 11", "n3", "b1.log", 3.25, "2026-11-22T08:15:30.123Z"};
}

}  // namespace voxflow::record
