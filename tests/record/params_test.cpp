// Canonical parameters, and what differs between two identities.
#include "pipeline/record/params.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "pipeline/record/identity.hpp"
#include "tests/support/messages.hpp"

using namespace voxflow;
using namespace voxflow::record;
using test::message_of;

namespace {
TaskIdentity identity() {
  TaskIdentity id;
  id.kernel = "denoise.median";
  id.version = 1;
  id.params = R"({"radius":0.3})";
  id.inputs = {{"image", "sha256:ab"}};
  return id;
}
}  // namespace

TEST_CASE("one set of values has one text: names sorted, shortest numbers, types told apart, -0 as 0") {
  const Parameters params{{"radius", 0.3},
                          {"iterations", std::int64_t{3}},
                          {"whole", 3.0},
                          {"zero", -0.0},
                          {"shift", std::vector<double>{1, -0.0}},
                          {"method", std::string("otsu")},
                          {"invert", false},
                          {"unset", std::monostate{}}};
  CHECK(
      canonical_params(params) ==
      R"({"invert":false,"iterations":3,"method":"otsu","radius":0.3,"shift":[1.0,0.0],"unset":null,"whole":3.0,"zero":0.0})");
  CHECK(canonical_params(parse_params(canonical_params(params))) == canonical_params(params));
  CHECK(canonical_params({}) == "{}");
}

TEST_CASE("values that no text stands for are refused") {
  const Parameters nan{{"radius", std::numeric_limits<double>::quiet_NaN()}};
  CHECK(message_of<InternalError>([&] { canonical_params(nan); }) == "parameter 'radius' is not finite");
  const Parameters text{{"name", std::string("\xff")}};
  CHECK(message_of<UserError>([&] { canonical_params(text); }) == "a text among the parameters is not UTF-8");
  CHECK(message_of<UserError>([] { parse_params("3"); }) ==
        "this is not a set of parameters of voxflow: not a JSON object");
}

TEST_CASE("equal identities differ in nothing") {
  CHECK(identity_differences(identity().canonical(), identity().canonical()).empty());
}

TEST_CASE("each difference is named, with what was and what is") {
  TaskIdentity changed = identity();
  changed.version = 2;
  changed.params = R"({"iterations":5,"radius":0.4})";
  changed.inputs = {{"image", "sha256:cd"}};
  changed.channels = {1};
  CHECK(identity_differences(identity().canonical(), changed.canonical()) ==
        std::vector<IdentityDifference>{{"version", "", "1", "2"},
                                        {"parameter", "iterations", "", "5"},
                                        {"parameter", "radius", "0.3", "0.4"},
                                        {"input", "image", "\"sha256:ab\"", "\"sha256:cd\""},
                                        {"channels", "", "", "[1]"}});
}

TEST_CASE("a parameter that differs for one channel is named with the channel") {
  TaskIdentity changed = identity();
  changed.params_by_channel = {{1, R"({"radius":0.5})"}};
  CHECK(identity_differences(identity().canonical(), changed.canonical()) ==
        std::vector<IdentityDifference>{{"parameter", "radius of channel 1", "0.3", "0.5"}});
}
