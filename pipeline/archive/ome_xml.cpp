#include "pipeline/archive/ome_xml.hpp"

#include <sstream>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "pipeline/core/text.hpp"
#include "pipeline/core/units.hpp"
#include "pipeline/core/version.hpp"

namespace voxflow::archive {

namespace {
using pugi::xml_node;

constexpr const char* kNamespace = "http://www.openmicroscopy.org/Schemas/OME/2016-06";
constexpr const char* kNotesId = "Annotation:0";

/// Control characters are none of XML's.
std::string without_controls(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') c = ' ';
  return text;
}

/// Every character beyond ASCII as a reference: "&#181;m"; what is no character as U+FFFD.
std::string ascii_xml(std::string_view utf8) {
  constexpr char32_t kReplacement = 0xFFFD;
  std::string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto [found, bytes] = utf8_at(utf8, i);
    const char32_t c = found && *found != 0xFFFE && *found != 0xFFFF ? *found : kReplacement;
    out += c < 0x80 ? std::string(1, static_cast<char>(c)) : fmt::format("&#{};", static_cast<std::uint32_t>(c));
    i += bytes;
  }
  return out;
}

void set(xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(without_controls(value).c_str());
}

void set_length(xml_node node, const std::string& name, double value, const char* unit) {
  set(node, name.c_str(), format_number(value));
  set(node, (name + "Unit").c_str(), unit);
}

const char* type_name(DType t) {
  return t == DType::uint8 ? "uint8" : t == DType::uint16 ? "uint16" : t == DType::uint32 ? "uint32" : "float";
}

void add_channel(xml_node pixels, std::size_t c, const record::Channel& details) {
  xml_node channel = pixels.append_child("Channel");
  set(channel, "ID", fmt::format("Channel:0:{}", c));
  if (!details.name.empty()) set(channel, "Name", details.name);
  if (details.excitation_nm) set_length(channel, "ExcitationWavelength", *details.excitation_nm, "nm");
  if (details.emission_nm) set_length(channel, "EmissionWavelength", *details.emission_nm, "nm");
  set(channel, "SamplesPerPixel", "1");
}

void add_pixels(xml_node image, const OmeImageText& text) {
  const record::ImageInfo& info = text.info;
  const Index3& shape = info.grid.shape;
  xml_node pixels = image.append_child("Pixels");
  set(pixels, "ID", "Pixels:0");
  set(pixels, "DimensionOrder", "XYCZT");
  set(pixels, "Type", type_name(info.dtype));
  set(pixels, "BigEndian", "false");
  set(pixels, "Interleaved", "false");
  set(pixels, "SizeX", std::to_string(shape[kX]));
  set(pixels, "SizeY", std::to_string(shape[kY]));
  set(pixels, "SizeC", std::to_string(info.channel_count()));
  set(pixels, "SizeZ", std::to_string(shape[kZ]));
  set(pixels, "SizeT", std::to_string(info.timepoints));
  set_length(pixels, "PhysicalSizeX", info.grid.spacing[kX].value, "\u00b5m");
  set_length(pixels, "PhysicalSizeY", info.grid.spacing[kY].value, "\u00b5m");
  set_length(pixels, "PhysicalSizeZ", info.grid.spacing[kZ].value, "\u00b5m");
  if (info.time_step_s) set_length(pixels, "TimeIncrement", *info.time_step_s, "s");
  for (std::size_t c = 0; c < info.channels.size(); ++c) add_channel(pixels, c, info.channels[c]);
  if (text.voxels == OmeVoxels::metadata_only) {
    pixels.append_child("MetadataOnly");
    return;
  }
  xml_node data = pixels.append_child("TiffData");
  set(data, "IFD", "0");
  set(data, "PlaneCount", std::to_string(info.timepoints * info.channel_count() * shape[kZ]));
}

void add_notes(xml_node ome, const OmeImageText& text) {
  xml_node notes = ome.append_child("StructuredAnnotations").append_child("MapAnnotation");
  set(notes, "ID", kNotesId);
  set(notes, "Namespace", "voxflow");
  xml_node value = notes.append_child("Value");
  for (const auto& [key, words] : text.notes) {
    xml_node entry = value.append_child("M");
    set(entry, "K", key);
    entry.text().set(without_controls(words).c_str());
  }
}
}  // namespace

std::string format_ome_xml(const OmeImageText& text) {
  pugi::xml_document document;
  xml_node ome = document.append_child("OME");
  set(ome, "xmlns", kNamespace);
  set(ome, "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
  set(ome, "xsi:schemaLocation", fmt::format("{0} {0}/ome.xsd", kNamespace));
  set(ome, "Creator", fmt::format("voxflow {}", kVersion));
  xml_node image = ome.append_child("Image");
  set(image, "ID", "Image:0");
  if (!text.name.empty()) set(image, "Name", text.name);
  add_pixels(image, text);
  if (!text.notes.empty()) {
    set(image.append_child("AnnotationRef"), "ID", kNotesId);
    add_notes(ome, text);
  }
  std::ostringstream out;
  document.save(out, " ", pugi::format_raw | pugi::format_no_declaration);
  return R"(<?xml version="1.0" encoding="UTF-8"?>)" + ascii_xml(out.str());
}

}  // namespace voxflow::archive
