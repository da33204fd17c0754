// BigDataViewer: SpimData XML and the HDF5 file with a volume for each timepoint and setup.
#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/interop/hdf5_image.hpp"
#include "pipeline/interop/image_list.hpp"
#include "pipeline/interop/microscope_units.hpp"
#include "pipeline/interop/spimdata_xml.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
using archive::Hdf5File;

std::string setup_path(int setup) {
  return fmt::format("/s{:02}", setup);
}

std::string cells_path(int timepoint, int setup) {
  return fmt::format("/t{:05}/s{:02}/0/cells", timepoint, setup);
}

/// Setups that are channels of one image, in order of their channels.
struct View {
  int illumination = 0, tile = 0, angle = 0;
  std::vector<SpimSetup> setups;
};

std::vector<View> views_of(std::vector<SpimSetup> setups) {
  std::map<std::tuple<int, int, int>, View> views;
  for (SpimSetup& s : setups) {
    View& view = views[{s.angle, s.tile, s.illumination}];
    view.illumination = s.illumination, view.tile = s.tile, view.angle = s.angle;
    view.setups.push_back(std::move(s));
  }
  std::vector<View> all;
  for (auto& [key, view] : views) {
    std::stable_sort(view.setups.begin(), view.setups.end(),
                     [](const SpimSetup& a, const SpimSetup& b) { return a.channel < b.channel; });
    for (std::size_t i = 1; i < view.setups.size(); ++i)
      if (view.setups[i].channel == view.setups[i - 1].channel)
        throw UserError(fmt::format("setups {} and {} have the same channel, angle, tile and illumination",
                                    view.setups[i - 1].id, view.setups[i].id));
    all.push_back(std::move(view));
  }
  return all;
}

const View& choose(const std::vector<View>& views, std::optional<int> series) {
  if (!series && views.size() == 1) return views.front();
  if (series && *series >= 0 && *series < static_cast<int>(views.size()))
    return views[static_cast<std::size_t>(*series)];
  std::string list;
  for (std::size_t i = 0; i < views.size(); ++i)
    list += fmt::format("\n  {}: angle {}, tile {}, illumination {}, {} channels", i, views[i].angle, views[i].tile,
                        views[i].illumination, views[i].setups.size());
  if (series) throw UserError(fmt::format("it has no series {}; it holds:{}", *series, list));
  throw SeveralImages(
      fmt::format("it holds {} views; choose one with --series N, or take --series all:{}", views.size(), list),
      numbered_choices(views.size()));
}

void check_alike(const View& view) {
  const SpimSetup& a = view.setups.front();
  for (const SpimSetup& b : view.setups)
    if (a.size != b.size || a.spacing_um != b.spacing_um)
      throw UserError(fmt::format("setups {} and {} are channels of different size or voxel size", a.id, b.id));
}

/// Shape and type of every volume, which have to be alike.
void find_volumes(const Hdf5File& file, const std::vector<int>& timepoints, const std::vector<int>& setups,
                  ImageFacts& facts, Hdf5Layout& layout) {
  for (const int t : timepoints)
    for (const int s : setups) {
      const std::string path = cells_path(t, s);
      if (!file.contains(path))
        throw UserError(fmt::format("'{}' has no volume of timepoint {}, setup {} ('{}'); the image is not complete",
                                    file.path().string(), t, s, path));
      const auto d = file.dataset(path);
      // Without dataType, BigDataViewer takes the numbers for 16 bits without sign that were kept as if they had one.
      const bool bits = d.type == SampleType::int16 && !file.text(setup_path(s), "dataType");
      const auto type = bits ? SampleType::uint16 : d.type;
      if (!type || d.shape.size() != 3)
        throw UserError(
            fmt::format("'{}' holds {} axes of {}, which cannot be imported", path, d.shape.size(), d.type_name));
      const Index3 shape{d.shape[kZ], d.shape[kY], d.shape[kX]};
      if (layout.datasets.empty()) {
        facts.shape = shape;
        facts.type = *type;
        layout.stored_as = *d.type;
      } else if (shape != facts.shape || *type != facts.type) {
        throw UserError(fmt::format("'{}' has another shape or type than '{}'; all volumes of an image must be alike",
                                    path, layout.datasets.front()));
      }
      layout.datasets.push_back(path);
    }
}

