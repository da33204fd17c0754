#include "pipeline/interop/ome_xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <pugixml.hpp>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/microscope_units.hpp"

namespace voxflow::interop {

namespace {
using pugi::xml_node;

std::string_view local_name(const xml_node& node) {
  const std::string_view name = node.name();
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// Children of that name in any namespace.
std::vector<xml_node> children(const xml_node& parent, std::string_view name) {
  std::vector<xml_node> found;
  for (const xml_node& node : parent.children())
    if (local_name(node) == name) found.push_back(node);
  return found;
}

xml_node child(const xml_node& parent, std::string_view name) {
  const auto found = children(parent, name);
  return found.empty() ? xml_node() : found.front();
}

long count_attribute(const xml_node& node, const char* name, long fallback) {
  const auto attribute = node.attribute(name);
  if (!attribute) return fallback;
  const auto n = count_in(attribute.value());
  if (!n) throw UserError(fmt::format("its OME-XML says {}='{}', which is no count", name, attribute.value()));
  return *n;
}

std::optional<double> positive_attribute(const xml_node& node, const char* name) {
  const auto v = number_in(node.attribute(name).value());
  return v && *v > 0 ? v : std::nullopt;
}

/// The length `name` of `node` in micrometres, its unit being in `name`Unit.
std::optional<double> length_um(const xml_node& node, const std::string& name) {
  const auto v = positive_attribute(node, name.c_str());
  return v ? in_micrometres(*v, node.attribute((name + "Unit").c_str()).as_string("um")) : std::nullopt;
}

std::optional<double> length_nm(const xml_node& node, const std::string& name) {
  const auto v = positive_attribute(node, name.c_str());
  const std::string unit = node.attribute((name + "Unit").c_str()).as_string("nm");
  if (!v || unit == "nm") return v;
  const auto um = in_micrometres(*v, unit);
  return um ? std::optional(*um * 1000) : std::nullopt;
}

record::Channel read_channel(const xml_node& node) {
  return {node.attribute("Name").as_string(), length_nm(node, "EmissionWavelength"),
          length_nm(node, "ExcitationWavelength")};
}

OmePages read_pages(const xml_node& node) {
  OmePages p{count_attribute(node, "FirstZ", 0),
             count_attribute(node, "FirstC", 0),
             count_attribute(node, "FirstT", 0),
             count_attribute(node, "IFD", 0),
             std::nullopt,
             "",
             ""};
  if (node.attribute("PlaneCount"))
    p.count = count_attribute(node, "PlaneCount", 0);
  else if (node.attribute("IFD"))
    p.count = 1;
  if (const xml_node uuid = child(node, "UUID")) {
    p.file = uuid.attribute("FileName").as_string();
    p.uuid = trim(uuid.text().as_string());
  }
  return p;
}

/// The mean distance of timepoints by the moments at which the first plane of each was taken; nothing where one lacks.
std::optional<double> mean_time_step(const xml_node& pixels, long timepoints) {
  std::map<long, double> moments;
  for (const xml_node& plane : children(pixels, "Plane")) {
    const auto at = number_in(plane.attribute("DeltaT").value());
    const auto seconds = seconds_in(plane.attribute("DeltaTUnit").as_string("s"));
    if (!at || !seconds) continue;
    const auto [entry, first] = moments.emplace(count_attribute(plane, "TheT", 0), *at * *seconds);
    if (!first) entry->second = std::min(entry->second, *at * *seconds);
  }
  if (timepoints < 2 || static_cast<long>(moments.size()) != timepoints) return std::nullopt;
  const double all = moments.rbegin()->second - moments.begin()->second;
  return all > 0 ? std::optional(to_six_digits(all / static_cast<double>(timepoints - 1))) : std::nullopt;
}

void read_pixels(const xml_node& pixels, OmeImage& image) {
  constexpr std::array kSizes{"SizeT", "SizeC", "SizeZ", "SizeY", "SizeX"};
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    image.shape[i] = count_attribute(pixels, kSizes[i], 0);
    if (image.shape[i] < 1) throw UserError(fmt::format("its OME-XML gives no {}", kSizes[i]));
  }
  image.type = pixels.attribute("Type").as_string();
  image.order = pixels.attribute("DimensionOrder").as_string();
  std::string axes = image.order;
  std::sort(axes.begin(), axes.end());
  if (axes != "CTXYZ" || !image.order.starts_with("XY"))
    throw UserError(
        fmt::format("its OME-XML has DimensionOrder='{}'; it is XY and then Z, C and T in some order", image.order));
  image.spacing_um = {length_um(pixels, "PhysicalSizeZ"), length_um(pixels, "PhysicalSizeY"),
                      length_um(pixels, "PhysicalSizeX")};
  const auto step = positive_attribute(pixels, "TimeIncrement");
  const auto seconds = seconds_in(pixels.attribute("TimeIncrementUnit").as_string("s"));
  if (step && seconds)
    image.time_step_s = *step * *seconds;
  else
    image.time_step_s = mean_time_step(pixels, image.shape[0]);
  for (const xml_node& channel : children(pixels, "Channel")) image.channels.push_back(read_channel(channel));
  for (const xml_node& data : children(pixels, "TiffData")) image.pages.push_back(read_pages(data));
}

/// The element `name` among the instruments with that ID.
xml_node instrument_part(const xml_node& ome, std::string_view name, std::string_view id) {
  for (const xml_node& instrument : children(ome, "Instrument"))
    for (const xml_node& part : children(instrument, name))
      if (part.attribute("ID").as_string() == id) return part;
  return {};
}

void add_text(OmeImage& image, const char* key, const std::string& text) {
  if (!text.empty() && text != "Other") image.annotations.push_back({{key, record::AnnotationType::text, ""}, text});
}

void add_number(OmeImage& image, const char* key, const std::optional<double>& v) {
  if (v) image.annotations.push_back({{key, record::AnnotationType::number, ""}, *v});
}

void read_annotations(const xml_node& ome, const xml_node& node, OmeImage& image) {
  std::string acquired(trim(child(node, "AcquisitionDate").text().as_string()));
  if (acquired.empty()) acquired = trim(child(node, "AcquiredDate").text().as_string());
  if (!acquired.empty()) image.annotations.push_back({{"acquired", record::AnnotationType::date, ""}, acquired});
  const std::string_view instrument = child(node, "InstrumentRef").attribute("ID").as_string();
  for (const xml_node& candidate : children(ome, "Instrument"))
    if (candidate.attribute("ID").as_string() == instrument)
      add_text(image, "instrument", child(candidate, "Microscope").attribute("Model").as_string());
  const xml_node settings = child(node, "ObjectiveSettings");
  const xml_node objective = instrument_part(ome, "Objective", settings.attribute("ID").as_string());
  add_number(image, "numerical_aperture", positive_attribute(objective, "LensNA"));
  add_number(image, "magnification", positive_attribute(objective, "NominalMagnification"));
  add_text(image, "immersion", objective.attribute("Immersion").as_string());
  add_number(image, "refractive_index", positive_attribute(settings, "RefractiveIndex"));
}
}  // namespace

bool is_ome_xml(std::string_view text) {
  const auto start = trim(text);
  if (!start.starts_with("<")) return false;
  const auto ome = start.find("OME");
  return ome != std::string_view::npos &&
         (start.find("<OME") != std::string_view::npos || start.find(":OME") != std::string_view::npos);
}

OmeDocument parse_ome_xml(const std::string& xml) {
  pugi::xml_document document;
  const auto result = document.load_buffer(xml.data(), xml.size());
  if (!result)
    throw UserError(fmt::format("its OME-XML is damaged at character {}: {}", result.offset, result.description()));
  const xml_node ome = document.document_element();
  OmeDocument d;
  d.uuid = ome.attribute("UUID").as_string();
  d.metadata_file = child(ome, "BinaryOnly").attribute("MetadataFile").as_string();
  for (const xml_node& node : children(ome, "Image")) {
    OmeImage image;
    image.name = node.attribute("Name").as_string();
    const xml_node pixels = child(node, "Pixels");
    if (!pixels) throw UserError("its OME-XML has an Image without Pixels");
    read_pixels(pixels, image);
    read_annotations(ome, node, image);
    d.images.push_back(std::move(image));
  }
  return d;
}

}  // namespace voxflow::interop
