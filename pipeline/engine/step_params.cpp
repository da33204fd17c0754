#include "pipeline/engine/step_params.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::engine {

namespace {
/// Wavelengths are kept with each channel, everything else with the image.
std::optional<double> wavelength_nm(const record::Channel& channel, std::string_view annotation) {
  if (annotation == "emission") return channel.emission_nm;
  if (annotation == "excitation") return channel.excitation_nm;
  return std::nullopt;
}

bool is_wavelength(std::string_view annotation) {
  return annotation == "emission" || annotation == "excitation";
}

ParamValue as_param(const ParamInfo& info, double number, std::string_view unit) {
  const double v = unit.empty() && info.unit.empty() ? number : convert({number, std::string(unit)}, info.unit);
  if (info.type == ParamType::integer && v == std::floor(v)) return static_cast<std::int64_t>(v);
  return v;
}

ParamValue checked(const ParamInfo& info, ParamValue v) {
  if (const auto misfit = check_value(info, v)) throw UserError(*misfit);
  return v;
}

// Without a measured background there is still the camera's.
std::string_view stand_in(std::string_view annotation) {
  return annotation == "background" ? "camera_offset" : "";
}

std::optional<ParamValue> from_image(const ParamInfo& info, const catalog::Entity& image, std::string_view annotation) {
  for (const record::Annotation& a : image.annotations) {
    if (a.key.name != annotation) continue;
    return with_context(fmt::format("parameter '{}': annotation '{}'", info.name, annotation), [&] {
      if (const auto* number = std::get_if<double>(&a.value)) return checked(info, as_param(info, *number, a.key.unit));
      if (const auto* flag = std::get_if<bool>(&a.value)) return checked(info, *flag);
      return checked(info, std::get<std::string>(a.value));
    });
  }
  const std::string_view other = stand_in(annotation);
  return other.empty() ? std::nullopt : from_image(info, image, other);
}

ParamValue from_channel(const ParamInfo& info, const record::Channel& channel, double nm) {
  ParamValue v = as_param(info, nm, "nm");
  if (const auto misfit = check_value(info, v))
    throw UserError(
        fmt::format("{} of channel '{}', as the image's file has it: {}; set {} in 'params' or "
                    "'params_by_channel'",
                    info.annotation, channel.name, *misfit, info.name));
  return v;
}

int index_of(const std::vector<record::Channel>& channels, const std::string& name) {
  const auto it =
      std::find_if(channels.begin(), channels.end(), [&](const record::Channel& c) { return c.name == name; });
  if (it != channels.end()) return static_cast<int>(it - channels.begin());
  std::vector<std::string> names;
  for (const record::Channel& c : channels) names.push_back(c.name);
  throw UserError(fmt::format("there is no channel '{}' in the image, whose channels are {}{}", name, join(names, ", "),
                              did_you_mean(name, names)));
}
}  // namespace

StepParams step_params(const workflow::Step& step, const SchemaInfo& kernel, const catalog::Entity& image,
                       const std::vector<record::Channel>& channels, const std::vector<int>& used) {
  ParamValues common = step.params;
  std::map<int, ParamValues> own;
  for (const ParamInfo& p : kernel.params) {
    if (p.annotation.empty() || step.params.contains(p.name)) continue;
    bool all_have_it = !used.empty();
    for (const int c : used) {
      const record::Channel& channel = channels[static_cast<std::size_t>(c)];
      const auto nm = wavelength_nm(channel, p.annotation);
      if (nm) own[c][p.name] = from_channel(p, channel, *nm);
      all_have_it = all_have_it && nm;
    }
    // An image's one wavelength is that of its one channel.
    if (all_have_it || (is_wavelength(p.annotation) && used.size() > 1)) continue;
    if (const auto v = from_image(p, image, p.annotation)) common[p.name] = *v;
  }
  for (const auto& [name, values] : step.params_by_channel) {
    const int c = index_of(channels, name);
    for (const auto& [param, value] : values) own[c][param] = value;
  }

  StepParams result{resolve_params(kernel, common), {}};
  std::map<int, ParamValues> resolved;
  for (const int c : used) {
    ParamValues values = common;
    for (const auto& [param, value] : own[c]) values[param] = value;
    resolved[c] = resolve_params(kernel, values);
  }
  const bool alike = std::all_of(resolved.begin(), resolved.end(),
                                 [&](const auto& r) { return r.second == resolved.begin()->second; });
  if (!resolved.empty() && alike) {
    result.all = resolved.begin()->second;
  } else {
    if (kernel.all_c)
      throw UserError(fmt::format(
          "kernel '{}' sees all channels at once, but their parameters differ; set them in 'params'", kernel.name));
    for (const auto& [c, values] : resolved)
      if (values != result.all) result.by_channel[c] = values;
  }
  return result;
}

}  // namespace voxflow::engine
