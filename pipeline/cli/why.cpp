// voxflow why: why tasks run, ran, failed, or need not run.
#include <memory>

#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/planning.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/engine/status.hpp"
#include "pipeline/engine/why.hpp"

namespace voxflow::cli {

void add_why(CLI::App& app, Session& session) {
  struct Options {
    std::string what, run = "last", file;
  };
  auto* command = app.add_subcommand("why", "Say why a task runs, ran, failed, or need not run");
  const auto options = std::make_shared<Options>();
  command->add_option("what", options->what, "Image, step, image/step, or the beginning of a task key")->required();
  command->add_option("--run", options->run, "Run to look at (default: last)");
  command->add_option("--workflow", options->file, "Ask what running this file now would do, instead of a past run");
  command->callback([&session, options] {
    session.action = [&session, options] {
      if (!options->file.empty()) {
        print(engine::why(plan_file(session, options->file), options->what));
      } else {
        const auto status = engine::read_status(engine::find_run(session.archive().runs(), options->run));
        print(engine::why(status.plan, options->what, &status));
      }
      return 0;
    };
  });
}

}  // namespace voxflow::cli
