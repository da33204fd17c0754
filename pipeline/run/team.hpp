// What the ranks of a team say to each other.
#pragma once
#include <string>
#include <vector>

namespace voxflow::run {

/// Messages between the ranks of a team; implemented by MPI, and by a team of one for tests and tools. All functions
/// are called by a rank's main thread only.
class Team {
 public:
  virtual ~Team() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Sends bytes to `to` with `tag`; waits until a large message is being received.
  virtual void send(int to, int tag, const std::string& bytes) = 0;
  /// Next message with `tag`, from anybody; `from` is set. Waits.
  virtual std::string receive(int tag, int& from) = 0;
  /// As receive, but returns at once; false when there is none.
  virtual bool try_receive(int tag, std::string& bytes, int& from) = 0;
  /// Rank 0's bytes at every rank.
  virtual void broadcast(std::string& bytes) = 0;
  /// The bytes of every rank, in rank order, at rank 0 (empty elsewhere).
  virtual std::vector<std::string> gather(const std::string& bytes) = 0;
  virtual void barrier() = 0;
};

/// The team of one.
Team& solo_team();

}  // namespace voxflow::run
