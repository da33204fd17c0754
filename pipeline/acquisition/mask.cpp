#include "pipeline/acquisition/mask.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "pipeline/acquisition/mask_sections.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/hash.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::acquisition {

namespace {
using yaml::Reader;
using yaml::YamlNode;

constexpr yaml::FileKind kFile{"an acquisition mask", "voxflow_mask: 1", "nothing was imported"};
const std::vector<std::string> kKeys{"voxflow_mask", "mask",    "description", "files",    "name",
                                     "annotations",  "require", "image",       "channels", "calibration",
                                     "camera",       "quality", "pages",       "keep"};

FieldKind kind_of(const Mask& mask, const std::string& field) {
  if (field == kTimepointField || field == kPlaneField) return FieldKind::digits;
  if (field == kChannelField) return FieldKind::word;
  for (const NamedAnnotation& a : mask.named)
    if (a.from == field)
      return a.key.type == record::AnnotationType::number ? FieldKind::number
             : a.key.type == record::AnnotationType::date ? FieldKind::date
                                                          : FieldKind::text;
  return FieldKind::text;
}

void read_pattern(Reader& reader, const YamlNode& node, Mask& mask) {
  const auto text = reader.text(node, "a pattern of 'files'");
  if (!text) return;
  try {
    mask.files.emplace_back(*text, [&](const std::string& field) { return kind_of(mask, field); });
  } catch (const PatternError& e) {
    reader.problem(yaml::place_in_scalar(reader.source(), node.mark, node.text, e.offset(), e.length()), e.what());
  }
}

void read_files(Reader& reader, const YamlNode& document, Mask& mask) {
  const YamlNode* n = document.find("files");
  if (n == nullptr) {
    reader.problem(document.mark, "'files' is missing: the pattern of the files' names",
                   "such as files: \"{name}--C{channel}--T{timepoint}.tif\"");
    return;
  }
  if (n->kind == YamlNode::Kind::list) {
    for (const YamlNode& item : reader.list(*n, "'files'", "[\"{name}_C{channel}.tif\"]"))
      read_pattern(reader, item, mask);
  } else {
    read_pattern(reader, *n, mask);
  }
}

std::vector<std::string> fields_in(const std::string& image_name) {
  std::vector<std::string> fields;
  for (std::size_t at = image_name.find('{'); at != std::string::npos; at = image_name.find('{', at + 1)) {
    const auto end = image_name.find('}', at);
    if (end == std::string::npos) break;
    fields.push_back(image_name.substr(at + 1, end - at - 1));
  }
  return fields;
}

/// Every pattern names the fields that are read from it, and none that nobody reads.
void check_fields(Reader& reader, const YamlNode& document, const Mask& mask) {
  const auto used = fields_in(mask.image_name);
  const YamlNode* name = document.find("name");
  const YamlNode* annotations = document.find("annotations");
  for (const FilePattern& pattern : mask.files) {
    const auto& fields = pattern.fields();
    const auto has = [&](const std::string& field) {
      return std::find(fields.begin(), fields.end(), field) != fields.end();
    };
    for (const std::string& field : used)
      if (!has(field))
        reader.problem(name->mark, fmt::format("the pattern '{}' has no part '{{{}}}'{}", pattern.text(), field,
                                               did_you_mean(field, fields)));
    for (const NamedAnnotation& a : mask.named) {
      if (has(a.from)) continue;
      const YamlNode* from = annotations->find(a.key.name)->find("from");
      reader.problem(
          from->mark,
          fmt::format("the pattern '{}' has no part '{{{}}}'{}", pattern.text(), a.from, did_you_mean(a.from, fields)),
          fields.empty() ? "" : fmt::format("its parts: {}", join(fields, ", ")));
    }
    for (const std::string& field : fields) {
      const bool axis = field == kTimepointField || field == kChannelField || field == kPlaneField || field == "name";
      const bool read =
          axis || std::find(used.begin(), used.end(), field) != used.end() ||
          std::any_of(mask.named.begin(), mask.named.end(), [&](const auto& a) { return a.from == field; });
      if (!read)
        reader.problem(
            document.find("files")->mark,
            fmt::format("nothing reads the part '{{{}}}' of the pattern '{}'", field, pattern.text()),
            fmt::format("write annotations: {{ {}: {{ from: {} }} }}, or '*' for what does not matter", field, field));
    }
  }
}

void read_required(Reader& reader, const YamlNode& node, Mask& mask) {
  for (const YamlNode& item : reader.list(node, "'require'", "[species, acquired]"))
    if (const auto key = reader.text(item, "a key of 'require'")) mask.required.push_back(*key);
}

void read_head(Reader& reader, const YamlNode& document, Mask& mask) {
  const YamlNode* version = document.find("voxflow_mask");
  if (version == nullptr)
    reader.problem(document.mark, "the first line 'voxflow_mask: 1' is missing; it says for which version this is");
  else if (version->kind != YamlNode::Kind::scalar || version->text != "1")
    reader.problem(version->mark, fmt::format("voxflow_mask is {}, allowed 1", Reader::shown(*version)));
  if (const YamlNode* n = document.find("mask")) {
    if (reader.is_name(*n, "the mask's name")) mask.name = n->text;
  } else {
    reader.problem(document.mark, "'mask', the mask's name, is missing");
  }
  if (const YamlNode* n = document.find("description")) mask.description = reader.text(*n, "description").value_or("");
  if (const YamlNode* n = document.find("name")) mask.image_name = reader.text(*n, "name").value_or("");
  const std::vector<std::string> axes{"z", "t"}, keeps{"reference", "copy"};
  if (const YamlNode* n = document.find("pages"))
    mask.pages = reader.choice(*n, "pages", axes) == "t" ? interop::PageAxis::t : interop::PageAxis::z;
  if (const YamlNode* n = document.find("keep"))
    mask.keep = reader.choice(*n, "keep", keeps) == "copy" ? KeepRaw::copy : KeepRaw::reference;
}
}  // namespace

std::vector<record::AnnotationKey> Mask::keys() const {
  std::vector<record::AnnotationKey> all;
  for (const NamedAnnotation& a : named) all.push_back(a.key);
  for (const record::Annotation& a : constants) all.push_back(a.key);
  return all;
}

Mask parse_mask(const SourceText& source) {
  const YamlNode document = yaml::read_yaml(source, kFile);
  Reader reader(source, kFile);
  Mask mask;
  mask.sha256 = sha256(source.text).hex();
  if (reader.is_map(document, "the mask")) {
    reader.check_keys(document, "the mask", kKeys);
    read_head(reader, document, mask);
    const auto section = [&](const char* key, auto read) {
      if (const YamlNode* n = document.find(key)) read(reader, *n, mask);
    };
    section("annotations", read_annotations);
    read_files(reader, document, mask);
    section("require", read_required);
    section("image", read_image);
    section("channels", read_channels);
    section("calibration", read_calibration);
    section("camera", read_camera);
    section("quality", read_quality);
    check_fields(reader, document, mask);
  }
  reader.finish();
  return mask;
}

Mask load_mask(const std::filesystem::path& file) {
  return parse_mask({file.string(), read_file(file)});
}

bool looks_like_mask(std::string_view text) {
  for (std::size_t at = 0; at != std::string_view::npos && at < text.size();) {
    if (text.substr(at).starts_with("voxflow_mask:")) return true;
    at = text.find('\n', at);
    if (at != std::string_view::npos) ++at;
  }
  return false;
}

}  // namespace voxflow::acquisition
