#include "tests/cli/facility.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

namespace fs = std::filesystem;

namespace voxflow::test {

Facility::Facility(const fs::path& parent) : folder_(parent) {
  must({"init", archive().string()});
}

Outcome Facility::voxflow(std::vector<std::string> arguments,
                          const std::map<std::string, std::string>& environment) const {
  arguments.insert(arguments.begin(), {"--archive", archive().string()});
  return run_program("voxflow", arguments, folder_.path(), environment);
}

std::string Facility::must(const std::vector<std::string>& arguments) const {
  const Outcome outcome = voxflow(arguments);
  INFO(outcome.out);
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return outcome.out;
}

void Facility::import_phantom(int images) const {
  must({"phantom", "make", "facility", "--images", std::to_string(images)});
  std::vector<fs::path> firsts;
  for (const auto& entry : fs::directory_iterator(folder_ / "facility/images"))
    if (entry.path().string().ends_with("_C0.tif")) firsts.push_back(entry.path());
  std::sort(firsts.begin(), firsts.end());
  for (const fs::path& first : firsts) {
    std::string stem = first.string();
    stem.resize(stem.size() - std::string("_C0.tif").size());
    must({"import", first.string(), stem + "_C1.tif", "--files-are", "channels", "--channel-names", "DAPI,LaminB1",
          "--project", "demo", "--name", fs::path(stem).filename().string()});
  }
  must({"annotate", "--table", "facility/annotations.csv"});
}

fs::path Facility::write(const std::string& name, const std::string& text) const {
  const fs::path file = folder_ / name;
  std::ofstream(file, std::ios::binary) << text;
  return file;
}

std::vector<std::string> Facility::artifacts() const {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(archive()))
    if (entry.path().filename() == "manifest.json")
      found.push_back(fs::relative(entry.path().parent_path(), archive()).string());
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> Facility::leftovers() const {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(archive()))
    if (entry.path().filename().string().starts_with(".") && entry.path().filename() != ".lock")
      found.push_back(fs::relative(entry.path(), archive()).string());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace voxflow::test
