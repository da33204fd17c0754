#include "pipeline/record/json.hpp"

#include <fmt/format.h>

namespace voxflow::record {

namespace {
template <class T>
std::optional<T> optional_member(const Json& j, const char* name) {
  const auto it = j.find(name);
  return it == j.end() || it->is_null() ? std::nullopt : std::optional<T>(it->get<T>());
}
}  // namespace

std::string not_a(std::string_view what) {
  const bool vowel = std::string_view("aeiou").find(what.front()) != std::string_view::npos;
  return fmt::format("this is not {} {} of voxflow: ", vowel ? "an" : "a", what);
}

Json parse_json(std::string_view text, std::string_view what) {
  Json j = Json::parse(text, nullptr, false);
  if (j.is_discarded() || !j.is_object()) throw UserError(not_a(what) + "not a JSON object");
  return j;
}

std::string dump(const Json& j, int indent) {
  return j.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string canonical_text(const Json& j) {
  try {
    return j.dump();
  } catch (const Json::type_error&) {
    throw UserError("a text among the parameters is not UTF-8");
  }
}

void check_format(const Json& j, std::string_view name, int newest_version, std::string_view what) {
  const auto format = j.at("format").get<std::string>();
  if (format != name) throw UserError(not_a(what) + fmt::format("its format is '{}'", format));
  const int version = j.at("format_version").get<int>();
  if (version < 1 || version > newest_version)
    throw UserError(fmt::format("the {} has format version {}, this voxflow knows up to {}; use a newer voxflow", what,
                                version, newest_version));
}

Json to_json(const Digest& d) {
  return d.hex();
}

Digest digest_of(const Json& j) {
  const auto d = digest_from(j.get<std::string>());
  if (!d) throw UserError(fmt::format("'{}' is not a digest: 64 hexadecimal digits are wanted", j.get<std::string>()));
  return *d;
}

Json to_json(const ImageInfo& info) {
  Json channels = Json::array();
  for (const Channel& c : info.channels) {
    Json channel{{"name", c.name}};
    if (c.emission_nm) channel["emission_nm"] = *c.emission_nm;
    if (c.excitation_nm) channel["excitation_nm"] = *c.excitation_nm;
    channels.push_back(std::move(channel));
  }
  const auto& s = info.grid.spacing;
  Json j{{"kind", to_string(info.kind)},  {"dtype", to_string(info.dtype)},
         {"shape_zyx", info.grid.shape},  {"spacing_um_zyx", {s[kZ].value, s[kY].value, s[kX].value}},
         {"timepoints", info.timepoints}, {"channels", std::move(channels)}};
  if (info.time_step_s) j["time_step_s"] = *info.time_step_s;
  return j;
}

ImageInfo image_info_from(const Json& j) {
  ImageInfo info;
  const auto kind = image_kind_from(j.at("kind").get<std::string>());
  const auto dtype = dtype_from(j.at("dtype").get<std::string>());
  if (!kind || !dtype) throw UserError("the image's kind or voxel type is unknown to this version of voxflow");
  info.kind = *kind;
  info.dtype = *dtype;
  info.grid.shape = j.at("shape_zyx").get<Index3>();
  const auto spacing = j.at("spacing_um_zyx").get<std::array<double, 3>>();
  for (std::size_t i = 0; i < 3; ++i) info.grid.spacing[i] = {spacing[i]};
  info.timepoints = j.at("timepoints").get<int>();
  for (const Json& c : j.at("channels"))
    info.channels.push_back({c.at("name").get<std::string>(), optional_member<double>(c, "emission_nm"),
                             optional_member<double>(c, "excitation_nm")});
  info.time_step_s = optional_member<double>(j, "time_step_s");
  return info;
}

std::string ImageInfo::to_json() const {
  return dump(record::to_json(*this));
}

ImageInfo ImageInfo::from_json(std::string_view text) {
  const Json j = parse_json(text, "image description");
  return reading("image description", [&] { return image_info_from(j); });
}

Json to_json(const Annotation& a) {
  Json j{{"key", a.key.name}, {"type", to_string(a.key.type)}, {"unit", a.key.unit}};
  std::visit([&](const auto& v) { j["value"] = v; }, a.value);
  return j;
}

AnnotationType annotation_type_of(const Json& j) {
  const auto name = j.get<std::string>();
  if (const auto type = annotation_type_from(name)) return *type;
  throw UserError(fmt::format("'{}' is not a type of annotations: text, number, date and bool are", name));
}

Annotation annotation_from(const Json& j) {
  Annotation a;
  a.key.name = j.at("key").get<std::string>();
  a.key.unit = j.at("unit").get<std::string>();
  a.key.type = annotation_type_of(j.at("type"));
  const Json& v = j.at("value");
  if (v.is_boolean())
    a.value = v.get<bool>();
  else if (v.is_number())
    a.value = v.get<double>();
  else
    a.value = v.get<std::string>();
  const bool fits = a.key.type == AnnotationType::number    ? v.is_number()
                    : a.key.type == AnnotationType::boolean ? v.is_boolean()
                                                            : v.is_string();
  if (!fits)
    throw UserError(
        fmt::format("annotation '{}' is declared as {}, its value is {}", a.key.name, to_string(a.key.type), v.dump()));
  return a;
}

std::string_view to_string(ImageKind k) {
  switch (k) {
    case ImageKind::intensity:
      return "image";
    case ImageKind::labels:
      return "labels";
    case ImageKind::mask:
      return "mask";
    default:
      return "psf";
  }
}

std::optional<ImageKind> image_kind_from(std::string_view name) {
  for (const auto k : {ImageKind::intensity, ImageKind::labels, ImageKind::mask, ImageKind::psf})
    if (to_string(k) == name) return k;
  return std::nullopt;
}

std::string_view to_string(AnnotationType t) {
  switch (t) {
    case AnnotationType::text:
      return "text";
    case AnnotationType::number:
      return "number";
    case AnnotationType::date:
      return "date";
    default:
      return "bool";
  }
}

std::optional<AnnotationType> annotation_type_from(std::string_view name) {
  for (const auto t : {AnnotationType::text, AnnotationType::number, AnnotationType::date, AnnotationType::boolean})
    if (to_string(t) == name) return t;
  return std::nullopt;
}

}  // namespace voxflow::record
