#include "pipeline/phantom/facility.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "pipeline/core/dtype.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/units.hpp"
#include "pipeline/phantom/scene.hpp"

namespace fs = std::filesystem;

namespace voxflow::phantom {

namespace {
// Streams of the seed; those of image i begin at (i + 1) * kStreamsOfAnImage.
enum Stream : std::uint64_t { kScene, kNoise0, kNoise1, kStreamsOfAnImage };

constexpr std::array<const char*, 2> kDays{"2025-03-10", "2025-03-17"};
constexpr std::array<Point3, 2> kShift_um{Point3{0.23, 0.13, -0.17}, Point3{-0.14, 0.09, 0.21}};

int days(const FacilityOptions& options) {
  return options.images > 1 ? 2 : 1;
}

void check(const FacilityOptions& options, int index) {
  const auto positive = [](double v, const char* name) {
    if (!(v > 0)) throw UserError(fmt::format("{} is {}, allowed is more than 0", name, v));
  };
  if (options.images < 1) throw UserError(fmt::format("images is {}, allowed is 1 or more", options.images));
  if (index < 0 || index >= image_count(options))
    throw InternalError(fmt::format("the facility has no image {}", index));
  for (const std::size_t axis : {kZ, kY, kX}) {
    if (options.shape[axis] < 8 || options.shape[axis] > 4096)
      throw UserError(fmt::format("shape has {} voxels along an axis, allowed are 8 to 4096", options.shape[axis]));
    positive(options.spacing[axis].value, "spacing");
    positive(options.psf_sigma_um[axis], "psf_sigma_um");
  }
  positive(options.peak_photons, "peak_photons");
  positive(options.camera.gain, "gain");
}

/// The day of an image: the first half of the nuclei on the first day; one image of beads each day.
int day_of(const FacilityOptions& options, int index) {
  if (index >= options.images) return index - options.images;
  return days(options) == 1 || index < (options.images + 1) / 2 ? 0 : 1;
}

void annotate(FacilityImage& image, int index, int day) {
  const bool nuclei = image.subject == Subject::nuclei;
  constexpr std::array<const char*, 2> kSpecies{"G12", "A1H1"};
  image.annotations = {{"acquired", kDays[static_cast<std::size_t>(day)]},
                       {"instrument", "phantom confocal"},
                       {"sample", nuclei ? "nuclei" : "beads"},
                       {"species", nuclei ? kSpecies[static_cast<std::size_t>(index % 2)] : ""},
                       {"time_post_infection [h]", nuclei ? std::to_string(18 + 6 * (index % 3)) : ""},
                       {"marker", nuclei ? "DAPI, LaminB1" : "TetraSpeck"}};
}

/// Light (at most about 1) to the camera's expected signal.
void expose(std::vector<float>& light, const FacilityOptions& options) {
  const Camera& camera = options.camera;
  for (float& v : light)
    v = static_cast<float>(camera.offset +
                           camera.gain * (options.background_photons + options.peak_photons * static_cast<double>(v)));
}

std::vector<std::uint16_t> record_picture(const std::vector<float>& clean, const Camera& camera, Random random) {
  std::vector<std::uint16_t> picture;
  picture.reserve(clean.size());
  for (const float signal : clean) {
    const double photons = std::max(0.0, (static_cast<double>(signal) - camera.offset) / camera.gain);
    const double electrons = random.poisson(photons) + camera.read_noise_e * random.normal();
    picture.push_back(convert_voxel<std::uint16_t>(camera.offset + camera.gain * electrons));
  }
  return picture;
}

void make_nuclei(FacilityImage& image, const FacilityOptions& options, Random& random) {
  const int wanted = options.nuclei + static_cast<int>(random.uniform(-0.2, 0.2) * options.nuclei);
  const auto nuclei = place_nuclei(image.grid, wanted, random);
  image.objects = static_cast<int>(nuclei.size());
  image.labels = label_nuclei(image.grid, nuclei);
  image.sharp = {render_nuclei(image.grid, nuclei, Stain::chromatin, {}),
                 render_nuclei(image.grid, nuclei, Stain::envelope, image.shift_um)};
  image.clean = image.sharp;
  for (auto& channel : image.clean) blur(channel, image.grid, options.psf_sigma_um);
}

void make_beads(FacilityImage& image, const FacilityOptions& options, Random& random) {
  const auto beads = place_beads(image.grid, options.beads, random);
  image.objects = static_cast<int>(beads.size());
  image.clean = {render_beads(image.grid, beads, options.psf_sigma_um, {}),
                 render_beads(image.grid, beads, options.psf_sigma_um, image.shift_um)};
}

template <class T>
void write_volume(const fs::path& file, const Grid& grid, const std::vector<T>& voxels, interop::Existing existing) {
  interop::TiffStack stack;
  stack.dtype = dtype_of<T>();
  stack.shape = grid.shape;
  stack.spacing = grid.spacing;
  interop::TiffWriter writer(file, stack, existing);
  const auto plane = static_cast<std::size_t>(grid.shape[kY] * grid.shape[kX]);
  for (std::size_t at = 0; at < voxels.size(); at += plane) writer.write_plane(voxels.data() + at);
  writer.finish();
}

void write_image(const fs::path& folder, const FacilityImage& image, interop::Existing existing) {
  for (std::size_t c = 0; c < 2; ++c) {
    write_volume(folder / "images" / fmt::format("{}_C{}.tif", image.name, c), image.grid, image.picture[c], existing);
    write_volume(folder / "truth" / fmt::format("{}_clean_C{}.tif", image.name, c), image.grid, image.clean[c],
                 existing);
    if (!image.sharp[c].empty())
      write_volume(folder / "truth" / fmt::format("{}_sharp_C{}.tif", image.name, c), image.grid, image.sharp[c],
                   existing);
  }
  if (!image.labels.empty())
    write_volume(folder / "truth" / fmt::format("{}_labels.tif", image.name), image.grid, image.labels, existing);
}

/// A field of a CSV file (RFC 4180).
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char ch : text) quoted += ch == '"' ? std::string("\"\"") : std::string(1, ch);
  return quoted + "\"";
}

