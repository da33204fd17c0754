// Any HDF5 file, of whoever's making, for reading: what it holds, attributes, and boxes of its datasets.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/core/geometry.hpp"
#include "pipeline/core/sample_type.hpp"

namespace voxflow::archive {

struct Hdf5Dataset {
  std::string path;                // "/volumes/raw"
  std::optional<SampleType> type;  // nothing: not a type of voxels
  std::string type_name;           // for messages: "uint64", "text"
  std::vector<Index> shape;        // in the dataset's order; empty for a scalar
};

/// Thread-safe. Every error names the file.
class Hdf5File {
 public:
  /// Throws UserError when the file is not there, is no HDF5 or is cut off.
  explicit Hdf5File(const std::filesystem::path& file);
  ~Hdf5File();
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;

  const std::filesystem::path& path() const;
  /// Whether there is a group or dataset of that path.
  bool contains(const std::string& path) const;
  /// Names of a group's members, in natural order ("Channel 2" before "Channel 10"); empty where there is no such
  /// group.
  std::vector<std::string> members(const std::string& group) const;
  /// All datasets, in order of their paths.
  std::vector<Hdf5Dataset> datasets() const;
  /// Throws UserError when there is none.
  Hdf5Dataset dataset(const std::string& path) const;
  /// An attribute of text, of fixed or variable length or an array of characters; nothing when it is absent or no text.
  std::optional<std::string> text(const std::string& object, const std::string& attribute) const;
  /// An attribute of one or several numbers; empty when it is absent or holds none.
  std::vector<double> numbers(const std::string& object, const std::string& attribute) const;
  /// Copies a box of a dataset, of as many axes as it has, in its own order and in this machine's byte order. Throws
  /// UserError when it is damaged, or compressed by a filter that is not installed.
  void read(const std::string& path, const std::vector<Index>& origin, const std::vector<Index>& extent,
            SampleType type, void* samples) const;

  /// Whether the file begins as an HDF5 file does.
  static bool is_hdf5(const std::filesystem::path& file);
  /// "HDF5 1.10.8".
  static std::string library();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace voxflow::archive
