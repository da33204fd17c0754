#include "pipeline/interop/tiff_image.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/core/error.hpp"
#include "pipeline/interop/image_list.hpp"
#include "pipeline/interop/imagej_description.hpp"
#include "pipeline/interop/microscope_units.hpp"
#include "pipeline/interop/ome_xml.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
constexpr long kMostPlanes = 10'000'000;

std::optional<double> pixel_um(const std::optional<double>& per_unit, const std::string& unit) {
  const auto factor = micrometres_in(unit);
  return per_unit && factor ? std::optional(to_six_digits(*factor / *per_unit)) : std::nullopt;
}

const OmeImage& choose(const std::vector<OmeImage>& images, std::optional<int> series) {
  if (images.empty()) throw UserError("its OME-XML describes no image");
  if (!series && images.size() == 1) return images.front();
  if (series && *series >= 0 && *series < static_cast<int>(images.size()))
    return images[static_cast<std::size_t>(*series)];
  std::string list;
  for (std::size_t i = 0; i < images.size(); ++i) list += fmt::format("\n  {}: '{}'", i, images[i].name);
  if (series) throw UserError(fmt::format("it has no series {}; it holds:{}", *series, list));
  throw SeveralImages(
      fmt::format("it holds {} images; choose one with --series N, or take --series all:{}", images.size(), list),
      numbered_choices(images.size()));
}

std::string_view ome_name(SampleType t) {
  return t == SampleType::float32 ? "float" : t == SampleType::float64 ? "double" : to_string(t);
}

std::string size_and_type(const PageInfo& page) {
  return fmt::format("{} x {} voxels (y, x) of {}", page.height, page.width, to_string(page.type));
}
}  // namespace

TiffImage::TiffImage(const fs::path& file, const OpenOptions& options) {
  files_.emplace_back(file);
  found().description = files_.front().description();
  found().importer.version = TiffFile::library();
  const bool ome = is_ome_xml(facts().description);
  if (!ome) refuse_series(file, options);
  with_context(fmt::format("'{}'", file.string()), [&] {
    if (ome)
      describe_ome(options.series);
    else if (is_imagej_description(facts().description))
      describe_imagej();
    else
      describe_plain(options.pages);
  });
  check_pages();
  if (facts().timepoints == 1) found().time_step_s.reset();
}

std::size_t TiffImage::plane_index(long t, long c, long z) const {
  const auto channels = static_cast<long>(facts().channels.size());
  return static_cast<std::size_t>((t * channels + c) * facts().shape[kZ] + z);
}

void TiffImage::describe_plain(PageAxis pages) {
  found().importer.name = "tiff";
  const int n = files_.front().page_count();
  found().timepoints = pages == PageAxis::t ? n : 1;
  found().shape[kZ] = pages == PageAxis::t ? 1 : n;
  found().channels.resize(1);
  // The resolution tags of a TIFF that no microscope software wrote are those of a printer: 72 dpi.
  found().calibration_note = "it is neither an OME-TIFF nor an ImageJ TIFF, which would say it";
  place_in_order();
}

void TiffImage::describe_imagej() {
  found().importer.name = "imagej-tiff";
  const auto d = parse_imagej_description(facts().description);
  const int pages = files_.front().page_count();
  if (d.images != pages && pages == 1)
    throw UserError(
        fmt::format("its ImageJ description says {} images, but it has one page directory, as ImageJ writes "
                    "files of more than 4 GB; save it as OME-TIFF (BigTIFF)",
                    d.images));
  if (d.images != pages)
    throw UserError(
        fmt::format("its ImageJ description says {} images, but it has {} pages; copy the file again from its "
                    "source",
                    d.images, pages));
  found().timepoints = static_cast<int>(d.frames);
  found().shape[kZ] = d.slices;
  found().channels.resize(static_cast<std::size_t>(d.channels));
  found().spacing_um = {d.spacing ? in_micrometres(*d.spacing, d.z_unit) : std::nullopt,
                        pixel_um(files_.front().y_resolution(), d.y_unit),
                        pixel_um(files_.front().x_resolution(), d.unit)};
  found().time_step_s = d.frame_interval_s;
  if (!micrometres_in(d.unit))
    found().calibration_note =
        d.unit.empty() ? "ImageJ saved it without a unit" : fmt::format("its unit is '{}', which is no length", d.unit);
  else if (!d.spacing)
    found().calibration_note = "ImageJ leaves a slice spacing of 1 out";
  place_in_order();
}

void TiffImage::place_in_order() {
  const auto channels = static_cast<long>(facts().channels.size());
  planes_.resize(static_cast<std::size_t>(files_.front().page_count()));
  int page = 0;
  for (long t = 0; t < facts().timepoints; ++t)
    for (long z = 0; z < facts().shape[kZ]; ++z)
      for (long c = 0; c < channels; ++c) planes_[plane_index(t, c, z)] = {0, page++};
}

void TiffImage::describe_ome(std::optional<int> series) {
  found().importer.name = "ome-tiff";
  const OmeDocument document = parse_ome_xml(facts().description);
  if (!document.metadata_file.empty())
    throw UserError(fmt::format("it is described by '{}'; import that file", document.metadata_file));
  const OmeImage& image = choose(document.images, series);
  const auto [t, c, z, y, x] = image.shape;
  if (c > kMostPlanes || z > kMostPlanes || t > kMostPlanes || t * c > kMostPlanes || t * c * z > kMostPlanes)
    throw UserError(
        fmt::format("its OME-XML says {} x {} x {} planes (t, c, z); read are at most {}", t, c, z, kMostPlanes));
  declared_type_ = image.type;
  found().timepoints = static_cast<int>(t);
  found().shape = {z, y, x};
  found().channels = image.channels;
  found().channels.resize(static_cast<std::size_t>(c));
  found().spacing_um = image.spacing_um;
  found().calibration_note = "its OME-XML gives no physical size there";
  found().time_step_s = image.time_step_s;
  found().annotations = image.annotations;
  if (image.pages.empty() && document.images.size() > 1)
    throw UserError("its OME-XML does not say which pages belong to which image (TiffData)");
  planes_.resize(static_cast<std::size_t>(t * c * z));
  place_pages(image, document.uuid);
}

