// voxflow export: images as TIFF files, labels as regions and tables as text, for other programs.
#include <algorithm>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "catalog/model/field_text.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/naming.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/cli/progress.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/core/version.hpp"
#include "pipeline/interop/export.hpp"
#include "pipeline/interop/label_export.hpp"

namespace fs = std::filesystem;

namespace voxflow::cli {

namespace {
enum class Format { imagej_tiff, ome_tiff, tsv, roi };

// uint16 is an OME-TIFF of 16-bit integers.
const std::map<std::string, Format> kFormats{{"imagej-tiff", Format::imagej_tiff},
                                             {"ome-tiff", Format::ome_tiff},
                                             {"uint16", Format::ome_tiff},
                                             {"tsv", Format::tsv},
                                             {"roi", Format::roi}};

struct Options {
  std::string query, as, into, name, voxels, range, overlay;
  bool dry_run = false, replace = false;
};

struct Plan {
  Format format = Format::imagej_tiff;
  fs::path folder;
  interop::Existing existing = interop::Existing::refuse;
  bool as_uint16 = false;
  std::optional<std::array<double, 2>> range;
  std::optional<std::vector<Placed>> overlays;  // labels, each for the image that it goes back to
};

std::string extension(Format f) {
  return f == Format::tsv ? ".tsv" : f == Format::roi ? ".zip" : f == Format::ome_tiff ? ".ome.tif" : ".tif";
}

bool is_labels(const catalog::Entity& e) {
  return e.kind == catalog::EntityKind::labels || e.kind == catalog::EntityKind::mask;
}

std::array<double, 2> parse_range(const std::string& text) {
  const auto parts = split(text, ',');
  const auto low = parse_quantity(parts[0]), high = parts.size() == 2 ? parse_quantity(parts[1]) : std::nullopt;
  if (!low || !high || !low->unit.empty() || !high->unit.empty() || !(low->number < high->number))
    throw UserError(
        fmt::format("--range is '{}'; write the values that become 0 and 65535, such as --range 0,4095", text));
  return {low->number, high->number};
}

Plan plan_for(Session& session, const Options& options) {
  Plan plan;
  plan.format = kFormats.at(options.as);
  plan.folder = target_folder(session.archive().root(), options.into);
  plan.existing = options.replace ? interop::Existing::replace : interop::Existing::refuse;
  plan.as_uint16 = options.voxels == "uint16" || options.as == "uint16";
  if (plan.as_uint16 && (plan.format == Format::tsv || plan.format == Format::roi))
    throw UserError(fmt::format("--voxels is for TIFF files; leave it out for {}", options.as));
  if (!options.range.empty() && !plan.as_uint16) throw UserError("--range goes with --voxels uint16; add that");
  if (!options.range.empty()) plan.range = parse_range(options.range);
  if (!options.overlay.empty()) {
    if (plan.format != Format::imagej_tiff)
      throw UserError(fmt::format("--overlay is for imagej-tiff; export the labels on their own as {}",
                                  plan.format == Format::ome_tiff ? "ome-tiff" : "roi"));
    plan.overlays = find_with_origins(session.catalog(), options.overlay);
    for (const Placed& p : *plan.overlays)
      if (!is_labels(p.entity))
        throw UserError(fmt::format("--overlay finds {}, which is a {}; add to its query: and kind = \"labels\"",
                                    quoted(p.entity), to_string(p.entity.kind)));
  }
  return plan;
}

/// Throws UserError when the query found what has no such form.
void check_kinds(const std::vector<Placed>& placed, Format format) {
  for (const Placed& p : placed) {
    const catalog::EntityKind kind = p.entity.kind;
    const auto refuse = [&](std::string_view form, const std::string& remedy) {
      throw UserError(fmt::format("{} is {} {}, which cannot be exported as {}; add to the query: and {}",
                                  quoted(p.entity), kind == catalog::EntityKind::acquisition ? "an" : "a",
                                  to_string(kind), form, remedy));
    };
    if (format == Format::tsv && kind != catalog::EntityKind::table) refuse("tsv", "kind = \"table\"");
    if (format == Format::roi && !is_labels(p.entity)) refuse("roi", "kind in (\"labels\", \"mask\")");
    if (format != Format::tsv && !p.entity.image) refuse("a TIFF", fmt::format("kind != \"{}\"", to_string(kind)));
  }
}

const std::string& root_of(const Placed& p) {
  return p.origin ? p.origin->id : p.entity.id;
}

fs::path file_of(Session& session, const catalog::Entity& e) {
  return session.archive().root() / e.artifact / e.file;
}

/// The file of the one label image that belongs to `image`.
fs::path overlay_for(Session& session, const Placed& image, const std::vector<Placed>& overlays) {
  const Placed* found = nullptr;
  for (const Placed& p : overlays) {
    if (root_of(p) != root_of(image)) continue;
    if (found != nullptr)
      throw UserError(fmt::format("--overlay finds both {} and {} for it; narrow its query", quoted(found->entity),
                                  quoted(p.entity)));
    found = &p;
  }
  if (found == nullptr)
    throw UserError("--overlay finds no labels for it; leave the image out of the query, or make its labels first");
  return file_of(session, found->entity);
}

/// What goes along with an image: its name, content, making, and the annotations of the image it goes back to.
std::vector<std::pair<std::string, std::string>> notes_on(const Placed& p) {
  std::vector<std::pair<std::string, std::string>> notes{{"name", p.entity.name},
                                                         {"id", p.entity.id},
                                                         {"content_digest", "sha256:" + p.entity.content_digest.hex()},
                                                         {"project", p.entity.project},
                                                         {"kind", std::string(to_string(p.entity.kind))}};
  if (p.made_by) {
    const catalog::Activity& a = *p.made_by;
    if (!a.step.empty()) notes.emplace_back("made_by", fmt::format("{}/{}", a.workflow, a.step));
    if (!a.kernel.empty()) notes.emplace_back("kernel", fmt::format("{} version {}", a.kernel, a.kernel_version));
    if (!a.params.empty()) notes.emplace_back("parameters", a.params);
  }
  if (p.origin) notes.emplace_back("image", p.origin->name);
  for (const auto& a : p.origin ? p.origin->annotations : p.entity.annotations)
    notes.emplace_back(a.key.name, value_text(a));
  notes.emplace_back("exported_by", fmt::format("voxflow {}", kVersion));
  return notes;
}

/// "uint16", and what became of values where that is not all.
std::string export_one(Session& session, const Placed& p, const Plan& plan) {
  const fs::path file = plan.folder / p.path;
  if (plan.existing == interop::Existing::refuse && fs::exists(fs::symlink_status(file)))
    throw UserError(fmt::format("'{}' is there already; replace it with --replace, or give another --name or --into",
                                file.string()));
  check_way(plan.folder, file);
  make_directories(file.parent_path());
  const fs::path source = file_of(session, p.entity);
  if (plan.format == Format::tsv) {
    interop::export_table(source, file, plan.existing);
    return "";
  }
  if (plan.format == Format::roi) return fmt::format("{} regions", interop::export_rois(source, file, plan.existing));
  interop::ExportRequest request;
  request.image = source;
  request.file = file;
  request.profile = plan.format == Format::ome_tiff ? interop::TiffProfile::ome : interop::TiffProfile::imagej;
  request.existing = plan.existing;
  request.name = p.entity.name;
  request.notes = notes_on(p);
  request.as_uint16 = plan.as_uint16;
  request.range = plan.range;
  if (plan.overlays) request.overlay = overlay_for(session, p, *plan.overlays);
  const interop::Exported e = interop::export_image(request);
  if (!e.values) return std::string(to_string(e.dtype));
  return fmt::format("{}, value = {} + {} n, {} saturated, {} NaN", to_string(e.dtype), format_number(e.values->offset),
                     format_number(e.values->scale), e.saturated_voxels, e.nan_voxels);
}

int show_plan(const std::vector<Placed>& placed, const Plan& plan) {
  TextTable table({"name", "file", "is there"});
  for (const Placed& p : placed) {
    const bool there = fs::exists(fs::symlink_status(plan.folder / p.path));
    table.add({p.entity.name, (plan.folder / p.path).string(), there ? "yes" : ""});
  }
  print(table.text());
  print("nothing was exported");
  return 0;
}

int export_all(Session& session, const Options& options) {
  const Plan plan = plan_for(session, options);
  const auto placed = place(session.catalog(), options.query, options.name,
                            [&](const catalog::Entity&) { return extension(plan.format); });
  check_kinds(placed, plan.format);
  if (options.dry_run) return show_plan(placed, plan);
  TextTable table({"name", "file", plan.format == Format::roi ? "holds" : "voxels"});
  int exit_code = 0;
  ProgressDisplay display(system_clock());
  engine::Progress progress;
  progress.all.waiting = placed.size();
  for (const Placed& p : placed) {
    display.show(progress);
    --progress.all.waiting;
    try {
      table.add({p.entity.name, (plan.folder / p.path).string(), export_one(session, p, plan)});
      ++progress.all.done;
      if (!log::on_terminal())
        log::info("{} of {} exported: {}", table.rows(), placed.size(), (plan.folder / p.path).string());
    } catch (const DiskFullError&) {
      throw;  // every further file would fail alike
    } catch (const Error& e) {
      if (placed.size() == 1) throw;
      log::error("{}: {}", quoted(p.entity), e.what());
      ++progress.all.failed;
      exit_code = std::max(exit_code, static_cast<int>(e.code()));
    }
  }
  print(table.text());
  print(fmt::format("{} of {} exported", table.rows(), placed.size()));
  return exit_code;
}
}  // namespace

void add_export(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "export", "Write images as TIFF files, labels as regions, or tables as text, for other programs");
  const auto options = std::make_shared<Options>();
  command->add_option("query", options->query, "Which images and results, such as: step = \"denoise\"")->required();
  command
      ->add_option(
          "--as", options->as,
          "imagej-tiff, ome-tiff, uint16 (an ome-tiff with --voxels uint16), roi for labels, or tsv for tables")
      ->required()
      ->check(CLI::IsMember({"imagej-tiff", "ome-tiff", "uint16", "roi", "tsv"}));
  command->add_option("--into", options->into, "Folder to write into; made where it is not there")->required();
  command
      ->add_option("--name", options->name,
                   "Names from fields: '{project}/{species|unknown}/{name}_{step}'; the ending is added")
      ->required();
  command->add_option("--voxels", options->voxels, "uint16: float32 images as 16-bit integers, with offset and scale")
      ->check(CLI::IsMember({"uint16"}));
  command->add_option("--range", options->range,
                      "With --voxels: the values that become 0 and 65535, LOW,HIGH (default: each image's extremes)");
  command->add_option("--overlay", options->overlay,
                      "With imagej-tiff: which labels lie over the images as regions, such as: step = \"components\"");
  command->add_flag("--replace", options->replace, "Replace files that are there");
  command->add_flag("--dry-run", options->dry_run, "Show the files, and write none");
  command->callback(
      [&session, options] { session.action = [&session, options] { return export_all(session, *options); }; });
}

}  // namespace voxflow::cli
