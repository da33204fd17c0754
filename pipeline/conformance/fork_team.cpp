#include "pipeline/conformance/fork_team.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <vector>

#include "pipeline/core/bytes.hpp"
#include "pipeline/core/error.hpp"

namespace voxflow::conformance {

namespace {
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

std::pair<Fd, Fd> connected_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw_errno("cannot connect the ranks of a team", errno);
  return {Fd(ends[0]), Fd(ends[1])};
}

struct Header {
  std::int32_t tag;
  std::uint64_t size_bytes;
};

// Messages between a rank and its peers. Sending goes on receiving, so that two ranks may send to each other.
class ForkTeam final : public run::Team {
 public:
  ForkTeam(int rank, std::vector<Fd> peers) : rank_(rank), peers_(std::move(peers)), incoming_(peers_.size()) {}

  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(peers_.size()); }

  void send(int to, int tag, const std::string& bytes) override {
    const Header header{tag, bytes.size()};
    std::string message(reinterpret_cast<const char*>(&header), sizeof header);
    message += bytes;
    if (to == rank_) {
      incoming_[static_cast<std::size_t>(to)] += message;
      take_messages(to);
      return;
    }
    for (std::size_t sent = 0; sent < message.size();) {
      const int fd = peers_[static_cast<std::size_t>(to)].get();
      const ssize_t n = ::send(fd, message.data() + sent, message.size() - sent, MSG_NOSIGNAL);
      if (n >= 0)
        sent += static_cast<std::size_t>(n);
      else if (errno == EAGAIN)
        wait_and_read(to);
      else
        throw InternalError(fmt::format("rank {} is gone", to));
    }
  }

  std::string receive(int tag, int& from) override {
    std::string bytes;
    while (!take(tag, bytes, from)) wait_and_read(-1);
    return bytes;
  }

  bool try_receive(int tag, std::string& bytes, int& from) override {
    read_all();
    return take(tag, bytes, from);
  }

  void broadcast(std::string& bytes) override {
    int from = 0;
    if (rank_ != 0)
      bytes = receive(kBroadcast, from);
    else
      for (int to = 1; to < size(); ++to) send(to, kBroadcast, bytes);
  }

  std::vector<std::string> gather(const std::string& bytes) override {
    if (rank_ != 0) {
      send(0, kGather, bytes);
      return {};
    }
    std::vector<std::string> all(peers_.size());
    all[0] = bytes;
    // A rank's second message may come before another's first one, so each is asked for by its sender.
    for (int rank = 1; rank < size(); ++rank)
      while (!take_from(rank, kGather, all[static_cast<std::size_t>(rank)])) wait_and_read(-1);
    return all;
  }

  void barrier() override {
    gather("");
    std::string nothing;
    broadcast(nothing);
  }

 private:
  struct Message {
    int from, tag;
    std::string bytes;
  };
  static constexpr int kBroadcast = -1, kGather = -2;

  // Waits until a peer has sent something or, where `writable` is a rank, can take something.
  void wait_and_read(int writable) {
    std::vector<pollfd> fds;
    for (int peer = 0; peer < size(); ++peer)
      fds.push_back({peers_[static_cast<std::size_t>(peer)].get(),
                     static_cast<short>(peer == writable ? POLLIN | POLLOUT : POLLIN), 0});
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) throw_errno("cannot poll", errno);
    read_all();
  }

  void read_all() {
    std::array<char, 65536> buffer;
    for (int peer = 0; peer < size(); ++peer) {
      if (peers_[static_cast<std::size_t>(peer)].get() < 0) continue;
      for (;;) {
        const ssize_t n = ::recv(peers_[static_cast<std::size_t>(peer)].get(), buffer.data(), buffer.size(), 0);
        if (n == 0) peers_[static_cast<std::size_t>(peer)] = Fd();  // it has ended
        if (n <= 0) break;
        incoming_[static_cast<std::size_t>(peer)].append(buffer.data(), static_cast<std::size_t>(n));
      }
      take_messages(peer);
    }
  }

  void take_messages(int peer) {
    std::string& bytes = incoming_[static_cast<std::size_t>(peer)];
    std::size_t at = 0;
    for (Header header{}; bytes.size() - at >= sizeof header;) {
      std::memcpy(&header, bytes.data() + at, sizeof header);
      if (bytes.size() - at - sizeof header < header.size_bytes) break;
      messages_.push_back({peer, header.tag, bytes.substr(at + sizeof header, header.size_bytes)});
      at += sizeof header + header.size_bytes;
    }
    bytes.erase(0, at);
  }

  bool take(int tag, std::string& bytes, int& from) {
    for (auto it = messages_.begin(); it != messages_.end(); ++it) {
      if (it->tag != tag) continue;
      from = it->from, bytes = std::move(it->bytes);
      messages_.erase(it);
      return true;
    }
    return false;
  }
  bool take_from(int from, int tag, std::string& bytes) {
    for (auto it = messages_.begin(); it != messages_.end(); ++it) {
      if (it->tag != tag || it->from != from) continue;
      bytes = std::move(it->bytes);
      messages_.erase(it);
      return true;
    }
    return false;
  }

  int rank_;
  std::vector<Fd> peers_;              // by rank; none at this one and at those that ended
  std::vector<std::string> incoming_;  // incomplete messages, by rank
  std::deque<Message> messages_;
};

