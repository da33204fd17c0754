#include <doctest/doctest.h>

#include "tests/support/contains.hpp"
#include "tests/workflow/workflow_text.hpp"

using namespace voxflow;
using test::complaint;
using test::has;
using test::kHead;
using test::one_step;
using test::parse_text;

namespace {

/// The complaint about one line of 'params' of a step with kernel test.smooth; that line is line 9.
std::string about_param(const std::string& line) {
  return complaint(one_step("    kernel: test.smooth\n    input: image\n    params:\n      " + line + "\n"));
}
}  // namespace

TEST_CASE("a value out of range is shown with place, source line, caret and what is allowed") {
  CHECK(about_param("radius: 40 um") ==
        "w.yaml:9:15: error: step 'a': radius is 40 um, allowed 0.05 um to 5 um\n"
        "    9 |       radius: 40 um\n"
        "      |               ^~~~~\n"
        "1 error; nothing was submitted");
}

TEST_CASE("all errors of a file are reported in one pass, in the order of the file") {
  const std::string text = complaint(
      "voxflow: 1\nworkflow: w\nselect: sample = \"nuclei\"\nstepss: {}\nsteps:\n"
      "  a:\n    kernel: test.smooth\n    input: image\n    params: { sigmaa: 1, radius: 3, psf: { modell: gaussian } "
      "}\n"
      "  b:\n    kernel: test.smoth\n    input: image\n    keep: maybe\n");
  has(text, "w.yaml:4:1: error: the workflow has no key 'stepss'; did you mean 'steps'?");
  has(text, "w.yaml:9:15: error: kernel 'test.smooth' has no parameter 'sigmaa'");
  has(text, "w.yaml:9:34: error: step 'a': radius: 3 has no unit; write, for example, '3 um'");
  has(text, "w.yaml:9:44: error: kernel 'test.smooth' has no parameter 'psf.modell'; did you mean 'psf.model'?");
  has(text, "w.yaml:11:13: error: there is no kernel 'test.smoth'; did you mean 'test.smooth'?");
  has(text, "w.yaml:13:11: error: keep of step 'b' is 'maybe', allowed true or false");
  has(text, "6 errors; nothing was submitted");
}

TEST_CASE("unknown keys name the nearest and the allowed ones") {
  const std::string text = complaint(one_step("    kernal: test.smooth\n    input: image\n"));
  has(text, "w.yaml:6:5: error: step 'a' has no key 'kernal'; did you mean 'kernel'?");
  has(text, "hint: allowed here: kernel, input, inputs, keep, params, channels, timepoints, params_by_channel, blocks");
  has(text, "w.yaml:5:3: error: step 'a' has no 'kernel'");
}

TEST_CASE("doubled keys are an error wherever they stand") {
  has(complaint(one_step("    kernel: test.smooth\n    input: image\n    keep: true\n    keep: false\n")),
      "w.yaml:9:5: error: step 'a' has the key 'keep' twice; the first is in line 8");
  has(about_param("radius: 1 um\n      radius: 2 um"),
      "w.yaml:10:7: error: params of step 'a' has the key 'radius' twice");
  has(complaint(kHead + "workflow: v\nsteps:\n  a: { kernel: test.smooth, input: image }\n"),
      "w.yaml:4:1: error: the workflow has the key 'workflow' twice; the first is in line 2");
  has(complaint(kHead +
                "steps:\n  a: { kernel: test.smooth, input: image }\n  a: { kernel: test.smooth, input: image }\n"),
      "'steps' has the key 'a' twice");
  has(about_param("psf: { model: gaussian }\n      psf.model: gaussian"), "step 'a': psf.model is set twice");
}