int TiffImage::file_of(const OmePages& pages, const std::string& uuid) {
  const std::string name = fs::path(pages.file).filename().string();
  if (name.empty() || name == path().filename().string() || (!uuid.empty() && pages.uuid == uuid)) return 0;
  const fs::path file = path().parent_path() / name;
  for (std::size_t i = 1; i < files_.size(); ++i)
    if (files_[i].path() == file) return static_cast<int>(i);
  std::error_code error;
  if (!fs::is_regular_file(file, error))
    throw UserError(
        fmt::format("its OME-XML places planes in '{}', which is not beside it; put all files of the image into "
                    "one folder",
                    name));
  files_.emplace_back(file);
  return static_cast<int>(files_.size()) - 1;
}

void TiffImage::place_pages(const OmeImage& image, const std::string& uuid) {
  const std::array<long, 3> shape{image.shape[2], image.shape[1], image.shape[0]};  // z, c, t
  std::array<std::size_t, 3> order{};
  for (std::size_t i = 0; i < 3; ++i) order[i] = std::string_view("ZCT").find(image.order[i + 2]);
  auto runs = image.pages;
  if (runs.empty()) runs.emplace_back();
  for (const OmePages& run : runs) {
    const int file = file_of(run, uuid);
    const long pages = files_[static_cast<std::size_t>(file)].page_count();
    std::array<long, 3> at{run.z, run.c, run.t};
    for (long i = 0; i < run.count.value_or(pages - run.page) && at[order[2]] < shape[order[2]]; ++i) {
      if (at[0] >= shape[0] || at[1] >= shape[1] || at[2] >= shape[2])
        throw UserError(
            fmt::format("its OME-XML places a page at z {}, c {}, t {}, outside of the image", at[0], at[1], at[2]));
      if (run.page + i >= pages)
        throw UserError(
            fmt::format("its OME-XML needs page {} of '{}', which has {}; copy the file again from its source",
                        run.page + i + 1, files_[static_cast<std::size_t>(file)].path().filename().string(), pages));
      planes_[plane_index(at[2], at[1], at[0])] = {file, static_cast<int>(run.page + i)};
      for (std::size_t axis = 0; axis < 3 && ++at[order[axis]] == shape[order[axis]] && axis < 2; ++axis)
        at[order[axis]] = 0;
    }
  }
  for (long t = 0; t < shape[2]; ++t)
    for (long c = 0; c < shape[1]; ++c)
      for (long z = 0; z < shape[0]; ++z)
        if (planes_[plane_index(t, c, z)].file < 0)
          throw UserError(
              fmt::format("its OME-XML names no page for z {}, c {}, t {}; the image is not complete", z, c, t));
}

void TiffImage::check_pages() {
  const PlaneAddress begin = planes_.front();
  const PageInfo first = files_[static_cast<std::size_t>(begin.file)].page(begin.page);
  for (const PlaneAddress& plane : planes_) {
    const TiffFile& file = files_[static_cast<std::size_t>(plane.file)];
    const PageInfo& page = file.page(plane.page);
    if (page.height != first.height || page.width != first.width || page.type != first.type)
      throw UserError(fmt::format("'{}', page {}: it has {}, but page {} has {}; all pages of an image must be alike",
                                  file.path().string(), plane.page + 1, size_and_type(page), begin.page + 1,
                                  size_and_type(first)));
  }
  if (facts().shape[kY] != 0 && (facts().shape[kY] != first.height || facts().shape[kX] != first.width))
    throw UserError(fmt::format("'{}': its OME-XML says {} x {} voxels (y, x), but page {} has {}", path().string(),
                                facts().shape[kY], facts().shape[kX], begin.page + 1, size_and_type(first)));
  if (!declared_type_.empty() && declared_type_ != ome_name(first.type))
    throw UserError(fmt::format("'{}': its OME-XML says voxels of type '{}', but page {} has {}", path().string(),
                                declared_type_, begin.page + 1, size_and_type(first)));
  found().shape[kY] = first.height;
  found().shape[kX] = first.width;
  found().type = first.type;
}

std::vector<fs::path> TiffImage::files() const {
  std::vector<fs::path> paths;
  for (const TiffFile& file : files_) paths.push_back(file.path());
  return paths;
}

void TiffImage::read_planes(int t, int c, Index first, Index planes, void* voxels) {
  const std::size_t bytes =
      static_cast<std::size_t>(facts().shape[kY] * facts().shape[kX]) * voxflow::size_bytes(stored_dtype(facts().type));
  for (Index i = 0; i < planes; ++i) {
    const PlaneAddress plane = planes_.at(plane_index(t, c, first + i));
    files_[static_cast<std::size_t>(plane.file)].read_page(
        plane.page, static_cast<unsigned char*>(voxels) + static_cast<std::size_t>(i) * bytes);
  }
}

void TiffImage::close() {
  for (TiffFile& file : files_) file.close();
}

}  // namespace voxflow::interop
