// A small synthetic microscopy facility with known truth, written as a microscope would write it.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/core/geometry.hpp"
#include "pipeline/core/transform.hpp"
#include "pipeline/interop/tiff_writer.hpp"

namespace voxflow::phantom {

/// signal = offset + gain · (Poisson(photons) + Normal(0, read noise)), in grey values, rounded and clamped to uint16.
struct Camera {
  double offset = 100;        // grey values
  double gain = 2;            // grey values per electron
  double read_noise_e = 1.5;  // electrons
};

struct FacilityOptions {
  int images = 3;  // of nuclei; there is one image of beads for each of the two days besides, or one day with one image
  Index3 shape{32, 160, 160};
  Spacing3 spacing{{{0.5}, {0.2}, {0.2}}};
  std::uint64_t seed = 1;
  double peak_photons = 40;  // of the brightest structure
  double background_photons = 2;
  int nuclei = 30;  // of an image, a few more or less
  int beads = 60;
  Point3 psf_sigma_um{0.45, 0.15, 0.15};  // z-y-x
  Camera camera;
};

enum class Subject { nuclei, beads };

/// One image of two channels, z-y-x each, with the truth about it. Channel 1 is displaced by `shift_um` against channel
/// 0, alike in all images of a day.
struct FacilityImage {
  std::string name;
  Subject subject = Subject::nuclei;
  Grid grid;
  Point3 shift_um{};
  int objects = 0;
  std::array<std::vector<float>, 2> clean;            // expected camera signal, grey values
  std::array<std::vector<float>, 2> sharp;            // the same if the microscope did not blur; of nuclei
  std::array<std::vector<std::uint16_t>, 2> picture;  // what the camera recorded
  std::vector<std::uint16_t> labels;                  // of nuclei, in channel 0; 0 outside
  /// Column of annotations.csv ("time_post_infection [h]") and value; an empty value is not annotated.
  std::vector<std::pair<std::string, std::string>> annotations;
};

/// Images of nuclei, then of beads.
int image_count(const FacilityOptions& options);

/// Image `index` of the facility; a pure function of its arguments. Throws UserError when an option is out of range.
FacilityImage make_image(const FacilityOptions& options, int index);

/// Writes images/<name>_C0.tif and _C1.tif (ImageJ, uint16, calibrated), annotations.csv,
/// truth/<name>_clean_C0.tif and _C1.tif (float32) and, of nuclei, <name>_sharp_C0.tif and _C1.tif (float32) and
/// <name>_labels.tif (uint16), and truth/truth.tsv. Throws UserError when one of them is there and not to be replaced,
/// SystemError or DiskFullError.
void write_facility(const std::filesystem::path& folder, const FacilityOptions& options,
                    interop::Existing existing = interop::Existing::refuse);

}  // namespace voxflow::phantom
