// What a denoiser knows of the camera: from annotations, or from the image; and what `show` says of it afterwards.
#include <doctest/doctest.h>

#include "tests/cli/facility.hpp"
#include "tests/support/contains.hpp"

using namespace voxflow::test;

namespace {
const char* const kWorkflow = R"(voxflow: 1
workflow: clean
project: demo
select: kind = "acquisition" and sample = "nuclei"
steps:
  denoised:
    kernel: denoise.dct
    input: image
    channels: [DAPI]
    params: { preset: fast }
)";
}  // namespace

TEST_CASE("a denoiser takes the camera from annotations and finds the rest, and show says what it worked with") {
  const Facility facility;
  facility.import_phantom(1);
  const std::string workflow = facility.write("clean.yaml", kWorkflow).string();
  facility.must({"run", workflow});
  const std::string found = facility.must({"show", "nuclei_1 clean/denoised"});
  has(found, "worked with");
  has(found, "timepoint 0, channel 0, noise.gain ");
  has(found, "found gain, offset, read_noise");
  const std::string lineage = facility.must({"lineage", "nuclei_1 clean/denoised"});
  has(lineage, "<== this one\nthis one worked with\n  timepoint 0, channel 0, noise.gain ");
  CHECK(facility.must({"lineage", "nuclei_1"}).find("worked with") == std::string::npos);

  facility.must({"annotate", "nuclei_1", "camera_gain=2.5", "camera_offset=100", "camera_read_noise=3"});
  has(facility.must({"run", workflow}), "1 done");
  const std::string known = facility.must({"show", "nuclei_1 clean/denoised"});
  has(known, "noise.gain 2.5, noise.offset 100, noise.read_noise 3, found none");
  has(known, "\"noise.gain\":2.5");
  has(facility.must({"--json", "show", "nuclei_1 clean/denoised"}), "\"noise.offset\": 100");
}

TEST_CASE("an annotation that is no camera's is refused by its name when the run is planned") {
  const Facility facility;
  facility.import_phantom(1);
  facility.must({"annotate", "nuclei_1", "camera_gain=-2"});
  const Outcome outcome = facility.voxflow({"run", facility.write("clean.yaml", kWorkflow).string()});
  CHECK(outcome.exit_code == 2);
  has(outcome.err, "parameter 'noise.gain': annotation 'camera_gain': noise.gain is -2, allowed 0 to 1000000000");
}

TEST_CASE("what kernels read has its unit from the start, so that one image cannot set another for all") {
  const Facility facility;
  facility.import_phantom(1);
  const Outcome without = facility.voxflow({"annotate", "nuclei_1", "emission=520"});
  CHECK(without.exit_code == 2);
  has(without.err, "annotation 'emission' is declared as number in nm, but 520 was given");
  facility.must({"annotate", "nuclei_1", "emission=0.52 um"});
  has(facility.must({"find", "emission = 520 nm"}), "1 found");
}

TEST_CASE(
    "an image without a measured background has its camera's offset for one, and is told what it was restored with") {
  const Facility facility;
  facility.import_phantom(1);
  const std::string workflow = facility
                                   .write("sharp.yaml", R"(voxflow: 1
workflow: sharp
select: name = "nuclei_1"
steps:
  sharp:
    kernel: deconvolve.wiener
    input: image
    channels: [DAPI]
    params: { psf: { model: gaussian, sigma: [0.45 um, 0.15 um, 0.15 um] } }
)")
                                   .string();
  facility.must({"annotate", "nuclei_1", "camera_offset=90"});
  has(facility.must({"run", workflow}), "1 done");
  const std::string measured = facility.must({"show", "nuclei_1 sharp/sharp"});
  CHECK(measured.find("\"background\":90") == std::string::npos);
  has(measured, "signal_to_noise ");
  facility.must({"annotate", "nuclei_1", "--remove", "background"});
  has(facility.must({"run", workflow}), "1 done");
  has(facility.must({"show", "nuclei_1 sharp/sharp"}), "\"background\":90.0");
}

TEST_CASE("parameters that differ between channels are shown by channel") {
  const Facility facility;
  facility.import_phantom(1);
  facility.must({"run", facility
                            .write("smooth.yaml", R"(voxflow: 1
workflow: smooth
select: name = "nuclei_1"
steps:
  smooth:
    kernel: denoise.gaussian
    input: image
    params: { sigma: 0.2 um }
    params_by_channel: { DAPI: { sigma: 0.3 um } }
)")
                            .string()});
  const std::string shown = facility.must({"show", "nuclei_1 smooth/smooth"});
  has(shown, "{\"sigma\":0.2}");
  has(shown, "of channel 0");
  has(shown, "{\"sigma\":0.3}");
  has(facility.must({"--json", "show", "nuclei_1 smooth/smooth"}), "\"parameters_by_channel\": {");
}
