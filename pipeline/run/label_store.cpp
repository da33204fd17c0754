#include "pipeline/run/label_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "pipeline/core/bytes.hpp"
#include "pipeline/core/error.hpp"

namespace voxflow::run {

namespace {
int open_nameless() {
  std::string name = (std::filesystem::temp_directory_path() / "voxflow-labels-XXXXXX").string();
  const int file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) throw_errno("cannot make '" + name + "'", errno);
  ::unlink(name.c_str());
  return file;
}
}  // namespace

SpillFile::~SpillFile() {
  if (file_ >= 0) ::close(file_);
}

void SpillFile::put(std::size_t number, const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  if (file_ < 0) file_ = open_nameless();
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::pwrite(file_, bytes.data() + done, bytes.size() - done, end_ + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno("cannot write labels to the temporary folder (TMPDIR names another one)", errno);
    done += static_cast<std::size_t>(n);
  }
  places_[number] = {end_, bytes.size()};
  end_ += static_cast<std::int64_t>(bytes.size());
}

std::string SpillFile::get(std::size_t number) const {
  const std::lock_guard lock(mutex_);
  const auto it = places_.find(number);
  if (it == places_.end()) throw InternalError("labels of a block are missing in the temporary file");
  std::string bytes(it->second.size_bytes, '\0');
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n =
        ::pread(file_, bytes.data() + done, bytes.size() - done, it->second.offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw_errno("cannot read labels from the temporary folder", n < 0 ? errno : EIO);
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

void LabelsSeen::add(std::size_t volume, std::span<const std::uint32_t> labels) {
  std::vector<std::uint32_t> distinct;
  for (const std::uint32_t label : labels)
    if (label != 0 && (distinct.empty() || distinct.back() != label)) distinct.push_back(label);
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  const std::lock_guard lock(mutex_);
  labels_[volume].insert(distinct.begin(), distinct.end());
}

void LabelsSeen::merge(const std::string& bytes) {
  ByteReader in(bytes);
  const std::lock_guard lock(mutex_);
  while (!in.at_end()) {
    const auto volume = static_cast<std::size_t>(in.get<std::uint64_t>());
    for (const std::uint32_t label : in.get_vector<std::uint32_t>()) labels_[volume].insert(label);
  }
}

std::string LabelsSeen::encode() const {
  const std::lock_guard lock(mutex_);
  ByteWriter out;
  for (const auto& [volume, labels] : labels_)
    out.put(static_cast<std::uint64_t>(volume)).put(std::vector<std::uint32_t>(labels.begin(), labels.end()));
  return out.take();
}

std::uint32_t LabelsSeen::largest() const {
  const std::lock_guard lock(mutex_);
  std::uint32_t largest = 0;
  for (const auto& [volume, labels] : labels_)
    if (!labels.empty()) largest = std::max(largest, *labels.rbegin());
  return largest;
}

std::uint64_t LabelsSeen::objects() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t n = 0;
  for (const auto& [volume, labels] : labels_) n += labels.size();
  return n;
}

}  // namespace voxflow::run
