// Messages between ranks.
#include "pipeline/core/bytes.hpp"

#include <doctest/doctest.h>

#include <array>

#include "tests/support/messages.hpp"

using namespace voxflow;
using test::message_of;

TEST_CASE("values come back in the order in which they were put") {
  struct Pair {
    int a;
    double b;
  };
  const std::string bytes = ByteWriter()
                                .put(std::uint64_t{7})
                                .put("text with a literal")
                                .put(std::string("and a string\0inside", 19))
                                .put(std::vector<float>{1.5F, -2})
                                .put(std::vector<std::uint16_t>{})
                                .put(Pair{3, 0.25})
                                .put(std::array{1, 2, 3})
                                .take();
  ByteReader in(bytes);
  CHECK(in.get<std::uint64_t>() == 7);
  CHECK(in.get_string() == "text with a literal");
  CHECK(in.get_string() == std::string("and a string\0inside", 19));
  CHECK(in.get_vector<float>() == std::vector<float>{1.5F, -2});
  CHECK(in.get_vector<std::uint16_t>().empty());
  const auto pair = in.get<Pair>();
  CHECK(pair.a == 3);
  CHECK(pair.b == 0.25);
  CHECK(in.get<std::array<int, 3>>() == std::array{1, 2, 3});
  CHECK(in.at_end());
}

TEST_CASE("a text pointer is written as its text, never as an address") {
  const char* text = "abc";
  CHECK(ByteWriter().put(text).take() == ByteWriter().put(std::string("abc")).take());
}

TEST_CASE("a message that is too short is a bug, also where its count would overflow") {
  const std::string whole = ByteWriter().put(std::vector<double>{1, 2, 3}).take();
  const std::string cut = whole.substr(0, whole.size() - 1);
  CHECK(message_of<InternalError>([&] { ByteReader(cut).get_vector<double>(); }) ==
        "a message between ranks is shorter than its content");
  const std::string huge = ByteWriter().put(std::uint64_t{1} << 61).take();
  CHECK_THROWS_AS(ByteReader(huge).get_vector<double>(), InternalError);
  CHECK_THROWS_AS(ByteReader(huge).get_string(), InternalError);
  CHECK_THROWS_AS(ByteReader("abc").get<double>(), InternalError);
}
