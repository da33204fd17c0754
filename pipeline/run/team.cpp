#include "pipeline/run/team.hpp"

#include "pipeline/core/error.hpp"

namespace voxflow::run {

namespace {
class SoloTeam final : public Team {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void send(int, int, const std::string&) override { throw InternalError("a team of one has nobody to send to"); }
  std::string receive(int, int&) override { throw InternalError("a team of one has nobody to receive from"); }
  bool try_receive(int, std::string&, int&) override { return false; }
  void broadcast(std::string&) override {}
  std::vector<std::string> gather(const std::string& bytes) override { return {bytes}; }
  void barrier() override {}
};
}  // namespace

Team& solo_team() {
  static SoloTeam team;
  return team;
}

}  // namespace voxflow::run
