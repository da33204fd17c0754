// One image in TIFF files: which page is which plane, and what the files say about it.
#pragma once
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/interop/tiff_file.hpp"
#include "pipeline/record/annotation.hpp"
#include "pipeline/record/image_info.hpp"

namespace voxflow::interop {

struct OmeImage;
struct OmePages;

/// What the pages of a TIFF are that does not say so itself.
enum class PageAxis { z, t };

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
};

/// An image in a plain TIFF (pages are z, unless told otherwise), an ImageJ hyperstack or an OME-TIFF of one or several
/// files. Not thread-safe.
class TiffImage {
 public:
  /// `series` chooses among the images of an OME-TIFF. Throws UserError naming file and page when the image is damaged,
  /// of a type that is not read, of pages that differ, or one of several and not chosen.
  explicit TiffImage(const std::filesystem::path& file, std::optional<int> series = std::nullopt,
                     PageAxis pages = PageAxis::z);

  const std::filesystem::path& path() const { return files_.front().path(); }
  const ImageFacts& facts() const { return facts_; }
  /// All files that hold planes of it; the one it was opened with comes first.
  std::vector<std::filesystem::path> files() const;
  /// Copies one plane, row by row, as stored_dtype(facts().type). Throws UserError when it is damaged.
  void read_plane(int t, int c, Index z, void* voxels);
  /// Gives the descriptors back until the next read.
  void close();

 private:
  struct PlaneAddress {
    int file = -1, page = 0;
  };
  void describe_plain(PageAxis pages);
  void describe_imagej();
  void describe_ome(std::optional<int> series);
  void place_pages(const OmeImage& image, const std::string& uuid);
  int file_of(const OmePages& pages, const std::string& uuid);
  void place_in_order();
  void check_pages();
  std::size_t plane_index(long t, long c, long z) const;

  std::vector<TiffFile> files_;
  std::vector<PlaneAddress> planes_;  // t, c, z
  ImageFacts facts_;
  std::string declared_type_;  // by OME-XML, "" otherwise
  int open_ = -1;              // file read last
};

}  // namespace voxflow::interop
