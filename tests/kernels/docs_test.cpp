#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "pipeline/core/files.hpp"
#include "pipeline/plugins/reference.hpp"
#include "pipeline/plugins/registry.hpp"
#include "tests/support/text_of.hpp"

using namespace voxflow;
using voxflow::test::text_of;
namespace fs = std::filesystem;

namespace {
const fs::path kProject = VOXFLOW_PROJECT_FOLDER;
}  // namespace

TEST_CASE("docs/kernels holds the reference page of every shipped kernel, as its declaration gives it, and no other") {
  plugins::Registry registry;
  registry.load_folder(VOXFLOW_SHIPPED_KERNELS);
  const fs::path folder = kProject / "docs" / "kernels";
  for (const plugins::Entry* entry : registry.all()) {
    const SchemaInfo& schema = entry->kernel->schema();
    const std::string page = plugins::reference_page(schema);
    const fs::path file = folder / (schema.name + ".md");
    if (std::getenv("VOXFLOW_UPDATE_DOCS") != nullptr) write_file_atomically(file, page);
    INFO("VOXFLOW_UPDATE_DOCS=1 test_kernel_docs writes docs/kernels/" << schema.name << ".md");
    CHECK(text_of(file) == page);
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    CAPTURE(entry.path().filename().string());
    CHECK(registry.find_if_there(entry.path().stem().string()) != nullptr);
  }
}

TEST_CASE("the kernel in docs/writing-a-kernel.md is the one that is built and tested") {
  const std::string source = text_of(kProject / "examples/01_my_first_kernel/box_mean.cpp");
  REQUIRE(!source.empty());
  CHECK(text_of(kProject / "docs/writing-a-kernel.md").find("```cpp\n" + source + "```\n") != std::string::npos);
}
