#include "pipeline/acquisition/ledger.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/hash.hpp"
#include "pipeline/core/text.hpp"

namespace fs = std::filesystem;

namespace voxflow::acquisition {

namespace {
using nlohmann::json;

json to_json(const LedgerEntry& entry) {
  json files = json::array();
  for (const FileState& f : entry.files) files.push_back({f.path, f.size_bytes, f.modified_ns});
  return {{"files", std::move(files)}, {"artifact", entry.artifact}, {"quarantine", entry.quarantine}};
}

LedgerEntry entry_from(const json& j) {
  LedgerEntry entry{{}, j.at("artifact").get<std::string>(), j.at("quarantine").get<std::string>()};
  for (const json& f : j.at("files"))
    entry.files.push_back({f.at(0).get<std::string>(), f.at(1).get<std::uint64_t>(), f.at(2).get<std::int64_t>()});
  return entry;
}

bool unchanged(const LedgerEntry& entry) {
  return std::all_of(entry.files.begin(), entry.files.end(), [](const FileState& f) {
    std::error_code gone;
    return fs::exists(f.path, gone) && state_of(f.path) == f;
  });
}

std::string number_text(const std::optional<double>& v) {
  return v ? format_number(*v) : "";
}
}  // namespace

FileState state_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) throw_errno(fmt::format("cannot look at '{}'", file.string()), errno);
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return {file.string(), static_cast<std::uint64_t>(status.st_size),
          static_cast<std::int64_t>(status.st_mtim.tv_sec) * kNanoseconds + status.st_mtim.tv_nsec};
}

Ledger::Ledger(const archive::Archive& archive, const std::string& project)
    : file_(archive.root() / project / "imports.jsonl") {
  if (!fs::exists(file_)) return;
  for (const std::string& line : split(read_file(file_), '\n')) {
    const json j = json::parse(line, nullptr, false);
    if (!j.is_object()) continue;
    try {
      last_[j.at("request").get<std::string>()] = entry_from(j);
    } catch (const json::exception&) {
      continue;  // of a later version
    }
  }
}

std::optional<LedgerEntry> Ledger::find(const std::string& request_id) const {
  const std::lock_guard hold(lock_);
  const auto known = last_.find(request_id);
  if (known == last_.end() || !unchanged(known->second)) return std::nullopt;
  return known->second;
}

void Ledger::append(const std::string& request_id, const LedgerEntry& entry) {
  json j = to_json(entry);
  j["request"] = request_id;
  // A path that is no UTF-8 never matches again, and is read again.
  const std::string line = "\n" + j.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  const std::lock_guard hold(lock_);
  last_[request_id] = entry;
  make_directories(file_.parent_path());
  const int file = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0664);
  if (file < 0) throw_errno(fmt::format("cannot write '{}'", file_.string()), errno);
  const ssize_t written = ::write(file, line.data(), line.size());  // one write: lines of several processes do not mix
  const int error = written < 0 ? errno : written < static_cast<ssize_t>(line.size()) ? ENOSPC : 0;
  ::close(file);
  if (error != 0) throw_errno(fmt::format("cannot write '{}'", file_.string()), error);
}

std::string request_id(const interop::ImportRequest& r, const std::string& terms) {
  Sha256 hash;
  const auto add = [&](std::string_view text) { hash.update(fmt::format("{}:", text.size())).update(text); };
  add(terms);
  add(r.name);
  add(r.dataset);
  add(fmt::format("{} {} {} {} {} {}", static_cast<int>(r.how), r.grid.timepoints, r.grid.channels, r.grid.planes,
                  static_cast<int>(r.pages), r.series.value_or(-1)));
  for (const fs::path& file : r.files) add(file.string());
  for (const std::string& name : r.channel_names) add(name);
  for (const interop::Wavelengths& w : r.wavelengths)
    add(number_text(w.emission_nm) + " " + number_text(w.excitation_nm));
  if (r.spacing)
    for (const auto& um : r.spacing->um) add(number_text(um));
  add(number_text(r.time_step_s));
  for (const record::Annotation& a : r.annotations) {
    const auto* text = std::get_if<std::string>(&a.value);
    const auto* number = std::get_if<double>(&a.value);
    add(a.key.name + "=" +
        (text                      ? *text
         : number                  ? format_number(*number) + a.key.unit
         : std::get<bool>(a.value) ? "true"
                                   : "false"));
  }
  return hash.finish().hex();
}

}  // namespace voxflow::acquisition
