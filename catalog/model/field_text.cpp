#include "catalog/model/field_text.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "pipeline/core/units.hpp"

namespace voxflow::catalog {

namespace {
using record::ImageInfo;

constexpr std::size_t kDayLength = 10;

std::string length_text(Micrometres v) {
  return format_quantity(v.value, "um");
}

using OfImage = std::string (*)(const ImageInfo&);
constexpr std::array<std::pair<std::string_view, OfImage>, 9> kOfImage{{
    {"channels", [](const ImageInfo& i) { return std::to_string(i.channel_count()); }},
    {"timepoints", [](const ImageInfo& i) { return std::to_string(i.timepoints); }},
    {"shape.z", [](const ImageInfo& i) { return std::to_string(i.grid.shape[kZ]); }},
    {"shape.y", [](const ImageInfo& i) { return std::to_string(i.grid.shape[kY]); }},
    {"shape.x", [](const ImageInfo& i) { return std::to_string(i.grid.shape[kX]); }},
    {"spacing.z", [](const ImageInfo& i) { return length_text(i.grid.spacing[kZ]); }},
    {"spacing.y", [](const ImageInfo& i) { return length_text(i.grid.spacing[kY]); }},
    {"spacing.x", [](const ImageInfo& i) { return length_text(i.grid.spacing[kX]); }},
    {"dtype", [](const ImageInfo& i) { return std::string(to_string(i.dtype)); }},
}};

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::string channel_names(const ImageInfo& image) {
  std::string names;
  for (const record::Channel& channel : image.channels) names += (names.empty() ? "" : "+") + channel.name;
  return names;
}

std::optional<std::string> own_text(const Entity& e, const std::string& field) {
  if (field == "id") return e.id;
  if (field == "name") return e.name;
  if (field == "kind") return std::string(to_string(e.kind));
  if (field == "project") return e.project;
  if (field == "created") return e.created;
  if (field == "count" && e.count) return std::to_string(*e.count);
  return std::nullopt;
}

std::optional<std::string> image_text(const ImageInfo& image, const std::string& field) {
  if (field == "channel") return unless_empty(channel_names(image));
  for (const auto& [name, text] : kOfImage)
    if (name == field) return text(image);
  return std::nullopt;
}

std::optional<std::string> activity_text(const Activity& made_by, const std::string& field) {
  if (field == "workflow") return unless_empty(made_by.workflow);
  if (field == "step") return unless_empty(made_by.step);
  if (field == "kernel") return unless_empty(made_by.kernel);
  return std::nullopt;
}
}  // namespace

std::string value_text(const record::Annotation& a) {
  if (const auto* number = std::get_if<double>(&a.value)) return format_quantity(*number, a.key.unit);
  if (const auto* truth = std::get_if<bool>(&a.value)) return *truth ? "true" : "false";
  return std::get<std::string>(a.value);
}

std::optional<std::string> field_text(const Entity& entity, const Activity* made_by, const std::string& field) {
  if (field == "acquired.date") {
    const auto acquired = field_text(entity, made_by, "acquired");
    return acquired ? std::optional(acquired->substr(0, kDayLength)) : std::nullopt;
  }
  if (auto text = own_text(entity, field)) return text;
  if (entity.image)
    if (auto text = image_text(*entity.image, field)) return text;
  if (made_by)
    if (auto text = activity_text(*made_by, field)) return text;
  for (const record::Annotation& a : entity.annotations)
    if (a.key.name == field) return value_text(a);
  return std::nullopt;
}

}  // namespace voxflow::catalog
