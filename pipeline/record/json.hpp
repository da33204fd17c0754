// JSON helpers shared by the records; private to this room.
#pragma once
#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "pipeline/core/error.hpp"
#include "pipeline/core/hash.hpp"
#include "pipeline/record/annotation.hpp"
#include "pipeline/record/image_info.hpp"

namespace voxflow::record {

using Json = nlohmann::json;

/// "this is not a manifest of voxflow: ".
std::string not_a(std::string_view what);

/// Parses `text`, telling `what` it was meant to be when it is not JSON.
Json parse_json(std::string_view text, std::string_view what);

/// JSON text of a record. Bytes that are not UTF-8 (file names, a dying program's last words) become U+FFFD.
std::string dump(const Json& j, int indent = -1);

/// The one JSON text of a value that is hashed: members by name, shortest numbers. Throws UserError where a text is not
/// UTF-8, since replaced bytes would give two values one key.
std::string canonical_text(const Json& j);

/// `format` is `name` and `format_version` is known to this program. Throws UserError otherwise.
void check_format(const Json& j, std::string_view name, int newest_version, std::string_view what);

/// Runs `read` and turns a missing or mistyped member into a UserError about `what`.
template <class F>
auto reading(std::string_view what, F&& read) {
  try {
    return read();
  } catch (const nlohmann::json::exception& e) {
    throw UserError(not_a(what) + e.what());
  }
}

Json to_json(const ImageInfo& info);
ImageInfo image_info_from(const Json& j);
Json to_json(const Annotation& a);
AnnotationType annotation_type_of(const Json& j);
Annotation annotation_from(const Json& j);
Json to_json(const Digest& d);
Digest digest_of(const Json& j);

}  // namespace voxflow::record
