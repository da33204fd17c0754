// Text helpers for messages and names.
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace voxflow {

/// The candidate nearest to `name` by edit distance, if near enough to be a likely typing error.
std::optional<std::string> nearest_name(std::string_view name, std::span<const std::string> candidates);

/// "; did you mean 'sigma'?", or "" when nothing is near.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

std::string join(std::span<const std::string> parts, std::string_view separator);
std::vector<std::string> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);

/// A character of UTF-8 text, or bytes that are none: a lone one, a sequence cut short, an overlong form, a surrogate.
struct Utf8Character {
  std::optional<char32_t> character;
  std::size_t bytes = 1;
};
/// What stands at byte `at` of `text`, which is longer.
Utf8Character utf8_at(std::string_view text, std::size_t at);

/// Whether the text is UTF-8 without control characters other than tab and line ends.
bool is_plain_utf8(std::string_view text);

/// Natural order: "T2" before "T10".
bool natural_less(std::string_view a, std::string_view b);

/// Quotes for a POSIX shell where that is needed.
std::string shell_quote(std::string_view text);

}  // namespace voxflow
