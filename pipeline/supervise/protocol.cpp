#include "pipeline/supervise/protocol.hpp"

#include <fmt/format.h>

#include <charconv>

#include "pipeline/core/error.hpp"

namespace voxflow::supervise {

namespace {
constexpr std::string_view kMark = "@voxflow ";

// The text behind `word` and a blank at the beginning of `line`.
std::optional<std::string_view> after(std::string_view line, std::string_view word) {
  if (!line.starts_with(word)) return std::nullopt;
  line.remove_prefix(word.size());
  if (line.empty()) return line;
  if (line.front() != ' ') return std::nullopt;
  line.remove_prefix(1);
  return line;
}

std::optional<Answer> heartbeat_from(std::string_view text) {
  Heartbeat beat;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, beat.done);
  if (first.ec != std::errc{} || first.ptr == end) return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, beat.total);
  if (second.ec != std::errc{} || second.ptr != end) return std::nullopt;
  return beat;
}

std::optional<Answer> result_from(std::string_view text) {
  try {
    return Result{record::TaskReport::from_json(text)};
  } catch (const UserError&) {
    return std::nullopt;
  }
}
}  // namespace

std::string to_line(const Answer& answer) {
  struct Text {
    std::string operator()(const Ready&) const { return "ready"; }
    std::string operator()(const Started& s) const { return "started " + s.key.hex(); }
    std::string operator()(const Heartbeat& h) const { return fmt::format("heartbeat {} {}", h.done, h.total); }
    std::string operator()(const Result& r) const { return "result " + r.report.to_json(); }
  };
  return fmt::format("{}{}\n", kMark, std::visit(Text{}, answer));
}

std::optional<Answer> answer_from(std::string_view line) {
  if (!line.starts_with(kMark)) return std::nullopt;
  line.remove_prefix(kMark.size());
  if (line == "ready") return Ready{};
  if (const auto key = after(line, "started")) {
    const auto digest = digest_from(*key);
    return digest ? std::optional<Answer>(Started{*digest}) : std::nullopt;
  }
  if (const auto beat = after(line, "heartbeat")) return heartbeat_from(*beat);
  if (const auto report = after(line, "result")) return result_from(*report);
  return std::nullopt;
}

}  // namespace voxflow::supervise
