// The shipped workflow channel_alignment on the synthetic facility: two days with other shifts, one image of beads
// each.
#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>

#include "tests/cli/facility.hpp"
#include "tests/support/contains.hpp"

using namespace voxflow::test;

namespace {
std::string channel_alignment() {
  return (project_folder() / "workflows/channel_alignment.yaml").string();
}

/// With `if_none: skip`, in the facility's folder.
std::string skipping(const Facility& facility) {
  std::ifstream in(channel_alignment());
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const std::string from = "if_none: fail";
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return facility.write("skipping.yaml", text.replace(at, from.size(), "if_none: skip")).string();
}

std::string count(const Facility& facility, const std::string& query) {
  return facility.must({"find", "--count", query});
}
}  // namespace

TEST_CASE("beads of the same day align the channels of that day's images, measured once for each image of beads") {
  const Facility facility;
  facility.import_phantom(3);
  const std::string first = facility.must({"run", channel_alignment()});
  has(first, "5 done, 0 failed, 0 skipped");
  has(count(facility, "workflow = \"channel_alignment\" and step = \"align\""), "2");
  has(count(facility, "workflow = \"channel_alignment\" and step = \"aligned\""), "3");
  has(count(facility, "step = \"aligned\" and derived_from(\"beads_1\")"), "2");
  has(count(facility, "step = \"aligned\" and derived_from(\"beads_2\")"), "1");
  has(facility.must({"run", channel_alignment()}), "nothing is to be done");

  const std::string score = facility.must({"phantom", "score", "facility", "--workflow", "channel_alignment"});
  INFO(score);
  for (const char* image : {"nuclei_1", "nuclei_2", "nuclei_3", "beads_1", "beads_2"}) {
    CAPTURE(image);
    double truth[3] = {}, found[3] = {}, um = 1, voxels = 1;
    const std::string row = score.substr(score.find(image));
    REQUIRE(std::sscanf(row.c_str(), "%*s %lf %lf %lf %lf %lf %lf %lf um %lf", &truth[0], &truth[1], &truth[2],
                        &found[0], &found[1], &found[2], &um, &voxels) == 8);
    CHECK(truth[0] == (std::string(image).ends_with("3") || std::string(image) == "beads_2" ? -0.14 : 0.23));
    CHECK(um < 0.05);
    CHECK(voxels < 0.1);
  }
  CHECK(score.find("objects found") == std::string::npos);
}

TEST_CASE(
    "a day without beads is an error that says so, or leaves that day's images out where the workflow allows it") {
  const Facility facility;
  facility.import_phantom(3);
  facility.must({"annotate", "beads_2", "acquired=2025-04-01"});
  const auto before = facility.artifacts();
  const Outcome refused = facility.voxflow({"run", channel_alignment()});
  CHECK(refused.exit_code == 2);
  has(refused.err, "image 'nuclei_3': reference 'beads' matches nothing");
  has(refused.err, "acquired.date = 2025-03-17");
  has(refused.err, "write if_none: skip");
  CHECK(facility.artifacts() == before);

  const Outcome skipped = facility.voxflow({"run", skipping(facility)});
  CHECK(skipped.exit_code == 0);
  has(skipped.out + skipped.err, "image 'nuclei_3': reference 'beads' matches nothing");
  has(skipped.out, "3 done, 0 failed");
  const std::string score = facility.must({"phantom", "score", "facility", "--workflow", "channel_alignment"});
  has(score.substr(score.find("nuclei_3")), "not processed");
}
