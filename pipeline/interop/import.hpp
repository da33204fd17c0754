// Import: microscope files become one immutable acquisition of the archive, read plane by plane.
#pragma once
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/geometry.hpp"
#include "pipeline/core/hash.hpp"
#include "pipeline/interop/image_file.hpp"
#include "pipeline/record/annotation.hpp"
#include "pipeline/record/image_info.hpp"
#include "pipeline/record/manifest.hpp"

namespace voxflow::interop {

/// What several files are to each other. `grid`: a file for each timepoint, channel and range of planes.
enum class Files { one_image, channels, timepoints, grid };

/// How many files there are along t, c and z.
struct FileGrid {
  int timepoints = 1, channels = 1, planes = 1;
};

/// Micrometres per voxel along z, y, x that stand for what the files say.
struct GivenSpacing {
  std::array<std::optional<double>, 3> um;
  GivenSpacing() = default;
  GivenSpacing(const Spacing3& all) : um{all[kZ].value, all[kY].value, all[kX].value} {}  // NOLINT: a given spacing
};

struct Wavelengths {
  std::optional<double> emission_nm, excitation_nm;
};

/// Looks at an image while it is imported.
class Inspector {
 public:
  virtual ~Inspector() = default;
  virtual void begin(const record::ImageInfo& image) = 0;
  /// Consecutive planes of volume (t, c), plane by plane and row by row, in the image's voxel type. Every plane comes
  /// once.
  virtual void planes(int t, int c, Index first, Index planes, const void* voxels) = 0;
  /// After the last plane of an image that is not in the archive yet: may add to the manifest. What it throws keeps the
  /// image from being published.
  virtual void complete(record::Manifest& manifest) = 0;
};

struct ImportRequest {
  std::string project;
  std::string name;                          // "": the stem that the files have in common
  std::string agent;                         // who imports
  std::vector<std::filesystem::path> files;  // channels or timepoints in this order; of a grid t, c, z
  Files how = Files::one_image;
  FileGrid grid;                                // of Files::grid
  PageAxis pages = PageAxis::z;                 // of a TIFF that does not say what its pages are
  std::optional<int> series;                    // of a file that holds several images
  std::string dataset;                          // of an HDF5 file that holds several
  std::vector<std::string> channel_names;       // empty: from the files
  std::vector<Wavelengths> wavelengths;         // of the channels, instead of those of the files
  std::optional<GivenSpacing> spacing;          // overrides what the files say
  std::optional<double> time_step_s;            // likewise
  record::Converter converter;                  // of formats that are not read here
  std::vector<record::Annotation> annotations;  // override those of the files with the same key
  Inspector* inspector = nullptr;               // looks on, if there is one
};

/// The files do not say how far voxels are apart, and nobody else does.
class MissingCalibration : public UserError {
 public:
  using UserError::UserError;
};

struct Imported {
  std::string artifact;  // folder, relative to the archive
  Digest content;
  bool already_there = false;  // the same content had been imported before, under `name`
  record::ImageInfo info;
  std::string name;
  record::Origin origin;  // of the files now read
};

/// Voxels that an import reads before it encodes them; a slab of chunk-depth planes may be more.
inline constexpr std::size_t kBatchBytes = 32 << 20;

/// Reads the files and publishes one acquisition, unless its content is in the archive's project already. Holds
/// kBatchBytes of voxels in memory, or one slab where that is more, and what they are encoded to.
/// Throws UserError, naming the files, when they cannot be read, do not fit together, or do not say a spacing that the
/// request does not give either; SystemError and DiskFullError from the archive.
Imported import_image(const ImportRequest& request, const archive::Archive& archive);

/// Reads every plane as import would and shows it to the request's inspector; publishes nothing. Returns the manifest
/// as it would be, without content digest. Throws as `import_image`.
record::Manifest inspect_image(const ImportRequest& request);

/// Throws UserError when a project cannot have that name.
void check_project(const std::string& project);

}  // namespace voxflow::interop
