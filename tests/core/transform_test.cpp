// Affine transforms from fixed to moving points.
#include "pipeline/core/transform.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/messages.hpp"

using namespace voxflow;
using test::message_of;

namespace {
const Affine3 kShift{{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}, {1, -2, 0.5}};
const Affine3 kTurn{{{{2, 0, 0}, {0, 0, -1}, {0, 1, 0}}}, {0, 3, 0}};

void check_near(const Point3& a, const Point3& b) {
  for (std::size_t i = 0; i < 3; ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-12));
}
}  // namespace

TEST_CASE("a transform maps a fixed point by matrix and translation, z-y-x") {
  CHECK(kTurn({1, 10, 100}) == Point3{2, -97, 10});
  CHECK(Affine3{}({1, 2, 3}) == Point3{1, 2, 3});
}

TEST_CASE("a composition applies the first transform first") {
  const Point3 p{0.3, -4, 7};
  CHECK(compose(kTurn, kShift)(p) == kTurn(kShift(p)));
  CHECK(compose(kShift, kTurn)(p) == kShift(kTurn(p)));
  CHECK(compose(kTurn, kShift) != compose(kShift, kTurn));
}

TEST_CASE("the inverse leads back") {
  const Affine3 skew{{{{1, 0.2, 0}, {0.1, 0.9, -0.3}, {0, 0.4, 1.1}}}, {5, 6, 7}};
  for (const Affine3& a : {kShift, kTurn, skew}) {
    check_near(inverse(a)(a({0.3, -4, 7})), {0.3, -4, 7});
    check_near(a(inverse(a)({0.3, -4, 7})), {0.3, -4, 7});
  }
}

TEST_CASE("a transform is singular by its shape, not by its scale") {
  const Affine3 tiny{{{{1e-6, 0, 0}, {0, 1e-6, 0}, {0, 0, 1e-6}}}, {}};
  check_near(inverse(tiny)({1e-6, 2e-6, 3e-6}), {1, 2, 3});
  const Affine3 flat{{{{1, 2, 3}, {2, 4, 6}, {0, 0, 1}}}, {}};
  CHECK(message_of<UserError>([&] { inverse(flat); }) == "the transform cannot be inverted: determinant 0");
  const Affine3 nothing{{{{std::nan(""), 0, 0}, {0, 1, 0}, {0, 0, 1}}}, {}};
  CHECK_THROWS_AS(inverse(nothing), UserError);
}

TEST_CASE("the most specific transform is used, and the identity where there is none") {
  const auto shift = [](double z) { return Affine3{{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}, {z, 0, 0}}; };
  const TransformSet set{{{-1, 1, shift(1)}, {3, -1, shift(2)}, {3, 1, shift(3)}}};
  CHECK(set.at(0, 1) == shift(1));
  CHECK(set.at(3, 0) == shift(2));
  CHECK(set.at(3, 1) == shift(3));
  CHECK(set.at(0, 0) == Affine3{});
  CHECK(TransformSet{{{-1, -1, shift(9)}}}.at(5, 5) == shift(9));
}

TEST_CASE("transforms have one text, which is what is hashed") {
  const TransformSet set{{{0, -1, kShift}}};
  CHECK(set.to_json() ==
        "{\"format\":\"voxflow-transform\",\"format_version\":1,\"unit\":\"um\",\"axes\":\"zyx\","
        "\"maps\":\"fixed to moving\",\"transforms\":[{\"t\":0,\"c\":-1,"
        "\"matrix\":[[1,0,0,1],[0,1,0,-2],[0,0,1,0.5]]}]}\n");
  CHECK(set.content_digest() == sha256(set.to_json()));
  CHECK(set.content_digest().hex() == "27ec2628f4b0ae481f2b878842d868e2a045a9a19ef6c15afaaf236e348c5bd5");
}
