// The synthetic facility: deterministic, true to what it declares, and of a difficulty that a simple chain masters.
#include "pipeline/phantom/facility.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/hash.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/core/volume_view.hpp"
#include "pipeline/interop/tiff_image.hpp"
#include "pipeline/phantom/scene.hpp"
#include "pipeline/phantom/score.hpp"
#include "pipeline/phantom/truth.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::phantom;
using voxflow::test::TestFolder;

namespace fs = std::filesystem;

namespace {
FacilityOptions small() {
  FacilityOptions options;
  options.shape = {20, 80, 80};
  options.nuclei = 8;
  options.beads = 10;
  return options;
}

template <class T>
Digest digest(const std::vector<T>& voxels) {
  return sha256(voxels.data(), voxels.size() * sizeof(T));
}

/// Sum of the voxels above `background`, and where their centre lies, in um.
struct Light {
  double sum = 0;
  Point3 centre_um{};
};
Light centre_of_light(const std::vector<float>& voxels, const Grid& grid, double background) {
  Light light;
  std::size_t at = 0;
  for (Index z = 0; z < grid.shape[kZ]; ++z)
    for (Index y = 0; y < grid.shape[kY]; ++y)
      for (Index x = 0; x < grid.shape[kX]; ++x) {
        const double v = static_cast<double>(voxels[at++]) - background;
        const Point3 p{static_cast<double>(z), static_cast<double>(y), static_cast<double>(x)};
        light.sum += v;
        for (std::size_t i = 0; i < 3; ++i) light.centre_um[i] += v * p[i] * grid.spacing[i].value;
      }
  for (double& c : light.centre_um) c /= light.sum;
  return light;
}

double otsu_threshold(const std::vector<float>& voxels) {
  const auto [low, high] = std::minmax_element(voxels.begin(), voxels.end());
  constexpr std::size_t kBins = 256;
  std::array<double, kBins> histogram{};
  const double step = static_cast<double>(*high - *low) / kBins;
  for (const float v : voxels)
    ++histogram[std::min<std::size_t>(kBins - 1, static_cast<std::size_t>(static_cast<double>(v - *low) / step))];
  const auto n = static_cast<double>(voxels.size());
  double total = 0, best = -1, threshold = 0, below = 0, sum = 0;
  for (std::size_t i = 0; i < kBins; ++i) total += static_cast<double>(i) * histogram[i];
  for (std::size_t i = 0; i + 1 < kBins; ++i) {
    below += histogram[i];
    sum += static_cast<double>(i) * histogram[i];
    if (below == 0 || below == n) continue;
    const double difference = sum / below - (total - sum) / (n - below);
    if (const double between = below * (n - below) * difference * difference; between > best)
      best = between, threshold = static_cast<double>(*low) + step * static_cast<double>(i + 1);
  }
  return threshold;
}

/// Components of the voxels above `threshold`, joined across faces, of at least `least_voxels`.
std::vector<std::uint32_t> components(const std::vector<float>& voxels, const Index3& shape, double threshold,
                                      std::size_t least_voxels) {
  std::vector<std::uint32_t> labels(voxels.size(), 0);
  std::uint32_t next = 0;
  std::vector<std::size_t> members;
  for (std::size_t seed = 0; seed < voxels.size(); ++seed) {
    if (labels[seed] != 0 || static_cast<double>(voxels[seed]) <= threshold) continue;
    members.assign(1, seed);
    labels[seed] = ++next;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto at = static_cast<Index>(members[i]);
      const Index x = at % shape[kX], y = at / shape[kX] % shape[kY], z = at / shape[kX] / shape[kY];
      const auto visit = [&](Index v, Index u, Index w) {
        if (v < 0 || u < 0 || w < 0 || v >= shape[kZ] || u >= shape[kY] || w >= shape[kX]) return;
        const auto to = static_cast<std::size_t>((v * shape[kY] + u) * shape[kX] + w);
        if (labels[to] != 0 || static_cast<double>(voxels[to]) <= threshold) return;
        labels[to] = next;
        members.push_back(to);
      };
      visit(z - 1, y, x), visit(z + 1, y, x), visit(z, y - 1, x), visit(z, y + 1, x), visit(z, y, x - 1),
          visit(z, y, x + 1);
    }
    if (members.size() >= least_voxels) continue;
    for (const std::size_t at : members) labels[at] = 0;
  }
  return labels;
}
}  // namespace