std::uint64_t status_bytes(std::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (std::uint64_t kb = 0; word == key && status >> kb) return kb * 1024;
  return 0;
}

enum class Ending : std::uint8_t { returned, threw };

// The child's whole life after the fork.
[[noreturn]] void live(int rank, std::vector<Fd> peers, const Fd& report,
                       const std::function<std::string(run::Team&)>& body) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM}) ::signal(signal, SIG_DFL);
  ByteWriter out;
  try {
    const PeakMemory peak;
    ForkTeam team(rank, std::move(peers));
    const std::string bytes = body(team);
    team.barrier();
    out.put(Ending::returned).put(bytes).put(peak.grown_bytes());
  } catch (const Error& e) {
    out.put(Ending::threw).put(static_cast<int>(e.code())).put(e.what());
  } catch (const std::exception& e) {
    out.put(Ending::threw).put(static_cast<int>(ExitCode::internal)).put(e.what());
  }
  const std::string bytes = out.take();
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = ::write(report.get(), bytes.data() + sent, bytes.size() - sent);
    if (n < 0 && errno != EINTR) break;
    sent += n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  ::_exit(0);
}

struct Rank {
  pid_t pid = -1;
  Fd report;  // read end
  std::string bytes;
  bool ended = false;
};

// The processes of a team; those still there at the end are killed.
class Ranks {
 public:
  explicit Ranks(int count) : ranks_(static_cast<std::size_t>(count)) {}
  ~Ranks() {
    for (Rank& r : ranks_) {
      if (r.pid <= 0) continue;
      ::kill(r.pid, SIGKILL);
      ::waitpid(r.pid, nullptr, 0);
    }
  }

  void start(const std::function<std::string(run::Team&)>& body) {
    std::vector<std::vector<Fd>> ends(ranks_.size());
    for (auto& of_rank : ends) of_rank.resize(ranks_.size());
    for (std::size_t a = 0; a < ranks_.size(); ++a)
      for (std::size_t b = a + 1; b < ranks_.size(); ++b) std::tie(ends[a][b], ends[b][a]) = connected_pair();
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      std::array<int, 2> pipe{};
      if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw_errno("cannot make a pipe", errno);
      ranks_[r].report = Fd(pipe[0]);
      const Fd write_end(pipe[1]);
      ranks_[r].pid = ::fork();
      if (ranks_[r].pid < 0) throw_errno("cannot fork", errno);
      if (ranks_[r].pid == 0) {
        std::vector<Fd> own = std::move(ends[r]);
        ends.clear();
        live(static_cast<int>(r), std::move(own), write_end, body);
      }
    }
  }
  // Waits for every rank's report; what is missing then tells how a rank died.
  ForkResult wait(std::chrono::steady_clock::time_point deadline) {
    while (std::any_of(ranks_.begin(), ranks_.end(), [](const Rank& r) { return !r.ended; })) read_reports(deadline);
    ByteReader in(ranks_.front().bytes);
    in.get<Ending>();
    ForkResult result;
    result.bytes = in.get_string();
    result.grown_bytes = in.get<std::uint64_t>();
    return result;
  }

 private:
  void read_reports(std::chrono::steady_clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    std::vector<pollfd> fds;
    for (const Rank& r : ranks_) fds.push_back({r.ended ? -1 : r.report.get(), POLLIN, 0});
    if (left.count() <= 0 || ::poll(fds.data(), fds.size(), static_cast<int>(left.count())) == 0)
      throw InternalError("the kernel did not end in time");
    for (std::size_t i = 0; i < ranks_.size(); ++i)
      if (fds[i].revents != 0) read_report(i);
  }

  void read_report(std::size_t i) {
    Rank& rank = ranks_[i];
    std::array<char, 65536> buffer;
    const ssize_t n = ::read(rank.report.get(), buffer.data(), buffer.size());
    if (n > 0) {
      rank.bytes.append(buffer.data(), static_cast<std::size_t>(n));
      return;
    }
    rank.ended = true;
    int status = 0;
    ::waitpid(std::exchange(rank.pid, -1), &status, 0);
    if (WIFSIGNALED(status))
      throw InternalError(
          fmt::format("rank {} was ended by signal {} ({})", i, WTERMSIG(status), strsignal(WTERMSIG(status))));
    if (rank.bytes.empty())
      throw InternalError(fmt::format("rank {} ended itself with exit code {}", i, WEXITSTATUS(status)));
    ByteReader in(rank.bytes);
    if (in.get<Ending>() == Ending::returned) return;
    const auto code = static_cast<ExitCode>(in.get<int>());
    throw Error(code, in.get_string());
  }

  std::vector<Rank> ranks_;
};
}  // namespace

PeakMemory::PeakMemory() {
  // 5: resets the peak of the resident set (proc(5)).
  std::ofstream("/proc/self/clear_refs") << 5 << std::flush;
  before_bytes_ = status_bytes("VmRSS:");
}

std::uint64_t PeakMemory::grown_bytes() const {
  return std::max(before_bytes_, status_bytes("VmHWM:")) - before_bytes_;
}

ForkResult run_forked(int ranks, const std::function<std::string(run::Team&)>& body, std::chrono::seconds limit) {
  Ranks team(ranks);
  team.start(body);
  return team.wait(std::chrono::steady_clock::now() + limit);
}

}  // namespace voxflow::conformance
