// A small facility in an archive, made with the programs as a user would.
#pragma once
#include <string>
#include <vector>

#include "tests/support/program.hpp"
#include "tests/support/temporary.hpp"

namespace voxflow::test {

/// A folder with an archive in it, and the voxflow program to use it with.
class Facility {
 public:
  /// In a folder of its own below `parent`.
  explicit Facility(const std::filesystem::path& parent = std::filesystem::temp_directory_path());
  /// Runs voxflow in the facility's folder on its archive.
  Outcome voxflow(std::vector<std::string> arguments, const std::map<std::string, std::string>& environment = {}) const;
  /// The same, and it must succeed: returns its stdout.
  std::string must(const std::vector<std::string>& arguments) const;
  /// Makes the phantom's images (of nuclei), imports and annotates them.
  void import_phantom(int images) const;
  std::filesystem::path write(const std::string& name, const std::string& text) const;
  std::filesystem::path archive() const { return folder_ / "archive"; }
  std::filesystem::path operator/(const std::filesystem::path& p) const { return folder_ / p; }
  /// Files below the archive's projects, events and runs, to see that nothing was left half-written.
  std::vector<std::string> artifacts() const;
  std::vector<std::string> leftovers() const;

 private:
  TestFolder folder_;
};

}  // namespace voxflow::test
