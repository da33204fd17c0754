// workflows/nuclei_3d.yaml on the phantom, and what belongs to it: PSFs of a model, and refusals before anything runs.
#include <doctest/doctest.h>

#include <cstdio>

#include "tests/cli/facility.hpp"

using namespace voxflow::test;

namespace {
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
}  // namespace

TEST_CASE("nuclei_3d finds the phantom's nuclei on two ranks, nearer to the truth after each step") {
  const Facility facility;
  facility.import_phantom(1);
  const std::string workflow = (project_folder() / "workflows/nuclei_3d.yaml").string();
  CHECK(contains(facility.must({"run", workflow}), "4 done, 0 failed"));
  CHECK(contains(facility.must({"run", workflow}), "nothing is to be done"));
  const std::string score = facility.must({"phantom", "score", "facility", "--workflow", "nuclei_3d"});
  INFO(score);
  int found = 0, truth = 0, matched = 0;
  double noisy = 0, denoised = 0, blurred = 0, sharp = 0;
  const auto row = score.substr(score.find("nuclei_1"));
  REQUIRE(std::sscanf(row.c_str(), "nuclei_1 %d / %d %d %lf dB %lf dB %lf dB %lf dB", &found, &truth, &matched, &noisy,
                      &denoised, &blurred, &sharp) == 7);
  CHECK(truth >= 20);
  CHECK(matched * 20 >= truth * 19);
  CHECK(found * 20 <= truth * 21);
  CHECK(denoised >= noisy + 5);
  CHECK(sharp >= blurred + 1);
}

TEST_CASE("the PSFs of a model go from a step of their own into the deconvolution, one for each channel") {
  const Facility facility;
  facility.import_phantom(1);
  const auto file = facility.write("psf.yaml", R"(voxflow: 1
workflow: sharpen
project: demo
select: |
  kind = "acquisition" and sample = "nuclei"
steps:
  psf:
    kernel: psf.model
    input: image
    params: { numerical_aperture: 1.2, immersion_index: 1.33 }
    params_by_channel: { DAPI: { emission: 460 nm }, LaminB1: { emission: 670 nm } }
  sharp:
    kernel: deconvolve.richardson_lucy
    inputs: { image: image, psf: psf }
    params: { iterations: 2 }
  same:
    kernel: deconvolve.richardson_lucy
    input: image
    params: { iterations: 2, psf: { model: born_wolf, numerical_aperture: 1.2, immersion_index: 1.33 } }
    params_by_channel: { DAPI: { psf.emission: 460 nm }, LaminB1: { psf.emission: 670 nm } }
)");
  const std::string out = facility.must({"run", file.string()});
  INFO(out);
  CHECK(contains(out, "3 done, 0 failed"));
}

TEST_CASE("what a kernel cannot measure or deconvolve is refused when the run is planned") {
  const Facility facility;
  facility.import_phantom(1);
  const auto file = facility.write("two.yaml", R"(voxflow: 1
workflow: two
project: demo
select: |
  kind = "acquisition" and sample = "nuclei"
steps:
  cells: { kernel: segment.watershed, input: image }
  measure: { kernel: measure.objects, inputs: { labels: cells } }
  sharp: { kernel: deconvolve.richardson_lucy, input: image }
)");
  const Outcome outcome = facility.voxflow({"run", file.string()});
  CHECK(outcome.exit_code == 2);
  INFO(outcome.err);
  CHECK(contains(outcome.err,
                 "image 'nuclei_1': step 'measure': kernel 'measure.objects': labels have 2 channels; narrow the step to "
                 "one with 'channels:'"));
  CHECK(contains(outcome.err, "image 'nuclei_1': step 'sharp': kernel 'deconvolve.richardson_lucy': the blur is not known"));
  CHECK(contains(outcome.err, "2 errors; nothing was submitted"));
}
