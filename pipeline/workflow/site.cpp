#include "pipeline/workflow/site.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/core/files.hpp"
#include "pipeline/yaml/reader.hpp"

namespace voxflow::workflow {

namespace {
using record::SlurmSite;
using yaml::Reader;
using yaml::YamlEntry;
using yaml::YamlNode;
constexpr yaml::FileKind kFile{"a file of site settings", "voxflow_site: 1", "nothing was submitted"};
const std::vector<std::string> kKeys{"voxflow_site", "slurm", "import"};
const std::vector<std::string> kImportKeys{"converter", "converter_version"};
const std::vector<std::string> kSlurmKeys{"partition",  "account",     "qos",           "constraint",
                                          "gres",       "options",     "cores_per_job", "parallel_jobs",
                                          "time_limit", "environment", "setup",         "srun"};

void read_text(Reader& reader, const YamlNode& map, const char* key, std::string& into) {
  if (const YamlNode* n = map.find(key)) into = reader.text(*n, fmt::format("slurm.{}", key)).value_or("");
}

void read_number(Reader& reader, const YamlNode& map, const char* key, int high, int& into) {
  if (const YamlNode* n = map.find(key))
    into = static_cast<int>(reader.whole_number(*n, fmt::format("slurm.{}", key), 1, high).value_or(0));
}

void read_lines(Reader& reader, const YamlNode& map, const char* key, const char* example,
                std::vector<std::string>& into) {
  const YamlNode* n = map.find(key);
  if (n == nullptr) return;
  const std::string what = fmt::format("slurm.{}", key);
  for (const YamlNode& item : reader.list(*n, what, example))
    if (const auto line = reader.text(item, "a line of " + what)) into.push_back(*line);
}

void read_texts_by_name(Reader& reader, const YamlNode& map, const char* key, const std::vector<std::string>& allowed,
                        std::map<std::string, std::string>& into) {
  const YamlNode* n = map.find(key);
  const std::string what = fmt::format("slurm.{}", key);
  if (n == nullptr || !reader.is_map(*n, what)) return;
  reader.check_keys(*n, what, allowed);
  for (const YamlEntry& entry : n->entries)
    if (const auto value = reader.text(entry.value, fmt::format("{}.{}", what, entry.key.text)))
      into[entry.key.text] = *value;
}

record::Converter read_converter(Reader& reader, const YamlNode& map) {
  record::Converter c;
  if (!reader.is_map(map, "'import'")) return c;
  reader.check_keys(map, "'import'", kImportKeys);
  const auto words = [&](const char* key, const char* example) {
    std::vector<std::string> all;
    const std::string what = fmt::format("import.{}", key);
    for (const YamlNode& item : reader.list(*map.find(key), what, example))
      if (const auto word = reader.text(item, "a word of " + what)) all.push_back(*word);
    return all;
  };
  if (const YamlNode* n = map.find("converter")) {
    c.command = words("converter", "[bfconvert, \"{input}\", \"{output}\"]");
    c.version.clear();
    for (const char* field : {"{input}", "{output}"})
      if (reader.sound() && std::none_of(c.command.begin(), c.command.end(),
                                         [&](const std::string& w) { return w.find(field) != std::string::npos; }))
        reader.problem(n->mark,
                       fmt::format("import.converter has no {}; it is a command such as [bfconvert, \"{{input}}\", "
                                   "\"{{output}}\"]",
                                   field));
  }
  if (map.find("converter_version") != nullptr) c.version = words("converter_version", "[bfconvert, -version]");
  return c;
}

SlurmSite read_slurm(Reader& reader, const YamlNode& map) {
  SlurmSite s;
  if (!reader.is_map(map, "'slurm'")) return s;
  reader.check_keys(map, "'slurm'", kSlurmKeys);
  read_text(reader, map, "partition", s.partition);
  read_text(reader, map, "account", s.account);
  read_text(reader, map, "qos", s.qos);
  read_text(reader, map, "constraint", s.constraint);
  read_text(reader, map, "gres", s.gres);
  read_number(reader, map, "cores_per_job", 100'000, s.cores_per_job);
  read_number(reader, map, "parallel_jobs", 10'000, s.parallel_jobs);
  if (const YamlNode* n = map.find("time_limit")) {
    s.time_limit_s = reader.quantity(*n, "slurm.time_limit", "s").value_or(0);
    if (s.time_limit_s < 60 && reader.sound())
      reader.problem(n->mark, fmt::format("slurm.time_limit is {} s, allowed 1 min and more", s.time_limit_s));
  }
  read_texts_by_name(reader, map, "options", record::slurm_option_names(), s.options);
  if (const auto nice = s.options.find("nice"); nice != s.options.end()) {
    const std::string digits = nice->second.starts_with('-') ? nice->second.substr(1) : nice->second;
    if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos)
      reader.problem(map.mark,
                     fmt::format("slurm.options has nice '{}', allowed is a whole number such as 100", nice->second));
  }
  read_texts_by_name(reader, map, "environment", {}, s.environment);
  read_lines(reader, map, "setup", "[module load openmpi]", s.setup);
  read_lines(reader, map, "srun", "[--network=sn_all]", s.srun);
  return s;
}
}  // namespace

record::Site parse_site(const SourceText& source) {
  Reader reader(source, kFile);
  const YamlNode document = read_yaml(source, kFile);
  record::Site site;
  if (reader.is_map(document, "the file of site settings")) {
    reader.check_keys(document, "the file of site settings", kKeys);
    const YamlNode* version = document.find("voxflow_site");
    if (version == nullptr)
      reader.problem(document.mark, "the first line 'voxflow_site: 1' is missing; it says for which version this is");
    else if (version->kind != YamlNode::Kind::scalar || version->text != "1")
      reader.problem(version->mark, fmt::format("voxflow_site is {}, allowed 1", Reader::shown(*version)));
    if (const YamlNode* n = document.find("import")) site.converter = read_converter(reader, *n);
    if (const YamlNode* n = document.find("slurm")) site.slurm = read_slurm(reader, *n);
  }
  reader.finish();
  return site;
}

record::Site load_site(const std::filesystem::path& file) {
  return parse_site({file.string(), read_file(file)});
}

}  // namespace voxflow::workflow
