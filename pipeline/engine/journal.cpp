#include "pipeline/engine/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"

namespace voxflow::engine {

namespace {
[[noreturn]] void fail(const std::filesystem::path& file, int errno_value) {
  throw_errno(fmt::format("cannot write the run's journal '{}'", file.string()), errno_value);
}
}  // namespace

Journal::Journal(const std::filesystem::path& file)
    : file_(file), fd_(open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0660)) {
  if (fd_ < 0) fail(file_, errno);
}

Journal::~Journal() {
  close(fd_);
}

void Journal::append(const record::JournalEntry& entry, Durable durable) {
  const std::string line = entry.to_json() + "\n";
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t n = write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(file_, errno);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  if (durable == Durable::at_once && fdatasync(fd_) != 0) fail(file_, errno);
}

std::vector<std::string> LineTail::read() {
  std::vector<std::string> lines;
  std::ifstream in(file_, std::ios::binary);
  if (!in) return lines;
  in.seekg(static_cast<std::streamoff>(offset_));
  for (std::string line; std::getline(in, line) && !in.eof();) {
    offset_ += line.size() + 1;
    lines.push_back(std::move(line));
  }
  if (in.bad()) throw SystemError(fmt::format("cannot read '{}'", file_.string()));
  return lines;
}

std::vector<record::JournalEntry> read_journal(const std::filesystem::path& file) {
  std::vector<record::JournalEntry> entries;
  for (const std::string& line : LineTail(file).read()) {
    try {
      entries.push_back(record::JournalEntry::from_json(line));
    } catch (const UserError&) {
      continue;
    }
  }
  return entries;
}

}  // namespace voxflow::engine
