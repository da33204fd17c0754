#include "pipeline/core/units.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow {

namespace {
constexpr std::array kUnits{Unit{"um", Dimension::length, 1},
                            Unit{"µm", Dimension::length, 1},  // micro sign
                            Unit{"μm", Dimension::length, 1},  // Greek mu, which looks the same
                            Unit{"nm", Dimension::length, 1e-3},
                            Unit{"mm", Dimension::length, 1e3},
                            Unit{"cm", Dimension::length, 1e4},
                            Unit{"m", Dimension::length, 1e6},
                            Unit{"ms", Dimension::time, 1e-3},
                            Unit{"s", Dimension::time, 1},
                            Unit{"min", Dimension::time, 60},
                            Unit{"h", Dimension::time, 3600},
                            Unit{"hour", Dimension::time, 3600},
                            Unit{"hours", Dimension::time, 3600},
                            Unit{"day", Dimension::time, 86400},
                            Unit{"days", Dimension::time, 86400},
                            Unit{"d", Dimension::time, 86400},
                            Unit{"B", Dimension::bytes, 1},
                            Unit{"KB", Dimension::bytes, 1e3},
                            Unit{"MB", Dimension::bytes, 1e6},
                            Unit{"GB", Dimension::bytes, 1e9},
                            Unit{"TB", Dimension::bytes, 1e12},
                            Unit{"KiB", Dimension::bytes, 1024},
                            Unit{"MiB", Dimension::bytes, 1048576},
                            Unit{"GiB", Dimension::bytes, 1073741824},
                            Unit{"deg", Dimension::angle, 1},
                            Unit{"rad", Dimension::angle, 57.295779513082320876}};
}  // namespace

std::string_view to_string(Dimension d) {
  switch (d) {
    case Dimension::length:
      return "length";
    case Dimension::time:
      return "time";
    case Dimension::bytes:
      return "memory";
    case Dimension::angle:
      return "angle";
    default:
      return "plain number";
  }
}

std::optional<Unit> find_unit(std::string_view name) {
  for (const Unit& u : kUnits)
    if (u.name == name) return u;
  return std::nullopt;
}

std::optional<Quantity> parse_quantity(std::string_view text) {
  text = trim(text);
  // from_chars takes no plus sign; behind one that is taken off here, no second sign may follow.
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  Quantity q;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), q.number);
  if (ec != std::errc{} || !std::isfinite(q.number)) return std::nullopt;
  const auto unit = trim(text.substr(static_cast<std::size_t>(end - text.data())));
  if (!unit.empty() && !find_unit(unit)) return std::nullopt;
  q.unit = unit;
  return q;
}

double convert(const Quantity& q, std::string_view unit) {
  if (unit.empty()) {
    if (q.unit.empty()) return q.number;
    throw UserError(fmt::format("{} has a unit, but a plain number is wanted", format_quantity(q.number, q.unit)));
  }
  const auto to = find_unit(unit);
  if (!to) throw InternalError(fmt::format("'{}' is not a unit", unit));
  if (q.unit.empty())
    throw UserError(fmt::format("{} has no unit; write, for example, '{} {}'", format_number(q.number),
                                format_number(q.number), unit));
  const auto from = find_unit(q.unit);
  if (!from || from->dimension != to->dimension)
    throw UserError(fmt::format("'{}' is not a unit of {}; write it in {}", q.unit, to_string(to->dimension), unit));
  if (from->factor == to->factor) return q.number;
  // Dividing by a whole ratio is exact where multiplying by its inverse is not: 520 nm is 0.52 um to the last bit.
  return from->factor < to->factor ? q.number / (to->factor / from->factor) : q.number * (from->factor / to->factor);
}

std::string format_number(double v) {
  if (v == 0) return "0";           // -0 is the same value
  if (std::isnan(v)) return "nan";  // whatever its sign and payload
  // Shortest alone would choose 1e+05.
  const bool plain = std::abs(v) >= 1e-5 && std::abs(v) < 1e15;
  std::array<char, 40> buffer;
  const auto r = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v,
                               plain ? std::chars_format::fixed : std::chars_format::scientific);
  return {buffer.data(), r.ptr};
}

std::string format_quantity(double v, std::string_view unit) {
  return unit.empty() ? format_number(v) : fmt::format("{} {}", format_number(v), unit);
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kNames{"B", "KB", "MB", "GB", "TB"};
  auto v = static_cast<double>(bytes);
  std::size_t i = 0;
  // The limits are where rounding reaches the next digit: 999.6 KB is shown as 1.0 MB.
  while (v >= 999.5 && i + 1 < kNames.size()) v /= 1000, ++i;
  return i == 0 || v >= 9.95 ? fmt::format("{:.0f} {}", v, kNames[i]) : fmt::format("{:.1f} {}", v, kNames[i]);
}

}  // namespace voxflow
