// Images in files of the archive and in memory.
#pragma once
#include <filesystem>
#include <map>
#include <vector>

#include "pipeline/archive/image_file.hpp"
#include "pipeline/run/image_io.hpp"

namespace voxflow::run {

/// An image file of the archive.
class FileSource final : public ImageSource {
 public:
  /// Throws as archive::ImageReader does.
  explicit FileSource(const std::filesystem::path& file) : reader_(file) {}
  const record::ImageInfo& info() const override { return reader_.info(); }
  void read(int t, int c, const Box3& box, void* to, const Index3& stride) const override {
    reader_.read_erased(t, c, box, info().dtype, to, stride);
  }

 private:
  archive::ImageReader reader_;
};

/// An image in memory: volumes of (t, c), t-major, each dense, z-y-x, of the image's voxel type.
class MemorySource final : public ImageSource {
 public:
  /// Throws InternalError when `voxels` is not as large as the image.
  MemorySource(record::ImageInfo info, std::vector<std::byte> voxels);
  const record::ImageInfo& info() const override { return info_; }
  void read(int t, int c, const Box3& box, void* to, const Index3& stride) const override;

 private:
  record::ImageInfo info_;
  std::vector<std::byte> voxels_;
};

/// Outputs kept in memory, with the content digests that files would have.
class MemorySink final : public ImageSink {
 public:
  struct Image {
    record::ImageInfo info;
    DType storage = DType::float32;
    std::vector<std::byte> voxels;  // as of MemorySource
    std::vector<Digest> chunks;     // of all volumes, t-major, raster order
    Digest content_digest() const;
    /// The voxels of one volume; T is the image's voxel type.
    template <class T>
    VolumeView<const T> volume(int t = 0, int c = 0) const {
      const auto voxel_count = static_cast<std::size_t>(count(info.grid.shape));
      const auto number = static_cast<std::size_t>(t * info.channel_count() + c);
      return {reinterpret_cast<const T*>(voxels.data()) + number * voxel_count, info.grid.shape};
    }
  };
  void open(const std::string& port, const record::ImageInfo& info, DType storage) override;
  void put(const std::string& port, int t, int c, const Index3& chunk, const archive::EncodedChunk& encoded) override;
  /// Throws InternalError when there is no such output.
  const Image& image(const std::string& port) const;
  /// The output as an input of the next task.
  std::shared_ptr<const ImageSource> source(const std::string& port) const;

 private:
  std::map<std::string, Image> images_;
};

}  // namespace voxflow::run
