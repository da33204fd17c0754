#include "catalog/store/event_folder.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <tuple>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/hash.hpp"
#include "pipeline/core/log.hpp"

namespace fs = std::filesystem;

namespace voxflow::catalog {

namespace {
[[noreturn]] void fail(std::string_view verb, const fs::path& path) {
  throw_errno(fmt::format("cannot {} '{}'", verb, path.string()), errno);
}

std::vector<fs::path> entries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    paths.push_back(it->path());
  if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory)
    throw_errno(fmt::format("cannot list folder '{}'", folder.string()), error.value());
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

/// A file that text is added to; closed without a word on the way out of an error.
class LogFile {
 public:
  explicit LogFile(const fs::path& path)
      : path_(path), fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
    if (fd_ < 0) fail("open", path_);
  }
  ~LogFile() { ::close(fd_); }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  void append(std::string lines) {
    if (!ends_with_newline()) lines.insert(0, "\n");
    std::string_view rest = lines;
    while (!rest.empty()) {
      const ssize_t n = ::write(fd_, rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("write", path_);
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::fsync(fd_) != 0) fail("flush", path_);
  }

 private:
  /// A process that was killed while it wrote leaves half a line, which must not swallow the next event.
  bool ends_with_newline() const {
    const off_t size = ::lseek(fd_, 0, SEEK_END);
    char last = '\n';
    if (size > 0 && ::pread(fd_, &last, 1, size - 1) != 1) fail("read", path_);
    return last == '\n';
  }
  fs::path path_;
  int fd_;
};

/// Reads `line`; nothing, with a warning, when that cannot be done.
std::optional<ReadEvent> read_line(const std::string& line, const fs::path& file, std::size_t number) {
  try {
    return read_event(record::Event::from_json(line));
  } catch (const UserError& e) {
    log::warning("{}:{}: skipped: {}", file.string(), number, e.what());
    return std::nullopt;
  }
}

bool is_event_time(const std::string& time) {
  return time.size() >= 10 && time[4] == '-' && time[7] == '-' &&
         std::all_of(time.begin(), time.begin() + 4, [](char ch) { return ch >= '0' && ch <= '9'; }) &&
         time[5] >= '0' && time[5] <= '1' && time[6] >= '0' && time[6] <= '9';
}
}  // namespace

ReadEvent read_event(record::Event event) {
  if (event.id.empty() || !is_event_time(event.time))
    throw UserError(fmt::format("an event needs an id and a UTC time, this has '{}' and '{}'", event.id, event.time));
  ReadEvent read{std::move(event), UnknownPayload{}, {}};
  const std::string& kind = read.event.kind;
  const std::string& payload = read.event.payload;
  if (kind == "published")
    read.payload = record::Manifest::from_json(payload);
  else if (kind == "failed")
    read.payload = record::Failure::from_json(payload);
  else if (kind == "annotated")
    read.payload = record::AnnotationChange::from_json(payload);
  else if (kind == "located")
    record::SourceLocation::from_json(payload);  // read where it is asked for
  else if (kind == "key_declared")
    read.payload = record::annotation_key_from_json(payload);
  return read;
}

EventLock::EventLock(const fs::path& file) : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0664)) {
  if (fd_ < 0) fail("open", file);
  while (::flock(fd_, LOCK_EX) != 0)
    if (errno != EINTR) {
      ::close(fd_);
      fail("lock", file);
    }
}

EventLock::~EventLock() {
  ::close(fd_);
}

EventFolder::EventFolder(fs::path archive_root)
    : root_(std::move(archive_root)),
      new_(root_ / "events" / "new"),
      log_(root_ / "events" / "log"),
      damaged_(root_ / "events" / "damaged") {
  make_directories(new_);
  make_directories(log_);
}

EventLock EventFolder::lock() const {
  return EventLock(root_ / "events" / "lock");
}

void EventFolder::emit(const record::Event& event) const {
  write_file_atomically(new_ / record::event_file_name(event), event.to_json());
}

std::vector<ReadEvent> EventFolder::read_new() const {
  std::vector<ReadEvent> events;
  for (const fs::path& file : entries(new_)) {
    if (is_hidden(file) || file.extension() != ".json") continue;
    try {
      events.push_back(read_event(record::Event::from_json(read_file(file))));
      events.back().file = file;
    } catch (const UserError& e) {
      make_directories(damaged_);
      const fs::path aside = damaged_ / file.filename();
      log::warning("event '{}' cannot be read and was moved to '{}': {}", file.string(), aside.string(), e.what());
      if (::rename(file.c_str(), aside.c_str()) != 0) fail("move away", file);
    }
  }
  std::sort(events.begin(), events.end(), [](const ReadEvent& a, const ReadEvent& b) {
    return std::tie(a.event.time, a.event.id, a.event.source) < std::tie(b.event.time, b.event.id, b.event.source);
  });
  return events;
}

void EventFolder::move_to_log(const std::vector<ReadEvent>& events) const {
  std::map<std::string, std::string> months;
  for (const ReadEvent& e : events) months[e.event.time.substr(0, 7)] += e.event.to_json() + "\n";
  for (auto& [month, lines] : months) LogFile(log_ / (month + ".jsonl")).append(std::move(lines));
  fsync_path(log_);
  for (const ReadEvent& e : events)
    if (::unlink(e.file.c_str()) != 0 && errno != ENOENT) fail("remove", e.file);
}

void EventFolder::for_each_logged(const std::function<void(ReadEvent)>& take) const {
  for (const fs::path& file : entries(log_)) {
    if (is_hidden(file) || file.extension() != ".jsonl") continue;
    std::ifstream in(file);
    if (!in) fail("open", file);
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number)
      if (auto event = line.empty() ? std::nullopt : read_line(line, file, number)) take(std::move(*event));
    if (in.bad()) fail("read", file);
  }
}

bool EventFolder::log_is_empty() const {
  return entries(log_).empty();
}

void EventFolder::for_each_artifact(const std::function<void(ReadEvent)>& take) const {
  for (const fs::path& project : entries(root_)) {
    if (is_hidden(project) || project == root_ / "events" || project == root_ / "runs") continue;
    for (const char* part : {"acquisitions", "raw", "results"})
      for (const fs::path& shelf : entries(project / part))
        for (const fs::path& artifact : entries(shelf)) {
          const fs::path manifest = artifact / record::kManifestName;
          if (is_hidden(artifact) || !fs::exists(manifest)) continue;
          try {
            // Through its JSON form, since that is how the event of a job comes.
            const auto event = record::published_event(record::Manifest::from_json(read_file(manifest)),
                                                       fs::relative(artifact, root_).generic_string());
            take(read_event(record::Event::from_json(event.to_json())));
          } catch (const UserError& e) {
            log::warning("manifest '{}' was skipped: {}", manifest.string(), e.what());
          }
        }
  }
}

}  // namespace voxflow::catalog
