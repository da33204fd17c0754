// Acquisition masks: what they say, and how mistakes in them are told.
#include "pipeline/acquisition/mask.hpp"

#include <doctest/doctest.h>

#include "tests/support/contains.hpp"
#include "tests/support/messages.hpp"

using namespace voxflow;
using namespace voxflow::acquisition;
using namespace voxflow::test;
using record::AnnotationType;

namespace {
const std::string kHead = "voxflow_mask: 1\nmask: confocal_2\n";

std::string complaint(const std::string& yaml) {
  return message_of<FileError>([&] { parse_mask({"confocal.yaml", yaml}); });
}
std::string complaint_of(const std::string& section) {
  return complaint(kHead + "files: \"{name}.tif\"\n" + section);
}
}  // namespace

TEST_CASE("a mask says which files make an image, what their names mean, and what is expected") {
  const Mask mask = parse_mask({"confocal.yaml", R"(voxflow_mask: 1
mask: confocal_2
description: The confocal in room 2.
files: "{day}/{species}_{hours}h--C{channel}--T{timepoint}.tif"
name: "{species} at {hours}"
annotations:
  instrument: confocal 2
  numerical_aperture: 1.4
  fixed: true
  slide: "7"
  acquired: { from: day, type: date }
  species: { from: species, values: [G12, A1H1] }
  time_post_infection: { from: hours, unit: h }
require: [species, acquired]
image: { channels: 2, timepoints: { from: 2 }, planes: { from: 10, to: 40 } }
channels: [{ name: DAPI, emission: 461 nm, excitation: 405 nm }, LaminB1]
calibration: { z: 500 nm, time_step: 1 min }
camera: { maximum: 4095, gain: 2.1, offset: 100 }
quality:
  saturated: { warn: 0.01, reject: 0.2 }
  snr: { reject: 1 }
  hot_pixels: off
  missing_timepoints: warn
pages: t
keep: copy
)"});
  CHECK(mask.name == "confocal_2");
  CHECK(mask.files.front().fields() == std::vector<std::string>{"day", "species", "hours", "channel", "timepoint"});
  CHECK(mask.image_name == "{species} at {hours}");
  REQUIRE(mask.named.size() == 3);
  CHECK(mask.named[0].key == record::AnnotationKey{"acquired", AnnotationType::date, ""});
  CHECK(mask.named[1].values == std::vector<std::string>{"G12", "A1H1"});
  CHECK(mask.named[2].key == record::AnnotationKey{"time_post_infection", AnnotationType::number, "h"});
  const std::vector<record::Annotation> constants{{{"instrument", AnnotationType::text, ""}, "confocal 2"},
                                                  {{"numerical_aperture", AnnotationType::number, ""}, 1.4},
                                                  {{"fixed", AnnotationType::boolean, ""}, true},
                                                  {{"slide", AnnotationType::text, ""}, "7"},
                                                  {{"camera_gain", AnnotationType::number, ""}, 2.1},
                                                  {{"camera_offset", AnnotationType::number, ""}, 100.0}};
  CHECK(mask.constants == constants);
  CHECK(mask.required == std::vector<std::string>{"species", "acquired"});
  CHECK(mask.channels.holds(2));
  CHECK(!mask.channels.holds(1));
  CHECK(mask.timepoints.holds(1000));
  CHECK(!mask.timepoints.holds(1));
  CHECK(!mask.planes.holds(41));
  CHECK(mask.channel_names == std::vector<std::string>{"DAPI", "LaminB1"});
  CHECK(mask.wavelengths[0].emission_nm == 461);
  CHECK(mask.wavelengths[0].excitation_nm == 405);
  CHECK(!mask.wavelengths[1].emission_nm);
  CHECK(mask.spacing->um[kZ] == 0.5);
  CHECK(!mask.spacing->um[kX]);
  CHECK(mask.time_step_s == 60);
  CHECK(mask.camera_maximum == 4095);
  CHECK(mask.thresholds.metrics.at("saturated").warn == 0.01);
  CHECK(mask.thresholds.metrics.at("saturated").reject == 0.2);
  CHECK(mask.thresholds.metrics.at("snr").warn == 0.25);
  CHECK(mask.thresholds.metrics.at("snr").reject == 1);
  CHECK(!mask.thresholds.metrics.at("hot_pixels").warn);
  CHECK(mask.thresholds.structure.at("missing_timepoints") == Verdict::warn);
  CHECK(mask.pages == interop::PageAxis::t);
  CHECK(mask.keep == KeepRaw::copy);
}

TEST_CASE("without thresholds in the mask, what was measured warns and never rejects") {
  const Mask mask = parse_mask({"confocal.yaml", kHead + "files: \"{name}.tif\"\n"});
  for (const auto& [rule, limit] : mask.thresholds.metrics) CHECK(!limit.reject);
  CHECK(mask.thresholds.metrics.at("saturated").warn);
}

TEST_CASE("mistakes are shown together, with place, what is allowed and the nearest name") {
  has(complaint(kHead + "files: \"{name}.tif\"\nfile: x\nkep: copy\n"),
      "confocal.yaml:4:1: error: the mask has no key 'file'; did you mean 'files'?");
  has(complaint(kHead + "files: \"{name}.tif\"\nfile: x\nkep: copy\n"),
      "confocal.yaml:5:1: error: the mask has no key 'kep'; did you mean 'keep'?");
  has(complaint(kHead + "files: \"{name}.tif\"\nfile: x\nkep: copy\n"), "2 errors; nothing was imported");
  has(complaint(""), "the file is empty; an acquisition mask begins with 'voxflow_mask: 1'");
  has(complaint("mask: a\nfiles: \"{name}.tif\"\n"), "the first line 'voxflow_mask: 1' is missing");
  has(complaint("voxflow_mask: 2\nmask: a\nfiles: \"{name}.tif\"\n"), "1:15: error: voxflow_mask is '2', allowed 1");
  has(complaint("voxflow_mask: 1\nfiles: \"{name}.tif\"\n"), "'mask', the mask's name, is missing");
  has(complaint(kHead), "'files' is missing: the pattern of the files' names");
}

TEST_CASE("a pattern's mistakes are shown where they stand in it") {
  has(complaint(kHead + "files: \"T{name.tif\"\n"), "confocal.yaml:3:10: error: '{' has no '}' behind it");
  has(complaint(kHead + "files: [\"{a}{b}.tif\"]\n"), "3:13: error: nothing parts '{b}' from what stands before it");
}

TEST_CASE("every part of a name has a reader, and every reader its part") {
  has(complaint(kHead + "files: \"{species}_{name}.tif\"\n"),
      "error: nothing reads the part '{species}' of the pattern '{species}_{name}.tif'");
  has(complaint(kHead + "files: \"{species}_{name}.tif\"\n"),
      "hint: write annotations: { species: { from: species } }, or '*' for what does not matter");
  has(complaint(kHead + "files: \"{species}.tif\"\nannotations: { species: { from: specis } }\n"),
      "4:33: error: the pattern '{species}.tif' has no part '{specis}'; did you mean 'species'?");
  has(complaint(kHead + "files: \"{name}.tif\"\nname: \"{nam}\"\n"),
      "4:7: error: the pattern '{name}.tif' has no part '{nam}'; did you mean 'name'?");
}

TEST_CASE("annotations say where their value comes from, and of which type it is") {
  has(complaint_of("annotations: { a: { type: text } }\n"),
      "annotation 'a' has no 'from', the part of the file's name that gives its value");
  has(complaint_of("annotations: { a: { from: name, unit: parsec } }\n"),
      "unit of annotation 'a' is 'parsec', which is none");
  has(complaint_of("annotations: { a: { from: name, type: nmber } }\n"),
      "type of annotation 'a' is 'nmber', allowed text, number, date; did you mean 'number'?");
  has(complaint_of("annotations: { a: { from: name, unit: h, type: text } }\n"),
      "annotation 'a' has the unit 'h' and the type text; only numbers have units");
  has(complaint_of("annotations: [a]\n"), "'annotations' is a list; a map ('key: value') is wanted");
  has(complaint_of("require: species\n"), "'require' is 'species'; a list is wanted");
}

TEST_CASE("sizes, calibration and camera are numbers in range and with their unit") {
  has(complaint_of("image: { channels: 0 }\n"), "image.channels is 0, allowed 1 to 10000000");
  has(complaint_of("image: { planes: { from: 9, to: 3 } }\n"), "image.planes is from 9 to 3: nothing fits");
  has(complaint_of("image: { plane: 3 }\n"), "'image' has no key 'plane'; did you mean 'planes'?");
  has(complaint_of("calibration: { z: 0.5 }\n"), "calibration.z");
  has(complaint_of("calibration: { z: 0 um }\n"), "calibration.z is '0 um', allowed is more than 0");
  has(complaint_of("calibration: { time_step: 1 um }\n"), "calibration.time_step");
  has(complaint_of("camera: { maximum: full }\n"), "camera.maximum is 'full'; a number is wanted");
  has(complaint_of("camera: { gian: 1 }\n"), "'camera' has no key 'gian'; did you mean 'gain'?");
}

TEST_CASE("channels have different names") {
  has(complaint_of("channels: [a, a]\n"), "two channels are called 'a'");
  has(complaint_of("channels: [{ emission: 461 nm }]\n"), "a channel has no 'name'");
  has(complaint_of("channels: [{ name: a, emission: 461 }]\n"), "emission of a channel");
}

TEST_CASE("rules are known ones, with limits or a verdict as fits them") {
  has(complaint_of("quality: { saturatd: { warn: 1 } }\n"),
      "'quality' has no key 'saturatd'; did you mean 'saturated'?");
  has(complaint_of("quality: { saturated: 0.1 }\n"), "rule 'saturated' is '0.1'; wanted are limits, or off");
  has(complaint_of("quality: { saturated: 0.1 }\n"), "hint: such as saturated: { warn: 0.01, reject: 0.2 }");
  has(complaint_of("quality: { snr: { warn: low } }\n"), "warn of rule 'snr' is 'low'; a number is wanted");
  has(complaint_of("quality: { missing_timepoints: maybe }\n"),
      "rule 'missing_timepoints' is 'maybe', allowed ok, warn, reject");
  has(complaint_of("keep: move\n"), "keep is 'move', allowed reference, copy");
}

TEST_CASE("a mask is told from a workflow by its key") {
  CHECK(looks_like_mask("# ours\nvoxflow_mask: 1\n"));
  CHECK(!looks_like_mask("voxflow: 1\nworkflow: a\n"));
}
