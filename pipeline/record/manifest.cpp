#include "pipeline/record/manifest.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/record/json.hpp"

namespace voxflow::record {

namespace {
constexpr const char* kFormat = "voxflow-manifest";
constexpr int kManifestVersion = 1;

Json to_json(const Output& o) {
  Json j{{"port", o.port}, {"kind", o.kind}, {"file", o.file}, {"content_digest", o.content_digest.hex()}};
  if (o.image) j["image"] = to_json(*o.image);
  if (o.count) j["count"] = *o.count;
  return j;
}

Output output_from(const Json& j) {
  Output o{j.at("port").get<std::string>(),
           j.at("kind").get<std::string>(),
           j.at("file").get<std::string>(),
           digest_of(j.at("content_digest")),
           std::nullopt,
           std::nullopt};
  if (j.contains("image")) o.image = image_info_from(j["image"]);
  if (j.contains("count")) o.count = j["count"].get<std::uint64_t>();
  return o;
}

Json to_json(const InputRecord& i) {
  return {{"port", i.port},
          {"id", i.id},
          {"content_digest", i.content_digest.hex()},
          {"artifact", i.artifact},
          {"output", i.output_port}};
}

InputRecord input_from(const Json& j) {
  return {j.at("port").get<std::string>(), j.at("id").get<std::string>(), digest_of(j.at("content_digest")),
          j.at("artifact").get<std::string>(), j.at("output").get<std::string>()};
}

Json hex_of(const std::vector<Digest>& digests) {
  Json all = Json::array();
  for (const Digest& d : digests) all.push_back(d.hex());
  return all;
}

Json origin_json(const Origin& o) {
  Json j{{"files", o.files}, {"sha256", hex_of(o.file_digests)}, {"importer", o.importer}};
  if (!o.importer_version.empty()) j["importer_version"] = o.importer_version;
  if (!o.converter.empty()) j["converter"] = o.converter;
  if (!o.overrides.empty()) j["overrides"] = Json::parse(o.overrides);
  if (!o.mask.empty()) j["mask"] = {{"name", o.mask}, {"sha256", o.mask_sha256}};
  if (!o.quality.empty()) j["quality"] = Json::parse(o.quality);
  if (!o.raw.empty()) j["raw"] = o.raw;
  return j;
}

Origin origin_from(const Json& j) {
  Origin o;
  o.files = j.at("files").get<std::vector<std::string>>();
  for (const Json& d : j.at("sha256")) o.file_digests.push_back(digest_of(d));
  o.importer = j.at("importer").get<std::string>();
  o.importer_version = j.value("importer_version", "");
  o.converter = j.value("converter", "");
  if (j.contains("overrides")) o.overrides = j["overrides"].dump();
  if (j.contains("mask")) {
    o.mask = j["mask"].at("name").get<std::string>();
    o.mask_sha256 = j["mask"].at("sha256").get<std::string>();
  }
  if (j.contains("quality")) o.quality = j["quality"].dump();
  o.raw = j.value("raw", "");
  return o;
}

template <class T>
Json array_of(const std::vector<T>& items) {
  Json a = Json::array();
  for (const T& item : items) a.push_back(to_json(item));
  return a;
}
}  // namespace

const Output* Manifest::output(std::string_view port) const {
  const auto it = std::find_if(outputs.begin(), outputs.end(), [&](const Output& o) { return o.port == port; });
  return it == outputs.end() ? nullptr : &*it;
}

std::string Manifest::to_json() const {
  Json file_list = Json::array();
  for (const FileRecord& f : files)
    file_list.push_back({{"name", f.name}, {"size_bytes", f.size_bytes}, {"sha256", f.sha256.hex()}});
  Json j{{"format", kFormat},
         {"format_version", kManifestVersion},
         {"kind", kind},
         {"project", project},
         {"outputs", array_of(outputs)},
         {"files", std::move(file_list)},
         {"agent", agent},
         {"host", host},
         {"job", job},
         {"attempt", attempt},
         {"software", software},
         {"started", started},
         {"published", published},
         {"resources_used",
          {{"ranks", ranks},
           {"threads", threads},
           {"wall_s", wall_s},
           {"cpu_s", cpu_s},
           {"max_rss_bytes", max_rss_bytes}}}};
  if (!name.empty()) j["name"] = name;
  if (!annotations.empty()) j["annotations"] = array_of(annotations);
  if (origin) j["origin"] = origin_json(*origin);
  if (task_key) {
    j["task_key"] = task_key->hex();
    j["identity"] = identity.empty() ? Json() : Json::parse(identity);
    j["kernel"] = {{"name", kernel}, {"version", kernel_version}, {"plugin_sha256", plugin_digest}};
    j["parameters"] = params.empty() ? Json::object() : Json::parse(params);
    j["inputs"] = array_of(inputs);
    j["workflow"] = {{"name", workflow}, {"step", step}, {"run", run}, {"sha256", workflow_sha256}};
    j["counters"] = counters;
  }
  return dump(j, 1) + "\n";
}

Manifest Manifest::from_json(std::string_view text) {
  const Json j = parse_json(text, "manifest");
  return reading("manifest", [&] {
    check_format(j, kFormat, kManifestVersion, "manifest");
    Manifest m;
    m.kind = j.at("kind").get<std::string>();
    m.project = j.at("project").get<std::string>();
    m.name = j.value("name", "");
    for (const Json& o : j.at("outputs")) m.outputs.push_back(output_from(o));
    for (const Json& f : j.at("files"))
      m.files.push_back(
          {f.at("name").get<std::string>(), f.at("size_bytes").get<std::uint64_t>(), digest_of(f.at("sha256"))});
    if (j.contains("annotations"))
      for (const Json& a : j["annotations"]) m.annotations.push_back(annotation_from(a));
    if (j.contains("origin")) m.origin = origin_from(j["origin"]);
    if (j.contains("task_key")) {
      m.task_key = digest_of(j["task_key"]);
      m.identity = j.at("identity").is_null() ? "" : j["identity"].dump();
      m.kernel = j.at("kernel").at("name").get<std::string>();
      m.kernel_version = j["kernel"].at("version").get<int>();
      m.plugin_digest = j["kernel"].at("plugin_sha256").get<std::string>();
      m.params = j.at("parameters").dump();
      for (const Json& i : j.at("inputs")) m.inputs.push_back(input_from(i));
      const Json& w = j.at("workflow");
      m.workflow = w.at("name").get<std::string>();
      m.step = w.at("step").get<std::string>();
      m.run = w.at("run").get<std::string>();
      m.workflow_sha256 = w.at("sha256").get<std::string>();
      m.counters = j.at("counters").get<std::map<std::string, std::uint64_t>>();
    }
    m.agent = j.at("agent").get<std::string>();
    m.host = j.at("host").get<std::string>();
    m.job = j.at("job").get<std::string>();
    m.attempt = j.at("attempt").get<int>();
    m.software = j.at("software").get<std::string>();
    m.started = j.at("started").get<std::string>();
    m.published = j.at("published").get<std::string>();
    const Json& r = j.at("resources_used");
    m.ranks = r.at("ranks").get<int>();
    m.threads = r.at("threads").get<int>();
    m.wall_s = r.at("wall_s").get<double>();
    m.cpu_s = r.at("cpu_s").get<double>();
    m.max_rss_bytes = r.at("max_rss_bytes").get<std::uint64_t>();
    return m;
  });
}

std::string Event::to_json() const {
  return dump({{"id", id}, {"time", time}, {"kind", kind}, {"source", source}, {"payload", Json::parse(payload)}});
}

Event Event::from_json(std::string_view line) {
  const Json j = parse_json(line, "event");
  return reading("event", [&] {
    return Event{j.at("id").get<std::string>(), j.at("time").get<std::string>(), j.at("kind").get<std::string>(),
                 j.at("source").get<std::string>(), j.at("payload").dump()};
  });
}

std::string event_file_name(const Event& event) {
  return fmt::format("{}-{}.json", event.id, sha256(event.source).hex().substr(0, 8));
}

Event published_event(const Manifest& manifest, const std::string& artifact) {
  std::string name = "published\n" + (manifest.task_key ? manifest.task_key->hex() : std::string("acquisition"));
  for (const Output& o : manifest.outputs) name += "\n" + o.port + " " + o.content_digest.hex();
  return {uuid5(name), manifest.published, "published", artifact, manifest.to_json()};
}

std::string Failure::to_json() const {
  return dump({{"task_key", task_key.hex()},
               {"run", run},
               {"step", step},
               {"image", image},
               {"attempt", attempt},
               {"class", failure_class},
               {"message", message},
               {"node", node},
               {"log", log}});
}

Failure Failure::from_json(std::string_view text) {
  const Json j = parse_json(text, "failure");
  return reading("failure", [&] {
    return Failure{
        digest_of(j.at("task_key")),        j.at("run").get<std::string>(),  j.at("step").get<std::string>(),
        j.at("image").get<std::string>(),   j.at("attempt").get<int>(),      j.at("class").get<std::string>(),
        j.at("message").get<std::string>(), j.at("node").get<std::string>(), j.at("log").get<std::string>()};
  });
}

Event failed_event(const Failure& failure, const std::string& time) {
  return {uuid5(fmt::format("failed\n{}\n{}\n{}", failure.task_key.hex(), failure.run, failure.attempt)), time,
          "failed", failure.run, failure.to_json()};
}

std::string AnnotationChange::to_json() const {
  return dump({{"entity", entity}, {"set", array_of(set)}, {"removed", removed}, {"agent", agent}});
}

AnnotationChange AnnotationChange::from_json(std::string_view text) {
  const Json j = parse_json(text, "annotation");
  return reading("annotation", [&] {
    AnnotationChange change;
    change.entity = j.at("entity").get<std::string>();
    for (const Json& a : j.at("set")) change.set.push_back(annotation_from(a));
    change.removed = j.at("removed").get<std::vector<std::string>>();
    change.agent = j.at("agent").get<std::string>();
    return change;
  });
}

Event annotated_event(const AnnotationChange& change, const std::string& time) {
  return {uuid4(), time, "annotated", change.entity, change.to_json()};
}

std::string SourceLocation::to_json() const {
  return dump({{"entity", entity}, {"files", files}, {"sha256", hex_of(file_digests)}, {"agent", agent}});
}

SourceLocation SourceLocation::from_json(std::string_view text) {
  const Json j = parse_json(text, "location");
  return reading("location", [&] {
    SourceLocation location{j.at("entity").get<std::string>(),
                            j.at("files").get<std::vector<std::string>>(),
                            {},
                            j.at("agent").get<std::string>()};
    for (const Json& d : j.at("sha256")) location.file_digests.push_back(digest_of(d));
    return location;
  });
}

Event located_event(const SourceLocation& location, const std::string& time) {
  std::string name = "located\n" + location.entity;
  for (const std::string& file : location.files) name += "\n" + file;
  for (const Digest& digest : location.file_digests) name += "\n" + digest.hex();
  return {uuid5(name), time, "located", location.entity, location.to_json()};
}

AnnotationKey annotation_key_from_json(std::string_view text) {
  const Json j = parse_json(text, "key declaration");
  return reading("key declaration", [&] {
    return AnnotationKey{j.at("name").get<std::string>(), annotation_type_of(j.at("type")),
                         j.at("unit").get<std::string>()};
  });
}

Event key_declared_event(const AnnotationKey& key, const std::string& time) {
  const std::string type(to_string(key.type));
  return {uuid5(fmt::format("key_declared\n{}\n{}\n{}", key.name, type, key.unit)), time, "key_declared", "",
          Json{{"name", key.name}, {"type", type}, {"unit", key.unit}}.dump()};
}

}  // namespace voxflow::record