TEST_CASE("a parameter's value has its type and its unit") {
  has(about_param("radius: 3"), "w.yaml:9:15: error: step 'a': radius: 3 has no unit; write, for example, '3 um'");
  has(about_param("radius: 3 s"), "step 'a': radius: 's' is not a unit of length; write it in um");
  has(about_param("radius: wide"), "step 'a': radius is 'wide'; a number with a unit, such as '1 um' is wanted");
  has(about_param("radius: [1 um]"), "step 'a': radius is a list; a number with a unit");
  has(about_param("gain: 3 um"), "step 'a': gain: 3 um has a unit, but a plain number is wanted");
  has(about_param("iterations: 3 um"), "step 'a': iterations is '3 um'; a whole number is wanted");
  has(about_param("iterations: 2.5"), "step 'a': iterations is '2.5'; a whole number is wanted");
  has(about_param("iterations: 101"), "step 'a': iterations is 101, allowed 1 to 100");
  has(about_param("fast: yes"), "step 'a': fast is 'yes', allowed true or false");
  has(about_param("shift: 1 um"), "step 'a': shift is '1 um'; a list of 3 is wanted, such as [1 um, 1 um, 1 um]");
  has(about_param("shift: [1 um, 2 um]"), "step 'a': shift is a list of 2; a list of 3 is wanted");
  has(about_param("shift: [1 um, 2, 3 um]"), "w.yaml:9:21: error: step 'a': shift: 2 has no unit");
  has(about_param("shift: [1 um, 2 um, 30 um]"), "step 'a': shift is 30 um, allowed -10 um to 10 um");
  has(about_param("psf: { model: gibson_lani }"),
      "step 'a': psf.model is 'gibson_lani', allowed gaussian, gibson_lanni; did you mean 'gibson_lanni'?");
  has(about_param("psf: gaussian"),
      "step 'a': psf is 'gaussian'; it is a group of parameters, such as psf: { model: … }");
  has(about_param("radius:"), "step 'a': radius is nothing; a number with a unit");
  has(complaint(one_step("    kernel: test.components\n    input: image\n    params: { x: 1 }\n")),
      "hint: it has no parameters");
}

TEST_CASE("parameters by channel are checked like the others") {
  const std::string lines =
      "    kernel: test.smooth\n    input: image\n    channels: [DAPI, GFP]\n    params_by_channel:\n";
  has(complaint(one_step(lines + "      DAPI: { radius: 40 um }\n")),
      "step 'a', channel DAPI: radius is 40 um, allowed 0.05 um to 5 um");
  has(complaint(one_step(lines + "      DAPY: { radius: 1 um }\n")),
      "params_by_channel of step 'a' has no key 'DAPY'; did you mean 'DAPI'?");
}

TEST_CASE("keys of later versions are refused by name, with what to do instead") {
  for (const char* key : {"overrides", "notify", "upgrades"})
    has(complaint(kHead + key + ": {}\nsteps:\n  a: { kernel: test.smooth, input: image }\n"),
        "w.yaml:4:1: error: '" + std::string(key) + "' is not in this version of voxflow; ");
  has(complaint(one_step("    kernel: test.smooth\n    input: image\n    for_each: timepoint\n")),
      "w.yaml:8:5: error: 'for_each' is not in this version of voxflow; leave it out: one task holds all timepoints "
      "and "
      "channels of an image");
  const std::string gather = complaint(one_step("    gather: b\n"));
  has(gather,
      "'gather' is not in this version of voxflow; leave this step out: every image has a result of its own, which "
      "'voxflow find' lists");
  has(gather, "1 error;");
}

TEST_CASE("a workflow says its version, its name, its query and its steps") {
  const std::string text = complaint("description: nothing else\n");
  has(text, "w.yaml:1:1: error: the first line 'voxflow: 1' is missing");
  has(text, "'workflow', the workflow's name, is missing");
  has(text, "'select', the query that finds the images, is missing");
  has(text, "'steps' is missing");
  has(complaint("voxflow: 2\nworkflow: w\nselect: a = 1\nsteps:\n  a: { kernel: test.smooth, input: image }\n"),
      "w.yaml:1:10: error: voxflow is '2', allowed 1: the version of the workflow language");
  has(complaint("voxflow: 1\nworkflow: my flow\nselect: a = 1\nsteps:\n  a: { kernel: test.smooth, input: image }\n"),
      "the workflow's name is 'my flow'; letters, digits, '_' and '-' are allowed");
  has(complaint(kHead + "steps: {}\n"), "'steps' is empty; a workflow has at least one step");
  has(complaint(kHead + "steps: [a]\n"), "'steps' is a list; a map ('key: value') is wanted");
}

TEST_CASE("what is not YAML is shown where it breaks") {
  has(complaint("voxflow: 1\nworkflow: [w\n"), "w.yaml:3:1: error: this is not YAML: ");
  has(complaint("voxflow: 1\n\tworkflow: w\n"), "w.yaml:2:");
  has(complaint(""), "the file is empty; a workflow begins with 'voxflow: 1'");
  has(complaint("- a\n- b\n"), "the workflow is a list; a map");
  has(complaint("voxflow: 1\n---\nvoxflow: 1\n"), "w.yaml:3:1: error: a second document ('---') begins here");
}

