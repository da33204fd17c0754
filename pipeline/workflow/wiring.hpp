// Which step reads what: ports, kinds, and the order that follows. Private to this room.
#pragma once
#include <vector>

#include "pipeline/workflow/reading.hpp"

namespace voxflow::workflow {

/// A step whose inputs have not been read yet.
struct Draft {
  Step step;
  const SchemaInfo* kernel = nullptr;  // nullptr: unknown, and said so
  const YamlNode* body = nullptr;
};

/// Reads the inputs of every step and checks that they fit; the steps, every one after those it reads from.
std::vector<Step> wire(Reader& reader, std::vector<Draft>& drafts, const Workflow& workflow);

}  // namespace voxflow::workflow
