// Workflow files for tests, and what the parser says of them.
#pragma once
#include <string>

#include "pipeline/engine/plan.hpp"
#include "pipeline/workflow/workflow.hpp"
#include "tests/support/test_kernels.hpp"

namespace voxflow::test {

inline workflow::Workflow parse_text(const std::string& text) {
  static const plugins::Registry registry = test_registry();
  return workflow::parse({"w.yaml", text}, engine::kernel_lookup(registry));
}

/// The error text; "" when the workflow is sound.
inline std::string complaint(const std::string& text) {
  try {
    parse_text(text);
    return "";
  } catch (const FileError& e) {
    return e.what();
  }
}

inline const std::string kHead = "voxflow: 1\nworkflow: w\nselect: sample = \"nuclei\"\n";

/// A workflow with one step 'a' (from line 6 on) whose lines are given.
inline std::string one_step(const std::string& lines) {
  return kHead + "steps:\n  a:\n" + lines;
}

}  // namespace voxflow::test
