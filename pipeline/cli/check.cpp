// voxflow check: reads a workflow as `run` would and reports every problem, submitting nothing.
#include <memory>

#include <fmt/format.h>

#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/engine/plan.hpp"

namespace voxflow::cli {

void add_check(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("check", "Check a workflow file");
  const auto file = std::make_shared<std::string>();
  command->add_option("file", *file, "Workflow YAML file")->required();
  command->callback([&session, file] {
    session.action = [&session, file] {
      const auto flow = workflow::load(*file, engine::kernel_lookup(session.kernels()));
      print(fmt::format("{}: workflow '{}' is sound: {} step{}", *file, flow.name, flow.steps.size(),
                        flow.steps.size() == 1 ? "" : "s"));
      return 0;
    };
  });
}

}  // namespace voxflow::cli
