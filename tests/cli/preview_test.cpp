// Pictures of what is in the archive, as a user asks for them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/preview/colours.hpp"
#include "pipeline/preview/contrast.hpp"
#include "pipeline/record/plan.hpp"
#include "tests/cli/facility.hpp"
#include "tests/preview/read_png.hpp"
#include "tests/support/contains.hpp"

namespace fs = std::filesystem;
using namespace voxflow;
using namespace voxflow::test;
using preview::Raster;
using preview::Rgb;

namespace {
constexpr Index kSide = 160, kDepth = 80;  // of the phantom, in voxels of 0.2 um
constexpr Index kPixels = 5;               // a voxel, where the sides are shown

/// The picture that these arguments make, and what voxflow says of it.
struct Shown {
  Raster picture;
  nlohmann::json report;
  Index y(Index pixel) const { return report["view"]["y"].get<Index>() + pixel; }
  Index x(Index pixel) const { return report["view"]["x"].get<Index>() + pixel; }
  const Rgb& at(Index row, Index column) const { return picture.at(y(row), x(column)); }
};

Shown shown(const Facility& facility, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"preview", "--json", "--replace", "--out", "p.png"});
  const auto report = nlohmann::json::parse(facility.must(arguments));
  return {read_png(read_file(facility / "p.png")), report};
}

std::string refusal(const Facility& facility, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "preview");
  const Outcome outcome = facility.voxflow(arguments);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 2);
  return outcome.err;
}

/// Volume 0, channel `c` of the artifact of `name`, in memory.
template <class T>
std::vector<T> voxels_of(const Facility& facility, const std::string& name, int c) {
  const auto j = nlohmann::json::parse(facility.must({"show", "--json", name}));
  const archive::ImageReader reader(facility.archive() / j["artifact"].get<std::string>() /
                                    j["file"].get<std::string>());
  std::vector<T> voxels(static_cast<std::size_t>(count(reader.info().grid.shape)));
  reader.read(0, c, reader.info().grid.box(), VolumeView<T>(voxels.data(), reader.info().grid.shape));
  return voxels;
}

template <class T>
std::vector<T> projected(const std::vector<T>& voxels) {
  std::vector<T> plane(kSide * kSide, 0);
  for (std::size_t i = 0; i < voxels.size(); ++i)
    plane[i % plane.size()] = std::max(plane[i % plane.size()], voxels[i]);
  return plane;
}

std::string first_look() {
  return (project_folder() / "workflows/first_look.yaml").string();
}

/// One image of the phantom, processed; whoever changes it makes his own.
class Processed : public Facility {
 public:
  Processed() {
    import_phantom(1);
    must({"run", first_look()});
  }
};

const Facility& processed() {
  static const Processed facility;
  return facility;
}

bool reddish(const Rgb& c) {
  return c.red > 40 && c.red > 2 * c.green && c.red > 2 * c.blue;
}

/// Pixels along a line of the sheet that belong to the mark of a failed task.
Index failed_cells(const Raster& picture) {
  Index cells = 0;
  for (Index y = 1; y < picture.height(); ++y)
    for (Index x = 1; x < picture.width(); ++x)
      cells += reddish(picture.at(y, x)) && !reddish(picture.at(y - 1, x)) && !reddish(picture.at(y, x - 1)) &&
               x + 100 < picture.width() && reddish(picture.at(y, x + 100)) && reddish(picture.at(y, x + 50));
  return cells;
}
}  // namespace

