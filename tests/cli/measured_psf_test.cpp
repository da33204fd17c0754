// The way from beads to deconvolved images: a PSF that one image's step makes and other images' steps take; and optics
// from annotations.
#include <doctest/doctest.h>

#include "tests/cli/facility.hpp"

using namespace voxflow::test;

namespace {
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
}  // namespace

TEST_CASE("optics come from the image's annotations, and what is missing is an error that names them") {
  const Facility facility;
  facility.import_phantom(1);
  const auto file = facility.write("optics.yaml", R"(voxflow: 1
workflow: optics
project: demo
select: |
  kind = "acquisition" and sample = "nuclei"
steps:
  sharp:
    kernel: deconvolve.richardson_lucy
    input: image
    channels: [DAPI]
    params: { iterations: 1, psf: { model: born_wolf } }
)");
  const Outcome missing = facility.voxflow({"plan", file.string()});
  CHECK(missing.exit_code == 2);
  INFO(missing.err);
  CHECK(contains(missing.err, "set them, or annotate the image with "));
  CHECK(contains(missing.err, "refractive_index"));
  facility.must({"annotate", "nuclei_1", "numerical_aperture=1.2", "refractive_index=1.33", "emission=460 nm"});
  const Outcome wrong_unit = facility.voxflow({"annotate", "nuclei_1", "emission=460 h"});
  CHECK(wrong_unit.exit_code == 2);
  CHECK(contains(wrong_unit.err, "annotation 'emission' is declared as number in nm"));
  CHECK(contains(facility.must({"run", file.string()}), "1 done, 0 failed"));
  const std::string before = facility.must({"run", file.string()});
  CHECK(contains(before, "nothing is to be done"));
  // Other optics are another task.
  facility.must({"annotate", "nuclei_1", "numerical_aperture=1.1"});
  CHECK(contains(facility.must({"run", file.string()}), "1 done, 0 failed"));
}

TEST_CASE("the PSF is measured once on a day's beads, and deconvolves that day's images") {
  const Facility facility;
  facility.import_phantom(2);
  const std::string out = facility.must({"run", (project_folder() / "workflows/measured_psf.yaml").string()});
  INFO(out);
  CHECK(contains(out, "4 done, 0 failed"));
  CHECK(contains(facility.must({"find", "--count", "step = \"sharp\" and derived_from(\"beads_1\")"}), "1"));
}
