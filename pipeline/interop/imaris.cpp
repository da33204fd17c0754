// Imaris 5.5 files: HDF5 in which every attribute is an array of characters and every volume is padded to whole chunks.
#include <chrono>
#include <cstdio>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/hdf5_image.hpp"
#include "pipeline/interop/microscope_units.hpp"

namespace voxflow::interop {

namespace {
using archive::Hdf5File;
const std::string kVolumes = "/DataSet/ResolutionLevel 0";
const std::string kImage = "/DataSetInfo/Image";

std::optional<double> number_at(const Hdf5File& file, const std::string& object, const std::string& attribute) {
  const auto text = file.text(object, attribute);
  return text ? number_in(*text) : std::nullopt;
}

Index size_at(const Hdf5File& file, const std::string& channel, const char* axis) {
  for (const auto& [object, attribute] :
       {std::pair{channel, fmt::format("ImageSize{}", axis)}, {kImage, std::string(axis)}})
    if (const auto text = file.text(object, attribute))
      if (const auto n = count_in(*text); n && *n > 0) return *n;
  throw UserError(fmt::format("'{}' does not say ImageSize{}", channel, axis));
}

/// Seconds of "2018-05-16 14:00:51.000" since some day; nothing for other texts.
std::optional<double> moment(const std::string& text) {
  int year = 0, hour = 0, minute = 0;
  unsigned month = 0, day = 0;
  double seconds = 0;
  if (std::sscanf(text.c_str(), "%d-%u-%u %d:%d:%lf", &year, &month, &day, &hour, &minute, &seconds) != 6)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return static_cast<double>(days) * 86400 + hour * 3600 + minute * 60 + seconds;
}

/// The mean distance of timepoints; they are named TimePoint1, TimePoint2, ...
std::optional<double> time_step(const Hdf5File& file, int timepoints) {
  const std::string info = "/DataSetInfo/TimeInfo";
  if (timepoints < 2) return std::nullopt;
  const auto at = [&](int t) { return moment(file.text(info, fmt::format("TimePoint{}", t)).value_or("")); };
  const auto first = at(1), last = at(timepoints);
  if (!first || !last || *last <= *first) return std::nullopt;
  return to_six_digits((*last - *first) / (timepoints - 1));
}

void read_spacing(const Hdf5File& file, ImageFacts& facts) {
  const std::string unit = file.text(kImage, "Unit").value_or("um");
  facts.calibration_note = "its extents (ExtMin, ExtMax) are no lengths";
  if (!micrometres_in(unit)) facts.calibration_note = fmt::format("its unit is '{}', which is no length", unit);
  for (const std::size_t axis : {kZ, kY, kX}) {
    const auto low = number_at(file, kImage, fmt::format("ExtMin{}", 2 - axis)),
               high = number_at(file, kImage, fmt::format("ExtMax{}", 2 - axis));
    if (!low || !high || *high <= *low) continue;
    facts.spacing_um[axis] =
        in_micrometres(to_six_digits((*high - *low) / static_cast<double>(facts.shape[axis])), unit);
  }
}

std::optional<double> wavelength_nm(const Hdf5File& file, const std::string& channel, const char* attribute) {
  const auto nm = number_at(file, channel, attribute);
  return nm && *nm > 0 ? nm : std::nullopt;
}

void read_channels(const Hdf5File& file, ImageFacts& facts) {
  for (std::size_t c = 0; c < facts.channels.size(); ++c) {
    const std::string info = fmt::format("/DataSetInfo/Channel {}", c);
    facts.channels[c] = {std::string(trim(file.text(info, "Name").value_or(""))),
                         wavelength_nm(file, info, "LSMEmissionWavelength"),
                         wavelength_nm(file, info, "LSMExcitationWavelength")};
    // What Imaris calls a channel that nobody named.
    if (facts.channels[c].name == "(name not specified)") facts.channels[c].name.clear();
  }
}

void read_annotations(const Hdf5File& file, ImageFacts& facts) {
  if (const auto date = file.text(kImage, "RecordingDate"); date && moment(*date)) {
    std::string iso(trim(*date));
    iso[iso.find(' ')] = 'T';
    facts.annotations.push_back({{"acquired", record::AnnotationType::date, ""}, iso});
  }
  for (const auto& [key, attribute] :
       {std::pair{"numerical_aperture", "NumericalAperture"}, {"refractive_index", "RefractiveIndex"}})
    if (const auto v = number_at(file, kImage, attribute); v && *v > 0)
      facts.annotations.push_back({{key, record::AnnotationType::number, ""}, *v});
  // "63x".
  std::string lens(trim(file.text(kImage, "LensPower").value_or("")));
  if (lens.ends_with('x') || lens.ends_with('X')) lens.pop_back();
  if (const auto v = number_in(lens); v && *v > 0)
    facts.annotations.push_back({{"magnification", record::AnnotationType::number, ""}, *v});
}

void find_volumes(const Hdf5File& file, ImageFacts& facts, Hdf5Layout& layout) {
  const auto timepoints = file.members(kVolumes);
  const auto channels = timepoints.empty() ? timepoints : file.members(kVolumes + "/" + timepoints.front());
  if (channels.empty()) throw UserError("it holds no volume in 'ResolutionLevel 0'");
  facts.timepoints = static_cast<int>(timepoints.size());
  facts.channels.resize(channels.size());
  const std::string first = fmt::format("{}/{}/{}", kVolumes, timepoints.front(), channels.front());
  facts.shape = {size_at(file, first, "Z"), size_at(file, first, "Y"), size_at(file, first, "X")};
  for (const std::string& t : timepoints)
    for (const std::string& c : channels) {
      const std::string data = fmt::format("{}/{}/{}/Data", kVolumes, t, c);
      if (!file.contains(data)) throw UserError(fmt::format("it has no '{}'; the image is not complete", data));
      const auto d = file.dataset(data);
      const bool holds = d.shape.size() == 3 && d.shape[kZ] >= facts.shape[kZ] && d.shape[kY] >= facts.shape[kY] &&
                         d.shape[kX] >= facts.shape[kX];
      if (layout.datasets.empty() && d.type) facts.type = layout.stored_as = *d.type;
      if (!holds || d.type != facts.type)
        throw UserError(fmt::format("'{}' holds {} of {}, but the image is {} x {} x {} (z, y, x) of {}", data,
                                    fmt::join(d.shape, " x "), d.type_name, facts.shape[kZ], facts.shape[kY],
                                    facts.shape[kX], to_string(facts.type)));
      layout.datasets.push_back(data);
    }
}
}  // namespace

bool is_imaris(const Hdf5File& file) {
  return file.text("/", "ImarisDataSet").has_value() ||
         (file.contains("/DataSetInfo/Image") && file.contains(kVolumes));
}

std::unique_ptr<ImageFile> open_imaris(std::unique_ptr<Hdf5File> file) {
  ImageFacts facts;
  Hdf5Layout layout;
  with_context(fmt::format("'{}'", file->path().string()), [&] {
    find_volumes(*file, facts, layout);
    read_spacing(*file, facts);
    read_channels(*file, facts);
    read_annotations(*file, facts);
    facts.time_step_s = time_step(*file, facts.timepoints);
  });
  facts.description = file->text(kImage, "Description").value_or("");
  facts.importer.name = "imaris";
  std::vector<std::filesystem::path> files{file->path()};
  return std::make_unique<Hdf5Image>(std::move(file), std::move(files), std::move(facts), std::move(layout));
}

}  // namespace voxflow::interop
