// A file, or several that belong together, that holds an image: what every format's reader offers.
#pragma once
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/core/geometry.hpp"
#include "pipeline/core/sample_type.hpp"
#include "pipeline/record/annotation.hpp"
#include "pipeline/record/image_info.hpp"
#include "pipeline/record/site.hpp"

namespace voxflow::interop {

/// What the pages of a TIFF are that does not say so itself.
enum class PageAxis { z, t };

/// Choices that some formats leave to whoever opens a file.
struct OpenOptions {
  std::optional<int> series = std::nullopt;  // among several images of one file
  std::string dataset = "";                  // path of one among several datasets of an HDF5 file
  PageAxis pages = PageAxis::z;              // of a TIFF that does not say what its pages are
  record::Converter converter = {};          // of formats that are not read here
};

/// Which reader read a file.
struct Importer {
  std::string name = "";     // "tiff", "ome-tiff", ...
  std::string version = "";  // of what reads it: "libtiff 4.5.0"
  std::string command = "";  // of a converter: "bfconvert {input} {output}"
};

/// What a file says of its image. Nothing is made up: what it does not say is empty.
struct ImageFacts {
  SampleType type = SampleType::uint8;
  Index3 shape{};
  int timepoints = 1;
  std::vector<record::Channel> channels;            // names may be ""
  std::array<std::optional<double>, 3> spacing_um;  // z, y, x
  std::string calibration_note;                     // why a spacing is missing, for messages
  std::optional<double> time_step_s;
  std::vector<record::Annotation> annotations;
  std::string description;  // original text
  Importer importer;
};

/// An image of axes t, c, z, y, x, read by planes. `read_planes` and `read_plane` may be called by several threads at a
/// time.
class ImageFile {
 public:
  ImageFile() = default;
  virtual ~ImageFile() = default;
  ImageFile(const ImageFile&) = delete;
  ImageFile& operator=(const ImageFile&) = delete;

  const ImageFacts& facts() const { return facts_; }
  /// All files that hold voxels of it; the one it was opened with comes first.
  virtual std::vector<std::filesystem::path> files() const = 0;
  /// Copies `planes` consecutive planes of volume (t, c), plane by plane and row by row, as stored_dtype(facts().type).
  /// Throws UserError, naming the place, when they are damaged or cut off.
  virtual void read_planes(int t, int c, Index first, Index planes, void* voxels) = 0;
  void read_plane(int t, int c, Index z, void* voxels) { read_planes(t, c, z, 1, voxels); }
  /// How many consecutive planes are read best in one call.
  virtual Index planes_at_once() const { return 1; }
  /// Gives descriptors and buffers back until the next read. Not while another thread reads.
  virtual void close() {}

 protected:
  /// For a reader to fill in while it opens its file.
  ImageFacts& found() { return facts_; }

 private:
  ImageFacts facts_;
};

/// Opens a file by what it holds, whatever its name is; formats that are not read go through the converter. Throws
/// UserError, naming the file, when it is damaged, of a voxel type that is not read, holds several images of which
/// `options` choose none, or cannot be converted; SystemError when the disk does not give its bytes.
std::unique_ptr<ImageFile> open_image(const std::filesystem::path& file, const OpenOptions& options = {});

/// For formats of one image a file. Throws UserError when `options.series` is another than 0.
void refuse_series(const std::filesystem::path& file, const OpenOptions& options);

}  // namespace voxflow::interop