TEST_CASE("one seed makes one facility; another seed another, image for image and channel for channel") {
  const FacilityOptions options = small();
  for (int i = 0; i < image_count(options); ++i) {
    const FacilityImage a = make_image(options, i), b = make_image(options, i);
    CHECK(digest(a.picture[0]) == digest(b.picture[0]));
    CHECK(digest(a.picture[1]) == digest(b.picture[1]));
    CHECK(digest(a.clean[1]) == digest(b.clean[1]));
    CHECK(a.labels == b.labels);
    CHECK(a.picture[0] != a.picture[1]);
  }
  FacilityOptions other = options;
  other.seed = 2;
  CHECK(make_image(other, 0).picture[0] != make_image(options, 0).picture[0]);
  CHECK(make_image(options, 1).picture[0] != make_image(options, 0).picture[0]);
}

TEST_CASE("there are images of nuclei, and beads of each day with the day's shift") {
  const FacilityOptions options = small();
  REQUIRE(image_count(options) == 5);
  std::vector<FacilityImage> images;
  for (int i = 0; i < 5; ++i) images.push_back(make_image(options, i));
  CHECK(images[0].name == "nuclei_1");
  CHECK(images[4].name == "beads_2");
  CHECK(images[4].labels.empty());
  CHECK(images[0].annotations[0] == std::pair<std::string, std::string>{"acquired", "2025-03-10"});
  for (int i = 0; i < 3; ++i) {
    const FacilityImage& beads =
        images[images[static_cast<std::size_t>(i)].annotations[0].second == "2025-03-10" ? 3 : 4];
    CHECK(beads.annotations[0] == images[static_cast<std::size_t>(i)].annotations[0]);
    CHECK(beads.shift_um == images[static_cast<std::size_t>(i)].shift_um);
  }
  CHECK(images[3].shift_um != images[4].shift_um);
  FacilityOptions one = options;
  one.images = 1;
  CHECK(image_count(one) == 2);
}

TEST_CASE("the labels are the nuclei, and no two of them touch") {
  const FacilityImage image = make_image(FacilityOptions{}, 0);
  const Index3& n = image.grid.shape;
  CHECK(image.objects >= 20);
  CHECK(image.objects <= 40);
  std::vector<int> voxels(static_cast<std::size_t>(image.objects) + 1);
  const VolumeView<const std::uint16_t> labels(image.labels.data(), n);
  int touching = 0;
  for (Index z = 0; z < n[kZ]; ++z)
    for (Index y = 0; y + 3 < n[kY]; ++y)
      for (Index x = 0; x + 3 < n[kX]; ++x) {
        const auto label = labels(z, y, x);
        ++voxels.at(label);
        if (label == 0) continue;
        for (const auto other : {labels(std::min(z + 2, n[kZ] - 1), y, x), labels(z, y + 3, x), labels(z, y, x + 3)})
          touching += other != 0 && other != label ? 1 : 0;
      }
  CHECK(touching == 0);
  // Radii of 1.6 to 2.4 um: 17 to 51 um3, at 0.02 um3 a voxel.
  for (std::size_t i = 1; i < voxels.size(); ++i) {
    CHECK(voxels[i] > 700);
    CHECK(voxels[i] < 2600);
  }
}

