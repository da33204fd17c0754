// voxflow preview: a PNG of an image or result, or the contact sheet of a run.
#include <memory>

#include <fmt/format.h>

#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/preview_scene.hpp"
#include "pipeline/cli/preview_sheet.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/preview/picture.hpp"
#include "pipeline/preview/png.hpp"

namespace fs = std::filesystem;

namespace voxflow::cli {

namespace {
struct Options {
  std::string name, out, projection, sides;
  std::optional<Index> z;
  int timepoint = 0;
  std::vector<std::string> channels, over;
  bool replace = false;
};

constexpr Index kPlanesForSides = 4;  // from which side views show something

/// "nuclei_1 first_look/denoise" as a file: "nuclei_1_first_look_denoise.png".
fs::path default_file(const std::string& name) {
  std::string file = name;
  for (char& ch : file)
    if (static_cast<unsigned char>(ch) <= ' ' || std::string_view("/\\:*?\"<>|'").find(ch) != std::string_view::npos)
      ch = '_';
  if (file.front() == '.' || file.front() == '-') file.front() = '_';
  return file + ".png";
}

/// Before anything is computed: a name that PNG readers know, in a folder that is there, not over another file.
void check_file(const fs::path& file, const Options& options) {
  if (file.extension() != ".png")
    throw UserError(fmt::format("--out is '{}', and a preview is a PNG file; name it '{}'", file.string(),
                                fs::path(file).replace_extension(".png").string()));
  if (!file.parent_path().empty() && !fs::is_directory(file.parent_path()))
    throw UserError(fmt::format("there is no folder '{}' to write '{}' to; make it first", file.parent_path().string(),
                                file.filename().string()));
  if (!options.replace && fs::exists(file))
    throw UserError(fmt::format("'{}' is there already; give --replace, or another name with --out", file.string()));
}

preview::Projection projection_of(const Options& options) {
  if (options.z && options.projection == "max")
    throw UserError("--z chooses a slice, but --projection is max; leave one of them out");
  return options.z || options.projection == "slice" ? preview::Projection::slice : preview::Projection::max;
}

preview::Cut cut_of(const catalog::Entity& entity, const Grid& grid, const Options& options) {
  preview::Cut cut;
  cut.projection = projection_of(options);
  for (std::size_t axis = 0; axis < 3; ++axis) cut.at[axis] = grid.shape[axis] / 2;
  if (options.z) {
    if (*options.z < 0 || *options.z >= grid.shape[kZ])
      throw UserError(fmt::format("--z is {}, but '{}' has {} plane{}; allowed 0 to {}", *options.z, entity.name,
                                  grid.shape[kZ], grid.shape[kZ] == 1 ? "" : "s", grid.shape[kZ] - 1));
    cut.at[kZ] = *options.z;
  }
  const bool sides = options.sides.empty()
                         ? cut.projection == preview::Projection::max && grid.shape[kZ] >= kPlanesForSides
                         : options.sides == "both";
  cut.sides = sides ? preview::Sides::both : preview::Sides::none;
  return cut;
}

std::string view_note(const preview::Cut& cut, const Grid& grid) {
  if (grid.shape[kZ] == 1) return "one plane";
  if (cut.projection == preview::Projection::max) return fmt::format("maximum of {} planes", grid.shape[kZ]);
  if (cut.sides == preview::Sides::none) return fmt::format("plane {} of 0 to {}", cut.at[kZ], grid.shape[kZ] - 1);
  return fmt::format("planes z {}, y {}, x {}", cut.at[kZ], cut.at[kY], cut.at[kX]);
}

std::vector<std::string> notes_of(const preview::Scene& scene, const preview::Rendering& rendering,
                                  const preview::Cut& cut, const catalog::Entity& entity, const Options& options) {
  std::vector<std::string> notes{view_note(cut, scene.grid)};
  if (entity.image->timepoints > 1) notes.push_back(fmt::format("timepoint {}", options.timepoint));
  const Index3& bin = rendering.scale.bin;
  if (bin[kX] > 1 || bin[kY] > 1) notes.push_back(fmt::format("{} x {} voxels a pixel", bin[kY], bin[kX]));
  if (!scene.channels.empty())
    notes.push_back(scene.tone == preview::Tone::linear ? fmt::format("contrast from {} % to {} % of the pixels",
                                                                      preview::kLowPercentile, preview::kHighPercentile)
                                                        : fmt::format("logarithmic, {} decades", preview::kDecades));
  if (entity.count && entity.kind == catalog::EntityKind::labels)
    notes.push_back(fmt::format("{} object{}", *entity.count, *entity.count == 1 ? "" : "s"));
  return notes;
}

void report(const Session& session, const fs::path& file, const preview::Page& page,
            const preview::Rendering& rendering) {
  const auto& picture = page.picture;
  if (session.json) {
    nlohmann::json j{{"file", file.string()},
                     {"width", picture.width()},
                     {"height", picture.height()},
                     {"um_per_pixel", rendering.scale.um_per_pixel},
                     {"view", {{"y", page.y}, {"x", page.x}}},
                     {"channels", nlohmann::json::array()}};
    if (rendering.bar_pixels > 0)
      j["scale_bar"] = {{"um", rendering.bar_um},
                        {"pixels", rendering.bar_pixels},
                        {"y", page.y + rendering.bar_y},
                        {"x", page.x + rendering.bar_x}};
    for (const auto& c : rendering.channels)
      j["channels"].push_back({{"name", c.name},
                               {"black", c.contrast.low},
                               {"full", c.contrast.high},
                               {"colour", {c.colour.red, c.colour.green, c.colour.blue}}});
    return print_json(j);
  }
  print(fmt::format("{}  {} x {} pixels of {:.4g} um", file.string(), picture.width(), picture.height(),
                    rendering.scale.um_per_pixel));
}

int preview_entity(Session& session, const catalog::Entity& entity, const Options& options) {
  const fs::path file = options.out.empty() ? default_file(entity.name) : fs::path(options.out);
  check_file(file, options);
  const auto found = find_scene(session, entity, {options.over, options.channels, options.timepoint});
  preview::Viewing viewing;
  viewing.cut = cut_of(entity, found.scene.grid, options);
  const auto rendering = preview::render(found.scene, viewing);
  auto notes = notes_of(found.scene, rendering, viewing.cut, entity, options);
  notes.insert(notes.end(), found.notes.begin(), found.notes.end());
  const auto page = preview::captioned(rendering, {entity.name, notes});
  write_file_atomically(file, preview::encode_png(page.picture, {{"Title", entity.name}, {"Source", entity.id}}));
  report(session, file, page, rendering);
  return 0;
}

/// "sheet.png", "sheet_2.png", ...
fs::path page_file(const fs::path& first, std::size_t page) {
  if (page == 1) return first;
  return first.parent_path() / fmt::format("{}_{}.png", first.stem().string(), page);
}

int preview_run(Session& session, const fs::path& folder, const Options& options) {
  if (!options.channels.empty() || !options.over.empty() || !options.sides.empty())
    throw UserError(
        fmt::format("'{}' is a run, and its contact sheet takes no --channels, --over or --sides; preview one "
                    "of its images with them",
                    folder.filename().string()));
  const auto status = engine::read_status(folder);
  const fs::path first = options.out.empty() ? default_file(status.plan.run) : fs::path(options.out);
  check_file(first, options);
  const SheetRequest request{projection_of(options), options.z, options.timepoint};
  std::vector<std::string> files;
  draw_run(session, status, request, [&](const preview::Sheet& page) {
    const fs::path file = page_file(first, files.size() + 1);
    check_file(file, options);
    const auto picture = preview::draw(page);
    write_file_atomically(file, preview::encode_png(picture, {{"Title", page.title}, {"Source", status.plan.run}}));
    files.push_back(file.string());
    if (!session.json)
      print(fmt::format("{}  {} image{}, {} step{}, {} x {} pixels", file.string(), page.rows.size(),
                        page.rows.size() == 1 ? "" : "s", page.columns.size() - 1, page.columns.size() == 2 ? "" : "s",
                        picture.width(), picture.height()));
  });
  if (session.json) print_json({{"run", status.plan.run}, {"files", files}});
  return 0;
}

/// The folder of the run that `name` stands for, unless it is that of an image or result.
std::optional<fs::path> run_named(Session& session, const std::string& name) {
  const fs::path runs = session.archive().runs();
  if (name == "last") return engine::find_run(runs, name);
  std::string why_no_entity;
  try {
    session.catalog().get(name);
    return std::nullopt;
  } catch (const UserError& e) {
    why_no_entity = e.what();
  }
  try {
    return engine::find_run(runs, name);
  } catch (const UserError& e) {
    throw UserError(fmt::format("{}; {}", why_no_entity, e.what()));
  }
}
}  // namespace

void add_preview(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("preview", "Write a PNG of an image or result, or the contact sheet of a run");
  const auto options = std::make_shared<Options>();
  command->add_option("name", options->name, "Name or id of an image or result, a run, or 'last'")->required();
  command->add_option("--out", options->out, "File to write (default: the name, in the working folder)");
  command
      ->add_option(
          "--projection", options->projection,
          "max (default): the brightest voxel of each line of sight; slice: one plane, the middle one unless --z")
      ->check(CLI::IsMember({"max", "slice"}));
  command->add_option("--z", options->z, "Plane of a slice, from 0");
  command->add_option("--t", options->timepoint, "Timepoint, from 0 (default 0)");
  command
      ->add_option("--sides", options->sides,
                   "both: also as seen along x and y, in true proportion (default for projections); none")
      ->check(CLI::IsMember({"both", "none"}));
  command->add_option("--channels", options->channels, "Channels to show, names or numbers from 0: DAPI,LaminB1")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option(
          "--over", options->over,
          "Image to draw over, also several times; for labels and masks by default the one they come from; none: "
          "labels in colours")
      ->allow_extra_args(false);
  command->add_flag("--replace", options->replace, "Replace a file that is there");
  command->callback([&session, options] {
    session.action = [&session, options] {
      if (const auto run = run_named(session, options->name)) return preview_run(session, *run, *options);
      return preview_entity(session, session.catalog().get(options->name), *options);
    };
  });
}

}  // namespace voxflow::cli