void write_text(const fs::path& file, std::string_view text, interop::Existing existing) {
  if (existing == interop::Existing::refuse && fs::exists(file))
    throw UserError(fmt::format("'{}' is there already; remove it, or write elsewhere", file.string()));
  write_file_atomically(file, text);
}

std::string truth_row(const FacilityImage& image, const FacilityOptions& o) {
  std::string row = fmt::format("{}\t{}\t{}\t{}", image.name, image.subject == Subject::nuclei ? "nuclei" : "beads",
                                image.annotations.front().second, image.objects);
  for (const double v :
       {image.shift_um[kZ], image.shift_um[kY], image.shift_um[kX], o.psf_sigma_um[kZ], o.psf_sigma_um[kY],
        o.psf_sigma_um[kX], o.camera.gain, o.camera.read_noise_e, o.camera.offset, o.peak_photons})
    row += "\t" + format_number(v);
  return row + "\n";
}
}  // namespace

int image_count(const FacilityOptions& options) {
  return options.images + days(options);
}

FacilityImage make_image(const FacilityOptions& options, int index) {
  check(options, index);
  FacilityImage image;
  image.subject = index < options.images ? Subject::nuclei : Subject::beads;
  image.name = image.subject == Subject::nuclei ? fmt::format("nuclei_{}", index + 1)
                                                : fmt::format("beads_{}", index - options.images + 1);
  image.grid = {options.shape, options.spacing};
  const int day = day_of(options, index);
  image.shift_um = kShift_um[static_cast<std::size_t>(day)];
  annotate(image, index, day);
  const auto first_stream = (static_cast<std::uint64_t>(index) + 1) * kStreamsOfAnImage;
  Random scene(options.seed, first_stream + kScene);
  if (image.subject == Subject::nuclei)
    make_nuclei(image, options, scene);
  else
    make_beads(image, options, scene);
  for (std::size_t c = 0; c < 2; ++c) {
    expose(image.clean[c], options);
    expose(image.sharp[c], options);
    image.picture[c] = record_picture(image.clean[c], options.camera,
                                      Random(options.seed, first_stream + (c == 0 ? kNoise0 : kNoise1)));
  }
  return image;
}

void write_facility(const fs::path& folder, const FacilityOptions& options, interop::Existing existing) {
  check(options, 0);
  make_directories(folder / "images");
  make_directories(folder / "truth");
  std::string annotations = "image";
  std::string truth =
      "image\tsubject\tacquired\tobjects\tshift_z_um\tshift_y_um\tshift_x_um\tpsf_sigma_z_um\tpsf_sigma_y_um\t"
      "psf_sigma_x_um\tgain\tread_noise_e\toffset\tpeak_photons\n";
  for (int i = 0; i < image_count(options); ++i) {
    const FacilityImage image = make_image(options, i);
    write_image(folder, image, existing);
    if (i == 0) {
      for (const auto& [column, value] : image.annotations) annotations += "," + csv_field(column);
      annotations += "\n";
    }
    annotations += image.name;
    for (const auto& [column, value] : image.annotations) annotations += "," + csv_field(value);
    annotations += "\n";
    truth += truth_row(image, options);
  }
  write_text(folder / "annotations.csv", annotations, existing);
  write_text(folder / "truth" / "truth.tsv", truth, existing);
}

}  // namespace voxflow::phantom
