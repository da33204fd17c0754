#include "pipeline/interop/image_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
constexpr std::string_view kSeparators = "_-. ";
constexpr std::array<std::string_view, 3> kAxes{"z", "y", "x"};

std::string stem_of(const fs::path& file) {
  std::string stem = file.stem().string();
  if (to_lower(stem).ends_with(".ome")) stem.resize(stem.size() - 4);
  return stem;
}

std::vector<std::string> stems_of(const std::vector<fs::path>& files) {
  std::vector<std::string> stems;
  for (const fs::path& file : files) stems.push_back(stem_of(file));
  return stems;
}

/// Length of what all names begin with, ending after a separator.
std::size_t common_prefix(const std::vector<std::string>& names) {
  std::size_t n = names.front().size();
  for (const std::string& name : names) {
    const auto [differs, other] = std::mismatch(names.front().begin(), names.front().end(), name.begin(), name.end());
    n = std::min(n, static_cast<std::size_t>(differs - names.front().begin()));
  }
  while (n > 0 && kSeparators.find(names.front()[n - 1]) == std::string_view::npos) --n;
  return n;
}

std::string spacing_text(const std::array<std::optional<double>, 3>& um) {
  const auto one = [](const std::optional<double>& v) { return v ? format_number(*v) : "unknown"; };
  return fmt::format("{}, {}, {} um (z, y, x)", one(um[kZ]), one(um[kY]), one(um[kX]));
}

std::string json_numbers(const std::array<std::optional<double>, 3>& um) {
  const auto one = [](const std::optional<double>& v) { return v ? format_number(*v) : "null"; };
  return fmt::format("[{},{},{}]", one(um[kZ]), one(um[kY]), one(um[kX]));
}

std::string facts_text(const ImageFacts& f) {
  return fmt::format("{} x {} x {} voxels (z, y, x) of {}, {} channels, {} timepoints", f.shape[kZ], f.shape[kY],
                     f.shape[kX], to_string(f.type), f.channels.size(), f.timepoints);
}

[[noreturn]] void fail_missing_spacing(const ImageFile& image) {
  const ImageFacts& f = image.facts();
  std::string missing;
  for (const std::size_t axis : {kZ, kY, kX})
    if (!f.spacing_um[axis] && (axis != kZ || f.shape[kZ] > 1))
      missing += (missing.empty() ? "" : ", ") + std::string(kAxes[axis]);
  throw UserError(
      fmt::format("'{}' does not say its spacing along {} ({}); it says {}. Give it with --spacing z,y,x in um, "
                  "for example --spacing 0.5,0.2,0.2",
                  image.files().front().string(), missing, f.calibration_note, spacing_text(f.spacing_um)));
}
}  // namespace

std::string common_name(const std::vector<std::string>& names) {
  std::string_view common =
      std::string_view(names.front()).substr(0, names.size() > 1 ? common_prefix(names) : std::string::npos);
  while (names.size() > 1 && !common.empty() && kSeparators.find(common.back()) != std::string_view::npos)
    common.remove_suffix(1);
  return common.empty() ? names.front() : std::string(common);
}

ImageSource::ImageSource(const ImportRequest& request) : how_(request.how) {
  if (request.files.empty()) throw UserError("no file was given to import");
  if (request.files.size() > 1 && how_ == Files::one_image)
    throw UserError(
        fmt::format("{} files were given for one image; say whether they are its channels or its timepoints",
                    request.files.size()));
  for (const fs::path& file : request.files) parts_.push_back(open_image(file, {request.series, request.dataset, request.pages}));
  check_alike();
  const ImageFacts& first = parts_.front()->facts();
  info_.dtype = stored_dtype(first.type);
  info_.grid.shape = first.shape;
  info_.timepoints = first.timepoints * (how_ == Files::timepoints ? static_cast<int>(parts_.size()) : 1);
  if (info_.timepoints > 1) info_.time_step_s = first.time_step_s;
  resolve_spacing(request);
  name_channels(request);
  gather_annotations(request);
  name_ = request.name.empty() ? common_name(stems_of(request.files)) : request.name;
}

void ImageSource::check_alike() const {
  const ImageFacts& a = parts_.front()->facts();
  for (const auto& part : parts_) {
    const ImageFacts& b = part->facts();
    const bool axes = how_ == Files::channels ? a.timepoints == b.timepoints : a.channels.size() == b.channels.size();
    if (a.shape != b.shape || a.type != b.type || !axes)
      throw UserError(fmt::format("the files do not fit together: '{}' has {}, '{}' has {}",
                                  parts_.front()->files().front().string(), facts_text(a),
                                  part->files().front().string(), facts_text(b)));
  }
}

