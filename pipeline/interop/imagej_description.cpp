#include "pipeline/interop/imagej_description.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/core/units.hpp"
#include "pipeline/interop/microscope_units.hpp"

namespace voxflow::interop {

namespace {
using Lines = std::map<std::string, std::string>;
constexpr long kMostComposite = 7;  // channels that ImageJ shows on top of each other

long count_of(const Lines& lines, const std::string& key, long fallback) {
  const auto at = lines.find(key);
  if (at == lines.end()) return fallback;
  const auto n = count_in(at->second);
  if (!n || *n < 1)
    throw UserError(fmt::format("its ImageJ description says {}={}, which is no count", key, at->second));
  return *n;
}

std::string text_of(const Lines& lines, const std::string& key, const std::string& fallback) {
  const auto at = lines.find(key);
  return at == lines.end() ? fallback : at->second;
}

std::optional<double> positive_of(const Lines& lines, const std::string& key) {
  const auto at = lines.find(key);
  if (at == lines.end()) return std::nullopt;
  const auto v = number_in(at->second);
  // ImageJ keeps the sign of a stack taken from top to bottom.
  return v && *v != 0 ? std::optional(std::abs(*v)) : std::nullopt;
}
}  // namespace

bool is_imagej_description(std::string_view text) {
  return text.starts_with("ImageJ=");
}

ImageJDescription parse_imagej_description(std::string_view text) {
  Lines lines;
  for (const std::string& line : split(text, '\n'))
    if (const auto equals = line.find('='); equals != std::string::npos)
      lines.emplace(trim(line.substr(0, equals)), trim(line.substr(equals + 1)));
  ImageJDescription d;
  d.images = count_of(lines, "images", 1);
  d.channels = count_of(lines, "channels", 1);
  d.frames = count_of(lines, "frames", 1);
  // A plain stack names its images alone.
  const bool plain = !lines.contains("channels") && !lines.contains("frames");
  d.slices = count_of(lines, "slices", plain ? d.images : 1);
  if (d.channels > d.images || d.slices > d.images || d.frames > d.images ||
      d.channels * d.slices * d.frames != d.images)
    throw UserError(fmt::format("its ImageJ description says {} images, but {} channels, {} slices and {} frames",
                                d.images, d.channels, d.slices, d.frames));
  d.unit = text_of(lines, "unit", "");
  d.y_unit = text_of(lines, "yunit", d.unit);
  d.z_unit = text_of(lines, "zunit", d.unit);
  d.spacing = positive_of(lines, "spacing");
  d.frame_interval_s = positive_of(lines, "finterval");
  return d;
}

std::string format_imagej_description(const ImageJDescription& d) {
  std::string text = fmt::format("ImageJ=1.53t\nimages={}\n", d.images);
  if (d.channels > 1) text += fmt::format("channels={}\n", d.channels);
  if (d.slices > 1) text += fmt::format("slices={}\n", d.slices);
  if (d.frames > 1) text += fmt::format("frames={}\n", d.frames);
  if (d.channels > 1 || d.frames > 1)
    text += fmt::format("hyperstack=true\nmode={}\n",
                        d.channels > 1 && d.channels <= kMostComposite ? "composite" : "grayscale");
  if (!d.unit.empty()) text += fmt::format("unit={}\n", d.unit);
  if (d.frame_interval_s) text += fmt::format("finterval={}\n", format_number(*d.frame_interval_s));
  if (d.spacing) text += fmt::format("spacing={}\n", format_number(*d.spacing));
  if (d.values)
    text +=
        fmt::format("cf=0\nc0={}\nc1={}\nvunit=Value\n", format_number((*d.values)[0]), format_number((*d.values)[1]));
  text += "loop=false\n";
  if (d.display)
    text += fmt::format("min={}\nmax={}\n", format_number((*d.display)[0]), format_number((*d.display)[1]));
  return text;
}

}  // namespace voxflow::interop
