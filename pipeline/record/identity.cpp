#include "pipeline/record/identity.hpp"

#include <fmt/format.h>

#include "pipeline/core/units.hpp"
#include "pipeline/record/json.hpp"

namespace voxflow::record {

Digest volume_digest(const ImageInfo& info, std::span<const Digest> chunks) {
  const auto& n = info.grid.shape;
  const auto& s = info.grid.spacing;
  Sha256 sha;
  sha.update(fmt::format("voxflow-volume-1\n{}\n{} {} {}\n{} {} {}\n{}\n", to_string(info.dtype), n[kZ], n[kY], n[kX],
                         format_number(s[kZ].value), format_number(s[kY].value), format_number(s[kX].value),
                         to_string(info.kind)));
  for (const Digest& d : chunks) sha.update(d);
  return sha.finish();
}

Digest image_digest(std::span<const Digest> volumes) {
  Sha256 sha;
  sha.update("voxflow-image-1\n");
  for (const Digest& d : volumes) sha.update(d);
  return sha.finish();
}

std::string TaskIdentity::canonical() const {
  // nlohmann's objects are ordered by name and its numbers are shortest round-trip: one text for one value.
  Json j{{"kernel", kernel}, {"version", version}, {"parameters", Json::parse(params)}, {"inputs", inputs}};
  if (!params_by_channel.empty()) {
    Json by = Json::object();
    for (const auto& [channel, text] : params_by_channel) by[std::to_string(channel)] = Json::parse(text);
    j["parameters_by_channel"] = std::move(by);
  }
  if (!channels.empty()) j["channels"] = channels;
  if (!timepoints.empty()) j["timepoints"] = timepoints;
  if (block_shape) j["block_shape"] = *block_shape;
  return canonical_text(j);
}

Digest TaskIdentity::key() const {
  return sha256("voxflow-task-1\n" + canonical());
}

std::string content_id(const Digest& content) {
  return "sha256:" + content.hex();
}

std::string task_id(const Digest& task_key, const std::string& port) {
  return "task:" + task_key.hex() + ":" + port;
}

}  // namespace voxflow::record
