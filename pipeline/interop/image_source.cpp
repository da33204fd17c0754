#include "pipeline/interop/image_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "pipeline/core/error.hpp"
#include "pipeline/core/parallel.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/disk_errors.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
constexpr std::string_view kSeparators = "_-. ";
constexpr std::array<std::string_view, 3> kAxes{"z", "y", "x"};

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

[[noreturn]] void fail_missing_spacing(const ImageFile& image, bool needs_z) {
  const ImageFacts& f = image.facts();
  std::string missing;
  for (const std::size_t axis : {kZ, kY, kX})
    if (!f.spacing_um[axis] && (axis != kZ || needs_z))
      missing += (missing.empty() ? "" : ", ") + std::string(kAxes[axis]);
  throw MissingCalibration(
      fmt::format("'{}' does not say its spacing along {} ({}); it says {}. Give it with --spacing z,y,x in um, "
                  "for example --spacing 0.5,0.2,0.2",
                  image.files().front().string(), missing, f.calibration_note, spacing_text(f.spacing_um)));
}
FileGrid grid_of(const ImportRequest& request) {
  const auto n = static_cast<int>(request.files.size());
  if (request.how == Files::channels) return {1, n, 1};
  if (request.how == Files::timepoints) return {n, 1, 1};
  const FileGrid& g = request.grid;
  if (request.how == Files::grid && g.timepoints * g.channels * g.planes != n)
    throw InternalError(
        fmt::format("{} files were given for {} x {} x {} (t, c, z)", n, g.timepoints, g.channels, g.planes));
  return g;
}
}  // namespace

std::string stem_of(const fs::path& file) {
  std::string stem = file.stem().string();
  if (to_lower(stem).ends_with(".ome")) stem.resize(stem.size() - 4);
  return stem;
}

std::string common_name(const std::vector<std::string>& names) {
  std::string_view common =
      std::string_view(names.front()).substr(0, names.size() > 1 ? common_prefix(names) : std::string::npos);
  while (names.size() > 1 && !common.empty() && kSeparators.find(common.back()) != std::string_view::npos)
    common.remove_suffix(1);
  return common.empty() ? names.front() : std::string(common);
}

ImageSource::ImageSource(const ImportRequest& request) : grid_(grid_of(request)) {
  if (request.files.empty()) throw UserError("no file was given to import");
  if (request.files.size() > 1 && request.how == Files::one_image)
    throw UserError(
        fmt::format("{} files were given for one image; say whether they are its channels or its timepoints",
                    request.files.size()));
  const OpenOptions options{request.series, request.dataset, request.pages, request.converter};
  parts_.resize(request.files.size());
  for_each_in_parallel(parts_.size(), few_threads(),
                       [&](std::size_t i) { parts_[i] = open_image(request.files[i], options); });
  check_alike();
  const ImageFacts& first = parts_.front()->facts();
  info_.dtype = stored_dtype(first.type);
  info_.grid.shape = first.shape;
  info_.grid.shape[kZ] *= grid_.planes;
  info_.timepoints = first.timepoints * grid_.timepoints;
  resolve_spacing(request);
  resolve_time_step(request);
  name_channels(request);
  gather_annotations(request);
  name_ = request.name.empty() ? common_name(stems_of(request.files)) : request.name;
}

void ImageSource::check_alike() const {
  const ImageFacts& a = parts_.front()->facts();
  const auto channels = static_cast<std::size_t>(grid_.channels), planes = static_cast<std::size_t>(grid_.planes);
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const ImageFacts& b = parts_[i]->facts();
    const ImageFacts& of_channel = parts_[i / planes % channels * planes]->facts();
    if (a.shape != b.shape || a.type != b.type || a.timepoints != b.timepoints ||
        of_channel.channels.size() != b.channels.size())
      throw UserError(fmt::format("the files do not fit together: '{}' has {}, '{}' has {}",
                                  parts_.front()->files().front().string(), facts_text(a),
                                  parts_[i]->files().front().string(), facts_text(b)));
  }
}

void ImageSource::override_calibration(const char* what, const std::string& file, const std::string& given) {
  if (file == given) return;
  const std::string one = fmt::format(R"("{}":{{"file":{},"given":{}}})", what, file, given);
  overrides_ = overrides_.empty() ? "{" + one + "}" : overrides_.substr(0, overrides_.size() - 1) + "," + one + "}";
}

