#include "pipeline/cli/print.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "pipeline/core/units.hpp"

namespace voxflow::cli {

namespace {
/// Columns on a terminal: code points, since names may hold "µm".
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char ch) { return (static_cast<unsigned char>(ch) & 0xC0) != 0x80; }));
}
}  // namespace

std::string TextTable::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], width(row[i]));
    }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out += std::string(widths[i] - width(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (text.empty() || text.back() != '\n') std::fputc('\n', stdout);
  std::fflush(stdout);
}

void print_json(const nlohmann::json& value) {
  print(value.dump(2));
}

std::string shape_text(const record::ImageInfo& info) {
  const Index3& n = info.grid.shape;
  return fmt::format("{} x {} x {} x {} x {}", info.timepoints, info.channel_count(), n[kZ], n[kY], n[kX]);
}

std::string spacing_text(const Grid& grid) {
  const auto& s = grid.spacing;
  return fmt::format("{} x {} x {} um", format_number(s[kZ].value), format_number(s[kY].value),
                     format_number(s[kX].value));
}

nlohmann::json entity_json(const catalog::Entity& e) {
  nlohmann::json j{{"id", e.id},
                   {"name", e.name},
                   {"kind", to_string(e.kind)},
                   {"state", to_string(e.state)},
                   {"project", e.project},
                   {"content_digest", e.content_digest.hex()},
                   {"artifact", e.artifact},
                   {"file", e.file},
                   {"created", e.created}};
  if (e.image) {
    const auto& s = e.image->grid.spacing;
    j["shape_tczyx"] = {e.image->timepoints, e.image->channel_count(), e.image->grid.shape[kZ], e.image->grid.shape[kY],
                        e.image->grid.shape[kX]};
    j["spacing_um_zyx"] = {s[kZ].value, s[kY].value, s[kX].value};
    j["dtype"] = to_string(e.image->dtype);
    for (const auto& channel : e.image->channels) j["channels"].push_back(channel.name);
  }
  if (e.count) j["count"] = *e.count;
  for (const auto& a : e.annotations) std::visit([&](const auto& v) { j["annotations"][a.key.name] = v; }, a.value);
  return j;
}

}  // namespace voxflow::cli
