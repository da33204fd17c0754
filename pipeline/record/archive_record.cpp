#include "pipeline/record/archive_record.hpp"

#include <fmt/format.h>

#include "pipeline/record/json.hpp"

namespace voxflow::record {

namespace {
constexpr int kArchiveVersion = 1;
}

std::string ArchiveRecord::to_json() const {
  return Json{{"format", "voxflow-archive"},
              {"format_version", kArchiveVersion},
              {"software", software},
              {"created", created}}
             .dump(1) +
         "\n";
}

ArchiveRecord ArchiveRecord::from_json(std::string_view text) {
  const Json j = parse_json(text, "archive record");
  return reading("archive record", [&] {
    if (j.at("format") != "voxflow-archive" || j.at("format_version").get<int>() > kArchiveVersion)
      throw UserError(
          fmt::format("the archive is of format {} version {}, this voxflow knows voxflow-archive up to {}; "
                      "use a newer voxflow",
                      j.at("format").dump(), j.at("format_version").dump(), kArchiveVersion));
    return ArchiveRecord{j.at("software").get<std::string>(), j.at("created").get<std::string>()};
  });
}

}  // namespace voxflow::record