TEST_CASE("aliases that multiply without end are refused") {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) text += before + (k < 9 ? ", " : "]\n");
  }
  has(complaint(text), "the file has more than 100000 nodes");
}

TEST_CASE("an alias that contains itself is refused") {
  has(complaint("voxflow: 1\nx: &a [*a]\n"), "the file nests deeper than 100 levels; an alias may contain itself");
}

TEST_CASE("an error in a query is shown at its place, however the query is written") {
  const std::string steps = "steps:\n  a: { kernel: test.smooth, input: image }\n";
  const auto with = [&](const std::string& select) {
    return complaint("voxflow: 1\nworkflow: w\nselect: " + select + steps);
  };
  has(with("sample = = 1\n"), "w.yaml:3:18: error: ");
  has(with("'sample = = 1'\n"), "w.yaml:3:19: error: ");
  has(with("\"sample = = 1\"\n"), "w.yaml:3:19: error: ");
  has(with("\"name = \\\"x\\\" and = 1\"\n"), "w.yaml:3:27: error: ");
  has(with("|\n  sample = \"a\"\n  and time = = 24 h\n"), "w.yaml:5:14: error: ");
  has(with(">\n  sample = \"a\"\n\n  and time = = 24 h\n"), "w.yaml:6:14: error: ");
  has(with("sample = \"a\"\n  and time = = 24 h\n"), "w.yaml:4:14: error: ");
  has(with("|  # which images\n  sample = \"a\" and\n"), "w.yaml:4:");
  has(complaint(kHead + "references:\n  beads:\n    select: sample = = 1\n" + steps), "w.yaml:6:22: error: ");
}

TEST_CASE("what the catalog finds wrong with a query is shown in the workflow's file") {
  const auto w = parse_text(
      "voxflow: 1\nworkflow: w\nselect: |\n  sample = \"a\"\n  and speces = \"DSX\"\nsteps:\n"
      "  a: { kernel: test.smooth, input: image }\n");
  const std::size_t at = w.select.text.find("speces");
  const catalog::query::QueryError error(w.select.text, at, 6, "no image has a 'speces'; did you mean 'species'?", "");
  CHECK(std::string(workflow::query_problem(w, w.select_mark, error).what()) ==
        "w.yaml:5:7: error: no image has a 'speces'; did you mean 'species'?\n"
        "    5 |   and speces = \"DSX\"\n"
        "      |       ^~~~~~\n"
        "1 error; nothing was submitted");
}

TEST_CASE("references are checked, and an unused one is an error") {
  const std::string steps = "steps:\n  a: { kernel: test.smooth, input: image }\n";
  has(complaint(kHead + "references:\n  beads: { select: sample = \"beads\" }\n" + steps),
      "w.yaml:5:3: error: no step reads the reference 'beads'; use it as an input, or remove it");
  has(complaint(kHead + "references:\n  beads: { pick: closest }\n" + steps),
      "pick of reference 'beads' is 'closest', allowed nearest acquired, latest acquired");
  has(complaint(kHead + "references:\n  beads: { if_none: ignore }\n" + steps),
      "if_none of reference 'beads' is 'ignore', allowed fail, skip");
  has(complaint(kHead + "references:\n  beads: { pick: latest acquired }\n" + steps),
      "reference 'beads' has no 'select', the query that finds its images");
  has(complaint(kHead + "references:\n  beads: { select: a = 1, same: instrument }\n" + steps),
      "same of reference 'beads' is 'instrument'; a list is wanted, such as [instrument, acquired.date]");
  has(complaint(kHead + "references:\n  image: { select: a = 1 }\n" + steps),
      "a reference may not be called 'image': that is the selected image");
  has(complaint(kHead + "references:\n  a: { select: x = 1 }\n" + steps),
      "a step may not be called 'a': a reference has that name");
}

TEST_CASE("a step may not be called as the selected image is") {
  has(complaint(kHead + "steps:\n  image: { kernel: test.smooth, input: image }\n"),
      "a step may not be called 'image': that is the selected image");
}
