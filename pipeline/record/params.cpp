#include "pipeline/record/params.hpp"

#include <fmt/format.h>

#include "pipeline/record/json.hpp"

namespace voxflow::record {

namespace {
Values::mapped_type value_from(const std::string& name, const Json& j) {
  if (j.is_null()) return std::monostate{};
  if (j.is_boolean()) return j.get<bool>();
  if (j.is_number_integer()) return j.get<std::int64_t>();
  if (j.is_number()) return j.get<double>();
  if (j.is_string()) return j.get<std::string>();
  if (!j.is_array())
    throw UserError(fmt::format("parameter '{}' is {}: a value or a list of numbers is wanted", name, j.dump()));
  return j.get<std::vector<double>>();
}
}  // namespace

std::string canonical_params(const Values& values) {
  Json j = Json::object();
  for (const auto& [name, value] : values)
    std::visit(
        [&, &key = name](const auto& v) {
          if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::monostate>)
            j[key] = nullptr;
          else
            j[key] = v;
        },
        value);
  return j.dump();
}

Values params_from(std::string_view text) {
  const Json j = parse_json(text, "parameter set");
  return reading("parameter set", [&] {
    Values values;
    for (const auto& [name, value] : j.items()) values[name] = value_from(name, value);
    return values;
  });
}

TransformSet transform_set_from(std::string_view text) {
  const Json j = parse_json(text, "set of transforms");
  return reading("set of transforms", [&] {
    if (j.at("format") != "voxflow-transform" || j.at("format_version").get<int>() > 1)
      throw UserError(
          fmt::format("the transforms have format {} version {}, this voxflow knows voxflow-transform up to 1",
                      j.at("format").dump(), j.at("format_version").dump()));
    TransformSet set;
    for (const Json& e : j.at("transforms")) {
      TransformSet::Entry entry{e.at("t").get<int>(), e.at("c").get<int>(), {}};
      for (std::size_t row = 0; row < 3; ++row) {
        for (std::size_t col = 0; col < 3; ++col)
          entry.transform.matrix[row][col] = e.at("matrix").at(row).at(col).get<double>();
        entry.transform.translation_um[row] = e.at("matrix").at(row).at(3).get<double>();
      }
      set.entries.push_back(entry);
    }
    return set;
  });
}

}  // namespace voxflow::record