void ImageSource::resolve_spacing(const ImportRequest& request) {
  auto said = parts_.front()->facts().spacing_um;
  for (const auto& part : parts_)
    if (part->facts().spacing_um != said) {
      if (!request.spacing)
        throw UserError(
            fmt::format("the files differ in spacing: '{}' says {}, '{}' says {}. Give the right one with "
                        "--spacing z,y,x in um",
                        parts_.front()->files().front().string(), spacing_text(said), part->files().front().string(),
                        spacing_text(part->facts().spacing_um)));
      break;
    }
  if (request.spacing) {
    std::array<std::optional<double>, 3> given;
    for (const std::size_t axis : {kZ, kY, kX}) {
      given[axis] = (*request.spacing)[axis].value;
      if (!(*given[axis] > 0) || !std::isfinite(*given[axis]))
        throw UserError(
            fmt::format("the spacing along {} is {} um, allowed is more than 0", kAxes[axis], *given[axis]));
    }
    if (given != said)
      overrides_ = fmt::format(R"({{"spacing_um":{{"file":{},"given":{}}}}})", json_numbers(said), json_numbers(given));
    info_.grid.spacing = *request.spacing;
    return;
  }
  if (!said[kY] || !said[kX] || (!said[kZ] && info_.grid.shape[kZ] > 1)) fail_missing_spacing(*parts_.front());
  // One plane has no distance to a next one: z counts as x, so that a volume of one plane is isotropic.
  info_.grid.spacing = {{{said[kZ].value_or(*said[kX])}, {*said[kY]}, {*said[kX]}}};
}

void ImageSource::name_channels(const ImportRequest& request) {
  const bool by_file = how_ == Files::channels;
  for (const auto& part : parts_)
    if (by_file || info_.channels.empty())
      info_.channels.insert(info_.channels.end(), part->facts().channels.begin(), part->facts().channels.end());
  const std::size_t n = info_.channels.size();
  if (!request.channel_names.empty() && request.channel_names.size() != n)
    throw UserError(fmt::format("{} channel names were given ({}), but the image has {} channels",
                                request.channel_names.size(), join(request.channel_names, ", "), n));
  const auto stems = stems_of(request.files);
  const std::size_t prefix = common_prefix(stems);
  std::set<std::string> names;
  for (std::size_t c = 0; c < n; ++c) {
    std::string& name = info_.channels[c].name;
    if (!request.channel_names.empty())
      name = request.channel_names[c];
    else if (name.empty() && by_file && n == parts_.size() && n > 1)
      name = stems[c].substr(prefix);
    if (name.empty()) name = fmt::format("channel_{}", c);
    names.insert(name);
  }
  if (names.size() == n) return;
  if (!request.channel_names.empty())
    throw UserError(fmt::format("the channel names ({}) are not all different", join(request.channel_names, ", ")));
  for (std::size_t c = 0; c < n; ++c) info_.channels[c].name = fmt::format("channel_{}", c);
}

void ImageSource::gather_annotations(const ImportRequest& request) {
  const auto add = [this](const record::Annotation& annotation) {
    const auto same = [&](const record::Annotation& a) { return a.key.name == annotation.key.name; };
    if (std::none_of(annotations_.begin(), annotations_.end(), same)) annotations_.push_back(annotation);
  };
  for (const auto& annotation : request.annotations) add(annotation);
  for (const auto& annotation : parts_.front()->facts().annotations) add(annotation);
  const SampleType type = parts_.front()->facts().type;
  if (to_string(type) != to_string(info_.dtype))
    add({{"file_voxel_type", record::AnnotationType::text, ""}, std::string(to_string(type))});
}

std::string ImageSource::original_text() const {
  if (parts_.size() == 1) return parts_.front()->facts().description;
  std::string text;
  for (const auto& part : parts_)
    if (!part->facts().description.empty())
      text += fmt::format("{}:\n{}\n", part->files().front().filename().string(), part->facts().description);
  return text;
}

std::vector<fs::path> ImageSource::files() const {
  std::vector<fs::path> all;
  for (const auto& part : parts_)
    for (const fs::path& file : part->files())
      if (std::find(all.begin(), all.end(), file) == all.end()) all.push_back(file);
  return all;
}

void ImageSource::read_planes(int t, int c, Index first, Index planes, void* voxels) {
  const ImageFacts& f = parts_.front()->facts();
  std::size_t part = 0;
  if (how_ == Files::timepoints) {
    part = static_cast<std::size_t>(t / f.timepoints);
    t %= f.timepoints;
  } else {
    for (auto n = static_cast<int>(f.channels.size()); c >= n;
         n = static_cast<int>(parts_[part]->facts().channels.size())) {
      c -= n;
      ++part;
    }
  }
  parts_[part]->read_planes(t, c, first, planes, voxels);
}

void ImageSource::close() {
  for (const auto& part : parts_) part->close();
}

}  // namespace voxflow::interop
