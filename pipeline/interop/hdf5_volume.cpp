// Volumes in datasets of HDF5 files, as ilastik, PlantSeg and h5py users write them.
#include <algorithm>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/hdf5_image.hpp"
#include "pipeline/interop/image_list.hpp"

namespace voxflow::interop {

namespace {
using archive::Hdf5Dataset;
constexpr std::string_view kAxes = "tczyx";

std::string shape_text(const std::vector<Index>& shape) {
  return fmt::format("{}", fmt::join(shape, " x "));
}

bool may_be_image(const Hdf5Dataset& d) {
  return d.shape.size() >= 2 && d.shape.size() <= kAxes.size() && d.type_name != "text" &&
         std::min(d.shape.back(), d.shape[d.shape.size() - 2]) > 0;
}

Hdf5Dataset choose(const archive::Hdf5File& file, const std::string& wanted) {
  std::vector<Hdf5Dataset> images;
  for (Hdf5Dataset& d : file.datasets())
    if (may_be_image(d)) images.push_back(std::move(d));
  if (images.empty()) throw UserError("it holds no dataset of 2 to 5 axes, so no image");
  if (wanted.empty() && images.size() == 1) return images.front();
  std::string list;
  for (const Hdf5Dataset& d : images) {
    if (d.path == (wanted.starts_with('/') ? wanted : "/" + wanted)) return d;
    list += fmt::format("\n  {}: {} of {}", d.path, shape_text(d.shape), d.type_name);
  }
  if (!wanted.empty()) throw UserError(fmt::format("it has no dataset '{}' of 2 to 5 axes; it holds:{}", wanted, list));
  std::vector<ImageChoice> choices;
  for (const Hdf5Dataset& d : images) choices.push_back({std::nullopt, d.path});
  throw SeveralImages(fmt::format("it holds {} datasets; choose one with --dataset PATH:{}", images.size(), list),
                      std::move(choices));
}

/// The keys of vigra's axis tags, JSON such as {"axes": [{"key": "z", ...}, ...]}, in their order; "" where that fails.
std::string axes_in(std::string_view json) {
  constexpr std::string_view kKey = "\"key\"";
  std::string axes;
  for (auto at = json.find(kKey); at != std::string_view::npos; at = json.find(kKey, at + 1)) {
    const auto open = json.find('"', at + kKey.size());
    const auto close = open == std::string_view::npos ? open : json.find('"', open + 1);
    if (close == std::string_view::npos || close != open + 2) return "";
    axes += json[open + 1];
  }
  return axes;
}

std::string axes_of(const archive::Hdf5File& file, const Hdf5Dataset& d) {
  if (const auto tags = file.text(d.path, "axistags")) {
    std::string axes = axes_in(*tags);
    std::string sorted = axes;
    std::sort(sorted.begin(), sorted.end());
    const bool known = axes.find_first_not_of(kAxes) == std::string::npos &&
                       std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
    if (!known || axes.size() != d.shape.size() || axes.find('y') == std::string::npos ||
        axes.find('x') == std::string::npos)
      throw UserError(
          fmt::format("'{}' has {} axes, but its axistags say '{}'; they name each of its axes once, of t, c, z, "
                      "y and x",
                      d.path, d.shape.size(), axes));
    return axes;
  }
  if (d.shape.size() <= 3) return d.shape.size() == 3 ? "zyx" : "yx";
  throw UserError(
      fmt::format("'{}' is {} and does not say which axes these are; give it axistags, as ilastik does when it "
                  "exports HDF5, or keep each volume in a dataset of its own",
                  d.path, shape_text(d.shape)));
}

void read_spacing(const archive::Hdf5File& file, const Hdf5Dataset& d, ImageFacts& facts) {
  facts.calibration_note = fmt::format("'{}' has no attribute element_size_um", d.path);
  const auto um = file.numbers(d.path, "element_size_um");  // z, y, x
  if (um.empty()) return;
  if (um.size() == 3 && std::all_of(um.begin(), um.end(), [](double v) { return v > 0; }))
    for (const std::size_t axis : {kZ, kY, kX}) facts.spacing_um[axis] = um[axis];
  else
    facts.calibration_note = fmt::format("its element_size_um is {}, not three lengths z, y, x", fmt::join(um, ", "));
}
}  // namespace

std::unique_ptr<ImageFile> open_hdf5_volume(std::unique_ptr<archive::Hdf5File> file, const std::string& dataset) {
  ImageFacts facts;
  Hdf5Layout layout;
  with_context(fmt::format("'{}'", file->path().string()), [&] {
    const Hdf5Dataset d = choose(*file, dataset);
    if (!d.type)
      throw UserError(
          fmt::format("'{}' holds voxels of type {}; 8-, 16- and 32-bit integers and 32- and 64-bit floats can be "
                      "imported: convert it first",
                      d.path, d.type_name));
    layout = {{d.path}, axes_of(*file, d), *d.type};
    const auto extent = [&](char axis) {
      const auto at = layout.axes.find(axis);
      return at == std::string::npos ? Index{1} : d.shape[at];
    };
    facts.type = *d.type;
    facts.shape = {extent('z'), extent('y'), extent('x')};
    facts.timepoints = static_cast<int>(extent('t'));
    facts.channels.resize(static_cast<std::size_t>(extent('c')));
    read_spacing(*file, d, facts);
  });
  facts.importer.name = "hdf5";
  std::vector<std::filesystem::path> files{file->path()};
  return std::make_unique<Hdf5Image>(std::move(file), std::move(files), std::move(facts), std::move(layout));
}

}  // namespace voxflow::interop
