// Digests and identifiers against published values.
#include "pipeline/core/hash.hpp"

#include <doctest/doctest.h>

#include "pipeline/core/files.hpp"
#include "tests/support/messages.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using test::message_of;

TEST_CASE("SHA-256 gives the values of FIPS 180-4's examples") {
  CHECK(sha256("").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex() ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256(std::string(1'000'000, 'a')).hex() ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a digest does not depend on the pieces in which the bytes came") {
  CHECK(Sha256().update("a").update("").update("bc").finish() == sha256("abc"));
  Sha256 first;
  first.update("ab");
  Sha256 moved = std::move(first);
  CHECK(moved.update("c").finish() == sha256("abc"));
}

TEST_CASE("a file's digest is that of its bytes, also over the size of a buffer") {
  const test::TestFolder folder;
  const std::string bytes(3'000'001, 'x');
  write_file_atomically(folder / "a", bytes);
  CHECK(sha256_file(folder / "a") == sha256(bytes));
  CHECK(message_of<SystemError>([&] { sha256_file(folder / "none"); }) ==
        "cannot open '" + (folder / "none").string() + "': No such file or directory");
}

TEST_CASE("a digest reads back from its 64 lower-case hexadecimal digits, and from nothing else") {
  const Digest d = sha256("abc");
  CHECK(digest_from(d.hex()) == d);
  CHECK(!digest_from(""));
  CHECK(!digest_from(d.hex().substr(1)));
  CHECK(!digest_from(d.hex() + "0"));
  CHECK(!digest_from(std::string(64, 'g')));
  CHECK(!digest_from(std::string(64, 'A')));
}

TEST_CASE("a name's identifier is the version 5 UUID in voxflow's namespace, for ever the same") {
  CHECK(uuid5("") == "63e28386-09aa-5cc9-a987-b674d0177407");
  CHECK(uuid5("published") == "ce336b5e-5bda-5b26-90ba-98a821fd7811");
  CHECK(uuid5("published") != uuid5("Published"));
}

TEST_CASE("random identifiers are version 4 UUIDs and differ") {
  const std::string a = uuid4();
  REQUIRE(a.size() == 36);
  CHECK(a[14] == '4');
  CHECK(std::string("89ab").find(a[19]) != std::string::npos);
  CHECK(a != uuid4());
}
