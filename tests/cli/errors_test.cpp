// What goes wrong and whose turn it is: message, exit code, and nothing half-written.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "pipeline/core/text.hpp"
#include "tests/cli/facility.hpp"

namespace fs = std::filesystem;
using namespace voxflow::test;

namespace {
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A sound workflow on the phantom's images of nuclei.
const std::string kHead =
    "voxflow: 1\n"
    "workflow: errors\n"
    "project: demo\n"
    "select: |\n"
    "  kind = \"acquisition\" and sample = \"nuclei\"\n";

struct Mistake {
  const char* what;
  const char* steps;
  const char* place;    // line:column
  const char* message;  // a part of it
};

const Mistake kMistakes[] = {
    {"an unknown key", "steps:\n  a:\n    kernel: denoise.median\n    input: image\n    parms: { radius: 1 um }\n",
     "10:5", "did you mean 'params'?"},
    {"a duplicate key", "steps:\n  a:\n    kernel: denoise.median\n    input: image\n    input: image\n", "10:5",
     "'input'"},
    {"a missing unit", "steps:\n  a:\n    kernel: denoise.median\n    input: image\n    params: { radius: 0.3 }\n",
     "10:23", "has no unit"},
    {"a value out of range",
     "steps:\n  a:\n    kernel: denoise.median\n    input: image\n    params: { radius: 40 um }\n", "10:23",
     "radius is 40 um, allowed 0.05 um to 5 um"},
    {"an unknown parameter",
     "steps:\n  a:\n    kernel: denoise.median\n    input: image\n    params: { radiu: 1 um }\n", "10:15",
     "did you mean 'radius'?"},
    {"an unknown kernel", "steps:\n  a:\n    kernel: denoise.medain\n    input: image\n", "8:13",
     "did you mean 'denoise.median'?"},
    {"ports that do not fit", "steps:\n  a:\n    kernel: segment.components\n    input: image\n", "9:12", "mask"},
    {"a part of the language that is not in this version",
     "steps:\n  a:\n    kernel: denoise.median\n    input: image\nnotify: { mail: a@b.c }\n", "10:1", "notify"},
};

std::size_t lines_of(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (const auto& line : voxflow::split(text, '\n')) n += contains(line, part);
  return n;
}
}  // namespace

TEST_CASE("a mistake in a workflow is shown with its place and remedy; nothing is submitted") {
  const Facility facility;
  facility.must({"catalog", "ingest"});
  for (const Mistake& mistake : kMistakes) {
    CAPTURE(mistake.what);
    const fs::path file = facility.write(
        "bad.yaml", kHead.substr(0, kHead.find("select")) + "select: kind = \"acquisition\"\n\n" + mistake.steps);
    const Outcome outcome = facility.voxflow({"run", file.string()});
    INFO(outcome.err);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    CHECK(contains(outcome.err, "bad.yaml:" + std::string(mistake.place) + ": error: "));
    CHECK(contains(outcome.err, mistake.message));
    CHECK(contains(outcome.err, "1 error; nothing was submitted"));
    CHECK(facility.artifacts().empty());
    CHECK(fs::is_empty(facility.archive() / "runs"));
  }
}

TEST_CASE("every mistake of a file is shown at once") {
  const Facility facility;
  const fs::path file = facility.write(
      "bad.yaml",
      kHead +
          "steps:\n  a:\n    kernel: denoise.median\n    input: image\n    params: { radius: 40 um, sigmaa: 1 }\n"
          "  b: { kernel: segment.treshold, input: a }\n");
  const Outcome outcome = facility.voxflow({"check", file.string()});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 2);
  CHECK(lines_of(outcome.err, "error: ") == 3);
  CHECK(contains(outcome.err, "3 errors; nothing was submitted"));
}

TEST_CASE("queries that do not fit what is declared name the nearest key") {
  const Facility facility;
  facility.import_phantom(1);
  const auto before = facility.artifacts();

  Outcome outcome = facility.voxflow({"find", "speces = \"G12\""});
  CHECK(outcome.exit_code == 2);
  CHECK(contains(outcome.err, "did you mean 'species'?"));
  CHECK(contains(outcome.err, "^~~~~~"));

  const fs::path unknown =
      facility.write("unknown.yaml",
                     "voxflow: 1\nworkflow: w\nselect: |\n  kind = \"acquisition\" and speces = \"G12\"\nsteps:\n"
                     "  a: { kernel: denoise.median, input: image }\n");
  outcome = facility.voxflow({"run", unknown.string()});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 2);
  CHECK(contains(outcome.err, "unknown.yaml:4:"));
  CHECK(contains(outcome.err, "did you mean 'species'?"));

  SUBCASE("a reference that matches nothing names the reference and the image") {
    const fs::path file = facility.write(
        "reference.yaml",
        "voxflow: 1\nworkflow: w\nproject: demo\nselect: |\n  kind = \"acquisition\" and sample = "
        "\"nuclei\"\nreferences:\n  beads:\n"
        "    select: kind = \"acquisition\" and sample = \"dust\"\n    same: [instrument]\n    pick: nearest acquired\n"
        "    if_none: fail\nsteps:\n  a: { kernel: denoise.median, input: beads }\n"
        "  b: { kernel: denoise.median, input: image }\n");
    outcome = facility.voxflow({"run", file.string()});
    INFO(outcome.err);
    CHECK(outcome.exit_code == 2);
    CHECK(contains(outcome.err, "beads"));
    CHECK(contains(outcome.err, "nuclei_1"));
  }
  SUBCASE("too little memory for a block is refused before anything runs") {
    const fs::path file =
        facility.write("memory.yaml", kHead +
                                          "steps:\n  a:\n    kernel: denoise.median\n    input: image\n"
                                          "resources: { a: { memory: 1 MB } }\n");
    outcome = facility.voxflow({"run", file.string()});
    INFO(outcome.err);
    CHECK(outcome.exit_code == 2);
    CHECK(contains(outcome.err, "memory"));
    CHECK(contains(outcome.err, "1.0 MB"));
    CHECK(contains(outcome.err, "'a'"));
  }
  SUBCASE("an annotation in another unit than declared is refused") {
    outcome = facility.voxflow({"annotate", "nuclei_1", "time_post_infection=3 um"});
    INFO(outcome.err);
    CHECK(outcome.exit_code == 2);
    CHECK(contains(outcome.err, "time_post_infection"));
    CHECK(contains(outcome.err, "h"));
  }
  CHECK(facility.artifacts() == before);
  CHECK(fs::is_empty(facility.archive() / "runs"));
  CHECK(facility.leftovers() == std::vector<std::string>{});
}

