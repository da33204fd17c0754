#include "pipeline/record/archive_record.hpp"

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/record/json.hpp"

namespace voxflow::record {

namespace {
constexpr const char* kFormat = "voxflow-archive";
constexpr int kArchiveVersion = 1;
constexpr const char* kFletcher32 = "fletcher32";
}  // namespace

std::string ArchiveRecord::to_json() const {
  Json j{{"format", kFormat}, {"format_version", kArchiveVersion}, {"software", software}, {"created", created}};
  if (fletcher32) j["chunk_checksum"] = kFletcher32;
  return dump(j, 1) + "\n";
}

ArchiveRecord ArchiveRecord::from_json(std::string_view text) {
  const Json j = parse_json(text, "archive record");
  return reading("archive record", [&] {
    check_format(j, kFormat, kArchiveVersion, "archive record");
    const auto checksum = j.value("chunk_checksum", std::string());
    if (!checksum.empty() && checksum != kFletcher32)
      throw UserError(fmt::format("chunk_checksum is '{}', known is '{}'; use a newer voxflow", checksum, kFletcher32));
    return ArchiveRecord{j.at("software").get<std::string>(), j.at("created").get<std::string>(), !checksum.empty()};
  });
}

}  // namespace voxflow::record
