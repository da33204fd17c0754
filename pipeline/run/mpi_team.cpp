#include "pipeline/run/mpi_team.hpp"

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <thread>

#include "pipeline/core/error.hpp"

namespace voxflow::run {

namespace {
// A message travels in pieces of at most this size, since MPI counts in int; the first carries the whole length.
constexpr std::uint64_t kPieceBytes = std::uint64_t{1} << 30;

// Waiting ranks sleep instead of spinning: teams share cores with other teams, and with their own threads.
class Patience {
 public:
  void wait() {
    if (rounds_++ < 20) {
      std::this_thread::yield();
      return;
    }
    std::this_thread::sleep_for(pause_);
    pause_ = std::min(pause_ * 2, std::chrono::microseconds(1000));
  }

 private:
  int rounds_ = 0;
  std::chrono::microseconds pause_{20};
};

void wait_for(MPI_Request& request) {
  Patience patience;
  for (int done = 0;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) return;
    patience.wait();
  }
}

class MpiTeam final : public Team {
 public:
  MpiTeam() {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void send(int to, int tag, const std::string& bytes) override {
    const std::uint64_t total = bytes.size();
    std::string first(sizeof total, '\0');
    std::memcpy(first.data(), &total, sizeof total);
    first.append(bytes, 0, kPieceBytes);
    send_piece(to, tag, first.data(), first.size());
    for (std::uint64_t at = kPieceBytes; at < total; at += kPieceBytes)
      send_piece(to, tag, bytes.data() + at, std::min(kPieceBytes, total - at));
  }

  std::string receive(int tag, int& from) override {
    std::string bytes;
    Patience patience;
    while (!try_receive(tag, bytes, from)) patience.wait();
    return bytes;
  }

  bool try_receive(int tag, std::string& bytes, int& from) override {
    int there = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, tag, MPI_COMM_WORLD, &there, &status);
    if (there == 0) return false;
    from = status.MPI_SOURCE;
    std::uint64_t total = 0;
    std::string first = receive_piece(from, tag, status);
    std::memcpy(&total, first.data(), sizeof total);
    bytes.assign(first, sizeof total);
    while (bytes.size() < total) {
      MPI_Probe(from, tag, MPI_COMM_WORLD, &status);
      bytes += receive_piece(from, tag, status);
    }
    return true;
  }

  void broadcast(std::string& bytes) override {
    std::uint64_t total = bytes.size();
    broadcast_piece(&total, sizeof total);
    bytes.resize(total);
    for (std::uint64_t at = 0; at < total; at += kPieceBytes)
      broadcast_piece(bytes.data() + at, std::min(kPieceBytes, total - at));
  }

  std::vector<std::string> gather(const std::string& bytes) override {
    if (rank_ != 0) {
      send(0, kGatherTag, bytes);
      barrier();
      return {};
    }
    std::vector<std::string> all(static_cast<std::size_t>(size_));
    all[0] = bytes;
    for (int i = 1, from = 0; i < size_; ++i) {
      std::string part = receive(kGatherTag, from);
      all[static_cast<std::size_t>(from)] = std::move(part);
    }
    barrier();  // the next gather's messages must not mix with this one's
    return all;
  }

  void barrier() override {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    wait_for(request);
  }

 private:
  static constexpr int kGatherTag = 1000;

  static void send_piece(int to, int tag, const void* data, std::uint64_t size_bytes) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Isend(data, static_cast<int>(size_bytes), MPI_BYTE, to, tag, MPI_COMM_WORLD, &request);
    wait_for(request);
  }
  static std::string receive_piece(int from, int tag, const MPI_Status& status) {
    int size_bytes = 0;
    MPI_Get_count(&status, MPI_BYTE, &size_bytes);
    std::string piece(static_cast<std::size_t>(size_bytes), '\0');
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Irecv(piece.data(), size_bytes, MPI_BYTE, from, tag, MPI_COMM_WORLD, &request);
    wait_for(request);
    return piece;
  }
  static void broadcast_piece(void* data, std::uint64_t size_bytes) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibcast(data, static_cast<int>(size_bytes), MPI_BYTE, 0, MPI_COMM_WORLD, &request);
    wait_for(request);
  }

  int rank_ = 0, size_ = 1;
};
}  // namespace

MpiSession::MpiSession(int* argc, char*** argv) {
  int provided = MPI_THREAD_SINGLE;
  if (MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS || provided < MPI_THREAD_FUNNELED)
    throw SystemError("MPI does not start with MPI_THREAD_FUNNELED, which teams of several ranks need");
  team_ = std::make_unique<MpiTeam>();
}

MpiSession::~MpiSession() {
  MPI_Finalize();
}

Team& MpiSession::team() {
  return *team_;
}

}  // namespace voxflow::run
