// The whole way as a user goes it: phantom, import, annotate, run, ask.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/cli/facility.hpp"

namespace fs = std::filesystem;
using namespace voxflow::test;

namespace {
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string first_look() {
  return (project_folder() / "workflows/first_look.yaml").string();
}

/// first_look with one line replaced, in the facility's folder.
std::string changed_first_look(const Facility& facility, const std::string& from, const std::string& to) {
  std::ifstream in(first_look());
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  return facility.write("changed.yaml", text).string();
}
}  // namespace

TEST_CASE("a workflow runs once, a second run does nothing, a changed parameter re-runs exactly its dependants") {
  const Facility facility;
  facility.import_phantom(2);
  const auto acquisitions = facility.artifacts().size();

  const std::string first = facility.must({"run", first_look()});
  CHECK(contains(first, "8 done, 0 failed, 0 skipped"));
  CHECK(facility.artifacts().size() == acquisitions + 8);
  CHECK(facility.leftovers() == std::vector<std::string>{});

  CHECK(contains(facility.must({"run", first_look()}), "nothing is to be done"));
  CHECK(facility.artifacts().size() == acquisitions + 8);

  SUBCASE("a changed parameter of the last step runs that step alone") {
    const std::string file = changed_first_look(facility, "kernel: segment.components",
                                                "kernel: segment.components\n    params: { connectivity: faces }");
    const std::string plan = facility.must({"plan", file});
    CHECK(contains(plan, "4 of 8 tasks to run"));
    CHECK(contains(plan, "connectivity"));
    CHECK(contains(facility.must({"why", "nuclei_1/components", "--workflow", file}), "connectivity"));
    CHECK(contains(facility.must({"run", file}), "4 done"));
  }
  SUBCASE("touching and renaming files re-runs nothing") {
    fs::last_write_time(first_look(), fs::file_time_type::clock::now());
    const fs::path copy = facility / "renamed.yaml";
    fs::copy_file(first_look(), copy);
    CHECK(contains(facility.must({"run", copy.string()}), "nothing is to be done"));
  }
  SUBCASE("the catalog made again equals the live one") {
    const std::string live = facility.must({"catalog", "dump"});
    facility.must({"catalog", "rebuild"});
    CHECK(facility.must({"catalog", "dump"}) == live);
    fs::remove(facility.archive() / "catalog.sqlite");
    fs::remove(facility.archive() / "catalog.sqlite-wal");
    fs::remove(facility.archive() / "catalog.sqlite-shm");
    facility.must({"catalog", "rebuild"});
    CHECK(facility.must({"catalog", "dump"}) == live);
    CHECK(contains(facility.must({"run", first_look()}), "nothing is to be done"));
  }
  SUBCASE("results are found by what they come from, and lead back to it") {
    CHECK(contains(facility.must({"find", "kind = \"table\" and derived_from(\"nuclei_1\")", "--count"}), "1"));
    CHECK(contains(facility.must({"lineage", "nuclei_1 first_look/measure"}), "nuclei_1"));
    CHECK(contains(facility.must({"lineage", "nuclei_1"}), "first_look/measure"));
    CHECK(contains(facility.must({"show", "nuclei_1 first_look/denoise"}), "denoise.median"));
    CHECK(contains(facility.must({"status", "last"}), "finished"));
  }
}

TEST_CASE("most nuclei of the phantom are found, and denoising comes nearer to the truth") {
  const Facility facility;
  facility.import_phantom(1);
  facility.must({"run", first_look()});
  const std::string score = facility.must({"phantom", "score", "facility", "--workflow", "first_look"});
  INFO(score);
  int found = 0, truth = 0, matched = 0;
  double before = 0, after = 0;
  const auto row = score.substr(score.find("nuclei_1"));
  REQUIRE(std::sscanf(row.c_str(), "nuclei_1 %d / %d %d %lf dB %lf dB", &found, &truth, &matched, &before, &after) ==
          5);
  CHECK(truth >= 20);
  CHECK(matched * 10 >= truth * 8);
  CHECK(after >= before + 3);
}

TEST_CASE("ranks and threads are in no key: other requests re-run nothing, and give the same digests elsewhere") {
  const auto digests = [](const std::string& resources) {
    const Facility facility;
    facility.import_phantom(1);
    const std::string file = changed_first_look(facility, "{ ranks: 2, memory: 1 GB, time: 10 min }", resources);
    facility.must({"run", file});
    CHECK(contains(facility.must({"run", first_look()}), "nothing is to be done"));
    std::vector<std::string> found;
    for (const auto& artifact : facility.artifacts()) {
      std::ifstream in(facility.archive() / artifact / "manifest.json");
      for (std::string line; std::getline(in, line);)
        if (contains(line, "\"content_digest\"")) found.push_back(line);
    }
    std::sort(found.begin(), found.end());
    return found;
  };
  const auto one = digests("{ ranks: 1, memory: 1 GB, time: 10 min }");
  CHECK(one.size() >= 5);
  CHECK(digests("{ ranks: 3, threads: 2, memory: 2 GB, time: 10 min }") == one);
}

TEST_CASE("an interrupted run leaves no process behind and is finished by the next one") {
  const Facility facility;
  facility.import_phantom(2);
  const std::string script = "timeout --signal=INT 0.7 " + (bin_folder() / "voxflow").string() + " --archive " +
                             facility.archive().string() + " run " + first_look() + "; exit 0";
  run_program("sh", {"-c", script}, facility.archive().parent_path());
  const Outcome stray = run_program("pgrep", {"-a", "-f", "[v]oxflow-.*" + facility.archive().string()});
  INFO(stray.out);
  CHECK(stray.out.empty());
  const std::string rest = facility.must({"run", first_look()});
  INFO(rest);
  CHECK(facility.leftovers() == std::vector<std::string>{});
  CHECK(contains(facility.must({"run", first_look()}), "nothing is to be done"));
  CHECK(contains(facility.must({"catalog", "check"}), "0 gaps"));
}
