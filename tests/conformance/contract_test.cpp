#include <doctest/doctest.h>

#include "pipeline/conformance/conformance.hpp"
#include "tests/conformance/contract_kernels.hpp"

using namespace voxflow;

TEST_CASE("kernels that use every part of the contract and hold it pass every check") {
  plugins::Registry registry;
  test::add_contract_kernels(registry);
  std::size_t checks = 0;
  for (const plugins::Entry* kernel : registry.all())
    for (const conformance::Finding& f : conformance::check_kernel(*kernel, {}, [](const conformance::Finding&) {})) {
      CAPTURE(f.kernel);
      CAPTURE(f.check);
      CHECK(f.problem == "");
      ++checks;
    }
  // Ten kernels, one of them with a second choice.
  CHECK(checks == 11 * conformance::check_names().size());
}
