#include <fmt/format.h>

#include <algorithm>

#include "pipeline/core/files.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/workflow/reading.hpp"

namespace voxflow::workflow {

namespace {
constexpr yaml::FileKind kFile{"a workflow", "voxflow: 1", "nothing was submitted"};
const std::vector<std::string> kKeys{"voxflow", "workflow",   "description", "project",
                                     "select",  "references", "steps",       "resources"};
const std::vector<LaterKey> kLaterKeys{
    {"for_each", "leave it out: one task holds all timepoints and channels of an image"},
    {"gather", "leave it out: every image has a result of its own, which 'voxflow find' lists"},
    {"overrides", "write a second workflow whose 'select' takes the images that need other parameters"},
    {"notify", "leave it out: the exit code of 'voxflow run' says how the run ended"},
    {"upgrades", "leave it out: 'voxflow plan' shows what a new kernel version makes run again"}};
const std::vector<std::string> kReferenceKeys{"select", "same", "pick", "if_none"};

catalog::query::Query read_query(Reader& reader, const YamlNode& node, const std::string& what) {
  if (const auto text = reader.text(node, what)) {
    try {
      return catalog::query::parse(node.text);
    } catch (const catalog::query::QueryError& e) {
      reader.problem(yaml::place_in_scalar(reader.source(), node.mark, node.text, e.offset(), e.length()), e.message(),
                     e.hint());
    }
  }
  return {};
}

Reference read_reference(Reader& reader, const YamlEntry& entry) {
  Reference r;
  r.name = entry.key.text;
  r.mark = entry.key.mark;
  const std::string what = fmt::format("reference '{}'", r.name);
  if (!reader.is_map(entry.value, what)) return r;
  reader.check_keys(entry.value, what, kReferenceKeys);
  if (const YamlNode* n = entry.value.find("select")) {
    r.select = read_query(reader, *n, "select of " + what);
    r.select_mark = n->mark;
  } else {
    reader.problem(r.mark, fmt::format("{} has no 'select', the query that finds its images", what));
  }
  if (const YamlNode* n = entry.value.find("same"))
    for (const YamlNode& item : reader.list(*n, "same of " + what, "[instrument, acquired.date]"))
      if (const auto field = reader.text(item, "same of " + what))
        r.same.push_back(*field), r.same_marks.push_back(item.mark);
  const std::vector<std::string> picks{"nearest acquired", "latest acquired"}, reactions{"fail", "skip"};
  if (const YamlNode* n = entry.value.find("pick"))
    r.pick = reader.choice(*n, "pick of " + what, picks) == picks[1] ? Pick::latest_acquired : Pick::nearest_acquired;
  if (const YamlNode* n = entry.value.find("if_none"))
    r.if_none = reader.choice(*n, "if_none of " + what, reactions) == reactions[1] ? IfNone::skip : IfNone::fail;
  return r;
}

void read_references(Reader& reader, const YamlNode& node, Workflow& workflow) {
  if (!reader.is_map(node, "'references'")) return;
  reader.check_keys(node, "'references'", {});
  for (const YamlEntry& entry : node.entries) {
    if (!reader.is_name(entry.key, "the name of a reference")) continue;
    if (entry.key.text == "image")
      reader.problem(entry.key.mark, "a reference may not be called 'image': that is the selected image");
    workflow.references.emplace(entry.key.text, read_reference(reader, entry));
  }
}

void read_head(Reader& reader, const YamlNode& document, Workflow& workflow) {
  const YamlNode* version = document.find("voxflow");
  if (version == nullptr)
    reader.problem(document.mark,
                   "the first line 'voxflow: 1' is missing; it says for which version of the language this is");
  else if (version->kind != YamlNode::Kind::scalar || version->text != "1")
    reader.problem(version->mark, fmt::format("voxflow is {}, allowed 1: the version of the workflow language",
                                              Reader::shown(*version)));
  if (const YamlNode* n = document.find("workflow")) {
    if (reader.is_name(*n, "the workflow's name")) workflow.name = n->text;
  } else {
    reader.problem(document.mark, "'workflow', the workflow's name, is missing");
  }
  if (const YamlNode* n = document.find("description"))
    workflow.description = reader.text(*n, "description").value_or("");
  if (const YamlNode* n = document.find("project"))
    if (reader.is_name(*n, "project")) {
      if (n->text == "events" || n->text == "runs")
        reader.problem(
            n->mark,
            fmt::format("project is '{}', where the archive keeps its own records; name it otherwise", n->text));
      workflow.project = n->text;
    }
  if (const YamlNode* n = document.find("select")) {
    workflow.select = read_query(reader, *n, "select");
    workflow.select_mark = n->mark;
  } else {
    reader.problem(document.mark, "'select', the query that finds the images, is missing");
  }
  if (document.find("steps") == nullptr) reader.problem(document.mark, "'steps' is missing");
}
}  // namespace

const Step* Workflow::step(std::string_view step_name) const {
  const auto it = std::find_if(steps.begin(), steps.end(), [&](const Step& s) { return s.name == step_name; });
  return it == steps.end() ? nullptr : &*it;
}

Workflow parse(const SourceText& source, const KernelLookup& kernels) {
  const YamlNode document = read_yaml(source, kFile);
  Reader reader(source, kFile);
  Workflow workflow;
  workflow.source = source;
  workflow.sha256 = sha256(source.text);
  if (reader.is_map(document, "the workflow")) {
    reader.check_keys(document, "the workflow", kKeys, kLaterKeys);
    read_head(reader, document, workflow);
    if (const YamlNode* n = document.find("references")) read_references(reader, *n, workflow);
    workflow.steps = read_steps(reader, document, kernels, workflow);
  }
  reader.finish();
  return workflow;
}

Workflow load(const std::filesystem::path& file, const KernelLookup& kernels) {
  return parse({file.string(), read_file(file)}, kernels);
}

FileError query_problem(const Workflow& workflow, const Mark& where, const catalog::query::QueryError& error) {
  const auto is_here = [&](const Mark& m) { return m.line == where.line && m.column == where.column; };
  const catalog::query::Query* query = &workflow.select;
  for (const auto& [name, reference] : workflow.references)
    if (is_here(reference.select_mark)) query = &reference.select;
  const Mark at = yaml::place_in_scalar(workflow.source, where, query->text, error.offset(), error.length());
  return {workflow.source, {{at.line, at.column, at.length, error.message(), error.hint()}}, kFile.consequence};
}

}  // namespace voxflow::workflow
