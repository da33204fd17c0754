// What events say, as rows: the same rows for any order in which the events come.
#pragma once
#include <set>

#include "catalog/store/event_folder.hpp"
#include "catalog/store/sqlite.hpp"

namespace voxflow::catalog {

/// Takes events into the tables; to be used within one transaction, and ended by finish().
class Projection {
 public:
  explicit Projection(Database& db) : db_(db) {}
  /// False when the event is known already.
  bool take(const ReadEvent& event);
  /// Names the results whose sources came in since.
  void finish();

 private:
  void published(std::int64_t event, const record::Event& e, const record::Manifest& m);
  void publish_output(std::int64_t event, const record::Event& e, const record::Manifest& m, const record::Output& o);
  /// The event that an entity stands on, and its content.
  struct Standing {
    std::string time, id, artifact, content_digest;
  };
  std::optional<Standing> standing(std::int64_t entity);
  bool wins(std::int64_t entity, const Standing& known, const record::Event& e, const record::Manifest& m);
  void put_image(std::int64_t entity, const record::Output& o);
  void put_activity(std::int64_t event, const record::Manifest& m);
  void put_sources(std::int64_t event, std::int64_t entity, const record::Manifest& m);
  void failed(std::int64_t event, const record::Event& e, const record::Failure& f);
  void associate(std::int64_t activity, const char* role, const char* kind, const std::string& name);
  void set(std::int64_t event, std::int64_t entity, const record::Annotation& a);
  void remove(std::int64_t event, std::int64_t entity, const std::string& key);
  void put_value(std::int64_t event, std::int64_t entity, std::int64_t key, const SqlValue& value);
  void declare(std::int64_t event, const record::AnnotationKey& key);
  std::int64_t key_number(const std::string& name);
  std::int64_t identifier(const std::string& id);

  Database& db_;
  std::set<std::int64_t> touched_;
};

}  // namespace voxflow::catalog
