#include <sstream>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "pipeline/core/units.hpp"
#include "pipeline/core/version.hpp"
#include "pipeline/interop/ome_xml.hpp"
#include "pipeline/interop/tiff_layout.hpp"
#include "pipeline/interop/unicode.hpp"

namespace voxflow::interop {

namespace {
using pugi::xml_node;

constexpr const char* kNamespace = "http://www.openmicroscopy.org/Schemas/OME/2016-06";
constexpr const char* kNotesId = "Annotation:0";

void set(xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
}

void set_length(xml_node node, const std::string& name, double value, const char* unit) {
  set(node, name.c_str(), format_number(value));
  set(node, (name + "Unit").c_str(), unit);
}

const char* type_name(DType t) {
  return t == DType::uint8 ? "uint8" : t == DType::uint16 ? "uint16" : t == DType::uint32 ? "uint32" : "float";
}

void add_channel(xml_node pixels, int c, const TiffStack& stack) {
  xml_node channel = pixels.append_child("Channel");
  set(channel, "ID", fmt::format("Channel:0:{}", c));
  if (!stack.channel_details.empty()) {
    const record::Channel& details = stack.channel_details[static_cast<std::size_t>(c)];
    set(channel, "Name", details.name);
    if (details.excitation_nm) set_length(channel, "ExcitationWavelength", *details.excitation_nm, "nm");
    if (details.emission_nm) set_length(channel, "EmissionWavelength", *details.emission_nm, "nm");
  }
  set(channel, "SamplesPerPixel", "1");
}

void add_pixels(xml_node image, const TiffStack& stack) {
  xml_node pixels = image.append_child("Pixels");
  set(pixels, "ID", "Pixels:0");
  set(pixels, "DimensionOrder", "XYCZT");
  set(pixels, "Type", type_name(stack.dtype));
  set(pixels, "BigEndian", "false");
  set(pixels, "Interleaved", "false");
  set(pixels, "SizeX", std::to_string(stack.shape[kX]));
  set(pixels, "SizeY", std::to_string(stack.shape[kY]));
  set(pixels, "SizeC", std::to_string(stack.channels));
  set(pixels, "SizeZ", std::to_string(stack.shape[kZ]));
  set(pixels, "SizeT", std::to_string(stack.timepoints));
  set_length(pixels, "PhysicalSizeX", stack.spacing[kX].value, "\u00b5m");
  set_length(pixels, "PhysicalSizeY", stack.spacing[kY].value, "\u00b5m");
  set_length(pixels, "PhysicalSizeZ", stack.spacing[kZ].value, "\u00b5m");
  if (stack.time_step_s) set_length(pixels, "TimeIncrement", *stack.time_step_s, "s");
  for (int c = 0; c < stack.channels; ++c) add_channel(pixels, c, stack);
  xml_node data = pixels.append_child("TiffData");
  set(data, "IFD", "0");
  set(data, "PlaneCount", std::to_string(plane_count(stack)));
}

void add_notes(xml_node ome, const TiffStack& stack) {
  xml_node notes = ome.append_child("StructuredAnnotations").append_child("MapAnnotation");
  set(notes, "ID", kNotesId);
  set(notes, "Namespace", "voxflow");
  xml_node value = notes.append_child("Value");
  for (const auto& [key, text] : stack.notes) {
    xml_node entry = value.append_child("M");
    set(entry, "K", key);
    entry.text().set(text.c_str());
  }
}
}  // namespace

std::string format_ome_xml(const TiffStack& stack) {
  pugi::xml_document document;
  xml_node ome = document.append_child("OME");
  set(ome, "xmlns", kNamespace);
  set(ome, "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
  set(ome, "xsi:schemaLocation", fmt::format("{0} {0}/ome.xsd", kNamespace));
  set(ome, "Creator", fmt::format("voxflow {}", kVersion));
  xml_node image = ome.append_child("Image");
  set(image, "ID", "Image:0");
  set(image, "Name", stack.name);
  add_pixels(image, stack);
  if (!stack.notes.empty()) {
    set(image.append_child("AnnotationRef"), "ID", kNotesId);
    add_notes(ome, stack);
  }
  std::ostringstream text;
  document.save(text, " ", pugi::format_raw | pugi::format_no_declaration);
  return R"(<?xml version="1.0" encoding="UTF-8"?>)" + ascii_xml(text.str());
}

}  // namespace voxflow::interop
