// SIGKILL at points of an import of many files, through a mask and without one: every image that is there is whole, and
// the same command ends with what an import that nobody stopped has.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>
#include <array>
#include <cmath>
#include <numbers>
#include <set>

#include <fmt/format.h>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/core/text.hpp"
#include "tests/cli/facility.hpp"
#include "tests/interop/tiff_samples.hpp"
#include "tests/support/killed_at.hpp"

using namespace voxflow::test;
namespace fs = std::filesystem;

namespace {
/// Files of six images; of the last all voxels are equal.
class Files {
 public:
  Files() {
    for (int i = 1; i <= 5; ++i)
      write(i, {numbered_page<std::uint16_t>(i, 20, 30), numbered_page<std::uint16_t>(i + 10, 20, 30)});
    write(6, {flat(), flat()});
    voxflow::write_file_atomically(folder_ / "mask.yaml",
                                   "voxflow_mask: 1\nmask: killed\nfiles: \"cell_{number}.tif\"\n"
                                   "name: \"cell_{number}\"\ncalibration: { z: 1 um, y: 0.5 um, x: 0.5 um }\n"
                                   "quality: { empty_volumes: { reject: 0 } }\nkeep: copy\n");
  }
  std::vector<std::string> through_mask() const {
    return {"import", images().string(), "--mask", (folder_ / "mask.yaml").string(), "--project", "demo"};
  }
  std::vector<std::string> plain() const {
    std::vector<std::string> arguments{"import"};
    for (int i = 1; i <= 6; ++i) arguments.push_back(file(i).string());
    for (const char* word : {"--files-are", "images", "--project", "demo", "--spacing", "1,0.5,0.5 um"})
      arguments.emplace_back(word);
    return arguments;
  }

 private:
  static Page<std::uint16_t> flat() { return {20, 30, std::vector<std::uint16_t>(600, 7)}; }
  fs::path images() const { return folder_ / "images"; }
  fs::path file(int i) const { return images() / fmt::format("cell_{}.tif", i); }
  void write(int i, const std::vector<Page<std::uint16_t>>& pages) const {
    fs::create_directories(images());
    write_sample<std::uint16_t>(file(i), pages);
  }

  TestFolder folder_;
};

/// What an import leaves behind for those who come after it.
struct Left {
  std::vector<std::string> artifacts;
  std::set<std::string> found;        // by a query: names and ids
  std::set<std::string> quarantined;  // files of records
  bool operator==(const Left&) const = default;
};

Left left_in(const Facility& facility) {
  Left left{facility.artifacts(), {}, {}};
  for (const std::string& line : voxflow::split(facility.must({"find", "--names"}), '\n')) left.found.insert(line);
  const fs::path quarantine = facility.archive() / "demo/quarantine";
  if (fs::exists(quarantine))
    for (const auto& entry : fs::directory_iterator(quarantine)) left.quarantined.insert(entry.path().filename());
  return left;
}

/// Becomes the program; what it says is lost.
void become_voxflow(const Facility& facility, const std::vector<std::string>& arguments) {
  const std::string program = (bin_folder() / "voxflow").string();
  std::vector<std::string> words{program, "--archive", facility.archive().string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int null = ::open("/dev/null", O_WRONLY);
  ::dup2(null, STDOUT_FILENO);
  ::dup2(null, STDERR_FILENO);
  ::execv(program.c_str(), argv.data());
}

struct Tally {
  int killed = 0, whole = 0, with_leftovers = 0;
};

void check_whole(const Facility& facility, Tally& tally) {
  const voxflow::archive::Archive archive(facility.archive());
  for (const std::string& artifact : voxflow::archive::published_artifacts(archive)) {
    CHECK(voxflow::archive::verify_artifact(archive, artifact).empty());
    ++tally.whole;
  }
}

/// Kills the import at `stop` in an archive of its own, looks at what is there, and gives the command again.
bool kill_at(long stop, const std::vector<std::string>& arguments, int code, const Left& expected, Tally& tally) {
  const Facility facility(fast_folder());
  const bool killed = killed_at(stop, [&] { become_voxflow(facility, arguments); });
  CAPTURE(stop);
  check_whole(facility, tally);
  tally.killed += killed;
  if (!facility.leftovers().empty()) {
    ++tally.with_leftovers;
    facility.must({"clean"});
    CHECK(facility.leftovers() == std::vector<std::string>{});
  }
  const Outcome again = facility.voxflow(arguments);
  CAPTURE(again.err);
  CHECK(again.exit_code == code);
  CHECK(left_in(facility) == expected);
  CHECK(facility.leftovers().empty());
  CHECK_FALSE(has(facility.must({"show", "cell_1"}), "the same from"));
  return killed;
}

void kill_everywhere(const std::vector<std::string>& arguments, int code) {
  Left expected;
  long stops = 0;
  {
    const Facility facility(fast_folder());
    stops = stops_of([&] { become_voxflow(facility, arguments); });
    expected = left_in(facility);
  }
  // Spread evenly, and on until something was left a few times: how often depends on what threads were at.
  constexpr int kKills = 40, kLeft = 3;
  Tally tally;
  for (int i = 0; i < kKills || (tally.with_leftovers < kLeft && i < 5 * kKills); ++i)
    kill_at(std::lround(static_cast<double>(stops) * std::fmod(i * std::numbers::phi, 1)), arguments, code, expected,
            tally);
  MESSAGE(fmt::format("killed {} times at {} stops: {} whole artifacts, {} times something was left and removed",
                      tally.killed, stops, tally.whole, tally.with_leftovers));
  CHECK(tally.killed >= 35);
  CHECK(tally.whole >= 20);
  CHECK(tally.with_leftovers >= kLeft);
}
}  // namespace

TEST_CASE("a batch through a mask that is killed goes on to what one that nobody stopped has") {
  if (!tracing_allowed()) return;
  const Files files;
  kill_everywhere(files.through_mask(), 1);  // one is in quarantine
}

TEST_CASE("a batch of files that is killed goes on to what one that nobody stopped has") {
  if (!tracing_allowed()) return;
  const Files files;
  kill_everywhere(files.plain(), 0);
}
