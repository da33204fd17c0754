// The subcommands of voxflow; each adds its options to the parser and leaves its action in the session.
#pragma once
#include <CLI/CLI.hpp>

#include "pipeline/cli/session.hpp"

namespace voxflow::cli {

void add_init(CLI::App& app, Session& session);
void add_import(CLI::App& app, Session& session);
void add_import_labels(CLI::App& app, Session& session);
void add_find(CLI::App& app, Session& session);
void add_show(CLI::App& app, Session& session);
void add_annotate(CLI::App& app, Session& session);
void add_lineage(CLI::App& app, Session& session);
void add_verify(CLI::App& app, Session& session);
void add_replicate(CLI::App& app, Session& session);
void add_clean(CLI::App& app, Session& session);
void add_check(CLI::App& app, Session& session);
void add_plan(CLI::App& app, Session& session);
void add_run(CLI::App& app, Session& session);
void add_status(CLI::App& app, Session& session);
void add_why(CLI::App& app, Session& session);
void add_kernels(CLI::App& app, Session& session);
void add_phantom(CLI::App& app, Session& session);
void add_preview(CLI::App& app, Session& session);
void add_catalog(CLI::App& app, Session& session);
void add_link(CLI::App& app, Session& session);
void add_export(CLI::App& app, Session& session);
void add_mask(CLI::App& app, Session& session);
void add_quarantine(CLI::App& app, Session& session);

}  // namespace voxflow::cli
