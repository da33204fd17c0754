// The whole way as a user goes it: phantom, import, annotate, run, ask.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

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
    const auto summary = nlohmann::json::parse(facility.must({"--json", "run", file}));
    CHECK(summary["done"] == 4);
    CHECK(summary["done_before"] == 4);
    CHECK(summary["end"] == "finished");
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
    const auto task = nlohmann::json::parse(facility.must({"--json", "why", "nuclei_1/denoise"})).at(0);
    CHECK(task["image"] == "nuclei_1");
    CHECK(task["state"] == "done");
    CHECK(nlohmann::json::parse(facility.must({"--json", "run", first_look()}))["done_before"] == 8);
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

TEST_CASE("what was lost of a finished run is found or made again: an artifact, an event, a dead process's folder") {
  const Facility facility;
  facility.import_phantom(1);
  const fs::path workflow = facility.write("lost.yaml",
                                           "voxflow: 1\nworkflow: lost\nproject: demo\nselect: |\n  kind = "
                                           "\"acquisition\" and sample = \"nuclei\"\nsteps:\n"
                                           "  a: { kernel: denoise.median, input: image }\n");
  facility.must({"run", workflow.string()});
  const auto all = facility.artifacts();
  const auto result = std::find_if(all.begin(), all.end(), [](const auto& a) { return a.starts_with("demo/results"); });
  REQUIRE(result != all.end());

  SUBCASE("an artifact") {
    fs::remove_all(facility.archive() / *result);
    CHECK(facility.must({"run", workflow.string()}).find("1 done, 0 failed") != std::string::npos);
  }
  SUBCASE("an event") {
    fs::rename(facility.archive() / *result, facility / "aside");
    fs::remove_all(facility.archive() / "events/log");
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(facility.archive() / (std::string("catalog.sqlite") + end));
    fs::remove_all(facility / "facility");
    facility.import_phantom(1);
    fs::rename(facility / "aside", facility.archive() / *result);
    CHECK(facility.must({"run", workflow.string()}).find("1 done, 0 failed") != std::string::npos);
  }
  SUBCASE("the folder that a dead process was building") {
    char host[256] = "";
    REQUIRE(::gethostname(host, sizeof host - 1) == 0);
    const fs::path left = facility.archive() / "demo/results" / (std::string(".tmp-") + host + "-8388608-AbCdEf");
    fs::create_directory(left);
    fs::remove_all(facility.archive() / *result);
    facility.must({"run", workflow.string()});
    CHECK(facility.leftovers().empty());
  }
  CHECK(facility.artifacts() == all);
  CHECK(facility.must({"find", "--count", "kind = \"result\""}).find('1') != std::string::npos);
  CHECK(facility.must({"run", workflow.string()}).find("nothing is to be done") != std::string::npos);
}

TEST_CASE("on a terminal a bar is drawn again in place and taken away; elsewhere each step has a line") {
  const Facility facility;
  facility.import_phantom(1);
  const std::string command =
      (bin_folder() / "voxflow").string() + " --archive " + facility.archive().string() + " run " + first_look();
  const Outcome terminal =
      run_program("script", {"-qefc", command, "/dev/null"}, facility.archive().parent_path(), {{"TERM", "xterm"}});
  INFO(terminal.out);
  REQUIRE(terminal.exit_code == 0);
  CHECK(contains(terminal.out, "] 0/4  0:0"));
  CHECK(contains(terminal.out, "] 4/4  0:0"));
  CHECK_FALSE(contains(terminal.out, "step 'denoise'"));
  const auto summary = terminal.out.find("finished: 4 done");
  REQUIRE(summary != std::string::npos);
  const std::string before = terminal.out.substr(0, terminal.out.rfind("run ", summary));
  CHECK(before.ends_with("\r\x1b[K"));
  CHECK(terminal.out.find('[', summary) == std::string::npos);

  fs::remove_all(facility.archive() / "demo/results");
  const Outcome file = facility.voxflow({"run", first_look()});
  CHECK(contains(file.err, "step 'denoise': 1 done"));
  CHECK_FALSE(contains(file.err, "\r"));
}
