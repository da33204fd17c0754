// Parameter values in the form that crosses from YAML to a kernel, is hashed, and is written into provenance.
#pragma once
#include <array>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/core/units.hpp"

namespace voxflow {

/// A parameter's value in its declared unit. Empty (monostate): an optional parameter left unset.
using ParamValue = std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<double>>;
/// Values by name; names of grouped parameters are dotted ("psf.numerical_aperture").
using ParamValues = std::map<std::string, ParamValue>;

enum class ParamType { boolean, integer, number, text, choice, numbers };

/// The C++ types a parameter member may have, each with its declared unit and its way to and from ParamValue.
template <class T>
struct ParamTraits;

template <>
struct ParamTraits<bool> {
  static constexpr ParamType type = ParamType::boolean;
  static constexpr const char* unit = "";
  static ParamValue to(bool v) { return v; }
  static bool from(const ParamValue& v) { return std::get<bool>(v); }
};
template <std::integral T>
requires(!std::same_as<T, bool>) struct ParamTraits<T> {
  static constexpr ParamType type = ParamType::integer;
  static constexpr const char* unit = "";
  static ParamValue to(T v) { return static_cast<std::int64_t>(v); }
  static T from(const ParamValue& v) { return static_cast<T>(std::get<std::int64_t>(v)); }
};
template <std::floating_point T>
struct ParamTraits<T> {
  static constexpr ParamType type = ParamType::number;
  static constexpr const char* unit = "";
  static ParamValue to(T v) { return static_cast<double>(v); }
  static T from(const ParamValue& v) { return static_cast<T>(std::get<double>(v)); }
};
template <class Q>
struct QuantityTraits {
  static constexpr ParamType type = ParamType::number;
  static ParamValue to(Q v) { return v.value; }
  static Q from(const ParamValue& v) { return {std::get<double>(v)}; }
};
template <>
struct ParamTraits<Micrometres> : QuantityTraits<Micrometres> {
  static constexpr const char* unit = "um";
};
template <>
struct ParamTraits<Nanometres> : QuantityTraits<Nanometres> {
  static constexpr const char* unit = "nm";
};
template <>
struct ParamTraits<Seconds> : QuantityTraits<Seconds> {
  static constexpr const char* unit = "s";
};
template <>
struct ParamTraits<std::string> {
  static constexpr ParamType type = ParamType::text;
  static constexpr const char* unit = "";
  static ParamValue to(std::string v) { return v; }
  static std::string from(const ParamValue& v) { return std::get<std::string>(v); }
};
/// A fixed number of values of one unit, such as a translation in z-y-x order.
template <class T, std::size_t N>
struct ParamTraits<std::array<T, N>> {
  static constexpr ParamType type = ParamType::numbers;
  static constexpr const char* unit = ParamTraits<T>::unit;
  static ParamValue to(const std::array<T, N>& v) {
    std::vector<double> r;
    for (const T& x : v) r.push_back(std::get<double>(ParamTraits<T>::to(x)));
    return r;
  }
  static std::array<T, N> from(const ParamValue& v) {
    std::array<T, N> r{};
    const auto& x = std::get<std::vector<double>>(v);
    for (std::size_t i = 0; i < N; ++i) r[i] = ParamTraits<T>::from(ParamValue{x[i]});
    return r;
  }
};
/// Unset unless the workflow says otherwise.
template <class T>
struct ParamTraits<std::optional<T>> {
  static constexpr ParamType type = ParamTraits<T>::type;
  static constexpr const char* unit = ParamTraits<T>::unit;
  static ParamValue to(const std::optional<T>& v) { return v ? ParamTraits<T>::to(*v) : ParamValue{}; }
  static std::optional<T> from(const ParamValue& v) {
    if (std::holds_alternative<std::monostate>(v)) return std::nullopt;
    return ParamTraits<T>::from(v);
  }
};

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class T>
inline constexpr std::size_t kFixedLength = 0;
template <class T, std::size_t N>
inline constexpr std::size_t kFixedLength<std::array<T, N>> = N;
template <class T>
inline constexpr std::size_t kFixedLength<std::optional<T>> = kFixedLength<T>;

}  // namespace voxflow
