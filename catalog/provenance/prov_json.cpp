#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "catalog/provenance/provenance.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::catalog {

namespace {
std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char ch : text) {
    if (ch == '"' || ch == '\\')
      out += fmt::format("\\{}", ch);
    else if (static_cast<unsigned char>(ch) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(ch));
    else
      out += ch;
  }
  return out + "\"";
}

std::string date_time(const std::string& time) {
  return fmt::format("{{\"$\": {}, \"type\": \"xsd:dateTime\"}}", json_text(time));
}

/// A local name of a qualified name: letters, digits, '-', '_' and '.' stay, the rest becomes %XX.
std::string local_name(std::string_view text) {
  std::string out;
  for (const char ch : text) {
    const bool plain = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' ||
                       ch == '_' || ch == '.';
    out += plain ? std::string(1, ch) : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(ch)));
  }
  return out;
}

/// A JSON object under construction: members are JSON texts, in order of name.
class Object {
 public:
  Object& put(const std::string& name, const std::string& json) {
    members_[name] = json;
    return *this;
  }
  Object& put_text(const std::string& name, const std::string& text) {
    return text.empty() ? *this : put(name, json_text(text));
  }
  Object& put_time(const std::string& name, const std::string& time) {
    return time.empty() ? *this : put(name, date_time(time));
  }
  std::string text(const std::string& indent = "") const {
    if (members_.empty()) return "{}";
    std::vector<std::string> lines;
    for (const auto& [name, json] : members_) lines.push_back(fmt::format("{}  {}: {}", indent, json_text(name), json));
    return "{\n" + join(lines, ",\n") + "\n" + indent + "}";
  }

 private:
  std::map<std::string, std::string> members_;
};

class Document {
 public:
  explicit Document(CatalogClient& catalog) : catalog_(catalog) {}

  std::string render(const Entity& entity) {
    put_entity(entity.id);
    for (const Link& link : catalog_.lineage(entity.id, Direction::ancestors)) put_link(link);
    Object prefix;
    prefix.put_text("voxflow", "urn:voxflow:")
        .put_text("sha256", "urn:voxflow:sha256:")
        .put_text("task", "urn:voxflow:task:")
        .put_text("activity", "urn:uuid:")
        .put_text("agent", "urn:voxflow:agent:");
    Object document;
    document.put("prefix", prefix.text("  "));
    for (const auto& [name, section] : sections_) document.put(name, section.text("  "));
    return document.text() + "\n";
  }

 private:
  void put(const std::string& section, const std::string& id, const Object& record) {
    sections_[section].put(id, record.text("    "));
  }
  /// A relation, which needs no name of its own but a blank one.
  void relate(const std::string& section, const Object& record) {
    put(section, fmt::format("_:{}{}", section, ++relations_), record);
  }

  void put_entity(const std::string& id) {
    if (!entities_.insert(id).second) return;
    const auto e = catalog_.find_id(id);
    Object o;
    if (e) {
      o.put_text("prov:label", e->name)
          .put_text("voxflow:kind", std::string(to_string(e->kind)))
          .put_text("voxflow:project", e->project)
          .put_text("voxflow:contentDigest", "sha256:" + e->content_digest.hex())
          .put_text("voxflow:artifact", e->artifact)
          .put_text("voxflow:file", e->file)
          .put_time("voxflow:created", e->created);
    }
    put("entity", id, o);
    if (const auto activity = e ? catalog_.generated_by(id) : std::nullopt) put_generation(id, *activity);
  }

  void put_generation(const std::string& id, const Activity& a) {
    const std::string activity = "activity:" + a.id;
    relate("wasGeneratedBy",
           Object().put_text("prov:entity", id).put_text("prov:activity", activity).put_time("prov:time", a.ended));
    if (!activities_.insert(a.id).second) return;
    put("activity", activity,
        Object()
            .put_text("prov:label", a.workflow.empty() ? a.step : a.workflow + "/" + a.step)
            .put_text("prov:startTime", a.started)
            .put_text("prov:endTime", a.ended)
            .put_text("voxflow:kernel", a.kernel)
            .put("voxflow:kernelVersion", std::to_string(a.kernel_version))
            .put_text("voxflow:parameters", a.params)
            .put_text("voxflow:workflowSha256", a.workflow_sha256)
            .put_text("voxflow:pluginSha256", a.plugin_sha256)
            .put_text("voxflow:run", a.run)
            .put_text("voxflow:host", a.host)
            .put_text("voxflow:job", a.job)
            .put_text("voxflow:taskKey", a.task_key ? a.task_key->hex() : ""));
    put_agent(activity, a.agent, "prov:Person", "operator");
    put_agent(activity, a.software, "prov:SoftwareAgent", "software");
  }

  void put_agent(const std::string& activity, const std::string& name, const std::string& type,
                 const std::string& role) {
    if (name.empty()) return;
    const std::string id = "agent:" + local_name(name);
    put("agent", id,
        Object()
            .put_text("prov:label", name)
            .put("prov:type", fmt::format("{{\"$\": {}, \"type\": \"prov:QUALIFIED_NAME\"}}", json_text(type))));
    relate("wasAssociatedWith",
           Object().put_text("prov:activity", activity).put_text("prov:agent", id).put_text("prov:role", role));
  }

  void put_link(const Link& link) {
    put_entity(link.entity);
    put_entity(link.source);
    const std::string activity = "activity:" + link.activity;
    relate("wasDerivedFrom", Object()
                                 .put_text("prov:generatedEntity", link.entity)
                                 .put_text("prov:usedEntity", link.source)
                                 .put_text("prov:activity", activity));
    if (!used_.insert({link.activity, link.source, link.role}).second) return;
    relate("used", Object()
                       .put_text("prov:activity", activity)
                       .put_text("prov:entity", link.source)
                       .put_text("prov:role", link.role));
  }

  CatalogClient& catalog_;
  std::map<std::string, Object> sections_;
  std::set<std::string> entities_, activities_;
  std::set<std::tuple<std::string, std::string, std::string>> used_;
  int relations_ = 0;
};
}  // namespace

std::string prov_json(CatalogClient& catalog, const std::string& entity) {
  return Document(catalog).render(catalog.get(entity));
}

}  // namespace voxflow::catalog
