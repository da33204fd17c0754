// voxflow kernels: lists the kernels, or explains one.
#include <memory>

#include <fmt/format.h>

#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/plugins/reference.hpp"

namespace voxflow::cli {

namespace {
int list(Session& session) {
  if (session.json) {
    auto names = nlohmann::json::array();
    for (const plugins::Entry* entry : session.kernels().all())
      names.push_back({{"name", entry->kernel->schema().name},
                       {"version", entry->kernel->schema().version},
                       {"summary", entry->kernel->schema().summary},
                       {"file", entry->file.string()}});
    print_json(names);
    return 0;
  }
  TextTable table({"kernel", "version", "what it does"});
  for (const plugins::Entry* entry : session.kernels().all()) {
    const SchemaInfo& schema = entry->kernel->schema();
    table.add({schema.name, std::to_string(schema.version), schema.summary});
  }
  print(table.text());
  return 0;
}
}  // namespace

void add_kernels(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("kernels", "List the kernels, or explain one");
  const auto name = std::make_shared<std::string>();
  command->add_option("name", *name, "Kernel to explain, such as denoise.median");
  command->callback([&session, name] {
    session.action = [&session, name] {
      if (name->empty()) return list(session);
      print(plugins::reference_page(session.kernels().find(*name).kernel->schema()));
      return 0;
    };
  });
}

}  // namespace voxflow::cli