void ImageSource::resolve_time_step(const ImportRequest& request) {
  if (info_.timepoints == 1) return;
  info_.time_step_s = parts_.front()->facts().time_step_s;
  if (!request.time_step_s) return;
  override_calibration("time_step_s", info_.time_step_s ? format_number(*info_.time_step_s) : "null",
                       format_number(*request.time_step_s));
  info_.time_step_s = request.time_step_s;
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
    auto given = said;
    for (const std::size_t axis : {kZ, kY, kX}) {
      const auto& um = request.spacing->um[axis];
      if (!um) continue;
      if (!(*um > 0) || !std::isfinite(*um))
        throw UserError(fmt::format("the spacing along {} is {} um, allowed is more than 0", kAxes[axis], *um));
      given[axis] = um;
    }
    override_calibration("spacing_um", json_numbers(said), json_numbers(given));
    said = given;
  }
  if (!said[kY] || !said[kX] || (!said[kZ] && info_.grid.shape[kZ] > 1))
    fail_missing_spacing(*parts_.front(), info_.grid.shape[kZ] > 1);
  // One plane has no distance to a next one: z counts as x, so that a volume of one plane is isotropic.
  info_.grid.spacing = {{{said[kZ].value_or(*said[kX])}, {*said[kY]}, {*said[kX]}}};
}

void ImageSource::name_channels(const ImportRequest& request) {
  const auto files = static_cast<std::size_t>(grid_.channels), planes = static_cast<std::size_t>(grid_.planes);
  for (std::size_t i = 0; i < files; ++i) {
    const auto& channels = parts_[i * planes]->facts().channels;
    info_.channels.insert(info_.channels.end(), channels.begin(), channels.end());
  }
  const std::size_t n = info_.channels.size();
  if (!request.channel_names.empty() && request.channel_names.size() != n)
    throw UserError(fmt::format("{} channel names were given ({}), but the image has {} channels",
                                request.channel_names.size(), join(request.channel_names, ", "), n));
  if (!request.wavelengths.empty() && request.wavelengths.size() != n)
    throw UserError(fmt::format("the wavelengths of {} channels were given, but the image has {} channels",
                                request.wavelengths.size(), n));
  for (std::size_t c = 0; c < request.wavelengths.size(); ++c) {
    const Wavelengths& given = request.wavelengths[c];
    if (given.emission_nm) info_.channels[c].emission_nm = given.emission_nm;
    if (given.excitation_nm) info_.channels[c].excitation_nm = given.excitation_nm;
  }
  const auto stems = stems_of(request.files);
  const std::size_t prefix = common_prefix(stems);
  std::set<std::string> names;
  for (std::size_t c = 0; c < n; ++c) {
    std::string& name = info_.channels[c].name;
    if (!request.channel_names.empty())
      name = request.channel_names[c];
    else if (name.empty() && n == parts_.size() && n == files && n > 1)
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

/// The file that holds the plane, whose own t, c and z are given back.
std::size_t ImageSource::part_of(int& t, int& c, Index& z) const {
  const ImageFacts& f = parts_.front()->facts();
  const auto planes = static_cast<std::size_t>(grid_.planes);
  std::size_t channel = 0;
  for (auto n = static_cast<int>(f.channels.size()); c >= n;
       n = static_cast<int>(parts_[channel * planes]->facts().channels.size())) {
    c -= n;
    ++channel;
  }
  const auto timepoint = static_cast<std::size_t>(t / f.timepoints), plane = static_cast<std::size_t>(z / f.shape[kZ]);
  t %= f.timepoints;
  z %= f.shape[kZ];
  return (timepoint * static_cast<std::size_t>(grid_.channels) + channel) * planes + plane;
}

void ImageSource::read_planes(int t, int c, Index first, Index planes, void* voxels) {
  const Grid& grid = info_.grid;
  const auto plane_bytes = static_cast<std::size_t>(grid.shape[kY] * grid.shape[kX]) * size_bytes(info_.dtype);
  auto* into = static_cast<unsigned char*>(voxels);
  while (planes > 0) {
    int own_t = t, own_c = c;
    Index own_z = first;
    ImageFile& part = *parts_[part_of(own_t, own_c, own_z)];
    const Index n = std::min(planes, part.facts().shape[kZ] - own_z);
    telling_disk_errors(part.files().front(), [&] { part.read_planes(own_t, own_c, own_z, n, into); });
    into += static_cast<std::size_t>(n) * plane_bytes;
    first += n;
    planes -= n;
  }
}

void ImageSource::close_all_but(int t, int c) {
  Index first = 0;
  const std::size_t kept = part_of(t, c, first);
  for (std::size_t i = 0; i < parts_.size(); ++i)
    if (i != kept) parts_[i]->close();
}

}  // namespace voxflow::interop