TEST_CASE("the clean picture is the blurred nuclei on the camera's offset and the background") {
  const FacilityOptions options = small();
  const FacilityImage image = make_image(options, 0);
  const double background = options.camera.offset + options.camera.gain * options.background_photons;
  const double peak = background + options.camera.gain * options.peak_photons;
  const auto [low, high] = std::minmax_element(image.clean[0].begin(), image.clean[0].end());
  CHECK(static_cast<double>(*low) == doctest::Approx(background));
  CHECK(static_cast<double>(*high) > background + 0.5 * (peak - background));
  CHECK(static_cast<double>(*high) < peak);
  double inside = 0, outside = 0;
  std::size_t n_inside = 0;
  for (std::size_t i = 0; i < image.labels.size(); ++i) {
    (image.labels[i] != 0 ? inside : outside) += static_cast<double>(image.clean[0][i]) - background;
    n_inside += image.labels[i] != 0 ? 1 : 0;
  }
  CHECK(inside / static_cast<double>(n_inside) > 20 * outside / static_cast<double>(image.labels.size() - n_inside));

  // The sharp truth is what was blurred.
  std::vector<float> blurred = image.sharp[0];
  blur(blurred, image.grid, options.psf_sigma_um);
  for (std::size_t i = 0; i < blurred.size(); ++i)
    CHECK(blurred[i] == doctest::Approx(image.clean[0][i]).epsilon(1e-5));

  // Blurring keeps the light: without noise, PSF and camera, the same scene is as bright.
  FacilityOptions sharp = options;
  sharp.psf_sigma_um = {0.01, 0.01, 0.01};
  CHECK(centre_of_light(image.clean[0], image.grid, background).sum ==
        doctest::Approx(centre_of_light(make_image(sharp, 0).clean[0], image.grid, background).sum).epsilon(0.01));
}

TEST_CASE("channel 1 is displaced by the declared shift, in nuclei and in beads") {
  const FacilityOptions options = small();
  const double background = options.camera.offset + options.camera.gain * options.background_photons;
  const Grid grid{options.shape, options.spacing};
  Random random(3, 0);
  const auto nuclei = place_nuclei(grid, 5, random);
  const Point3 shift{0.23, 0.13, -0.17};
  for (const Stain stain : {Stain::chromatin, Stain::envelope}) {
    auto still = render_nuclei(grid, nuclei, stain, {}), moved = render_nuclei(grid, nuclei, stain, shift);
    const Light a = centre_of_light(still, grid, 0), b = centre_of_light(moved, grid, 0);
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(b.centre_um[i] - a.centre_um[i] == doctest::Approx(shift[i]).epsilon(0.03));
  }
  for (const int i : {3, 4}) {
    const FacilityImage beads = make_image(options, i);
    const Light a = centre_of_light(beads.clean[0], beads.grid, background);
    const Light b = centre_of_light(beads.clean[1], beads.grid, background);
    for (std::size_t axis = 0; axis < 3; ++axis)
      CHECK(b.centre_um[axis] - a.centre_um[axis] == doctest::Approx(beads.shift_um[axis]).epsilon(0.03));
  }
}

TEST_CASE("the noise has the mean and variance that gain, read noise and offset declare") {
  FacilityOptions options = small();
  options.camera = {200, 3, 4};
  options.peak_photons = 300;  // beyond the mean up to which a Poisson number is drawn at once
  const FacilityImage image = make_image(options, 0);
  struct Band {
    double n = 0, expected = 0, sum = 0, squares = 0;
  };
  std::array<Band, 6> bands;
  for (std::size_t i = 0; i < image.clean[0].size(); ++i) {
    const double signal = static_cast<double>(image.clean[0][i]) - options.camera.offset;
    Band& band = bands[std::min<std::size_t>(5, static_cast<std::size_t>(signal / 150))];
    const double error = static_cast<double>(image.picture[0][i]) - static_cast<double>(image.clean[0][i]);
    // Rounding to whole grey values adds 1/12.
    band.expected +=
        options.camera.gain * signal + std::pow(options.camera.gain * options.camera.read_noise_e, 2) + 1.0 / 12;
    band.sum += error;
    band.squares += error * error;
    ++band.n;
  }
  for (const Band& band : bands) {
    if (band.n < 1000) continue;
    CAPTURE(band.n);
    const double variance = band.expected / band.n;
    CHECK(std::abs(band.sum / band.n) < 5 * std::sqrt(variance / band.n));
    CHECK(band.squares / band.n == doctest::Approx(variance).epsilon(6 * std::sqrt(2 / band.n)));
  }
  CHECK(bands[0].n > 1000);
  CHECK(bands[3].n > 1000);
}

