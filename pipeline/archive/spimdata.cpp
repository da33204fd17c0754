#include "pipeline/archive/spimdata.hpp"

#include <fmt/format.h>

namespace voxflow::archive {

namespace {
/// Text of an element; characters that XML 1.0 cannot hold become spaces.
std::string escaped(std::string_view text) {
  std::string s;
  for (const char ch : text) {
    switch (ch) {
      case '&':
        s += "&amp;";
        break;
      case '<':
        s += "&lt;";
        break;
      case '>':
        s += "&gt;";
        break;
      default:
        s += static_cast<unsigned char>(ch) < 0x20 ? ' ' : ch;
    }
  }
  return s;
}

std::string view_setup(const record::ImageInfo& info, int c) {
  const auto& n = info.grid.shape;
  const auto& s = info.grid.spacing;
  return fmt::format(
      "      <ViewSetup>\n"
      "        <id>{0}</id>\n"
      "        <name>{1}</name>\n"
      "        <size>{2} {3} {4}</size>\n"
      "        <voxelSize>\n"
      "          <unit>micrometer</unit>\n"
      "          <size>{5} {6} {7}</size>\n"
      "        </voxelSize>\n"
      "        <attributes>\n"
      "          <illumination>0</illumination>\n"
      "          <channel>{0}</channel>\n"
      "          <tile>0</tile>\n"
      "          <angle>0</angle>\n"
      "        </attributes>\n"
      "      </ViewSetup>\n",
      c, escaped(info.channels[static_cast<std::size_t>(c)].name), n[kX], n[kY], n[kZ], format_number(s[kX].value),
      format_number(s[kY].value), format_number(s[kZ].value));
}

/// An attribute that has one value only.
std::string single_attribute(std::string_view name, std::string_view element) {
  return fmt::format(
      "      <Attributes name=\"{0}\">\n"
      "        <{1}>\n"
      "          <id>0</id>\n"
      "          <name>0</name>\n"
      "        </{1}>\n"
      "      </Attributes>\n",
      name, element);
}

std::string channel_attribute(const record::ImageInfo& info) {
  std::string s = "      <Attributes name=\"channel\">\n";
  for (int c = 0; c < info.channel_count(); ++c)
    s += fmt::format(
        "        <Channel>\n"
        "          <id>{}</id>\n"
        "          <name>{}</name>\n"
        "        </Channel>\n",
        c, escaped(info.channels[static_cast<std::size_t>(c)].name));
  return s + "      </Attributes>\n";
}

std::string view_registration(const record::ImageInfo& info, int t, int c) {
  const auto& s = info.grid.spacing;
  return fmt::format(
      "    <ViewRegistration timepoint=\"{}\" setup=\"{}\">\n"
      "      <ViewTransform type=\"affine\">\n"
      "        <Name>calibration</Name>\n"
      "        <affine>{} 0 0 0 0 {} 0 0 0 0 {} 0</affine>\n"
      "      </ViewTransform>\n"
      "    </ViewRegistration>\n",
      t, c, format_number(s[kX].value), format_number(s[kY].value), format_number(s[kZ].value));
}
}  // namespace

std::string spimdata_xml(const record::ImageInfo& info, const std::string& file_name) {
  std::string xml = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<SpimData version=\"0.2\">\n"
      "  <BasePath type=\"relative\">.</BasePath>\n"
      "  <SequenceDescription>\n"
      "    <ImageLoader format=\"bdv.hdf5\">\n"
      "      <hdf5 type=\"relative\">{}</hdf5>\n"
      "    </ImageLoader>\n"
      "    <ViewSetups>\n",
      escaped(file_name));
  for (int c = 0; c < info.channel_count(); ++c) xml += view_setup(info, c);
  xml += single_attribute("illumination", "Illumination") + channel_attribute(info) + single_attribute("tile", "Tile") +
         single_attribute("angle", "Angle");
  xml += fmt::format(
      "    </ViewSetups>\n"
      "    <Timepoints type=\"range\">\n"
      "      <first>0</first>\n"
      "      <last>{}</last>\n"
      "    </Timepoints>\n"
      "  </SequenceDescription>\n"
      "  <ViewRegistrations>\n",
      info.timepoints - 1);
  for (int t = 0; t < info.timepoints; ++t)
    for (int c = 0; c < info.channel_count(); ++c) xml += view_registration(info, t, c);
  return xml + "  </ViewRegistrations>\n</SpimData>\n";
}

}  // namespace voxflow::archive
