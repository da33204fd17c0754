// Every file of the real data is imported with the right axes, type and spacing, or refused for a stated reason. The
// table holds what tifffile, h5py and the data's own description say of each file.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/import.hpp"
#include "tests/interop/tiff_samples.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::interop;
using namespace voxflow::test;

namespace fs = std::filesystem;

namespace {
struct Expected {
  std::string file;
  int t, c;
  Index3 shape;
  DType dtype;
  std::array<double, 3> spacing_um;  // what the file says; of 0: not said, so that import is refused without --spacing
};

constexpr auto u8 = DType::uint8, u16 = DType::uint16, f32 = DType::float32;
constexpr std::array<double, 3> kNothing{0, 0, 0};
constexpr std::array<double, 3> kCentimetres{100'000, 10'000,
                                             10'000};  // "1 1 10 cm" (x, y, z): nonsense, but the file's

const std::vector<Expected> kSingle{
    {"bdv_hdf5_mri/mri-stack.xml", 1, 1, {27, 226, 186}, u16, kCentimetres},
    {"bdv_hdf5_mri/mri-stack.h5", 1, 1, {27, 226, 186}, u16, kCentimetres},
    {"bdv_hdf5_mri/mri-stack-shiftedX.xml", 1, 1, {27, 226, 186}, u16, kCentimetres},
    {"bdv_hdf5_mri/mri-stack-multilevel.xml", 1, 1, {27, 226, 186}, u16, kCentimetres},
    {"bdv_hdf5_mri/mri-stack-multilevel.h5", 1, 1, {27, 226, 186}, u16, kCentimetres},
    {"galaxy_small/projective_fixed.png", 1, 1, {1, 256, 256}, u8, kNothing},
    {"galaxy_small/projective_moving.png", 1, 1, {1, 256, 256}, u8, kNothing},
    {"galaxy_small/projective_moving_warped.png", 1, 1, {1, 256, 256}, u8, kNothing},
    {"bian_bead_grid_confocal/Bead_Image1_crop.tif", 1, 1, {41, 150, 150}, u8, {0.125, 0.0224919, 0.0224919}},
    {"bian_bead_grid_confocal/DeconvolutionSampleVerticalGrid1AU-crop.tif",
     1,
     1,
     {21, 150, 150},
     u8,
     {0.125, 0.0219647, 0.0219647}},
    {"flowdec_bars/actual.tif", 1, 1, {32, 64, 64}, f32, kNothing},
    {"flowdec_bars/data.tif", 1, 1, {32, 64, 64}, f32, kNothing},
    {"flowdec_bars/kernel.tif", 1, 1, {32, 64, 64}, f32, kNothing},
    {"fmd_confocal_noise2fast/Confocal/BPAE_B.tif", 1, 1, {1, 512, 512}, u8, kNothing},
    {"fmd_confocal_noise2fast/Confocal/BPAE_G.tif", 1, 1, {1, 512, 512}, u8, kNothing},
    {"fmd_confocal_noise2fast/Confocal/BPAE_R.tif", 1, 1, {1, 512, 512}, u8, kNothing},
    {"fmd_confocal_noise2fast/Confocal_gaussianpoisson/BPAE_B.tif", 1, 1, {1, 512, 512}, u8, kNothing},
    {"fmd_confocal_noise2fast/Confocal_gaussianpoisson/BPAE_G.tif", 1, 1, {1, 512, 512}, u8, kNothing},
    {"fmd_confocal_noise2fast/Confocal_gaussianpoisson/BPAE_R.tif", 1, 1, {1, 512, 512}, u8, kNothing},
    {"galaxy_small/multi_f.tiff", 2, 2, {1, 169, 169}, u16, {0.125, 0.124242, 0.124242}},
    {"galaxy_small/multi_m.tiff", 2, 2, {3, 169, 169}, u16, {0.125, 0.124242, 0.124242}},
    {"galaxy_small/multi_m_warped.tiff", 2, 2, {3, 169, 169}, u16, kNothing},
    {"idr0062_6001240/converted_tiff/labels_gt.tif",
     1,
     1,
     {236, 275, 271},
     u8,
     {0.5002025531914894, 0.360398, 0.360398}},
    {"neubias_small_stacks/xyt_calibrated_16bit__golgi_bfa_sum_projection.tif",
     30,
     1,
     {1, 137, 147},
     f32,
     {0.3875999999999999, 0.351435, 0.351435}},
    {"neubias_small_stacks/xyz_8bit__chromosomes.tif",
     1,
     1,
     {40, 152, 126},
     u16,
     {0.1499999999996362, 0.0338542, 0.0338542}},
    {"neubias_small_stacks/xyz_8bit__mitotic_plate_calibrated.tif", 1, 1, {6, 263, 263}, u8, {3, 0.0851964, 0.0851964}},
    {"neubias_small_stacks/xyz_8bit__nuclei_autothresh.tif", 1, 1, {37, 118, 132}, u8, {4, 0.828643, 0.828643}},
    {"neubias_small_stacks/xyz_8bit_binary__spots.tif",
     1,
     1,
     {17, 93, 95},
     u8,
     {0.39999999999999974, 0.0941345, 0.0941345}},
    {"neubias_small_stacks/xyz_8bit_sphere_calibrated.tif", 1, 1, {64, 128, 128}, u16, {8, 4, 4}},
    {"neubias_small_stacks/xyz_calibrated_16bit__golgi_bfa.tif",
     1,
     1,
     {25, 137, 147},
     u16,
     {0.3875999999999999, 0.351435, 0.351435}},
    {"neubias_small_stacks/xyzc_16bit__spots.tif",
     1,
     2,
     {17, 88, 89},
     u16,
     {0.39999999999999974, 0.0941345, 0.0941345}},
    {"ometiff_small/viv_multi-channel.ome.tif", 1, 3, {1, 167, 439}, f32, kNothing},
    {"ometiff_small/viv_avivator_multi-channel.ome.tif", 1, 3, {1, 167, 439}, f32, kNothing},
    {"pystackreg_pc12/pc12-unreg.tif", 1, 1, {5, 201, 199}, u16, kNothing},
    {"pystackreg_pc12/pc12-reg-affine.tif", 1, 1, {5, 201, 199}, u16, kNothing},
    {"pystackreg_pc12/pc12-reg-bilinear.tif", 1, 1, {5, 201, 199}, f32, kNothing},
    {"pystackreg_pc12/pc12-reg-rigid-body.tif", 1, 1, {5, 201, 199}, u16, kNothing},
    {"pystackreg_pc12/pc12-reg-scaled-rotation.tif", 1, 1, {5, 201, 199}, u16, kNothing},
    {"pystackreg_pc12/pc12-reg-translation.tif", 1, 1, {5, 201, 199}, u16, kNothing},
    {"qcanet_mouse_embryo/derived_instances_16_cell_stage.tif", 1, 1, {51, 120, 122}, u8, kNothing},
    {"qcanet_mouse_embryo/gt_centres_16_cell_stage.tif", 1, 1, {51, 120, 122}, u8, kNothing},
    {"qcanet_mouse_embryo/gt_foreground_16_cell_stage.tif", 1, 1, {51, 120, 122}, u8, kNothing},
    {"qcanet_mouse_embryo/qcanet_prediction_16_cell_stage.tif", 1, 1, {51, 120, 122}, u8, kNothing},
    {"qcanet_mouse_embryo/raw_16_cell_stage.tif", 1, 1, {51, 120, 122}, u16, kNothing},
};

/// Files that a test case of its own imports.
bool elsewhere(const std::string& file) {
  return file.starts_with("bdp2_microglia_3dt/volume") || file.ends_with("T00000.ome.tif") ||
         file.ends_with("T00001.ome.tif") || file.ends_with("T00002.ome.tif") || file.ends_with("sample_ovule.h5") ||
         file.ends_with("DAPI.tif") || file.ends_with("LaminB1.tif") || file.ends_with("galaxy_multiseries.ome.tiff");
}

/// The folder of real data; empty, with a message, where there is none.
fs::path data_folder() {
  const char* given = std::getenv("VOXFLOW_TEST_DATA");
  const fs::path folder = given != nullptr ? fs::path(given) : fs::path(VOXFLOW_SOURCE_DIR) / "../shared/data";
  if (fs::exists(folder)) return folder;
  MESSAGE("skipped: there is no real data in '" << folder.string() << "'; VOXFLOW_TEST_DATA names another folder");
  return {};
}

struct Fixture {
  TestFolder folder;
  archive::Archive archive = archive::Archive::create(folder / "archive");
  fs::path data = data_folder();

  ImportRequest request(std::vector<fs::path> files, Files how = Files::one_image) const {
    ImportRequest r;
    r.project = "real";
    r.agent = "test";
    r.how = how;
    for (const fs::path& file : files) r.files.push_back(data / file);
    return r;
  }
  Imported import(const ImportRequest& r) const { return import_image(r, archive); }
  std::string refusal(const ImportRequest& r) const {
    return message_of<UserError>([&] { import(r); });
  }
};

std::vector<fs::path> numbered(const char* pattern, int first, int last) {
  std::vector<fs::path> files;
  for (int i = first; i <= last; ++i) files.emplace_back(fmt::format(fmt::runtime(pattern), i));
  return files;
}
}  // namespace

TEST_CASE_FIXTURE(Fixture, "every single file has the axes, type and spacing that are known of it") {
  if (data.empty()) return;
  for (const Expected& e : kSingle) {
    CAPTURE(e.file);
    ImportRequest r = request({e.file});
    const bool known = e.spacing_um != kNothing;
    if (!known) {
      CHECK(has(refusal(r), "does not say its spacing along"));
      r.spacing = Spacing3{{{1}, {1}, {1}}};
    }
    const Imported imported = import(r);
    CHECK(imported.info.timepoints == e.t);
    CHECK(imported.info.channel_count() == e.c);
    CHECK(imported.info.grid.shape == e.shape);
    CHECK(imported.info.dtype == e.dtype);
    for (std::size_t axis = 0; axis < 3 && known; ++axis)
      CHECK(imported.info.grid.spacing[axis].value == doctest::Approx(e.spacing_um[axis]).epsilon(1e-9));
  }
}

TEST_CASE_FIXTURE(Fixture, "no file of the real data is left out: the others are no images, and refused") {
  if (data.empty()) return;
  std::set<std::string> listed;
  for (const Expected& e : kSingle) listed.insert(e.file);
  for (const auto& entry : fs::recursive_directory_iterator(data)) {
    const std::string file = fs::relative(entry.path(), data).string();
    if (!entry.is_regular_file() || elsewhere(file) || listed.contains(file)) continue;
    CAPTURE(file);
    const bool picture = entry.path().extension() == ".jpg";
    const bool text = entry.path().filename().string().starts_with("LICENSE") ||
                      std::set<std::string>{".md", ".csv", ".tsv", ".py"}.contains(entry.path().extension().string());
    CHECK((picture || text || file.find(".zarr/") != std::string::npos));
    ImportRequest r = request({file});
    r.converter.command = {"no-such-converter", "{input}", "{output}"};
    CHECK(has(refusal(r), "is of no format that is read here, and the converter 'no-such-converter' is not installed"));
  }
}

TEST_CASE_FIXTURE(Fixture, "an OME-Zarr folder is refused, and what to do is said") {
  if (data.empty()) return;
  CHECK(refusal(request({"tubhiswt4D_omezarr/tubhiswt4D_sub.zarr"})) ==
        "'" + (data / "tubhiswt4D_omezarr/tubhiswt4D_sub.zarr").string() +
            "' is a Zarr folder, which is not read; write it as OME-TIFF, for example with napari, Fiji or Python's "
            "tifffile, and import that");
}

TEST_CASE_FIXTURE(Fixture, "ovule: one of two datasets is chosen, and has its element size") {
  if (data.empty()) return;
  ImportRequest r = request({"plantseg_ovule_membrane/sample_ovule.h5"});
  CHECK(has(refusal(r),
            "it holds 2 datasets; choose one with --dataset PATH:\n  /label: 32 x 128 x 128 of uint16\n"
            "  /raw: 32 x 128 x 128 of uint8"));
  for (const auto& [dataset, dtype] : {std::pair{"raw", u8}, {"label", u16}}) {
    r.dataset = dataset;
    const Imported imported = import(r);
    CHECK(imported.info.grid == Grid{{32, 128, 128}, {{{0.235}, {0.15}, {0.15}}}});
    CHECK(imported.info.dtype == dtype);
  }
}

TEST_CASE_FIXTURE(Fixture, "the same head as BigDataViewer's old and new files and as OME-TIFF has the same voxels") {
  if (data.empty()) return;
  ImportRequest tiff = request({"bdp2_ometiff_lzw_timeseries/volume--C00--T00000.ome.tif"});
  tiff.spacing = Spacing3{{{10}, {1}, {1}}};
  ImportRequest one = request({"bdv_hdf5_mri/mri-stack.xml"}),
                many = request({"bdv_hdf5_mri/mri-stack-multilevel.xml"});
  CHECK(import(one).content == import(many).content);
  CHECK(import(tiff).info.grid.shape == import(one).info.grid.shape);
}

TEST_CASE_FIXTURE(Fixture, "idr0062: two channel files are one image") {
  if (data.empty()) return;
  const Imported imported = import(request(
      {"idr0062_6001240/converted_tiff/DAPI.tif", "idr0062_6001240/converted_tiff/LaminB1.tif"}, Files::channels));
  CHECK(imported.info.grid.shape == Index3{236, 275, 271});
  CHECK(imported.info.dtype == DType::uint16);
  REQUIRE(imported.info.channel_count() == 2);
  CHECK(imported.info.channels[0].name == "DAPI");
  CHECK(imported.info.channels[1].name == "LaminB1");
  CHECK(imported.info.grid.spacing[kZ].value == doctest::Approx(0.5002).epsilon(1e-4));
  CHECK(imported.info.grid.spacing[kY].value == doctest::Approx(0.3604).epsilon(1e-4));
  CHECK(imported.info.grid.spacing[kX].value == doctest::Approx(0.3604).epsilon(1e-4));
}

TEST_CASE_FIXTURE(Fixture, "microglia: 122 LZW files in natural order are one time series") {
  if (data.empty()) return;
  ImportRequest r = request(numbered("bdp2_microglia_3dt/volume--C00--T{}.tif", 1, 122), Files::timepoints);
  CHECK(has(refusal(r), "does not say its spacing along z, y, x"));
  r.spacing = Spacing3{{{1}, {1}, {1}}};
  const Imported imported = import(r);
  CHECK(imported.info.timepoints == 122);
  CHECK(imported.info.grid.shape == Index3{58, 110, 191});
  CHECK(imported.info.dtype == DType::uint16);
  CHECK(imported.name == "volume--C00");
}

TEST_CASE_FIXTURE(Fixture, "OME-TIFF time series with one file a timepoint") {
  if (data.empty()) return;
  ImportRequest r =
      request(numbered("bdp2_ometiff_lzw_timeseries/volume--C00--T{:05}.ome.tif", 0, 2), Files::timepoints);
  CHECK(has(refusal(r), "its OME-XML gives no physical size there"));
  r.spacing = Spacing3{{{10}, {1}, {1}}};
  const Imported imported = import(r);
  CHECK(imported.info.timepoints == 3);
  CHECK(imported.info.grid.shape == Index3{27, 226, 186});
  CHECK(imported.info.dtype == DType::uint8);
}

TEST_CASE_FIXTURE(Fixture, "OME-TIFF with six series: one is chosen") {
  if (data.empty()) return;
  ImportRequest r = request({"ometiff_small/galaxy_multiseries.ome.tiff"});
  CHECK(has(refusal(r),
            "it holds 6 images; choose one with --series N, or take --series all:\n  0: "
            "'Scan_20180705_135218_01x4x01271.rcpnl #761'"));
  r.series = 6;
  CHECK(has(refusal(r), "it has no series 6"));
  r.series = 3;
  const Imported imported = import(r);
  CHECK(imported.info.grid.shape == Index3{1, 5, 5});
  REQUIRE(imported.info.channel_count() == 4);
  CHECK(imported.info.channels[0].emission_nm == 431);
  CHECK(imported.info.channels[0].excitation_nm == 390);
  CHECK(imported.info.grid.spacing[kX].value == doctest::Approx(0.65).epsilon(1e-6));
  const auto manifest = *archive.manifest(imported.artifact);
  REQUIRE_FALSE(manifest.annotations.empty());
  CHECK(manifest.annotations[0].key.name == "acquired");
  CHECK(manifest.annotations[0].value == std::variant<std::string, double, bool>(std::string("2018-07-05T17:52:18")));
}
