// The program `voxflow`: reads the command line, runs one subcommand, turns errors into messages and exit codes.
#include <algorithm>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "pipeline/cli/commands.hpp"
#include "pipeline/core/diagnostics.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/core/version.hpp"

namespace {

int run_action(voxflow::cli::Session& session) {
  using voxflow::ExitCode;
  try {
    return session.action();
  } catch (const voxflow::FileError& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return static_cast<int>(e.code());
  } catch (const voxflow::InternalError& e) {
    std::fprintf(stderr, "internal error: %s\n  hint: this is a bug in voxflow; please report it with this message\n",
                 e.what());
    return static_cast<int>(e.code());
  } catch (const voxflow::Error& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return static_cast<int>(e.code());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "error: this machine has not enough memory for that\n");
    return static_cast<int>(ExitCode::system);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "internal error: %s\n", e.what());
    return static_cast<int>(ExitCode::internal);
  }
}

/// "'runn' is not a command; did you mean 'run'?", or "" where the first word that is no option is one.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--archive")
      ++i;
    else if (!word.starts_with('-'))
      return std::find(names.begin(), names.end(), word) != names.end()
                 ? ""
                 : fmt::format("'{}' is not a command{}; `voxflow --help` lists them", word,
                               voxflow::did_you_mean(word, names));
  }
  return "";
}
}  // namespace

int main(int argc, char** argv) {
  using namespace voxflow::cli;
  CLI::App app{"Batch processing for a microscopy facility", "voxflow"};
  app.set_version_flag("--version", std::string("voxflow ") + voxflow::kVersion);
  app.require_subcommand(1);
  app.fallthrough();

  Session session;
  app.add_option("--archive", session.archive_option,
                 "Archive folder (else VOXFLOW_ARCHIVE, else the folder one works in)");
  app.add_flag("--json", session.json, "Print results as JSON");
  app.add_flag_callback(
      "-v,--verbose", [] { voxflow::log::set_level(voxflow::log::Level::debug); }, "Log details");

  for (const auto add :
       {add_init,   add_import,  add_import_labels, add_find,      add_show,    add_annotate, add_lineage,   add_check,
        add_plan,   add_run,     add_status,        add_why,       add_kernels, add_phantom,  add_preview,   add_link,
        add_export, add_catalog, add_verify,        add_replicate, add_clean,   add_mask,     add_quarantine})
    add(app, session);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    if (const std::string unknown = unknown_command(app, argc, argv); !unknown.empty())
      voxflow::log::error("{}", unknown);
    else
      app.exit(e);
    return static_cast<int>(voxflow::ExitCode::user);
  }
  return run_action(session);
}
