#include <doctest/doctest.h>

#include "tests/support/contains.hpp"
#include "tests/workflow/workflow_text.hpp"

using namespace voxflow;
using test::complaint;
using test::has;
using test::kHead;
using test::one_step;

namespace {}  // namespace

TEST_CASE("an input of another kind is refused with what would fit") {
  const std::string text = complaint(kHead +
                                     "steps:\n"
                                     "  smooth: { kernel: test.smooth, input: image }\n"
                                     "  mask: { kernel: test.threshold, input: smooth }\n"
                                     "  cells: { kernel: test.components, input: smooth }\n");
  has(text,
      "w.yaml:7:44: error: input 'mask' of step 'cells' is of kind mask, but step 'smooth' gives image\n"
      "    7 |   cells: { kernel: test.components, input: smooth }\n"
      "      |                                            ^~~~~~\n"
      "  hint: of kind mask: mask\n");
  const std::string image = complaint(one_step("    kernel: test.components\n    input: image\n"));
  has(image, "input 'mask' of step 'a' is of kind mask, but the selected image gives image");
  has(image, "hint: no step gives mask; add one that does");
}

TEST_CASE("inputs name ports of the kernel, and sources that are there") {
  has(complaint(one_step("    kernel: test.smooth\n    inputs: { imag: image }\n")),
      "kernel 'test.smooth' has no input 'imag'; did you mean 'image'?");
  const std::string unknown = complaint(kHead + "steps:\n  smooth: { kernel: test.smooth, input: smoth }\n");
  has(unknown, "step 'smooth' reads 'smoth', which is neither a step nor a reference; did you mean 'smooth'?");
  has(unknown, "hint: there are: image, smooth");
  has(complaint(one_step("    kernel: test.smooth\n    input: image.red\n")),
      "the selected image has no output 'red'; write 'image'");
  has(complaint(one_step("    kernel: test.smooth\n    input: image\n    inputs: { image: image }\n")),
      "step 'a' has both 'input' and 'inputs'; put all into 'inputs'");
}

TEST_CASE("every required input is connected, an optional one need not be") {
  const std::string text = complaint(one_step("    kernel: test.apply\n    inputs: { image: image }\n"));
  has(text, "w.yaml:5:3: error: step 'a' has no input 'transform' of kind transform, which kernel 'test.apply' needs");
  has(complaint(one_step("    kernel: test.smooth\n")), "step 'a' has no input 'image' of kind image");
  CHECK(complaint(kHead + "steps:\n"
                          "  mask: { kernel: test.threshold, input: image }\n"
                          "  cells: { kernel: test.components, input: mask }\n"
                          "  objects: { kernel: test.measure, input: cells }\n") == "");
}

TEST_CASE("of several outputs one is named") {
  const std::string split = kHead + "steps:\n  split: { kernel: test.split, input: image }\n";
  has(complaint(split + "  a: { kernel: test.smooth, input: split }\n"),
      "step 'split' has 2 outputs; write split.low or split.high");
  const std::string text = complaint(split + "  a: { kernel: test.smooth, input: split.hig }\n");
  has(text, "step 'split' (test.split) has no output 'hig'; did you mean 'high'?");
  has(text, "hint: its outputs: low, high");
  CHECK(complaint(split + "  a: { kernel: test.smooth, input: split.high }\n") == "");
}

TEST_CASE("steps that read each other in a circle are shown") {
  has(complaint(kHead + "steps:\n  a: { kernel: test.smooth, input: c }\n  b: { kernel: test.smooth, input: a }\n"
                        "  c: { kernel: test.smooth, input: b }\n"),
      "w.yaml:5:3: error: steps read each other in a circle: a <- c <- b <- a");
  has(complaint(kHead + "steps:\n  a: { kernel: test.smooth, input: a }\n"), "step 'a' reads its own output");
}

TEST_CASE("an unknown kernel is one error, not one for each port that hangs on it") {
  has(complaint(kHead + "steps:\n  mask: { kernel: test.thresold, input: image }\n"
                        "  cells: { kernel: test.components, input: mask }\n"),
      "1 error;");
}

TEST_CASE("channels, timepoints and blocks have their forms") {
  const std::string step = "    kernel: test.smooth\n    input: image\n";
  has(complaint(one_step(step + "    channels: DAPI\n")),
      "channels of step 'a' is 'DAPI'; a list is wanted, such as [DAPI]");
  has(complaint(one_step(step + "    channels: []\n")), "channels of step 'a' is empty; a list is wanted");
  has(complaint(one_step(step + "    channels: [DAPI, DAPI]\n")), "channels of step 'a' has 'DAPI' twice");
  has(complaint(one_step(step + "    timepoints: [0, -1]\n")), "timepoints of step 'a' is -1, allowed 0 to 1000000");
  has(complaint(one_step(step + "    timepoints: [1, 1]\n")), "timepoints of step 'a' has 1 twice");
  has(complaint(one_step(step + "    blocks: [64, 64]\n")),
      "blocks of step 'a' is a list; three voxel counts z, y, x are wanted, such as [64, 128, 128]");
  has(complaint(one_step(step + "    blocks: [0, 64, 64]\n")), "blocks of step 'a' is 0, allowed 1 to 1000000");
}

TEST_CASE("resources are requests of known steps, in units") {
  const auto with = [](const std::string& resources) {
    return complaint(kHead + "resources: { " + resources +
                     " }\nsteps:\n  denoise: { kernel: test.smooth, input: image }\n");
  };
  has(with("denoice: { ranks: 2 }"), "'resources' has no key 'denoice'; did you mean 'denoise'?");
  has(with("denoise: { cores: 2 }"), "the resources of 'denoise' has no key 'cores'");
  has(with("denoise: { memory: 8 }"), "memory in the resources of 'denoise': 8 has no unit");
  has(with("denoise: { memory: 0 GB }"), "memory in the resources of 'denoise' is '0 GB', allowed more than 0");
  has(with("denoise: { time: 20 GB }"),
      "time in the resources of 'denoise': 'GB' is not a unit of time; write it in s");
  has(with("default: { ranks: 0 }"), "ranks in the default resources is 0, allowed 1 to 100000");
}
