// Checks that a text holds a part, and shows the text where it does not.
#pragma once
#include <doctest/doctest.h>

#include <string>

namespace voxflow::test {

inline void has(const std::string& text, const std::string& part) {
  INFO(text);
  INFO("wanted: " << part);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
}

}  // namespace voxflow::test