TEST_CASE("an image of two channels is a green and magenta projection with its sides and a true scale bar") {
  const Facility& facility = processed();
  const Shown p = shown(facility, {"nuclei_1"});
  CHECK(p.report["um_per_pixel"].get<double>() == doctest::Approx(0.2 / kPixels));
  CHECK(p.report["channels"][0]["name"] == "DAPI");
  CHECK(p.report["channels"][0]["colour"] == nlohmann::json{0, 255, 0});
  CHECK(p.report["channels"][1]["colour"] == nlohmann::json{255, 0, 255});

  SUBCASE("pixels are the projection, between the percentiles") {
    std::vector<std::vector<std::uint16_t>> planes;
    for (int c = 0; c < 2; ++c) planes.push_back(projected(voxels_of<std::uint16_t>(facility, "nuclei_1", c)));
    std::vector<preview::Contrast> contrasts;
    for (const auto& plane : planes) {
      const std::vector<float> values(plane.begin(), plane.end());
      contrasts.push_back(preview::robust_contrast(values));
      CHECK(p.report["channels"][contrasts.size() - 1]["black"].get<double>() == contrasts.back().low);
      CHECK(p.report["channels"][contrasts.size() - 1]["full"].get<double>() == contrasts.back().high);
    }
    for (Index y = 0; y < kSide - 30; ++y)
      for (Index x = 0; x < kSide; ++x) {
        const auto level = [&](std::size_t c) {
          return std::lround(255 * preview::brightness(planes[c][static_cast<std::size_t>(y * kSide + x)], contrasts[c],
                                                       preview::Tone::linear));
        };
        const Rgb& pixel = p.at(kPixels * y + 3, kPixels * x + 2);
        REQUIRE(pixel.green == level(0));
        REQUIRE(pixel.red == level(1));
        REQUIRE(pixel.blue == level(1));
      }
  }
  SUBCASE("the bar is as long as it says") {
    const auto& bar = p.report["scale_bar"];
    CHECK(bar["um"] == 5);
    CHECK(bar["pixels"] == 125);
    const Index y = bar["y"], x = bar["x"], pixels = bar["pixels"];
    for (Index i = 0; i < pixels; ++i) REQUIRE(p.picture.at(y, x + i) == preview::kWhite);
    CHECK(p.picture.at(y, x - 1) != preview::kWhite);
    CHECK(p.picture.at(y, x + pixels) != preview::kWhite);
  }
  SUBCASE("the sides are as deep as the stack") {
    CHECK(p.picture.width() >= kPixels * (kSide + kDepth));
    CHECK(p.picture.height() >= kPixels * (kSide + kDepth));
    const Shown alone = shown(facility, {"nuclei_1", "--sides", "none"});  // which leaves room to enlarge it more
    CHECK(alone.report["um_per_pixel"].get<double>() == doctest::Approx(0.2 / 7));
    CHECK(alone.picture.width() < 7 * kSide + 100);
  }
  SUBCASE("a slice of one channel is grey") {
    const auto voxels = voxels_of<std::uint16_t>(facility, "nuclei_1", 1);
    const Shown slice = shown(facility, {"nuclei_1", "--z", "7", "--channels", "LaminB1"});
    const std::vector<float> plane(voxels.begin() + 7 * kSide * kSide, voxels.begin() + 8 * kSide * kSide);
    const auto contrast = preview::robust_contrast(plane);
    CHECK(slice.report["channels"].size() == 1);
    CHECK(slice.report["channels"][0]["full"].get<double>() == contrast.high);
    const auto level = std::lround(255 * preview::brightness(plane[80 * kSide + 50], contrast, preview::Tone::linear));
    const double pixel = kSide * 0.2 / (slice.report["um_per_pixel"].get<double>() * kSide);
    const Rgb& there = slice.at(std::lround(80 * pixel) + 1, std::lround(50 * pixel) + 1);
    CHECK(there.red == level);
    CHECK(there.green == level);
  }
}

TEST_CASE("what a preview cannot do is said before anything is written") {
  const Facility facility;
  facility.import_phantom(1);
  has(refusal(facility, {"nuclei_1", "--z", "32"}), "--z is 32, but 'nuclei_1' has 32 planes; allowed 0 to 31");
  has(refusal(facility, {"nuclei_1", "--t", "1"}), "--t is 1, but 'nuclei_1' has 1 timepoint; allowed 0 to 0");
  has(refusal(facility, {"nuclei_1", "--z", "3", "--projection", "max"}),
      "--z chooses a slice, but --projection is max; leave one of them out");
  has(refusal(facility, {"nuclei_1", "--channels", "DAPY"}),
      "'nuclei_1' has no channel 'DAPY'; did you mean 'DAPI'?; its channels are DAPI, LaminB1");
  has(refusal(facility, {"nuclei_1", "--channels", "0,0,0,1,1"}),
      "5 channels are to be shown, and 4 are the most that one picture tells apart; name fewer with --channels");
  has(refusal(facility, {"nuclei_1", "--out", "p.jpg"}),
      "--out is 'p.jpg', and a preview is a PNG file; name it 'p.png'");
  has(refusal(facility, {"nuclei_1", "--out", "no/p.png"}),
      "there is no folder 'no' to write 'p.png' to; make it first");
  const std::string nothing = refusal(facility, {"nucley_1"});
  has(nothing, "the catalog has no image or result 'nucley_1'; did you mean 'nuclei_1'?");
  has(nothing, "there is no run in this archive");
  CHECK_FALSE(fs::exists(facility / "nuclei_1.png"));

  facility.must({"preview", "nuclei_1"});
  has(refusal(facility, {"nuclei_1"}), "'nuclei_1.png' is there already; give --replace, or another name with --out");
  facility.must({"preview", "nuclei_1", "--replace"});
  CHECK(facility.leftovers().empty());
}

