// conformance [--kernel NAME] [--check NAME]... FOLDER...: runs the suite on the kernels of plugin folders, or on one.
#include <fmt/format.h>

#include <cstdio>
#include <cstring>

#include "pipeline/conformance/conformance.hpp"
#include "pipeline/core/error.hpp"

int main(int argc, char** argv) {
  using namespace voxflow;
  try {
    plugins::Registry registry;
    std::vector<std::string> only;
    std::string wanted;
    for (int i = 1; i < argc; ++i)
      if (std::strcmp(argv[i], "--check") == 0 && i + 1 < argc)
        only.emplace_back(argv[++i]);
      else if (std::strcmp(argv[i], "--kernel") == 0 && i + 1 < argc)
        wanted = argv[++i];
      else
        registry.load_folder(argv[i]);
    if (registry.names().empty()) throw UserError("no kernel to check; name a folder of plugins");
    std::size_t problems = 0;
    const auto print = [&](const conformance::Finding& f) {
      const std::string name = f.params.empty() ? f.kernel : fmt::format("{} ({})", f.kernel, f.params);
      fmt::print("{:<44} {:<12} {}\n", name, f.check, f.problem.empty() ? "passed" : "FAILED: " + f.problem);
      std::fflush(stdout);
      problems += f.problem.empty() ? 0 : 1;
    };
    const std::vector<const plugins::Entry*> kernels =
        wanted.empty() ? registry.all() : std::vector<const plugins::Entry*>{&registry.find(wanted)};
    for (const plugins::Entry* kernel : kernels) conformance::check_kernel(*kernel, only, print);
    return problems == 0 ? 0 : static_cast<int>(ExitCode::failed_tasks);
  } catch (const Error& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return static_cast<int>(e.code());
  }
}
