// What an error says, for tests of messages.
#pragma once
#include <string>
#include <typeinfo>

#include "pipeline/core/error.hpp"

namespace voxflow::test {

/// The message of the E that `f` throws; what else happened when it throws no E.
template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("(") + typeid(e).name() + ") " + e.what();
  }
  return "(nothing was thrown)";
}

}  // namespace voxflow::test
