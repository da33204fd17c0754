// voxflow check: reads a workflow as `run` would, or a mask as `import` would, and reports every problem.
#include <memory>

#include <fmt/format.h>

#include "pipeline/acquisition/mask.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/engine/plan.hpp"

namespace voxflow::cli {

void add_check(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("check", "Check a workflow or an acquisition mask");
  const auto file = std::make_shared<std::string>();
  command->add_option("file", *file, "YAML file of a workflow or a mask")->required();
  command->callback([&session, file] {
    session.action = [&session, file] {
      if (acquisition::looks_like_mask(read_file(*file))) {
        const auto mask = acquisition::load_mask(*file);
        print(fmt::format("{}: mask '{}' is sound: {} pattern{}, {} annotations", *file, mask.name, mask.files.size(),
                          mask.files.size() == 1 ? "" : "s", mask.keys().size()));
        return 0;
      }
      const auto flow = workflow::load(*file, engine::kernel_lookup(session.kernels()));
      print(fmt::format("{}: workflow '{}' is sound: {} step{}", *file, flow.name, flow.steps.size(),
                        flow.steps.size() == 1 ? "" : "s"));
      return 0;
    };
  });
}

}  // namespace voxflow::cli
