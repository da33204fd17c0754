// The team of an MPI launch. The only place that calls MPI.
#pragma once
#include <memory>

#include "pipeline/run/team.hpp"

namespace voxflow::run {

/// MPI for the life of the object: initialised (main thread calls only) and finalised. Make one, before any thread
/// starts.
class MpiSession {
 public:
  /// Throws SystemError when MPI does not start.
  MpiSession(int* argc, char*** argv);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
  /// All ranks of the launch.
  Team& team();

 private:
  std::unique_ptr<Team> team_;
};

}  // namespace voxflow::run
