#include "pipeline/interop/label_import.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "pipeline/core/clock.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/parallel.hpp"
#include "pipeline/interop/roi.hpp"
#include "pipeline/interop/roi_zip.hpp"
#include "pipeline/interop/slab.hpp"
#include "pipeline/record/params.hpp"
#include "pipeline/record/task.hpp"

namespace voxflow::interop {

namespace {
constexpr const char* kFileName = "data.h5";
constexpr const char* kPort = "labels";
constexpr const char* kMaker = "drawn.regions";
constexpr int kMakerVersion = 1;

struct Region {
  Roi roi;
  std::uint32_t label = 0;
};

/// First and last of the planes along an axis that a region lies on; `place` counts from 1, 0 is all.
struct PlaneRange {
  int first = 0, last = 0;
  bool holds(int n) const { return n >= first && n <= last; }
};

PlaneRange range_of(int place, int planes, std::string_view axis) {
  if (place < 0 || place > planes)
    throw UserError(fmt::format("it lies on {} {}, and the image has {}", axis, place, planes));
  return place == 0 ? PlaneRange{0, planes - 1} : PlaneRange{place - 1, place - 1};
}

struct Planes {
  PlaneRange t, c, z;
};

Planes planes_of(const RoiPlace& place, const record::ImageInfo& info) {
  const int slices = static_cast<int>(info.grid.shape[kZ]);
  const bool along_z = slices > 1;
  const int z = place.position > 0 && along_z ? place.position : place.z;
  const int t = place.position > 0 && !along_z && info.timepoints > 1 ? place.position : place.t;
  // Of a single plane every position is that plane: ImageJ writes one where the image was part of a stack.
  return {range_of(info.timepoints > 1 ? t : 0, info.timepoints, "timepoint"),
          range_of(info.channel_count() > 1 ? place.c : 0, info.channel_count(), "channel"),
          range_of(along_z ? z : 0, slices, "slice")};
}

std::string as_words(const Roi& roi, const std::string& entry) {
  return fmt::format("region '{}'", roi.name.empty() ? entry : roi.name);
}

std::vector<Region> read_regions(const LabelImportRequest& request, const record::ImageInfo& info) {
  std::vector<Region> regions;
  std::set<std::string> problems;
  for_each_roi(request.rois, [&](const std::string& entry, std::string_view bytes) {
    std::string who = fmt::format("region '{}'", entry);
    try {
      Roi roi = decode_roi(bytes);
      who = as_words(roi, entry);
      planes_of(roi.place, info);
      if (covered(roi, info.grid.shape[kY], info.grid.shape[kX]).empty())
        throw UserError(fmt::format("it covers no pixel of the image, whose planes are {} x {} (y, x)",
                                    info.grid.shape[kY], info.grid.shape[kX]));
      regions.push_back({std::move(roi), 0});
    } catch (const UserError& e) {
      problems.insert(fmt::format("'{}': {}: {}", request.rois.string(), who, e.what()));
    }
  });
  if (!problems.empty()) throw UserError(fmt::format("{}", fmt::join(problems, "\n")));
  if (regions.empty()) throw UserError(fmt::format("'{}' holds no region", request.rois.string()));
  return regions;
}

/// Gives a label to each region that says none.
void number(std::vector<Region>& regions, Objects objects) {
  std::uint64_t next = 1;
  for (const Region& r : regions) next = std::max<std::uint64_t>(next, r.roi.label.value_or(0) + std::uint64_t{1});
  std::map<int, std::uint32_t> of_group;
  for (Region& r : regions) {
    if (r.roi.label) {
      r.label = *r.roi.label;
      continue;
    }
    if (next > 0xFFFFFFFF)
      throw UserError("a region has the largest label that there is, so that the others find none");
    const bool joined = objects == Objects::groups && r.roi.group > 0;
    const auto known = of_group.find(r.roi.group);
    r.label = joined && known != of_group.end() ? known->second : static_cast<std::uint32_t>(next++);
    if (joined) of_group.emplace(r.roi.group, r.label);
  }
}

/// Fills slab after slab.
class Painter {
 public:
  Painter(const record::ImageInfo& info, const std::vector<Region>& regions) : info_(info), regions_(regions) {
    for (const Region& r : regions) planes_.push_back(planes_of(r.roi.place, info));
  }

  /// `labels` holds `depth` planes from z on.
  void paint(int t, int c, Index z, Index depth, std::vector<std::uint32_t>& labels) {
    const Index3& shape = info_.grid.shape;
    std::fill(labels.begin(), labels.end(), 0);
    for (std::size_t i = 0; i < regions_.size(); ++i) {
      const Planes& p = planes_[i];
      const Index first = std::max<Index>(p.z.first, z), end = std::min<Index>(p.z.last + 1, z + depth);
      if (!p.t.holds(t) || !p.c.holds(c) || first >= end) continue;
      for (const RoiSpan& span : covered(regions_[i].roi, shape[kY], shape[kX]))
        for (Index k = first; k < end; ++k) {
          std::uint32_t* row = labels.data() + ((k - z) * shape[kY] + span.y) * shape[kX];
          for (Index x = span.begin; x < span.end; ++x) {
            covered_voxels_ += row[x] != 0 && row[x] != regions_[i].label ? 1 : 0;
            row[x] = regions_[i].label;
          }
        }
    }
    std::uint32_t last = 0;
    for (const std::uint32_t label : labels)
      if (label != last) seen_.insert(last = label);
  }