TEST_CASE("a Gaussian, Otsu's threshold and components find most nuclei of both channels") {
  for (int i = 0; i < 3; ++i) {
    const FacilityImage image = make_image(FacilityOptions{}, i);
    const std::vector<std::uint32_t> truth(image.labels.begin(), image.labels.end());
    for (std::size_t c = 0; c < 2; ++c) {
      std::vector<float> denoised(image.picture[c].begin(), image.picture[c].end());
      const double before = psnr(image.clean[c], denoised);
      blur(denoised, image.grid, {0.3, 0.3, 0.3});
      const double after = psnr(image.clean[c], denoised);
      const ObjectScore score =
          match_objects(truth, components(denoised, image.grid.shape, otsu_threshold(denoised), 100));
      MESSAGE(fmt::format("{} channel {}: {} of {} nuclei, {} found; PSNR {:.1f} -> {:.1f} dB", image.name, c,
                          score.matched, score.truth, score.found, before, after));
      CHECK(score.truth == image.objects);
      CHECK(10 * score.matched >= 9 * score.truth);
      CHECK(10 * score.found <= 11 * score.truth);
      CHECK(after > before + 5);
    }
  }
}

TEST_CASE("what is written is what a microscope writes, and the truth beside it") {
  const TestFolder folder;
  FacilityOptions options = small();
  options.images = 2;
  write_facility(folder.path(), options);
  const FacilityImage made = make_image(options, 1);
  interop::TiffImage picture(folder / "images/nuclei_2_C1.tif");
  CHECK(picture.facts().shape == options.shape);
  CHECK(picture.facts().type == SampleType::uint16);
  CHECK(picture.facts().spacing_um == std::array<std::optional<double>, 3>{0.5, 0.2, 0.2});
  std::vector<std::uint16_t> plane(6400);
  picture.read_plane(0, 0, 7, plane.data());
  CHECK(std::equal(plane.begin(), plane.end(), made.picture[1].begin() + 7 * 6400));
  CHECK(interop::TiffImage(folder / "truth/nuclei_2_clean_C1.tif").facts().type == SampleType::float32);
  CHECK(interop::TiffImage(folder / "truth/nuclei_2_labels.tif").facts().type == SampleType::uint16);
  CHECK(fs::exists(folder / "images/beads_2_C0.tif"));
  CHECK_FALSE(fs::exists(folder / "truth/beads_2_labels.tif"));

  CHECK(read_file(folder / "annotations.csv") ==
        "image,acquired,instrument,sample,species,time_post_infection [h],marker,background\n"
        "nuclei_1,2025-03-10,phantom confocal,nuclei,G12,18,\"DAPI, LaminB1\",104\n"
        "nuclei_2,2025-03-17,phantom confocal,nuclei,A1H1,24,\"DAPI, LaminB1\",104\n"
        "beads_1,2025-03-10,phantom confocal,beads,,,TetraSpeck,104\n"
        "beads_2,2025-03-17,phantom confocal,beads,,,TetraSpeck,104\n");
  const auto rows = split(read_file(folder / "truth/truth.tsv"), '\n');
  REQUIRE(rows.size() == 6);
  CHECK(rows[0].starts_with("image\tsubject\tacquired\tobjects\tshift_z_um\tshift_y_um\tshift_x_um\t"));
  CHECK(rows[2] == fmt::format("nuclei_2\tnuclei\t2025-03-17\t{}\t-0.14\t0.09\t0.21\t0.45\t0.15\t0.15\t2\t1.5\t100\t40",
                               made.objects));
}

