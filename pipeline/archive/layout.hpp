// Names of groups, datasets and attributes in data.h5, and the open cells of many volumes; private to this room.
#pragma once
#include <list>
#include <string>
#include <vector>

#include "pipeline/archive/hdf5.hpp"
#include "pipeline/archive/pyramid.hpp"
#include "pipeline/record/image_info.hpp"

namespace voxflow::archive::layout {

inline constexpr const char* kFormat = "voxflow-image";
inline constexpr int kFormatVersion = 1;
inline constexpr int kMaxTimepoints = 100'000;  // t00000 to t99999
inline constexpr int kMaxChannels = 100;        // s00 to s99

inline constexpr const char* kImage = "/metadata/image";
inline constexpr const char* kChunkDigests = "/metadata/chunk_digests";
inline constexpr const char* kLevelDigests = "/metadata/level_digests";  // of the chunks of levels 1, 2, …
inline constexpr const char* kOmeXml = "/metadata/ome_xml";
inline constexpr const char* kProvenance = "/metadata/prov";
inline constexpr const char* kAnnotations = "/metadata/annotations";
inline constexpr const char* kOriginal = "/metadata/original";
inline constexpr const char* kObjects = "/tables/objects";

/// That the axes are z, y, x, as vigra and ilastik read it.
inline constexpr const char* kAxisTags =
    R"({"axes": [{"key": "z", "typeFlags": 2, "resolution": 0, "description": ""}, )"
    R"({"key": "y", "typeFlags": 2, "resolution": 0, "description": ""}, )"
    R"({"key": "x", "typeFlags": 2, "resolution": 0, "description": ""}]})";

/// "/s00": the group of a setup, one a channel.
std::string setup(int c);
/// "/t00000/s00/0/cells"; level 0 is the image itself.
std::string cells(int t, int c, std::size_t level);

/// The origin of `chunk`, in voxels.
Index3 chunk_origin(const Index3& chunk, const Index3& shape);
/// Position of `chunk` in raster order.
std::size_t chunk_number(const Index3& chunk, const Index3& counts);
/// Inverse of chunk_number.
Index3 chunk_at(std::size_t number, const Index3& counts);

/// Names a chunk in messages: "timepoint 0, channel 1, chunk (0, 2, 3)"; ", level 1" comes before the chunk.
std::string chunk_name(int t, int c, const Index3& chunk, std::size_t level = 0);

/// Opens the cells of (t, c) at a level, keeping the last ones used open. Call under hdf5::Lock.
class OpenCells {
 public:
  OpenCells(const hdf5::Handle& file, const std::vector<Level>& levels, DType storage);
  /// Valid until the next call.
  const hdf5::Cells& get(int t, int c, std::size_t level);
  void close() { open_.clear(); }

 private:
  struct Open {
    int t, c;
    std::size_t level;
    hdf5::Cells cells;
  };
  const hdf5::Handle& file_;
  const std::vector<Level>& levels_;
  DType storage_;
  std::list<Open> open_;  // last used first
};

}  // namespace voxflow::archive::layout