  std::uint64_t covered_voxels() const { return covered_voxels_; }
  std::uint64_t objects() const { return seen_.size() - seen_.count(0); }

 private:
  const record::ImageInfo& info_;
  const std::vector<Region>& regions_;
  std::vector<Planes> planes_;
  std::set<std::uint32_t> seen_;
  std::uint64_t covered_voxels_ = 0;
};

void paint_all(Painter& painter, const record::ImageInfo& info, DType storage, archive::ImageWriter& writer) {
  const Index depth = archive::chunk_shape(info.grid)[kZ], plane = info.grid.shape[kY] * info.grid.shape[kX];
  std::vector<std::uint32_t> labels;
  for (int t = 0; t < info.timepoints; ++t)
    for (int c = 0; c < info.channel_count(); ++c)
      for (Index z = 0; z < info.grid.shape[kZ]; z += depth) {
        const Index here = std::min(depth, info.grid.shape[kZ] - z);
        labels.resize(static_cast<std::size_t>(here * plane));
        painter.paint(t, c, z, here, labels);
        const Slab slab{t, c, z, here, reinterpret_cast<const unsigned char*>(labels.data())};
        write_slabs(writer, info, {&slab, 1}, storage);
      }
}

record::ImageInfo labels_info(const LabelImportRequest& request, const archive::Archive& archive) {
  const auto manifest = archive.manifest(request.image.artifact);
  const record::Output* output = manifest ? manifest->output(request.image.output_port) : nullptr;
  if (output == nullptr || !output->image)
    throw UserError(fmt::format("'{}' is not an image of the archive", request.image.artifact));
  record::ImageInfo info = *output->image;
  info.kind = record::ImageKind::labels;
  info.dtype = DType::uint32;
  if (!request.each_channel) info.channels = {{kPort, std::nullopt, std::nullopt}};
  return info;
}

record::TaskIdentity identity_of(const LabelImportRequest& request, const Digest& file) {
  record::TaskIdentity identity;
  identity.kernel = kMaker;
  identity.version = kMakerVersion;
  identity.params =
      record::canonical_params({{"regions_sha256", file.hex()},
                                {"objects", std::string(request.objects == Objects::groups ? "groups" : "regions")},
                                {"each_channel", request.each_channel}});
  identity.inputs = {{request.image.port, request.image.id}};
  return identity;
}
}  // namespace

ImportedLabels import_labels(const LabelImportRequest& request, const archive::Archive& archive) {
  const std::string started = format_time(system_clock().now());
  const record::ImageInfo info = labels_info(request, archive);
  std::vector<Region> regions = read_regions(request, info);
  number(regions, request.objects);
  const Digest file = sha256_file(request.rois);
  const record::TaskIdentity identity = identity_of(request, file);

  ImportedLabels imported;
  imported.artifact = record::result_folder(request.project, identity.key());
  imported.id = record::task_id(identity.key(), kPort);
  imported.regions = regions.size();
  const auto largest =
      std::max_element(regions.begin(), regions.end(), [](auto& a, auto& b) { return a.label < b.label; });
  const DType storage = largest->label > 0xFFFF ? DType::uint32 : DType::uint16;

  archive::ArtifactBuilder builder(archive, imported.artifact);
  archive::ImageWriter writer = builder.begin_image(kFileName, info, storage);
  Painter painter(info, regions);
  paint_all(painter, info, storage, writer);
  imported.objects = painter.objects();
  imported.covered_voxels = painter.covered_voxels();

  record::Manifest m;
  m.kind = "result";
  m.project = request.project;
  m.outputs = {{kPort, "labels", kFileName, writer.finish({identity.canonical(), "", ""}, {few_threads(), {}}), info,
                imported.objects}};
  m.origin = record::Origin{};
  m.origin->files = {request.rois.string()};
  m.origin->file_digests = {file};
  m.origin->importer = "imagej_roi";
  m.task_key = identity.key();
  m.identity = identity.canonical();
  m.kernel = kMaker;
  m.kernel_version = kMakerVersion;
  m.params = identity.params;
  m.inputs = {request.image};
  m.workflow = "drawn";
  m.step = request.step;
  m.workflow_sha256 = file.hex();  // what a workflow's text is to other results, the regions are to this one
  m.counters = {{"covered_voxels", imported.covered_voxels}, {"regions", imported.regions}};
  m.agent = request.agent;
  m.host = request.host;
  m.started = started;
  imported.already_there = builder.publish(m) == archive::PublishOutcome::already_there;
  return imported;
}

}  // namespace voxflow::interop
