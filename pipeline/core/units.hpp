// Quantities with units: the strong types of parameters, and the text form that people write ("0.3 um", "8 GB").
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace voxflow {

/// Physical length in micrometres.
struct Micrometres {
  double value{};
  friend constexpr auto operator<=>(Micrometres, Micrometres) = default;
};
/// Wavelength in nanometres.
struct Nanometres {
  double value{};
  friend constexpr auto operator<=>(Nanometres, Nanometres) = default;
};
/// Duration in seconds.
struct Seconds {
  double value{};
  friend constexpr auto operator<=>(Seconds, Seconds) = default;
};
/// Amount of memory or storage in bytes.
struct Bytes {
  std::uint64_t value{};
  friend constexpr auto operator<=>(Bytes, Bytes) = default;
};

inline namespace literals {
constexpr Micrometres operator""_um(long double v) {
  return {static_cast<double>(v)};
}
constexpr Nanometres operator""_nm(long double v) {
  return {static_cast<double>(v)};
}
constexpr Seconds operator""_s(long double v) {
  return {static_cast<double>(v)};
}
}  // namespace literals

/// What a unit measures. Units of one dimension convert into each other.
enum class Dimension { none, length, time, bytes, angle };

std::string_view to_string(Dimension d);

/// A unit's name, what it measures, and how many base units it is (base: um, s, byte, degree).
struct Unit {
  std::string_view name;
  Dimension dimension;
  double factor;
};

/// The unit of that name ("um", "nm", "h", "days", "GB", "GiB", ...); nothing when there is none.
std::optional<Unit> find_unit(std::string_view name);

/// A number as it was written, with the unit's name ("" when none was given).
struct Quantity {
  double number{};
  std::string unit;
};

/// Reads "40 um", "40um", "-1.5e3", "8 GB". Nothing when `text` is not a number with at most one known unit behind it.
std::optional<Quantity> parse_quantity(std::string_view text);

/// `q` expressed in `unit`. Throws UserError when q has no unit or one of another dimension (a bare number is accepted
/// only where `unit` is "").
double convert(const Quantity& q, std::string_view unit);

/// Shortest text that reads back as the same double: "0.3", "100000", "1e-07". Used wherever a number is hashed or
/// shown.
std::string format_number(double v);

/// "40 um"; the bare number when `unit` is empty.
std::string format_quantity(double v, std::string_view unit);

/// "1.5 GB", "12 KB": decimal prefixes, one decimal where below ten.
std::string format_bytes(std::uint64_t bytes);

}  // namespace voxflow
