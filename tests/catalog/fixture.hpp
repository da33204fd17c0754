// A small archive of manifests and events for the catalog's tests; holds no voxels.
#pragma once
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "catalog/store/client.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/record/identity.hpp"
#include "pipeline/record/task.hpp"
#include "tests/support/temporary.hpp"

namespace voxflow::test {

inline record::ImageInfo image_info(record::ImageKind kind = record::ImageKind::intensity) {
  record::ImageInfo i;
  i.kind = kind;
  i.dtype = kind == record::ImageKind::labels ? DType::uint32 : DType::uint16;
  i.grid.shape = {20, 300, 400};
  i.grid.spacing = {{{1.0}, {0.25}, {0.25}}};
  i.channels = {{"DAPI", 460.0, 405.0}, {"GFP", 520.0, 488.0}};
  return i;
}

inline record::Annotation text(const std::string& key, const std::string& value) {
  return {{key, record::AnnotationType::text, ""}, value};
}
inline record::Annotation date(const std::string& key, const std::string& value) {
  return {{key, record::AnnotationType::date, ""}, value};
}
inline record::Annotation number(const std::string& key, double value, const std::string& unit = "") {
  return {{key, record::AnnotationType::number, unit}, value};
}
inline record::Annotation truth(const std::string& key, bool value) {
  return {{key, record::AnnotationType::boolean, ""}, value};
}

inline record::Manifest acquisition(const std::string& name, std::vector<record::Annotation> annotations = {}) {
  record::Manifest m;
  m.kind = "acquisition";
  m.project = "malaria";
  m.name = name;
  m.outputs = {{"image", "image", "data.h5", sha256("voxels of " + name), image_info(), std::nullopt}};
  m.files = {{"data.h5", 1000, sha256("file of " + name)}};
  m.annotations = std::move(annotations);
  m.agent = "anna";
  m.host = "microscope-pc";
  m.software = "voxflow 0.1.0";
  m.started = "2026-11-20T08:00:00.000Z";
  m.published = "2026-11-20T08:00:01.000Z";
  return m;
}

inline std::string image_id(const record::Manifest& m) {
  return m.task_key ? record::task_id(*m.task_key, m.outputs[0].port) : record::content_id(m.outputs[0].content_digest);
}

/// What step `step` of workflow first_look made of `sources`.
inline record::Manifest result(const std::string& step, const std::vector<record::Manifest>& sources,
                               const std::string& params = R"({"radius":0.3})") {
  record::Manifest m = acquisition("");
  m.kind = "result";
  m.outputs[0].port = "image";
  m.kernel = "denoise." + step;
  m.kernel_version = 1;
  m.params = params;
  std::string seed = step + params;
  for (const record::Manifest& s : sources) {
    const std::string port = m.inputs.empty() ? "image" : "input" + std::to_string(m.inputs.size());
    m.inputs.push_back({port, image_id(s), s.outputs[0].content_digest, "somewhere", s.outputs[0].port});
    seed += image_id(s);
  }
  m.task_key = sha256(seed);
  m.outputs[0].content_digest = sha256("voxels of " + seed);
  m.identity = R"({"kernel":")" + m.kernel + R"("})";
  m.workflow = "first_look";
  m.step = step;
  m.run = "run-1";
  m.workflow_sha256 = sha256("workflow").hex();
  m.host = "node01";
  m.job = "4711";
  m.started = "2026-11-21T20:00:00.000Z";
  m.published = "2026-11-21T20:05:00.000Z";
  return m;
}

inline std::string folder_of(const record::Manifest& m) {
  return m.task_key ? record::result_folder(m.project, *m.task_key)
                    : record::acquisition_folder(m.project, m.outputs[0].content_digest);
}

/// An archive folder with its catalog beside it.
class CatalogFixture {
 public:
  std::filesystem::path root() const { return folder_ / "archive"; }
  std::filesystem::path database() const { return folder_ / "catalog.sqlite"; }
  std::unique_ptr<catalog::CatalogClient> open() const { return catalog::open_catalog(root(), database()); }

  record::Event event_of(const record::Manifest& m) const { return record::published_event(m, folder_of(m)); }
  void emit(const record::Event& e) const {
    make_directories(root() / "events" / "new");
    // Two copies of one acquisition have one event id.
    const std::string name = e.id + sha256(e.source).hex().substr(0, 8);
    const auto folder = root() / "events" / "new";
    const std::string temporary = fmt::format(".{}-{}", name, ::getpid());
    write(folder / temporary, e.to_json());
    std::filesystem::rename(folder / temporary, folder / (name + ".json"));
  }
  /// Puts the manifest into the archive, without its event.
  void store(const record::Manifest& m) const {
    make_directories(root() / folder_of(m));
    write(root() / folder_of(m) / record::kManifestName, m.to_json());
  }
  void publish(const record::Manifest& m) const {
    store(m);
    emit(event_of(m));
  }

 private:
  static void write(const std::filesystem::path& file, const std::string& bytes) { std::ofstream(file) << bytes; }
  TestFolder folder_;
};

inline std::vector<std::string> names(const std::vector<catalog::Entity>& entities) {
  std::vector<std::string> list;
  for (const catalog::Entity& e : entities) list.push_back(e.name);
  return list;
}

/// The message of what `f` throws as an E; "" when it throws nothing.
template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "";
}

}  // namespace voxflow::test
