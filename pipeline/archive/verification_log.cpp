#include "pipeline/archive/verification_log.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::archive {

std::map<std::string, Verification> VerificationLog::read() const {
  std::map<std::string, Verification> last;
  if (!std::filesystem::exists(file_)) return last;
  for (const std::string& line : split(read_file(file_), '\n')) {
    const auto fields = split(line, '\t');
    if (fields.size() == 3 && (fields[1] == "sound" || fields[1] == "damaged"))
      last[fields[2]] = {fields[0], fields[1] == "sound"};
  }
  return last;
}

void VerificationLog::append(const std::string& artifact, const Verification& verification) {
  const std::string line =
      fmt::format("{}\t{}\t{}\n", verification.time, verification.sound ? "sound" : "damaged", artifact);
  const std::lock_guard one_at_a_time(mutex_);
  const int file = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0664);
  if (file < 0) throw_errno(fmt::format("cannot write '{}'", file_.string()), errno);
  const ssize_t written = ::write(file, line.data(), line.size());  // one write: lines of several processes do not mix
  const int error = written < 0 ? errno : written < static_cast<ssize_t>(line.size()) ? ENOSPC : 0;
  ::close(file);
  if (error != 0) throw_errno(fmt::format("cannot write '{}'", file_.string()), error);
}

}  // namespace voxflow::archive
