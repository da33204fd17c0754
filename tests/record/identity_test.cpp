// Identity: what decides a key or a digest, and what does not. The golden values must never change.
#include "pipeline/record/identity.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "tests/support/messages.hpp"

using namespace voxflow;
using namespace voxflow::record;
using test::message_of;

namespace {
TaskIdentity median() {
  TaskIdentity id;
  id.kernel = "denoise.median";
  id.version = 1;
  id.params = R"({"iterations":3,"radius":0.3})";
  id.inputs = {{"image", content_id(sha256("voxels"))}};
  return id;
}

ImageInfo volume() {
  ImageInfo info;
  info.dtype = DType::uint16;
  info.grid = {{16, 64, 48}, {{{0.5}, {0.104}, {0.104}}}};
  info.timepoints = 2;
  info.channels = {{"nuclei", 520.0, 488.0}};
  return info;
}

const std::vector<Digest> kChunks{sha256("first chunk"), sha256("second chunk")};
}  // namespace

TEST_CASE("a golden task key: an accidental change of the canonical form changes every key of every archive") {
  CHECK(median().canonical() ==
        R"({"inputs":{"image":"sha256:38d11342e7802dc460247dcec95b945557f05a1bcc74a4db37f42d7e2b8b43de"},)"
        R"("kernel":"denoise.median","parameters":{"iterations":3,"radius":0.3},"version":1})");
  CHECK(median().key().hex() == "2547422ba36c6378664e0378bafa304a26c13cdd486e29bde112fa916be3739e");

  TaskIdentity all = median();
  all.params_by_channel = {{1, R"({"iterations":3,"radius":0.5})"}};
  all.channels = {0, 1};
  all.timepoints = {3};
  all.block_shape = Index3{32, 128, 128};
  CHECK(
      all.canonical() ==
      R"({"block_shape":[32,128,128],"channels":[0,1],"inputs":{"image":"sha256:38d11342e7802dc460247dcec95b945557f05a1bcc74a4db37f42d7e2b8b43de"},)"
      R"("kernel":"denoise.median","parameters":{"iterations":3,"radius":0.3},)"
      R"("parameters_by_channel":{"1":{"iterations":3,"radius":0.5}},"timepoints":[3],"version":1})");
  CHECK(all.key().hex() == "7ac83d19ab1527945120f3879236cd102a24ea40925a10779f90c688778d59e7");
}

TEST_CASE("golden digests of a volume and of an image") {
  CHECK(volume_digest(volume(), kChunks).hex() == "034855233628532e2095f71270164a617aa0dd051d016cb6c5c8c2275fecead8");
  CHECK(image_digest(std::vector{volume_digest(volume(), kChunks), sha256("other volume")}).hex() ==
        "4c10c2d2decc227986511f68cf5a82de168fa6ea16062c16366217790885ee0f");
}

TEST_CASE("each component of a task's identity changes its key") {
  const std::vector<std::function<void(TaskIdentity&)>> changes{
      [](auto& id) { id.kernel = "denoise.gaussian"; },
      [](auto& id) { id.version = 2; },
      [](auto& id) { id.params = R"({"iterations":3,"radius":0.4})"; },
      [](auto& id) { id.params = R"({"iterations":4,"radius":0.3})"; },
      [](auto& id) { id.params_by_channel[1] = R"({"iterations":3,"radius":0.4})"; },
      [](auto& id) { id.params_by_channel[2] = R"({"iterations":3,"radius":0.4})"; },
      [](auto& id) { id.inputs["image"] = content_id(sha256("other voxels")); },
      [](auto& id) { id.inputs["image"] = task_id(sha256("voxels"), "image"); },
      [](auto& id) { id.inputs["image"] = task_id(sha256("voxels"), "mask"); },
      [](auto& id) { id.inputs["psf"] = content_id(sha256("voxels")); },
      [](auto& id) { id.channels = {0}; },
      [](auto& id) {
        id.channels = {0, 1};
      },
      [](auto& id) {
        id.channels = {1, 0};
      },
      [](auto& id) { id.timepoints = {0}; },
      [](auto& id) {
        id.block_shape = Index3{64, 64, 64};
      },
      [](auto& id) {
        id.block_shape = Index3{32, 64, 64};
      }};
  std::set<Digest> keys{median().key()};
  for (const auto& change : changes) {
    TaskIdentity id = median();
    change(id);
    CHECK(keys.insert(id.key()).second);
  }
}

TEST_CASE("the key does not depend on how the parameters were written down") {
  TaskIdentity id = median();
  id.params = "{ \"radius\": 3e-1,\n  \"iterations\": 3 }";
  CHECK(id.key() == median().key());
}

TEST_CASE("a text that is not UTF-8 has no key, rather than that of another text") {
  TaskIdentity id = median();
  id.inputs["image"] = "\xff";
  CHECK(message_of<UserError>([&] { (void)id.key(); }) == "a text among the parameters is not UTF-8");
}

TEST_CASE("type, shape, spacing, kind and every chunk decide a volume's digest") {
  const std::vector<std::function<void(ImageInfo&)>> changes{
      [](auto& i) { i.dtype = DType::float32; }, [](auto& i) { i.grid.shape[kZ] = 17; },
      [](auto& i) { std::swap(i.grid.shape[kY], i.grid.shape[kX]); }, [](auto& i) { i.grid.spacing[kX] = {0.105}; },
      [](auto& i) { i.kind = ImageKind::psf; }};
  std::set<Digest> digests{volume_digest(volume(), kChunks)};
  for (const auto& change : changes) {
    ImageInfo info = volume();
    change(info);
    CHECK(digests.insert(volume_digest(info, kChunks)).second);
  }
  CHECK(digests.insert(volume_digest(volume(), std::vector{kChunks[1], kChunks[0]})).second);
  CHECK(digests.insert(volume_digest(volume(), std::vector{kChunks[0]})).second);
}

TEST_CASE("names, wavelengths, time step and the number of timepoints are no part of a volume's digest") {
  ImageInfo info = volume();
  info.channels = {{"renamed", std::nullopt, std::nullopt}, {"another", 600.0, std::nullopt}};
  info.timepoints = 7;
  info.time_step_s = 30;
  CHECK(volume_digest(info, kChunks) == volume_digest(volume(), kChunks));
}

TEST_CASE("an image's digest is that of its volumes in order") {
  const Digest a = sha256("a"), b = sha256("b");
  CHECK(image_digest(std::vector{a, b}) != image_digest(std::vector{b, a}));
  CHECK(image_digest(std::vector{a}) != a);
}

TEST_CASE("an input id names content, or the port of a task") {
  const Digest d = sha256("x");
  CHECK(content_id(d) == "sha256:" + d.hex());
  CHECK(task_id(d, "labels") == "task:" + d.hex() + ":labels");
}
