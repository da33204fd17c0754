// Who must act on an error, and how context is put in front of it.
#include "pipeline/core/error.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include "tests/support/messages.hpp"

using namespace voxflow;
using test::message_of;

TEST_CASE("the exit code says who must act") {
  CHECK(static_cast<int>(UserError("x").code()) == 2);
  CHECK(static_cast<int>(SystemError("x").code()) == 3);
  CHECK(static_cast<int>(DiskFullError("x").code()) == 3);
  CHECK(static_cast<int>(OutOfMemoryError("x").code()) == 3);
  CHECK(static_cast<int>(InternalError("x").code()) == 70);
}

TEST_CASE("context is put in front of the message on the way up, and the kind of error stays") {
  const auto deep = [] { throw DiskFullError("cannot write 'a': No space left on device"); };
  CHECK(message_of<DiskFullError>([&] { with_context("image 7", [&] { with_context("step 'cells'", deep); }); }) ==
        "image 7: step 'cells': cannot write 'a': No space left on device");
  CHECK(with_context("step", [] { return 5; }) == 5);
}

TEST_CASE("errno decides whether a disk is full, memory is short, or something else failed") {
  CHECK(message_of<DiskFullError>([] { throw_errno("cannot write 'a'", ENOSPC); }) ==
        "cannot write 'a': No space left on device");
  CHECK_THROWS_AS(throw_errno("x", EDQUOT), DiskFullError);
  CHECK_THROWS_AS(throw_errno("x", ENOMEM), OutOfMemoryError);
  CHECK(message_of<SystemError>([] { throw_errno("cannot read 'a'", EIO); }) == "cannot read 'a': Input/output error");
}
