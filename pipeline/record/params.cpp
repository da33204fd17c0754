#include "pipeline/record/params.hpp"

#include <cmath>

#include "pipeline/record/json.hpp"

namespace voxflow::record {

namespace {
double finite(const std::string& name, double v) {
  if (!std::isfinite(v)) throw InternalError("parameter '" + name + "' is not finite");
  return v == 0 ? 0.0 : v;
}

Json value_json(const std::string& name, const Parameter& value) {
  if (const auto* v = std::get_if<bool>(&value)) return *v;
  if (const auto* v = std::get_if<std::int64_t>(&value)) return *v;
  if (const auto* v = std::get_if<double>(&value)) return finite(name, *v);
  if (const auto* v = std::get_if<std::string>(&value)) return *v;
  if (const auto* v = std::get_if<std::vector<double>>(&value)) {
    Json list = Json::array();
    for (const double x : *v) list.push_back(finite(name, x));
    return list;
  }
  return nullptr;
}

Parameter value_from(const Json& j) {
  if (j.is_null()) return std::monostate{};
  if (j.is_boolean()) return j.get<bool>();
  if (j.is_number_integer()) return j.get<std::int64_t>();
  if (j.is_number()) return j.get<double>();
  if (j.is_string()) return j.get<std::string>();
  return j.get<std::vector<double>>();
}

std::string text_of(const Json& object, const std::string& name) {
  const auto it = object.find(name);
  return it == object.end() ? "" : it->dump();
}

void compare(const Json& before, const Json& after, const std::string& part, const std::string& suffix,
             std::vector<IdentityDifference>& differences) {
  std::map<std::string, bool> names;
  for (const Json* object : {&before, &after})
    for (const auto& item : object->items()) names[item.key()] = true;
  for (const auto& [name, present] : names) {
    IdentityDifference d{part, name + suffix, text_of(before, name), text_of(after, name)};
    if (d.before != d.after) differences.push_back(std::move(d));
  }
}

Json member(const Json& j, const char* name) {
  return j.contains(name) ? j[name] : Json::object();
}

/// Parameters of each channel: what stands for the channel, else what stands for all.
void compare_channels(const Json& before, const Json& after, std::vector<IdentityDifference>& differences) {
  const Json old_by = member(before, "parameters_by_channel"), new_by = member(after, "parameters_by_channel");
  std::map<std::string, bool> channels;
  for (const Json* by : {&old_by, &new_by})
    for (const auto& item : by->items()) channels[item.key()] = true;
  for (const auto& [channel, present] : channels) {
    const Json& old_params = old_by.contains(channel) ? old_by[channel] : before.at("parameters");
    const Json& new_params = new_by.contains(channel) ? new_by[channel] : after.at("parameters");
    compare(old_params, new_params, "parameter", " of channel " + channel, differences);
  }
}
}  // namespace

std::string canonical_params(const Parameters& params) {
  Json j = Json::object();
  for (const auto& [name, value] : params) j[name] = value_json(name, value);
  return canonical_text(j);
}

Parameters parse_params(std::string_view text) {
  const Json j = parse_json(text, "set of parameters");
  return reading("set of parameters", [&] {
    Parameters params;
    for (const auto& item : j.items()) params[item.key()] = value_from(item.value());
    return params;
  });
}

std::vector<IdentityDifference> identity_differences(std::string_view before, std::string_view after) {
  const Json a = parse_json(before, "task identity"), b = parse_json(after, "task identity");
  return reading("task identity", [&] {
    std::vector<IdentityDifference> differences;
    const auto compare_member = [&](const char* name) {
      IdentityDifference d{name, "", text_of(a, name), text_of(b, name)};
      if (d.before != d.after) differences.push_back(std::move(d));
    };
    compare_member("kernel");
    compare_member("version");
    compare(a.at("parameters"), b.at("parameters"), "parameter", "", differences);
    compare_channels(a, b, differences);
    compare(a.at("inputs"), b.at("inputs"), "input", "", differences);
    compare_member("channels");
    compare_member("timepoints");
    compare_member("block_shape");
    return differences;
  });
}

}  // namespace voxflow::record
