// workflows/nuclei_3d.yaml on a real volume, a mouse blastocyst with 61 nuclei: on two local ranks and on three SLURM
// nodes.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "pipeline/archive/image_file.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/phantom/score.hpp"
#include "tests/cli/facility.hpp"
#include "tests/slurm/cluster.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/nuclei.hpp"

namespace fs = std::filesystem;
using namespace voxflow;
using namespace voxflow::test;

namespace {
constexpr std::array kSteps{"denoise", "deconvolve", "nuclei", "measure"};

nlohmann::json shown(const Facility& facility, const std::string& name) {
  return nlohmann::json::parse(facility.must({"--json", "show", name}));
}

/// Of every result of the workflow, in the order of its steps.
std::vector<std::string> digests(const Facility& facility) {
  std::vector<std::string> all;
  for (const char* step : kSteps)
    all.push_back(shown(facility, fmt::format("blastocyst nuclei_3d/{}", step)).at("content_digest"));
  return all;
}

std::vector<std::uint32_t> nuclei_of(const Facility& facility) {
  const auto labels = shown(facility, "blastocyst nuclei_3d/nuclei");
  const archive::ImageReader reader(facility.archive() / labels.at("artifact").get<std::string>() / "data.h5");
  const Grid& grid = reader.info().grid;
  std::vector<std::uint32_t> voxels(static_cast<std::size_t>(count(grid.shape)));
  reader.read<std::uint32_t>(0, 0, grid.box(), {voxels.data(), grid.shape});
  return voxels;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}
}  // namespace

TEST_CASE(
    "nuclei_3d finds the nuclei of a blastocyst, with the same digests on two local ranks and on three SLURM nodes") {
  const fs::path data = test_data() / "idr0062_6001240/converted_tiff";
  if (test_data().empty() || !fs::exists(data)) {
    MESSAGE("skipped: there is no " << data.string() << "; VOXFLOW_TEST_DATA names the folder of the real data");
    return;
  }
  const std::string workflow = read_file(project_folder() / "workflows/nuclei_3d.yaml");
  const Facility local;
  local.must({"import", (data / "DAPI.tif").string(), (data / "LaminB1.tif").string(), "--files-are", "channels",
              "--project", "demo", "--name", "blastocyst", "--annotate", "sample=nuclei"});
  const Facility spread;
  fs::remove_all(spread.archive());
  fs::copy(local.archive(), spread.archive(), fs::copy_options::recursive);

  has(local.must({"run", local.write("nuclei.yaml", workflow).string()}), "4 done, 0 failed");
  const auto truth = read_tiff<std::uint32_t>(data / "labels_gt.tif");
  const auto found = nuclei_of(local);
  const auto score = phantom::match_objects(truth.voxels, found);
  const double dice = foreground_dice(truth.voxels, found);
  MESSAGE(fmt::format("{} of {} nuclei matched, {} found, foreground Dice {:.3f}", score.matched, score.truth,
                      score.found, dice));
  CHECK(score.matched >= 46);
  CHECK(dice >= 0.81);
  CHECK(shown(local, "blastocyst nuclei_3d/measure").at("count") == score.found);

  const Cluster* cluster = Cluster::get();
  if (cluster == nullptr) return;
  // Teams of six ranks, two on each node.
  const std::string wide = with(workflow, "ranks: 2", "ranks: 6");
  const std::string site =
      "voxflow_site: 1\nslurm:\n  partition: main\n  cores_per_job: 6\n"
      "  environment: { OMPI_MCA_mpi_yield_when_idle: \"1\" }\n";
  const Outcome outcome = spread.voxflow({"run", spread.write("nuclei.yaml", wide).string(), "--executor", "slurm",
                                          "--site", spread.write("site.yaml", site).string()},
                                         cluster->environment());
  INFO(outcome.err);
  has(outcome.out, "4 done, 0 failed");
  CHECK(digests(spread) == digests(local));
}
