#include "catalog/store/dump.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace voxflow::catalog {

namespace {
struct Section {
  const char* title;
  const char* sql;
};
constexpr std::array kSections{
    Section{"event", "SELECT id, ts, kind, source, payload FROM event"},
    Section{"entity",
            "SELECT x.id, v.id, e.kind, e.state, e.project, e.name, e.label, e.content_digest, e.task_key, e.port, "
            "e.artifact,"
            " e.file, e.size_bytes, e.created, e.count FROM entity e JOIN identifier x ON x.n = e.n JOIN event v ON "
            "v.n = e.event"},
    Section{"location", "SELECT x.id, l.artifact FROM location l JOIN identifier x ON x.n = l.entity"},
    Section{"image",
            "SELECT x.id, i.kind, i.dtype, i.sz, i.sy, i.sx, i.sc, i.st, i.vz_um, i.vy_um, i.vx_um, i.dt_s FROM image i"
            " JOIN identifier x ON x.n = i.entity"},
    Section{
        "channel",
        "SELECT x.id, c.c, c.name, c.emission_nm, c.excitation_nm FROM channel c JOIN identifier x ON x.n = c.entity"},
    Section{"annotation key", "SELECT k.name, k.type, k.unit, v.id FROM ann_key k LEFT JOIN event v ON v.n = k.event"},
    Section{"annotation",
            "SELECT x.id, k.name, a.measure, a.text, a.num, a.unit, v.id FROM entity_ann ea JOIN identifier x ON x.n = "
            "ea.entity"
            " JOIN ann_key k ON k.n = ea.key JOIN event v ON v.n = ea.event LEFT JOIN ann_value a ON a.n = ea.value"},
    Section{"activity",
            "SELECT v.id, v.source, a.status, a.workflow, a.step, a.run, a.kernel, a.kernel_version, a.attempt, "
            "a.started, a.ended,"
            " a.host, a.job, a.params, a.identity, a.workflow_sha256, a.plugin_sha256, a.task_key, a.image, "
            "a.failure_class,"
            " a.message, a.log FROM activity a JOIN event v ON v.n = a.n"},
    Section{"associated",
            "SELECT v.id, v.source, s.role, g.kind, g.name FROM associated s JOIN event v ON v.n = s.activity"
            " JOIN agent g ON g.n = s.agent"},
    Section{"used",
            "SELECT v.id, v.source, u.position, u.role, x.id FROM used u JOIN event v ON v.n = u.activity"
            " JOIN identifier x ON x.n = u.entity"},
    Section{"generated",
            "SELECT x.id, v.id, v.source FROM generated g JOIN identifier x ON x.n = g.entity JOIN event v ON v.n = "
            "g.activity"},
    Section{"derived",
            "SELECT x.id, d.position, s.id, v.id FROM derived d JOIN identifier x ON x.n = d.entity"
            " JOIN identifier s ON s.n = d.source JOIN event v ON v.n = d.activity"}};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char ch : text) {
    if (ch == '\\')
      out += "\\\\";
    else if (ch == '\t')
      out += "\\t";
    else if (ch == '\n')
      out += "\\n";
    else
      out += ch;
  }
  return out;
}
}  // namespace

std::string dump(Database& db) {
  std::string out;
  for (const Section& s : kSections) {
    std::vector<std::string> lines;
    auto row = db.query(s.sql);
    while (row.step()) {
      std::string line;
      for (int c = 0; c < row.columns(); ++c) line += "\t" + (row.is_null(c) ? std::string("-") : escaped(row.text(c)));
      lines.push_back(std::move(line));
    }
    std::ranges::sort(lines);
    out += std::string(s.title) + "\n";
    for (const std::string& line : lines) out += line + "\n";
  }
  return out;
}

}  // namespace voxflow::catalog
