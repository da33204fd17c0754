// A kernel that dies in the way it is asked to. Only for tests; never installed.
#include <mpi.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

#include "pipeline/sdk/kernel.hpp"

namespace voxflow::test {

struct FaultParams {
  std::string kind = "none";
};

class Fault {
 public:
  using Params = FaultParams;
  static void describe(KernelSchema<Params>& k) {
    k.name("test.fault").version(1).summary("Dies as asked.").nan(NanPolicy::ignored);
    k.input("image", any_real);
    k.output("image", same_as("image"));
    k.param(&Params::kind, "kind")
        .choices({"none", "segfault", "illegal", "abort", "mpi_abort", "hang", "exhaust", "throw", "leave", "patient"})
        .doc("What happens.");
  }
  void run(const Params& p, const Block& block, Context& ctx) const {
    if (p.kind == "none") copy_voxels<float>(block.input(), block.output());
    if (p.kind == "segfault") *static_cast<volatile int*>(nullptr) = 1;
    if (p.kind == "illegal") __builtin_trap();
    if (p.kind == "abort") std::abort();
    if (p.kind == "mpi_abort") abort_mpi();
    if (p.kind == "leave") std::_Exit(5);
    if (p.kind == "throw") throw std::runtime_error("the specimen is upside down");
    if (p.kind == "exhaust") exhaust();
    if (p.kind == "patient")
      while (!ctx.cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    while (p.kind == "hang") std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }

 private:
  static void abort_mpi() {
    int there = 0;
    MPI_Initialized(&there);
    if (there == 0) MPI_Init(nullptr, nullptr);
    MPI_Abort(MPI_COMM_WORLD, 7);
  }
  static void exhaust() {
    std::vector<std::vector<char>> all;
    for (;;) all.emplace_back(16 << 20, 'x');
  }
};

}  // namespace voxflow::test

VOXFLOW_KERNEL(voxflow::test::Fault)
