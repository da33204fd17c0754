#include "pipeline/record/archive_record.hpp"

#include "pipeline/record/json.hpp"

namespace voxflow::record {

namespace {
constexpr const char* kFormat = "voxflow-archive";
constexpr int kArchiveVersion = 1;
}  // namespace

std::string ArchiveRecord::to_json() const {
  return dump(Json{{"format", kFormat},
                   {"format_version", kArchiveVersion},
                   {"software", software},
                   {"created", created}},
              1) +
         "\n";
}

ArchiveRecord ArchiveRecord::from_json(std::string_view text) {
  const Json j = parse_json(text, "archive record");
  return reading("archive record", [&] {
    check_format(j, kFormat, kArchiveVersion, "archive record");
    return ArchiveRecord{j.at("software").get<std::string>(), j.at("created").get<std::string>()};
  });
}

}  // namespace voxflow::record