TEST_CASE("a truncated TIFF and a missing calibration are refused, and leave nothing behind") {
  const Facility facility;
  facility.must({"phantom", "make", "facility", "--images", "1"});
  const fs::path whole = facility / "facility/images/nuclei_1_C0.tif";
  const fs::path cut = facility / "cut.tif";
  fs::copy_file(whole, cut);
  fs::resize_file(cut, fs::file_size(whole) / 2);
  const Outcome truncated = facility.voxflow({"import", cut.string(), "--project", "demo"});
  INFO(truncated.err);
  CHECK(truncated.exit_code == 2);
  CHECK(contains(truncated.err, "cut.tif"));

  const Outcome no_file = facility.voxflow({"import", "absent.tif", "--project", "demo"});
  CHECK(no_file.exit_code == 2);
  CHECK(contains(no_file.err, "absent.tif"));

  const Outcome bad_spacing = facility.voxflow({"import", whole.string(), "--project", "demo", "--spacing", "1,2"});
  CHECK(bad_spacing.exit_code == 2);
  CHECK(contains(bad_spacing.err, "--spacing is '1,2'; write z,y,x with a unit, such as '0.5,0.2,0.2 um'"));

  CHECK(facility.artifacts().empty());
  CHECK(facility.leftovers() == std::vector<std::string>{});
}

TEST_CASE("a damaged file among several does not stop the others") {
  const Facility facility;
  facility.must({"phantom", "make", "facility", "--images", "2"});
  fs::resize_file(facility / "facility/images/nuclei_1_C0.tif", 1000);
  const Outcome outcome =
      facility.voxflow({"import", "facility/images/nuclei_1_C0.tif", "facility/images/nuclei_2_C0.tif", "--files-are",
                        "images", "--project", "demo"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 2);
  CHECK(contains(outcome.err, "nuclei_1_C0.tif"));
  CHECK(contains(outcome.out, "1 of 2 imported"));
  CHECK(facility.artifacts().size() == 1);
}

TEST_CASE("a plugin built for another SDK is refused by name, and the kernels stay usable without it") {
  const Facility facility;
  const Outcome outcome = facility.voxflow({"kernels"}, {{"VOXFLOW_KERNEL_PATH", VOXFLOW_TEST_OTHER_STAMP_FOLDER}});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 2);
  CHECK(contains(outcome.err, "voxflow_kernel_"));
  CHECK(contains(outcome.err, "SDK"));
  CHECK(facility.voxflow({"kernels"}).exit_code == 0);
}

TEST_CASE("a full disk is the operator's turn: exit 3, nothing half-written") {
  const Facility facility;
  facility.must({"phantom", "make", "facility", "--images", "1"});
  const fs::path small = facility / "small";
  fs::create_directory(small);
  const std::string script =
      "mount -t tmpfs -o size=1m tmpfs " + small.string() + " || exit 99; " + (bin_folder() / "voxflow").string() +
      " init " + (small / "archive").string() + " >/dev/null && " + (bin_folder() / "voxflow").string() +
      " --archive " + (small / "archive").string() +
      " import facility/images/nuclei_1_C0.tif facility/images/nuclei_1_C1.tif --files-are channels" +
      " --project demo; code=$?; find " + small.string() + " -name manifest.json -o -name '.tmp*'; exit $code";
  const Outcome outcome = run_program("unshare", {"--mount", "sh", "-c", script}, facility.archive().parent_path());
  if (outcome.exit_code == 99 || outcome.err.starts_with("unshare: ")) {
    MESSAGE("skipped: this user may not mount a small disk to fill");
    return;
  }
  INFO(outcome.err);
  CHECK(outcome.exit_code == 3);
  CHECK(contains(outcome.err, "No space left on device"));
  CHECK(outcome.out.empty());
}

TEST_CASE(
    "a command line that cannot be read is the user's turn, and the archive that is not there says how to make one") {
  const Facility facility;
  CHECK(facility.voxflow({"rum"}).exit_code == 2);
  CHECK(facility.voxflow({"run"}).exit_code == 2);
  const Outcome outcome = run_program("voxflow", {"find"}, "/");
  CHECK(outcome.exit_code == 2);
  CHECK(contains(outcome.err, "voxflow init DIR"));
  const Outcome again = run_program("voxflow", {"init", facility.archive().string()});
  CHECK(again.exit_code == 2);
}
