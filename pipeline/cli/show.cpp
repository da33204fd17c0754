// voxflow show: everything that is known of one image or result, or of the images of a file.
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pipeline/acquisition/quality.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/executing.hpp"
#include "pipeline/cli/findings.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/interop/image_file.hpp"
#include "pipeline/interop/image_list.hpp"

namespace fs = std::filesystem;

namespace voxflow::cli {

namespace {
void add_image(TextTable& table, const record::ImageInfo& image) {
  std::string channels;
  for (const auto& channel : image.channels) {
    if (!channels.empty()) channels += ", ";
    channels += channel.name;
    if (channel.emission_nm) channels += fmt::format(" ({} nm)", *channel.emission_nm);
  }
  table.add({"t c z y x", shape_text(image)});
  table.add({"spacing z y x", spacing_text(image.grid)});
  table.add({"voxels", std::string(to_string(image.dtype))});
  table.add({"channels", channels});
  if (image.time_step_s) table.add({"time step", fmt::format("{} s", *image.time_step_s)});
}

/// Those that differ from the others, by the channel's number; an empty object where none do.
nlohmann::json params_by_channel(const catalog::Activity& made) {
  return nlohmann::json::parse(made.identity).value("parameters_by_channel", nlohmann::json::object());
}

void add_activity(TextTable& table, const catalog::Activity& made) {
  table.add(
      {"made by", fmt::format("{}/{}: {} version {}", made.workflow, made.step, made.kernel, made.kernel_version)});
  table.add({"parameters", made.params});
  const auto by_channel = params_by_channel(made);
  for (const auto& [channel, values] : by_channel.items())
    table.add({fmt::format("of channel {}", channel), values.dump()});
  table.add({"run", made.run});
  table.add({"by", fmt::format("{} on {}{}", made.agent, made.host, made.job.empty() ? "" : ", job " + made.job)});
  table.add({"software", made.software});
}

std::string files_text(const std::vector<std::string>& files) {
  if (files.empty()) return "";
  return files.size() == 1 ? files.front() : fmt::format("{} and {} more", files.front(), files.size() - 1);
}

/// Where an acquisition's files came from, and what the quality gate found.
void add_origin(TextTable& table, Session& session, const catalog::Entity& entity) {
  const auto manifest = session.archive().manifest(entity.artifact);
  if (!manifest || !manifest->origin) return;
  const record::Origin& origin = *manifest->origin;
  table.add({"imported from", files_text(origin.files)});
  table.add({"read by", fmt::format("{} ({})", origin.importer, origin.importer_version)});
  if (!origin.converter.empty()) table.add({"converted by", origin.converter});
  for (const auto& location : session.catalog().source_locations(entity.id))
    table.add({"the same from", files_text(location.files)});
  if (!origin.raw.empty()) table.add({"files kept in", (session.archive().root() / origin.raw).string()});
  if (!origin.mask.empty()) table.add({"mask", origin.mask});
  if (!origin.overrides.empty()) table.add({"calibration", origin.overrides});
  if (origin.quality.empty()) return;
  for (const auto& finding : acquisition::QualityReport::from_json(origin.quality).findings)
    table.add({fmt::format("qc {}", to_string(finding.verdict)), finding.text});
}

void add_findings(TextTable& table, const Table& findings) {
  std::string head = "worked with";
  for (std::string& line : findings_lines(findings)) table.add({std::exchange(head, ""), std::move(line)});
}

nlohmann::json findings_json(const Table& findings) {
  auto rows = nlohmann::json::array();
  for (std::size_t row = 0; row < findings.rows(); ++row) {
    nlohmann::json j;
    for (const Column& column : findings.columns())
      std::visit([&](const auto& values) { j[column.name] = values[row]; }, column.values);
    rows.push_back(std::move(j));
  }
  return rows;
}

nlohmann::json origin_json(const record::Origin& origin) {
  return {{"files", origin.files},
          {"reader", origin.importer},
          {"reader_version", origin.importer_version},
          {"converter", origin.converter}};
}

std::string lengths_text(const std::array<std::optional<double>, 3>& um) {
  std::string text;
  for (const auto& length : um)
    text += (text.empty() ? "" : " x ") + (length ? fmt::format("{}", *length) : std::string("?"));
  return text + " um";
}

std::string channels_text(const std::vector<record::Channel>& channels) {
  std::string text;
  for (const auto& channel : channels) text += (text.empty() ? "" : ", ") + (channel.name.empty() ? "?" : channel.name);
  return text;
}

/// The images of a file that is not imported, or not yet.
int show_file(Session& session, const fs::path& file) {
  interop::OpenOptions options;
  options.converter = site_settings(session, "").converter;
  TextTable table({"series", "dataset", "t c z y x", "spacing z y x", "voxels", "channels", "read by"});
  auto list = nlohmann::json::array();
  for (const interop::ImageChoice& choice : interop::images_in(file, options)) {
    options.series = choice.series;
    options.dataset = choice.dataset;
    const auto image = interop::open_image(file, options);
    const interop::ImageFacts& f = image->facts();
    table.add({choice.series ? std::to_string(*choice.series) : "", choice.dataset,
               fmt::format("{} x {} x {}", f.timepoints, f.channels.size(), fmt::join(f.shape, " x ")),
               lengths_text(f.spacing_um), std::string(to_string(f.type)), channels_text(f.channels),
               fmt::format("{} ({})", f.importer.name, f.importer.version)});
    nlohmann::json j{
        {"timepoints", f.timepoints}, {"shape", f.shape}, {"voxels", to_string(f.type)}, {"reader", f.importer.name}};
    if (choice.series) j["series"] = *choice.series;
    if (!choice.dataset.empty()) j["dataset"] = choice.dataset;
    for (const auto& um : f.spacing_um) j["spacing_um"].push_back(um ? nlohmann::json(*um) : nlohmann::json());
    for (const auto& channel : f.channels) j["channels"].push_back(channel.name);
    list.push_back(std::move(j));
  }
  if (session.json)
    print_json(list);
  else
    print(table.text());
  return 0;
}

int show(Session& session, const std::string& name) {
  if (fs::is_regular_file(name)) return show_file(session, name);
  auto& catalog = session.catalog();
  const auto entity = catalog.get(name);
  const auto made = catalog.generated_by(entity.id);
  const auto findings = findings_of(session, entity);
  if (session.json) {
    auto j = entity_json(entity);
    if (made)
      j["generated_by"] = {{"workflow", made->workflow},
                           {"step", made->step},
                           {"kernel", made->kernel},
                           {"kernel_version", made->kernel_version},
                           {"parameters", nlohmann::json::parse(made->params)},
                           {"parameters_by_channel", params_by_channel(*made)},
                           {"run", made->run},
                           {"agent", made->agent},
                           {"host", made->host},
                           {"software", made->software}};
    if (findings) j["findings"] = findings_json(*findings);
    if (entity.kind == catalog::EntityKind::acquisition)
      if (const auto manifest = session.archive().manifest(entity.artifact); manifest && manifest->origin)
        j["imported_from"] = origin_json(*manifest->origin);
    print_json(j);
    return 0;
  }
  TextTable table({entity.name, std::string(to_string(entity.kind))});
  table.add({"id", entity.id});
  table.add({"state", std::string(to_string(entity.state))});
  table.add({"project", entity.project});
  table.add({"created", entity.created});
  if (entity.image) add_image(table, *entity.image);
  if (entity.count)
    table.add({entity.kind == catalog::EntityKind::labels ? "objects" : "rows", std::to_string(*entity.count)});
  table.add({"file", (session.archive().root() / entity.artifact / entity.file).string()});
  table.add({"content digest", entity.content_digest.hex()});
  if (made) add_activity(table, *made);
  if (findings) add_findings(table, *findings);
  for (const auto& a : entity.annotations) table.add({a.key.name, value_text(a)});
  if (entity.kind == catalog::EntityKind::acquisition) add_origin(table, session, entity);
  print(table.text());
  return 0;
}
}  // namespace

void add_show(CLI::App& app, Session& session) {
  auto* command =
      app.add_subcommand("show", "Show everything known of an image or result, or which images a file holds");
  const auto name = std::make_shared<std::string>();
  command->add_option("name", *name, "Name, id, or the beginning of an id; or a file")->required();
  command->callback([&session, name] { session.action = [&session, name] { return show(session, *name); }; });
}

}  // namespace voxflow::cli