TEST_CASE("labels are outlines over the image that lineage finds, and a run is a contact sheet") {
  const Facility& facility = processed();
  const std::string components = "nuclei_1 first_look/components";
  const auto labels = projected(voxels_of<std::uint32_t>(facility, components, 0));
  const auto label = [&](Index y, Index x) { return labels[static_cast<std::size_t>(y * kSide + x)]; };

  SUBCASE("the edge of each label has its colour; inside is the denoised channel that was segmented") {
    const Shown p = shown(facility, {components});
    CHECK(p.report["channels"].size() == 1);
    CHECK(p.report["channels"][0]["name"] == "DAPI");
    const auto denoised = projected(voxels_of<std::uint16_t>(facility, "nuclei_1 first_look/denoise", 0));
    CHECK(p.report["channels"][0]["full"].get<double>() ==
          preview::robust_contrast(std::vector<float>(denoised.begin(), denoised.end())).high);
    Index edges = 0, insides = 0;
    for (Index y = 1; y < kSide - 30; ++y)
      for (Index x = 1; x + 1 < kSide; ++x) {
        const std::uint32_t here = label(y, x);
        if (here != 0 && here != label(y, x - 1)) {
          ++edges;
          REQUIRE(p.at(kPixels * y + 2, kPixels * x) == preview::label_colour(here));
        } else if (here == label(y, x - 1) && here == label(y, x + 1) && here == label(y - 1, x) &&
                   here == label(y + 1, x)) {
          insides += here != 0;
          const Rgb& pixel = p.at(kPixels * y + 2, kPixels * x + 2);
          REQUIRE(pixel.red == pixel.green);
          REQUIRE(pixel.red == pixel.blue);
        }
      }
    CHECK(edges > 200);
    CHECK(insides > 1000);
  }
  SUBCASE("--over names another image, or none: then labels are filled") {
    CHECK(shown(facility, {components, "--over", "nuclei_1", "--channels", "LaminB1"}).report["channels"][0]["name"] ==
          "LaminB1");
    const Shown filled = shown(facility, {components, "--over", "none"});
    CHECK(filled.report["channels"].empty());
    for (Index y = 0; y < kSide - 30; ++y)
      for (Index x = 0; x < kSide; ++x)
        REQUIRE(filled.at(kPixels * y + 2, kPixels * x + 2) == preview::label_colour(label(y, x)));
  }
  SUBCASE("an image over another one is a composite of both") {
    const Shown both = shown(facility, {"nuclei_1 first_look/denoise", "--over", "nuclei_1", "--channels", "DAPI"});
    REQUIRE(both.report["channels"].size() == 2);
    CHECK(both.report["channels"][0]["name"] == "nuclei_1 DAPI");
    CHECK(both.report["channels"][1]["name"] == "nuclei_1 first_look/denoise DAPI");
  }
  SUBCASE("a table has no picture, and --over wants an image of intensities") {
    const std::string table = refusal(facility, {"nuclei_1 first_look/measure"});
    has(table, "'nuclei_1 first_look/measure' is a table, which has no picture; open ");
    has(table, "objects.tsv in a spreadsheet, R or pandas, or see what it was made from: voxflow preview \"nuclei_1");
    has(refusal(facility, {components, "--over", "nuclei_1 first_look/measure"}),
        "--over names 'nuclei_1 first_look/measure', which is a table, not an image");
    has(refusal(facility, {"nuclei_1", "--over", components}),
        "voxflow preview \"nuclei_1 first_look/components\" --over \"nuclei_1\"");
    has(refusal(facility, {"last", "--channels", "DAPI"}), "its contact sheet takes no --channels, --over or --sides");
  }
  SUBCASE("a sheet begins with the original and has a column a step") {
    const std::string said = facility.must({"preview", "last", "--out", "sheet.png"});
    has(said, "sheet.png  1 image, 4 steps");
    const Raster sheet = read_png(read_file(facility / "sheet.png"));
    CHECK(sheet.width() > 4 * 320 + 120);
    CHECK(sheet.height() > 320);
    CHECK(failed_cells(sheet) == 0);
  }
}

TEST_CASE("failed tasks and damaged results are marked in a contact sheet") {
  const Processed facility;
  const auto run = *fs::directory_iterator(facility.archive() / "runs");
  const auto plan = record::Plan::from_json(read_file(run.path() / "plan.json"));
  for (const auto& planned : plan.tasks) {
    if (planned.task.step == "components") fs::resize_file(facility.archive() / planned.task.artifact / "data.h5", 100);
    if (planned.task.step != "denoise") continue;
    record::TaskReport report;
    report.key = planned.task.key, report.state = record::TaskState::failed, report.failure_class = "crash";
    std::ofstream(run.path() / "journal.jsonl", std::ios::app) << record::JournalEntry{report}.to_json() << "\n";
  }
  const Outcome outcome = facility.voxflow({"preview", plan.run.substr(0, plan.run.size() - 2), "--out", "sheet.png"});
  CHECK(outcome.exit_code == 0);
  has(outcome.err, "data.h5");
  CHECK(failed_cells(read_png(read_file(facility / "sheet.png"))) == 2);
}
