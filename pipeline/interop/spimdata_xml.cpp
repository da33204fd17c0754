#include "pipeline/interop/spimdata_xml.hpp"

#include <sstream>

#include <fmt/format.h>

#include <pugixml.hpp>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/microscope_units.hpp"

namespace voxflow::interop {

namespace {
using pugi::xml_node;
constexpr int kMostTimepoints = 1'000'000;

std::string text_of(const xml_node& parent, const char* name) {
  return std::string(trim(parent.child(name).text().as_string()));
}

int number_of(const xml_node& parent, const char* name, int fallback) {
  const std::string text = text_of(parent, name);
  if (text.empty()) return fallback;
  const auto n = count_in(text);
  if (!n || *n > kMostTimepoints) throw UserError(fmt::format("it says {} '{}', which is no count", name, text));
  return static_cast<int>(*n);
}

/// Three numbers, x y z, as z, y, x.
std::array<std::optional<double>, 3> three_numbers(const std::string& text) {
  std::istringstream in(text);
  std::array<std::string, 3> parts;
  in >> parts[2] >> parts[1] >> parts[0];
  return {number_in(parts[0]), number_in(parts[1]), number_in(parts[2])};
}

SpimSetup read_setup(const xml_node& node, const xml_node& setups) {
  SpimSetup s;
  s.id = number_of(node, "id", -1);
  if (s.id < 0) throw UserError("it has a ViewSetup without an id");
  s.name = text_of(node, "name");
  const xml_node attributes = node.child("attributes");
  s.channel = number_of(attributes, "channel", 0);
  s.illumination = number_of(attributes, "illumination", 0);
  s.tile = number_of(attributes, "tile", 0);
  s.angle = number_of(attributes, "angle", 0);
  const xml_node channels = setups.find_child_by_attribute("Attributes", "name", "channel");
  for (const xml_node& channel : channels.children("Channel"))
    if (number_of(channel, "id", -1) == s.channel) s.channel_name = text_of(channel, "name");
  if (const auto size = three_numbers(text_of(node, "size")); size[0] && size[1] && size[2])
    s.size = Index3{static_cast<Index>(*size[0]), static_cast<Index>(*size[1]), static_cast<Index>(*size[2])};
  const xml_node voxel = node.child("voxelSize");
  s.unit = text_of(voxel, "unit");
  const auto spacing = three_numbers(text_of(voxel, "size"));
  for (const std::size_t axis : {kZ, kY, kX})
    if (spacing[axis] && *spacing[axis] > 0) s.spacing_um[axis] = in_micrometres(*spacing[axis], s.unit);
  return s;
}

/// "0-10:2, 12": numbers and ranges with an optional step.
std::vector<int> pattern(const std::string& text) {
  std::vector<int> all;
  for (const std::string& part : split(text, ',')) {
    const auto step_at = part.find(':'), dash = part.find('-');
    const auto first = count_in(part.substr(0, std::min(dash, step_at)));
    const auto last = dash == std::string::npos ? first : count_in(part.substr(dash + 1, step_at - dash - 1));
    const auto step = step_at == std::string::npos ? std::optional<long>(1) : count_in(part.substr(step_at + 1));
    if (!first || !last || !step || *step < 1 || *last < *first || *last > kMostTimepoints)
      throw UserError(fmt::format("it says timepoints '{}', which is no list of numbers", text));
    for (long t = *first; t <= *last; t += *step) all.push_back(static_cast<int>(t));
  }
  return all;
}

std::vector<int> read_timepoints(const xml_node& node) {
  const std::string type = node.attribute("type").as_string();
  if (type == "range") return pattern(text_of(node, "first") + "-" + text_of(node, "last"));
  if (type == "pattern") return pattern(text_of(node, "integerpattern"));
  std::vector<int> all;
  for (const xml_node& t : node.children("Timepoint")) all.push_back(number_of(t, "id", 0));
  return all;
}
}  // namespace

bool is_spimdata(std::string_view text) {
  return text.find("<SpimData") != std::string_view::npos;
}

SpimData parse_spimdata(const std::string& xml) {
  pugi::xml_document document;
  const auto result = document.load_buffer(xml.data(), xml.size());
  if (!result)
    throw UserError(fmt::format("its XML is damaged at character {}: {}", result.offset, result.description()));
  const xml_node root = document.child("SpimData"), sequence = root.child("SequenceDescription"),
                 loader = sequence.child("ImageLoader"), setups = sequence.child("ViewSetups");
  SpimData d;
  d.loader = loader.attribute("format").as_string();
  d.file = text_of(loader, "hdf5");
  d.base = text_of(root, "BasePath");
  for (const xml_node& node : setups.children("ViewSetup")) d.setups.push_back(read_setup(node, setups));
  d.timepoints = read_timepoints(sequence.child("Timepoints"));
  for (const xml_node& view : sequence.child("MissingViews").children("MissingView"))
    d.missing.emplace_back(view.attribute("timepoint").as_int(), view.attribute("setup").as_int());
  if (d.setups.empty()) throw UserError("it has no ViewSetup, so no image");
  if (d.timepoints.empty()) throw UserError("it says no timepoints");
  return d;
}

}  // namespace voxflow::interop
