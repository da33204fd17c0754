#include <doctest/doctest.h>

#include "pipeline/engine/plan.hpp"

using namespace voxflow;

TEST_CASE("every shipped workflow fits the kernels that are shipped with it") {
  plugins::Registry registry;
  registry.load_folder(VOXFLOW_TEST_KERNELS);
  const auto kernels = engine::kernel_lookup(registry);
  std::size_t workflows = 0;
  for (const auto& entry : std::filesystem::directory_iterator(VOXFLOW_TEST_WORKFLOWS)) {
    CAPTURE(entry.path().string());
    const auto w = workflow::load(entry.path(), kernels);
    CHECK(w.name == entry.path().stem().string());
    CHECK_FALSE(w.description.empty());
    ++workflows;
  }
  CHECK(workflows >= 1);
}

TEST_CASE("first_look measures the components of the denoised DAPI channel in the image as it was taken") {
  plugins::Registry registry;
  registry.load_folder(VOXFLOW_TEST_KERNELS);
  const auto w =
      workflow::load(std::string(VOXFLOW_TEST_WORKFLOWS) + "/first_look.yaml", engine::kernel_lookup(registry));
  std::vector<std::string> steps;
  for (const auto& s : w.steps) steps.push_back(s.name);
  CHECK(steps == std::vector<std::string>{"denoise", "threshold", "components", "measure"});
  CHECK(w.step("denoise")->channels == std::vector<std::string>{"DAPI"});
  CHECK(w.step("measure")->inputs.at(0).name == "components");
  CHECK(w.step("measure")->inputs.at(1).from == workflow::StepInput::From::image);
}

TEST_CASE("nuclei_3d measures the nuclei of the denoised and deconvolved DAPI channel in every channel as it was taken") {
  plugins::Registry registry;
  registry.load_folder(VOXFLOW_TEST_KERNELS);
  const auto w =
      workflow::load(std::string(VOXFLOW_TEST_WORKFLOWS) + "/nuclei_3d.yaml", engine::kernel_lookup(registry));
  std::vector<std::string> kernels;
  for (const auto& s : w.steps) kernels.push_back(s.kernel);
  CHECK(kernels ==
        std::vector<std::string>{"denoise.median", "deconvolve.richardson_lucy", "segment.watershed", "measure.objects"});
  CHECK(w.step("denoise")->channels == std::vector<std::string>{"DAPI"});
  CHECK(w.step("deconvolve")->params.contains("psf.model"));
  CHECK(w.step("measure")->inputs.at(0).name == "nuclei");
  CHECK(w.step("measure")->inputs.at(1).from == workflow::StepInput::From::image);
}
