// HDF5 behind handles that close themselves and errors that are thrown; private to this room, as is <hdf5.h>.
#pragma once
#include <hdf5.h>

#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/archive/scratch.hpp"
#include "pipeline/archive/write_driver.hpp"
#include "pipeline/core/dtype.hpp"
#include "pipeline/core/geometry.hpp"
#include "pipeline/core/hash.hpp"

namespace voxflow::archive::hdf5 {

/// Held around every HDF5 call of this process: the serial library is not thread-safe. May be taken again by its
/// holder.
class Lock {
 public:
  Lock();

 private:
  std::unique_lock<std::recursive_mutex> lock_;
};

/// An open file, group, dataset, type, space or property list.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  /// Takes `id` over. Throws SystemError with the library's words ("cannot " + what) when it is not valid.
  Handle(hid_t id, Close closes, const std::string& what);
  ~Handle();
  Handle(Handle&& other) noexcept;
  Handle& operator=(Handle&& other) noexcept;
  hid_t get() const { return id_; }
  /// Closes now, and tells of errors. Throws SystemError, DiskFullError.
  void close(const std::string& what);

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// Throws SystemError or DiskFullError with the library's words when `status` is negative.
void check(herr_t status, const std::string& what);

/// Writes to the file succeed as far as HDF5 can tell; look at `failure` after each step.
Handle create_file(const std::filesystem::path& file, WriteFailure& failure);
/// Throws UserError when there is no such file or it is not HDF5.
Handle open_file(const std::filesystem::path& file);
Handle create_group(const Handle& parent, const std::string& path);
Handle open_group(const Handle& parent, const std::string& path);

/// The little-endian type on disk.
hid_t file_type(DType t);

/// A dataset of whole chunks, z-y-x, whose bytes pass HDF5's filters by.
struct Cells {
  Handle dataset;
  bool summed = false;  // fletcher32 follows each chunk
};
/// Shuffle (of types above one byte), deflate and perhaps fletcher32 are declared; without fill values.
Cells create_cells(const Handle& file, const std::string& path, DType storage, const Index3& shape, const Index3& chunk,
                   bool summed);
/// Throws SystemError when shape, chunk shape or type on disk is another.
Cells open_cells(const Handle& file, const std::string& path, DType storage, const Index3& shape, const Index3& chunk);
/// `origin`: the chunk's first voxel. `bytes`: shuffled and deflated.
void write_chunk(const Cells& cells, const Index3& origin, std::span<const std::uint8_t> bytes);
/// What was given to write_chunk, in `to`. Throws SystemError when it was never written, is not filtered as written
/// here, or its checksum is another.
std::span<const std::uint8_t> read_chunk(const Cells& cells, const Index3& origin, Scratch& to);

void write_attribute(const Handle& object, const std::string& name, const std::string& text);
void write_attribute(const Handle& object, const std::string& name, int value);
void write_attribute(const Handle& object, const std::string& name, std::span<const double> values);
std::optional<std::string> read_text_attribute(const Handle& object, const std::string& name);
/// Fills `values`; false when there is no such attribute of just so many numbers.
bool read_numbers_attribute(const Handle& object, const std::string& name, std::span<double> values);
std::optional<int> read_int_attribute(const Handle& object, const std::string& name);

/// UTF-8 text as a scalar dataset.
void write_text(const Handle& parent, const std::string& path, const std::string& text);
std::string read_text(const Handle& parent, const std::string& path);

/// A matrix with three columns.
void write_rows(const Handle& parent, const std::string& path, std::span<const std::array<double, 3>> rows);
void write_rows(const Handle& parent, const std::string& path, std::span<const std::array<std::int32_t, 3>> rows);
/// How many rows it has.
std::size_t count_rows(const Handle& parent, const std::string& path);

/// Digests as a uint8 matrix with 32 columns.
void write_digests(const Handle& parent, const std::string& path, std::span<const Digest> digests);
/// `size` rows from row `first`. Throws SystemError when there are fewer.
std::vector<Digest> read_digests(const Handle& parent, const std::string& path, std::size_t first, std::size_t size);

}  // namespace voxflow::archive::hdf5
