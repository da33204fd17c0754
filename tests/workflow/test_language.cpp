#include <doctest/doctest.h>

#include "tests/support/temporary.hpp"
#include "tests/workflow/workflow_text.hpp"

using namespace voxflow;
using test::complaint;
using test::kHead;
using test::one_step;
using test::parse_text;
using workflow::StepInput;

namespace {
ParamValue param(const std::string& lines, const std::string& name) {
  const auto w = parse_text(one_step("    kernel: test.smooth\n    input: image\n    params:\n" + lines));
  return w.steps.at(0).params.at(name);
}
}  // namespace

TEST_CASE("a workflow file becomes a value with everything that it says") {
  const std::string text = R"(voxflow: 1
workflow: parasites_3d
description: Counted and measured.
project: malaria
select: |
  sample = "parasites" and
  time_post_infection >= 24 h
references:
  beads:
    select: sample = "beads"
    same: [instrument, acquired.date]
    pick: latest acquired
    if_none: skip
steps:
  objects:
    kernel: test.measure
    inputs: { labels: cells, intensity: image }
  align:
    kernel: test.align
    input: beads
  corrected:
    kernel: test.apply
    inputs: { image: image, transform: align.transform }
    keep: false
    blocks: [32, 64, 128]
    timepoints: [0, 2]
  mask: { kernel: test.threshold, input: corrected, channels: [DAPI, GFP], params_by_channel: { DAPI: { level: 0.25 } } }
  cells: { kernel: test.components, input: mask }
resources:
  default: { ranks: 2, memory: 8 GB, time: 20 min }
  align: { ranks: 1, threads: 3, memory: 500 MB }
)";
  const auto w = parse_text(text);
  CHECK(w.name == "parasites_3d");
  CHECK(w.description == "Counted and measured.");
  CHECK(w.project == "malaria");
  CHECK(w.sha256 == sha256(text));
  CHECK(catalog::query::fields(w.select) == std::vector<std::string>{"sample", "time_post_infection"});

  const auto& beads = w.references.at("beads");
  CHECK(beads.same == std::vector<std::string>{"instrument", "acquired.date"});
  CHECK(beads.pick == workflow::Pick::latest_acquired);
  CHECK(beads.if_none == workflow::IfNone::skip);

  std::vector<std::string> order;
  for (const auto& s : w.steps) order.push_back(s.name);
  CHECK(order == std::vector<std::string>{"align", "corrected", "mask", "cells", "objects"});

  const auto& corrected = *w.step("corrected");
  CHECK_FALSE(corrected.keep);
  CHECK(corrected.blocks == Index3{32, 64, 128});
  CHECK(corrected.timepoints == std::vector<int>{0, 2});
  CHECK(corrected.inputs.at(0).from == StepInput::From::image);
  CHECK(corrected.inputs.at(1).from == StepInput::From::step);
  CHECK(corrected.inputs.at(1).name == "align");
  CHECK(corrected.inputs.at(1).output_port == "transform");
  CHECK(w.step("align")->inputs.at(0).from == StepInput::From::reference);
  CHECK(w.step("align")->inputs.at(0).port == "image");
  CHECK(w.step("mask")->channels == std::vector<std::string>{"DAPI", "GFP"});
  CHECK(w.step("mask")->params_by_channel.at("DAPI").at("level") == ParamValue(0.25));
  CHECK(w.step("cells")->inputs.at(0).output_port == "mask");
  CHECK(w.step("none") == nullptr);

  CHECK(corrected.resources.ranks == 2);
  CHECK(corrected.resources.memory_bytes == 8'000'000'000);
  CHECK(corrected.resources.time_s == 1200);
  CHECK(w.step("align")->resources.ranks == 1);
  CHECK(w.step("align")->resources.threads == 3);
  CHECK(w.step("align")->resources.memory_bytes == 500'000'000);
  CHECK(w.step("align")->resources.time_s == 1200);
}

TEST_CASE("quantities are converted to the parameter's unit to the last bit") {
  CHECK(param("      radius: 520 nm\n", "radius") == ParamValue(0.52));
  CHECK(param("      radius: 0.3 um\n", "radius") == ParamValue(0.3));
  CHECK(param("      radius: '1.5um'\n", "radius") == ParamValue(1.5));
}

TEST_CASE("every type of parameter has its YAML form") {
  CHECK(param("      iterations: 7\n", "iterations") == ParamValue(std::int64_t{7}));
  CHECK(param("      fast: true\n", "fast") == ParamValue(true));
  CHECK(param("      gain: 2\n", "gain") == ParamValue(2.0));
  CHECK(param("      gain: ~\n", "gain") == ParamValue());
  CHECK(param("      shift: [1 um, 0 um, 500 nm]\n", "shift") == ParamValue(std::vector<double>{1, 0, 0.5}));
  CHECK(param("      psf: { model: gibson_lanni, aperture: 1.1 }\n", "psf.model") == ParamValue("gibson_lanni"));
  CHECK(param("      psf: { model: gibson_lanni, aperture: 1.1 }\n", "psf.aperture") == ParamValue(1.1));
  CHECK(param("      psf.model: gaussian\n", "psf.model") == ParamValue("gaussian"));
}

TEST_CASE("parameters that are not given are left to the kernel's defaults") {
  CHECK(parse_text(one_step("    kernel: test.smooth\n    input: image\n")).steps.at(0).params.empty());
}

TEST_CASE("an anchor stands for what it names") {
  const auto w = parse_text(kHead +
                            "steps:\n  a: { kernel: test.smooth, input: image, params: &p { radius: 1 um } }\n"
                            "  b: { kernel: test.smooth, input: a, params: *p }\n");
  CHECK(w.step("b")->params == w.step("a")->params);
}

TEST_CASE("an image's kind is known where the query fixes it, and left to the catalog where it does not") {
  CHECK(workflow::finds_acquisitions_only(catalog::query::parse("")));
  CHECK(workflow::finds_acquisitions_only(catalog::query::parse("sample = \"a\"")));
  CHECK(workflow::finds_acquisitions_only(catalog::query::parse("sample = \"a\" and kind = \"acquisition\"")));
  CHECK_FALSE(workflow::finds_acquisitions_only(catalog::query::parse("kind = \"labels\"")));
  CHECK_FALSE(workflow::finds_acquisitions_only(catalog::query::parse("kind = \"acquisition\" or sample = \"a\"")));
  CHECK(complaint("voxflow: 1\nworkflow: w\nselect: kind = \"labels\"\nsteps:\n"
                  "  a: { kernel: test.measure, input: image }\n") == "");
}

TEST_CASE("a workflow is read from a file, which has to be there") {
  const test::TestFolder folder;
  const plugins::Registry registry = test::test_registry();
  write_file_atomically(folder / "w.yaml", one_step("    kernel: test.smooth\n    input: image\n"));
  CHECK(workflow::load(folder / "w.yaml", engine::kernel_lookup(registry)).name == "w");
  CHECK_THROWS_AS(workflow::load(folder / "none.yaml", engine::kernel_lookup(registry)), UserError);
}