TEST_CASE("the truth is read back as it was made") {
  const TestFolder folder;
  FacilityOptions options = small();
  options.images = 1;
  write_facility(folder.path(), options);
  const FacilityImage made = make_image(options, 0);
  const auto truth = read_truth(folder.path());
  REQUIRE(truth.size() == 2);
  CHECK(truth[0].image == "nuclei_1");
  CHECK(truth[1].subject == "beads");
  CHECK(truth[0].objects == made.objects);
  CHECK(truth[0].shift_um == made.shift_um);
  CHECK(read_clean(folder.path(), "nuclei_1", 1).voxels == made.clean[1]);
  CHECK(read_clean(folder.path(), "nuclei_1", 1).shape == options.shape);
  CHECK(read_sharp(folder.path(), "nuclei_1", 1).value().voxels == made.sharp[1]);
  CHECK_FALSE(read_sharp(folder.path(), "beads_1", 0));
  const auto labels = read_labels(folder.path(), "nuclei_1");
  REQUIRE(labels.has_value());
  CHECK(std::equal(labels->voxels.begin(), labels->voxels.end(), made.labels.begin(), made.labels.end()));
  CHECK_FALSE(read_labels(folder.path(), "beads_1").has_value());
  const TestFolder empty;
  CHECK_THROWS_AS(read_truth(empty.path()), UserError);
  CHECK_THROWS_AS(read_clean(folder.path(), "nuclei_9", 0), UserError);
}

TEST_CASE("a damaged truth is refused by file, line and value") {
  const TestFolder folder;
  fs::create_directory(folder / "truth");
  const auto refusal = [&](const std::string& row) -> std::string {
    write_file_atomically(folder / "truth/truth.tsv", "image\n" + row + "\n");
    try {
      read_truth(folder.path());
    } catch (const UserError& e) {
      return e.what();
    }
    return "";
  };
  CHECK(refusal("a\tb") == "'" + (folder / "truth/truth.tsv").string() + "', line 2: it has 2 columns, not 7 or more");
  CHECK(refusal("a\tb\tc\tmany\t0\t0\t0") == "'" + (folder / "truth/truth.tsv").string() + "': 'many' is no number");
  interop::TiffStack stack;
  interop::TiffWriter writer(folder / "truth/x_clean_C0.tif", stack);
  const std::uint16_t voxel = 1;
  writer.write_plane(&voxel);
  writer.finish();
  std::string message;
  try {
    read_clean(folder.path(), "x", 0);
  } catch (const UserError& e) {
    message = e.what();
  }
  CHECK(message.find("x_clean_C0.tif' is not the truth of a synthetic image") != std::string::npos);
}

TEST_CASE("files that are there are not overwritten without being asked") {
  const TestFolder folder;
  FacilityOptions options = small();
  options.images = 1;
  write_facility(folder.path(), options);
  std::string message;
  try {
    write_facility(folder.path(), options);
  } catch (const UserError& e) {
    message = e.what();
  }
  CHECK(message.find("nuclei_1_C0.tif' is there already") != std::string::npos);
  CHECK_NOTHROW(write_facility(folder.path(), options, interop::Existing::replace));
}

TEST_CASE("options out of range are refused by name") {
  const auto refusal = [](auto change) -> std::string {
    FacilityOptions options = small();
    change(options);
    try {
      make_image(options, 0);
    } catch (const UserError& e) {
      return e.what();
    }
    return "";
  };
  CHECK(refusal([](FacilityOptions& o) { o.images = 0; }) == "images is 0, allowed is 1 or more");
  CHECK(refusal([](FacilityOptions& o) { o.shape[kY] = 7; }) ==
        "shape has 7 voxels along an axis, allowed are 8 to 4096");
  CHECK(refusal([](FacilityOptions& o) { o.peak_photons = 0; }) == "peak_photons is 0, allowed is more than 0");
  CHECK(refusal([](FacilityOptions& o) { o.spacing[kZ].value = -1; }) == "spacing is -1, allowed is more than 0");
  CHECK(refusal([](FacilityOptions& o) { o.psf_sigma_um[kX] = 0; }) == "psf_sigma_um is 0, allowed is more than 0");
  CHECK(refusal([](FacilityOptions& o) { o.camera.gain = 0; }) == "gain is 0, allowed is more than 0");
}
