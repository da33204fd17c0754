// Every check must be able to fail: one kernel a promise, broken.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <limits>
#include <vector>

#include "pipeline/conformance/conformance.hpp"

namespace {
using namespace voxflow;

// The common part of the broken kernels: copies the image.
template <class Derived>
struct Copy {
  struct Params {};
  static void describe(KernelSchema<Params>& k) {
    k.name("test.broken").version(1).summary("Broken.").nan(NanPolicy::propagates);
    k.input("image", any_real).border(Border::extend).doc("In.");
    k.output("image", float_image).doc("Out.");
    Derived::declare(k);
  }
  static void declare(KernelSchema<Params>&) {}
  void run(const Params&, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const auto out = block.output();
    const Index3& low = block.halo.low;
    for (Index z = 0; z < out.shape()[kZ] && !ctx.cancelled(); ++z)
      for (Index y = 0; y < out.shape()[kY]; ++y)
        for (Index x = 0; x < out.shape()[kX]; ++x) out(z, y, x) = in(z + low[kZ], y + low[kY], x + low[kX]);
    Derived::spoil(block, ctx);
  }
  static void spoil(const Block&, Context&) {}
};

template <class K>
std::string problem_of(const std::string& check) {
  plugins::Registry registry;
  registry.add(make_kernel<K>());
  const auto findings =
      conformance::check_kernel(registry.find("test.broken"), {check}, [](const conformance::Finding&) {});
  REQUIRE(findings.size() == 1);
  return findings.front().problem;
}

bool has(const std::string& text, std::string_view part) {
  if (text.find(part) != std::string::npos) return true;
  MESSAGE("'" << text << "' does not mention '" << part << "'");
  return false;
}

struct Sound : Copy<Sound> {};

struct Unexplained : Copy<Unexplained> {
  static void declare(KernelSchema<Params>& k) { k.input("labels", labels).optional(); }
};

struct SeesTheClock : Copy<SeesTheClock> {
  static void spoil(const Block& block, Context&) {
    block.output()(0, 0, 0) = static_cast<float>(std::chrono::steady_clock::now().time_since_epoch().count() % 1000003);
  }
};

struct SeesThreads : Copy<SeesThreads> {
  static void declare(KernelSchema<Params>& k) { k.blockwise(Blockwise::volume); }
  std::size_t scratch_bytes(const Params&, const Index3&) const { return 0; }
  static void spoil(const Block& block, Context& ctx) { block.output()(0, 0, 0) = static_cast<float>(ctx.threads()); }
};

struct SeesBlocks : Copy<SeesBlocks> {
  static void spoil(const Block& block, Context&) {
    block.output()(0, 0, 0) = static_cast<float>(count(block.core.extent));
  }
};

struct BeyondTolerance : SeesBlocks {
  static void describe(KernelSchema<Params>& k) {
    SeesBlocks::describe(k);
    k.blockwise_within(1e-3);
  }
};

struct FailsOnPlanes : Copy<FailsOnPlanes> {
  static void spoil(const Block& block, Context&) {
    if (block.grid.shape[kZ] == 1) throw UserError("a volume of one plane is not taken");
  }
};

struct Hungry : Copy<Hungry> {
  static void spoil(const Block& block, Context&) {
    std::vector<float> hidden(static_cast<std::size_t>(4 * count(block.core.extent)), 1.0F);
    block.output()(0, 0, 0) += hidden[hidden.size() / 2] - 1.0F;
  }
};

struct Deaf : Copy<Deaf> {
  void run(const Params&, const Block& block, Context&) const { copy_voxels(block.input(), block.output()); }
};

struct LetsNanThrough : Copy<LetsNanThrough> {
  static void declare(KernelSchema<Params>& k) { k.nan(NanPolicy::ignored); }
};

struct SwallowsNan : Copy<SwallowsNan> {
  static void spoil(const Block& block, Context&) {
    const auto out = block.output();
    for (Index i = 0; i < count(out.shape()); ++i)
      if (std::isnan(out.data()[i])) out.data()[i] = 0;
  }
};

struct SpreadsNan : Copy<SpreadsNan> {
  static void spoil(const Block& block, Context&) {
    const auto out = block.output();
    for (Index i = 0; i < count(out.shape()); ++i)
      if (std::isnan(out.data()[i])) out(0, 0, 0) = out.data()[i];
  }
};

struct Crashes : Copy<Crashes> {
  static void spoil(const Block&, Context&) { std::raise(SIGSEGV); }
};

struct Throws : Copy<Throws> {
  static void spoil(const Block&, Context&) { throw std::runtime_error("no memory card"); }
};
}  // namespace

TEST_CASE("a kernel without faults has no findings") {
  for (const std::string& check : conformance::check_names()) CHECK(problem_of<Sound>(check) == "");
}

TEST_CASE("a port without a sentence is found") {
  CHECK(problem_of<Unexplained>("declaration") == "input 'labels' has no sentence");
}

TEST_CASE("a result that changes from run to run is found") {
  CHECK(has(problem_of<SeesTheClock>("repeatable"), "two runs on the same input differ in output 'image'"));
}

TEST_CASE("a result that depends on threads is found") {
  CHECK(has(problem_of<SeesThreads>("ranks"), "with 1 ranks of 2 threads output 'image' differs"));
}

TEST_CASE("a result that depends on blocks is found, and so is one beyond its tolerance") {
  CHECK(has(problem_of<SeesBlocks>("blocks"), "24 x 84 x 96 voxels: blocks and whole differ in output 'image'"));
  CHECK(has(problem_of<BeyondTolerance>("blocks"), "of its largest voxel, declared are 0.001"));
}

TEST_CASE("a size that a kernel cannot take is found") {
  CHECK(has(problem_of<FailsOnPlanes>("sizes"), "a volume of one plane is not taken"));
}

TEST_CASE("memory beyond what a kernel declares is found") {
  if (build_stamp().sanitized != 0) return;
  CHECK(has(problem_of<Hungry>("memory"), "beyond its ports' buffers, scratch_bytes said 0 B"));
}

TEST_CASE("a kernel that never asks whether to stop is found") {
  CHECK(has(problem_of<Deaf>("cancel"), "asked 0 times"));
}

TEST_CASE("an untrue statement on NaN is found") {
  CHECK(has(problem_of<LetsNanThrough>("nan"), "declares that NaN is left out; output 'image' has NaN"));
  CHECK(has(problem_of<SwallowsNan>("nan"), "declares that NaN spreads; output 'image' has none"));
  CHECK(has(problem_of<SpreadsNan>("nan"), "beyond the kernel's halo"));
}

TEST_CASE("a kernel that crashes or throws costs its own findings") {
  CHECK(has(problem_of<Crashes>("repeatable"), "ended by signal 11"));
  CHECK(has(problem_of<Throws>("repeatable"), "no memory card"));
}
