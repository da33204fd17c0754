#include "pipeline/plugins/reference.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/core/text.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow::plugins {

namespace {
std::string list_text(const std::vector<double>& values, std::string_view unit) {
  std::vector<std::string> parts;
  for (const double v : values) parts.push_back(format_quantity(v, unit));
  return fmt::format("[{}]", join(parts, ", "));
}

std::string value_text(const ParamInfo& p) {
  if (const auto* b = std::get_if<bool>(&p.default_value)) return *b ? "true" : "false";
  if (const auto* i = std::get_if<std::int64_t>(&p.default_value)) return std::to_string(*i);
  if (const auto* d = std::get_if<double>(&p.default_value)) return format_quantity(*d, p.unit);
  if (const auto* s = std::get_if<std::string>(&p.default_value)) return *s;
  if (const auto* v = std::get_if<std::vector<double>>(&p.default_value)) return list_text(*v, p.unit);
  return "";
}

std::string default_text(const ParamInfo& p) {
  const std::string text = value_text(p);
  const std::string own = text.empty() ? "unset" : "`" + text + "`";
  return p.annotation.empty() ? own : fmt::format("the image's annotation `{}`, else {}", p.annotation, own);
}

std::string allowed_text(const ParamInfo& p) {
  if (!p.choices.empty()) return "`" + join(p.choices, "`, `") + "`";
  std::string text = p.type == ParamType::boolean ? "true, false" : "";
  if (p.low && p.high)
    text = fmt::format("{} to {}", format_quantity(*p.low, p.unit), format_quantity(*p.high, p.unit));
  else if (p.low)
    text = "at least " + format_quantity(*p.low, p.unit);
  else if (p.high)
    text = "at most " + format_quantity(*p.high, p.unit);
  return p.type == ParamType::numbers   ? fmt::format("{} values, z-y-x, each {}", p.length, text)
         : p.type == ParamType::integer ? "whole, " + text
                                        : text;
}

std::string type_text(const PortInfo& p) {
  if (!p.type.same_as.empty()) return fmt::format("as `{}`", p.type.same_as);
  if (p.type.kind == PortKind::image && p.type.dtype) return fmt::format("image, {}", to_string(*p.type.dtype));
  return std::string(to_string(p.type.kind));
}

std::string_view border_text(Border b) {
  switch (b) {
    case Border::none:
      return "clipped to the volume";
    case Border::mirror:
      return "mirrored at the outermost voxels";
    default:
      return "outermost voxel repeated";
  }
}

void add_ports(std::string& page, std::string_view title, const std::vector<PortInfo>& ports, bool with_border) {
  if (ports.empty()) return;
  page += fmt::format("\n## {}\n\n", title);
  page += with_border ? "| port | kind | border | meaning |\n|---|---|---|---|\n"
                      : "| port | kind | meaning |\n|---|---|---|\n";
  for (const PortInfo& p : ports) {
    const std::string kind = type_text(p) + (p.optional ? ", optional" : "");
    const std::string_view border = is_volumetric(p.type.kind) ? border_text(p.border) : "whole";
    page += with_border ? fmt::format("| `{}` | {} | {} | {} |\n", p.name, kind, border, p.doc)
                        : fmt::format("| `{}` | {} | {} |\n", p.name, kind, p.doc);
  }
}

void add_params(std::string& page, const std::vector<ParamInfo>& params) {
  if (params.empty()) return;
  page += "\n## Parameters\n\n| name | default | allowed | meaning |\n|---|---|---|---|\n";
  for (const ParamInfo& p : params)
    page += fmt::format("| `{}` | {} | {} | {} |\n", p.name, default_text(p), allowed_text(p), p.doc);
}

std::string axes_text(const SchemaInfo& s) {
  if (s.in_groups) return "Looks at a few timepoints and channels at a time, which ranks share out.";
  if (s.all_t && s.all_c) return "One call sees all timepoints and channels.";
  if (s.all_t) return "Called for each channel, with all timepoints.";
  if (s.all_c) return "Called for each timepoint, with all channels.";
  return "Called for each timepoint and channel.";
}

std::string blocks_text(const SchemaInfo& s) {
  switch (s.blockwise) {
    case Blockwise::exact:
      return "The result does not depend on how the volume is cut into blocks.";
    case Blockwise::within:
      return fmt::format(
          "The result depends on the block grid by at most {} of its largest voxel; the grid is part of the task key.",
          format_number(s.tolerance));
    case Blockwise::volume:
      return "The whole volume is held in one process, which may use several threads.";
    case Blockwise::components:
      return "Labels of blocks are merged across faces, edges and corners and numbered in raster order of their first "
             "voxel; "
             "the result does not depend on the blocks.";
    default:
      return fmt::format("Runs the command `{}`.", join(s.command, " "));
  }
}
std::string input_example(const std::vector<PortInfo>& ports) {
  std::vector<std::string> items;
  for (const PortInfo& p : ports)
    if (!p.optional || is_volumetric(p.type.kind))
      items.push_back(fmt::format("{}: {}", p.name, p.type.kind == PortKind::image ? "image" : "some_step"));
  if (items.size() == 1) return "    input: " + items.front().substr(items.front().find(' ') + 1) + "\n";
  return items.empty() ? "" : fmt::format("    inputs: {{ {} }}\n", join(items, ", "));
}

// Grouped parameters ("psf.model") become a nested map.
std::string params_example(const std::vector<ParamInfo>& params) {
  std::string lines, open_group;
  for (const ParamInfo& p : params) {
    const std::string text = value_text(p);
    if (text.empty()) continue;
    const auto dot = p.name.find('.');
    const std::string group = dot == std::string::npos ? "" : p.name.substr(0, dot);
    if (!group.empty() && group != open_group) lines += fmt::format("      {}:\n", group);
    open_group = group;
    lines += fmt::format("{}{}: {}\n", group.empty() ? "      " : "        ",
                         p.name.substr(group.empty() ? 0 : dot + 1), text);
  }
  return lines.empty() ? "" : "    params:\n" + lines;
}

std::string step_example(const SchemaInfo& s) {
  return fmt::format("\n## In a workflow\n\n```yaml\nsteps:\n  {}:\n    kernel: {}\n{}{}```\n",
                     s.name.substr(s.name.find('.') + 1), s.name, input_example(s.inputs), params_example(s.params));
}
}  // namespace

std::string reference_page(const SchemaInfo& schema) {
  std::string page = fmt::format("# {}\n\n{}\n\nVersion {}.", schema.name, schema.summary, schema.version);
  if (!schema.sources.empty()) page += fmt::format(" Source: {}.", join(schema.sources, "; "));
  page += '\n';
  add_ports(page, "Inputs", schema.inputs, true);
  add_ports(page, "Outputs", schema.outputs, false);
  add_params(page, schema.params);
  page += fmt::format("\n## Behaviour\n\n- {}\n- {}\n", axes_text(schema), blocks_text(schema));
  if (schema.nan_policy) page += fmt::format("- {}.\n", to_string(*schema.nan_policy));
  return page + step_example(schema);
}

}  // namespace voxflow::plugins
