// Text helpers for messages and names.
#pragma once
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

/// Whether the text is UTF-8 without control characters other than tab and line ends.
bool is_plain_utf8(std::string_view text);

/// Natural order: "T2" before "T10".
bool natural_less(std::string_view a, std::string_view b);

/// Quotes for a POSIX shell where that is needed.
std::string shell_quote(std::string_view text);

}  // namespace voxflow
