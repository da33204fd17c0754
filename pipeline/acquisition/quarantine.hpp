// Rejected images: a record of each in <project>/quarantine/, where no query finds it, until a person accepts it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "pipeline/acquisition/quality.hpp"
#include "pipeline/archive/artifact.hpp"

namespace voxflow::acquisition {

struct QuarantineRecord {
  std::string id;  // of its files and the mask's name, 16 hexadecimal digits
  std::string project, name;
  std::vector<std::string> files;
  std::vector<std::string> sha256;  // of the files, "" where one cannot be read
  std::string raw;                  // the artifact that keeps the files, "" where they are kept by reference
  std::string mask_name, mask_text;
  QualityReport report;
  std::string time, agent;
  // Once a person has accepted it:
  std::string accepted_by, accepted_because, artifact;

  std::string to_json() const;
  /// Throws UserError when `text` is not that.
  static QuarantineRecord from_json(std::string_view text);
};

/// Gives the record its id and writes it, over one of the same files. Throws SystemError, DiskFullError.
QuarantineRecord put_into_quarantine(const archive::Archive& archive, QuarantineRecord record);

/// Rewrites a record that is there.
void update_quarantine(const archive::Archive& archive, const QuarantineRecord& record);

/// The id that a record of these files gets.
std::string quarantine_id(const std::vector<std::string>& files, const std::string& mask_name);

std::optional<QuarantineRecord> find_in_quarantine(const archive::Archive& archive, const std::string& project,
                                                   const std::string& id);

/// Of one project, or of all ("" ), by time; accepted ones are left out. Throws SystemError.
std::vector<QuarantineRecord> in_quarantine(const archive::Archive& archive, const std::string& project);

}  // namespace voxflow::acquisition
