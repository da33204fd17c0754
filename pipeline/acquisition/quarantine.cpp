#include "pipeline/acquisition/quarantine.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "pipeline/core/clock.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/hash.hpp"

namespace fs = std::filesystem;

namespace voxflow::acquisition {

namespace {
using nlohmann::json;

fs::path folder_of(const archive::Archive& archive, const std::string& project) {
  return archive.root() / project / "quarantine";
}

QuarantineRecord read_record(const fs::path& file) {
  return with_context(file.string(), [&] { return QuarantineRecord::from_json(read_file(file)); });
}
}  // namespace

std::string QuarantineRecord::to_json() const {
  json j{{"format", "voxflow-quarantine"},
         {"format_version", 1},
         {"id", id},
         {"project", project},
         {"name", name},
         {"files", files},
         {"sha256", sha256},
         {"mask", {{"name", mask_name}, {"text", mask_text}}},
         {"quality", json::parse(report.to_json())},
         {"time", time},
         {"agent", agent}};
  if (!raw.empty()) j["raw"] = raw;
  if (!accepted_by.empty())
    j["accepted"] = {{"by", accepted_by}, {"because", accepted_because}, {"artifact", artifact}};
  return j.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

QuarantineRecord QuarantineRecord::from_json(std::string_view text) {
  try {
    const json j = json::parse(text);
    if (j.at("format") != "voxflow-quarantine" || j.at("format_version") != 1)
      throw UserError("this is no record of quarantine of a version that is known");
    QuarantineRecord r;
    r.id = j.at("id").get<std::string>();
    r.project = j.at("project").get<std::string>();
    r.name = j.at("name").get<std::string>();
    r.files = j.at("files").get<std::vector<std::string>>();
    r.sha256 = j.at("sha256").get<std::vector<std::string>>();
    r.raw = j.value("raw", "");
    r.mask_name = j.at("mask").at("name").get<std::string>();
    r.mask_text = j.at("mask").at("text").get<std::string>();
    r.report = QualityReport::from_json(j.at("quality").dump());
    r.time = j.at("time").get<std::string>();
    r.agent = j.at("agent").get<std::string>();
    if (j.contains("accepted")) {
      r.accepted_by = j["accepted"].at("by").get<std::string>();
      r.accepted_because = j["accepted"].at("because").get<std::string>();
      r.artifact = j["accepted"].at("artifact").get<std::string>();
    }
    return r;
  } catch (const json::exception& e) {
    throw UserError(fmt::format("this is no record of quarantine: {}", e.what()));
  }
}

std::string quarantine_id(const std::vector<std::string>& files, const std::string& mask_name) {
  Sha256 hash;
  hash.update(mask_name);
  for (const std::string& file : files) hash.update("\n").update(file);
  return hash.finish().hex().substr(0, 16);
}

QuarantineRecord put_into_quarantine(const archive::Archive& archive, QuarantineRecord record) {
  record.id = quarantine_id(record.files, record.mask_name);
  record.time = format_time(system_clock().now());
  for (const std::string& file : record.files) try {
      record.sha256.push_back(sha256_file(file).hex());
    } catch (const SystemError&) {
      record.sha256.emplace_back();
    }
  make_directories(folder_of(archive, record.project));
  update_quarantine(archive, record);
  return record;
}

void update_quarantine(const archive::Archive& archive, const QuarantineRecord& record) {
  write_file_atomically(folder_of(archive, record.project) / (record.id + ".json"), record.to_json());
}

std::optional<QuarantineRecord> find_in_quarantine(const archive::Archive& archive, const std::string& project,
                                                   const std::string& id) {
  const fs::path file = folder_of(archive, project) / (id + ".json");
  if (!fs::exists(file)) return std::nullopt;
  return read_record(file);
}

std::vector<QuarantineRecord> in_quarantine(const archive::Archive& archive, const std::string& project) {
  std::vector<QuarantineRecord> records;
  std::error_code error;
  for (fs::directory_iterator it(archive.root(), error), end; !error && it != end; it.increment(error)) {
    if (!project.empty() && it->path().filename() != project) continue;
    std::error_code none;
    for (fs::directory_iterator file(it->path() / "quarantine", none), last; !none && file != last;
         file.increment(none))
      if (file->path().extension() == ".json") records.push_back(read_record(file->path()));
  }
  if (error) throw_errno(fmt::format("cannot look through the archive '{}'", archive.root().string()), error.value());
  std::erase_if(records, [](const QuarantineRecord& r) { return !r.accepted_by.empty(); });
  std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  return records;
}

}  // namespace voxflow::acquisition
