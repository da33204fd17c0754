#include "pipeline/interop/microscope_units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "pipeline/core/text.hpp"

namespace voxflow::interop {

namespace {
using Named = std::pair<std::string_view, double>;

// U+00B5 and U+03BC both read "µ"; files of ImageJ carry the former also as one Latin-1 byte or as an escape.
constexpr std::array kLengths{
    Named{"um", 1},         Named{"micron", 1},       Named{"microns", 1},      Named{"micrometer", 1},
    Named{"micrometre", 1}, Named{"micrometers", 1},  Named{"\xC2\xB5m", 1},    Named{"\xCE\xBCm", 1},
    Named{"\xB5m", 1},      Named{"\\u00B5m", 1},     Named{"\\u00b5m", 1},     Named{"\\u03BCm", 1},
    Named{"\\u03bcm", 1},   Named{"nm", 1e-3},        Named{"nanometer", 1e-3}, Named{"nanometre", 1e-3},
    Named{"pm", 1e-6},      Named{"\xC3\x85", 1e-4},  Named{"mm", 1e3},         Named{"millimeter", 1e3},
    Named{"cm", 1e4},       Named{"centimeter", 1e4}, Named{"m", 1e6},          Named{"meter", 1e6},
    Named{"inch", 25400},   Named{"in", 25400},       Named{"inches", 25400}};
constexpr std::array kTimes{
    Named{"s", 1},       Named{"sec", 1},   Named{"second", 1},       Named{"seconds", 1},      Named{"ms", 1e-3},
    Named{"msec", 1e-3}, Named{"ns", 1e-9}, Named{"\xC2\xB5s", 1e-6}, Named{"\xCE\xBCs", 1e-6}, Named{"min", 60},
    Named{"minute", 60}, Named{"h", 3600},  Named{"hour", 3600},      Named{"d", 86400},        Named{"day", 86400}};

template <std::size_t N>
std::optional<double> find(const std::array<Named, N>& units, std::string_view name) {
  for (const auto& [known, factor] : units)
    if (known == name) return factor;
  return std::nullopt;
}

template <class T>
std::optional<T> whole_text(std::string_view text) {
  text = trim(text);
  T v{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return v;
}
}  // namespace

std::optional<double> micrometres_in(std::string_view unit) {
  return find(kLengths, trim(unit));
}

std::optional<double> in_micrometres(double v, std::string_view unit) {
  const auto factor = micrometres_in(unit);
  if (!factor) return std::nullopt;
  // Decimal text times a power of ten is decimal text again: one length has one value, whatever unit it was written in.
  return *factor == 1 ? v : number_in(fmt::format("{:.15g}", v * *factor));
}

std::optional<double> seconds_in(std::string_view unit) {
  return find(kTimes, trim(unit));
}

std::optional<double> number_in(std::string_view text) {
  const auto v = whole_text<double>(text);
  return v && std::isfinite(*v) ? v : std::nullopt;
}

std::optional<long> count_in(std::string_view text) {
  const auto v = whole_text<long>(text);
  return v && *v >= 0 ? v : std::nullopt;
}

double to_six_digits(double v) {
  return *number_in(fmt::format("{:.6g}", v));
}

}  // namespace voxflow::interop