void describe(const View& view, ImageFacts& facts) {
  const SpimSetup& first = view.setups.front();
  facts.spacing_um = first.spacing_um;
  facts.calibration_note = first.unit.empty() ? "its XML gives no voxelSize with a unit"
                                              : fmt::format("the unit of its voxelSize is '{}'", first.unit);
  for (const SpimSetup& s : view.setups) {
    // A channel's name that is its number is none.
    const bool named = !s.channel_name.empty() && s.channel_name != std::to_string(s.channel);
    facts.channels.push_back({named ? s.channel_name : "", std::nullopt, std::nullopt});
  }
}

/// The number in "t00012" or "s03": a letter and digits, `length` characters in all.
std::optional<int> numbered(const std::string& name, char letter, std::size_t length) {
  const auto n = name.size() == length && name.front() == letter ? count_in(name.substr(1)) : std::nullopt;
  return n ? std::optional(static_cast<int>(*n)) : std::nullopt;
}

fs::path data_file(const fs::path& xml, const SpimData& d) {
  if (d.loader != "bdv.hdf5")
    throw UserError(fmt::format("its voxels are kept as '{}'; in BigDataViewer, export it as XML/HDF5", d.loader));
  const fs::path file = xml.parent_path() / d.base / d.file;
  if (d.file.empty() || !fs::exists(file))
    throw UserError(fmt::format("its voxels are in '{}', which is not there; put it beside the XML", d.file));
  return file.lexically_normal();
}
}  // namespace

bool is_bdv(const Hdf5File& file) {
  return file.contains("/s00") && file.contains("/t00000/s00/0/cells");
}

std::unique_ptr<ImageFile> open_bdv_xml(const fs::path& file, const OpenOptions& options) {
  ImageFacts facts;
  Hdf5Layout layout;
  std::unique_ptr<Hdf5File> h5;
  facts.description = read_file(file);
  with_context(fmt::format("'{}'", file.string()), [&] {
    const SpimData d = parse_spimdata(facts.description);
    const auto views = views_of(d.setups);
    const View& view = choose(views, options.series);
    check_alike(view);
    h5 = std::make_unique<Hdf5File>(data_file(file, d));
    std::vector<int> setups;
    for (const SpimSetup& s : view.setups) setups.push_back(s.id);
    for (const auto& [t, s] : d.missing)
      if (std::find(setups.begin(), setups.end(), s) != setups.end())
        throw UserError(fmt::format("timepoint {} of setup {} is missing, it says; the image is not complete", t, s));
    find_volumes(*h5, d.timepoints, setups, facts, layout);
    facts.timepoints = static_cast<int>(d.timepoints.size());
    describe(view, facts);
    if (const auto& size = view.setups.front().size; size && *size != facts.shape)
      throw UserError(fmt::format("it says {} x {} x {} voxels (z, y, x), but the volumes have {} x {} x {}",
                                  (*size)[kZ], (*size)[kY], (*size)[kX], facts.shape[kZ], facts.shape[kY],
                                  facts.shape[kX]));
  });
  facts.importer.name = "bdv-hdf5";
  std::vector<fs::path> files{file, h5->path()};
  return std::make_unique<Hdf5Image>(std::move(h5), std::move(files), std::move(facts), std::move(layout));
}

std::unique_ptr<ImageFile> open_bdv_hdf5(std::unique_ptr<Hdf5File> file) {
  ImageFacts facts;
  Hdf5Layout layout;
  const fs::path xml = fs::path(file->path()).replace_extension(".xml");
  with_context(fmt::format("'{}'", file->path().string()), [&] {
    std::vector<int> timepoints;
    for (const std::string& name : file->members("/")) {
      if (const auto t = numbered(name, 't', 6)) timepoints.push_back(*t);
      if (numbered(name, 's', 3).value_or(0) > 0)
        throw UserError(
            fmt::format("it holds several setups, and whether these are channels or angles stands in '{}', which "
                        "is not beside it",
                        xml.filename().string()));
    }
    find_volumes(*file, timepoints, {0}, facts, layout);
    facts.timepoints = static_cast<int>(timepoints.size());
    facts.channels.resize(1);
    const auto um = file->numbers(layout.datasets.front(), "element_size_um");
    for (std::size_t axis = 0; axis < 3 && um.size() == 3; ++axis)
      if (um[axis] > 0) facts.spacing_um[axis] = um[axis];
  });
  facts.calibration_note = fmt::format("'{}', which would say it, is not beside it", xml.filename().string());
  facts.importer.name = "bdv-hdf5";
  std::vector<fs::path> files{file->path()};
  return std::make_unique<Hdf5Image>(std::move(file), std::move(files), std::move(facts), std::move(layout));
}

}  // namespace voxflow::interop
