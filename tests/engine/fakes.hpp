// A catalog, a clock and an executor without database, time or processes.
#pragma once
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catalog/store/client.hpp"
#include "pipeline/core/clock.hpp"
#include "pipeline/executor/executor.hpp"

namespace voxflow::test {

/// Time that passes only when somebody sleeps.
class FakeClock final : public Clock {
 public:
  std::chrono::system_clock::time_point now() const override { return now_; }
  void sleep_for(std::chrono::milliseconds d) const override {
    now_ += d;
    if (on_sleep) on_sleep();
  }
  std::function<void()> on_sleep;

 private:
  mutable std::chrono::system_clock::time_point now_{std::chrono::seconds(1'795'335'330)};  // 2026-11-22 08:15:30
};

/// A catalog of entities held in memory; understands 'and' and comparisons for equality with text.
class FakeCatalog final : public catalog::CatalogClient {
 public:
  std::vector<catalog::Entity> entities;
  std::set<std::string> done;  // artifacts
  struct Past {
    std::string workflow, step, source;
    catalog::Activity activity;
  };
  std::vector<Past> past;  // newest first
  std::size_t requests_for_published = 0;

  catalog::Entity& add(const std::string& name, std::map<std::string, std::string> text,
                       std::vector<record::Channel> channels = {{"DAPI", 461.0, {}}, {"GFP", 510.0, {}}}) {
    catalog::Entity e;
    e.name = name;
    e.project = "demo";
    e.content_digest = sha256(name);
    e.id = record::content_id(e.content_digest);
    e.port = "image";
    e.artifact = record::acquisition_folder(e.project, e.content_digest);
    e.image = record::ImageInfo{};
    e.image->grid.shape = {32, 128, 128};
    e.image->channels = std::move(channels);
    e.image->timepoints = 2;
    for (const auto& [key, value] : text)
      e.annotations.push_back(
          {{key, key == "acquired" ? record::AnnotationType::date : record::AnnotationType::text, ""}, value});
    return entities.emplace_back(std::move(e));
  }
  /// Takes the tasks of a plan as published, with the activities that made them.
  void publish(const record::Plan& plan, const std::map<std::string, std::string>& source_of_image) {
    for (const auto& p : plan.tasks) {
      if (p.state == record::TaskState::done) continue;
      done.insert(p.task.artifact);
      remember(p.task, source_of_image.at(p.task.image), "done");
    }
  }
  void remember(const record::Task& task, const std::string& source, const std::string& status) {
    catalog::Activity a;
    a.status = status;
    a.identity = task.identity.canonical();
    a.task_key = task.key;
    past.insert(past.begin(), {task.workflow, task.step, source, a});
  }
  /// Name of every image → its id.
  std::map<std::string, std::string> ids() const {
    std::map<std::string, std::string> m;
    for (const auto& e : entities) m[e.name] = e.id;
    return m;
  }

  std::vector<catalog::Entity> find(const catalog::query::Query& query, catalog::Page) override {
    std::vector<catalog::Entity> found;
    for (const auto& e : entities)
      if (query.root == nullptr || matches(query, *query.root, e)) found.push_back(e);
    return found;
  }
  std::vector<bool> published(std::span<const std::string> artifacts) override {
    ++requests_for_published;
    std::vector<bool> r;
    for (const std::string& a : artifacts) r.push_back(done.contains(a));
    return r;
  }
  std::vector<record::AnnotationKey> keys() override {
    return {{"acquired", record::AnnotationType::date, ""},
            {"instrument", record::AnnotationType::text, ""},
            {"sample", record::AnnotationType::text, ""}};
  }
  std::vector<catalog::Activity> history(const std::string& workflow, const std::string& step,
                                         const std::string& source) override {
    std::vector<catalog::Activity> found;
    for (const Past& p : past)
      if (p.workflow == workflow && p.step == step && p.source == source) found.push_back(p.activity);
    return found;
  }

  std::size_t count(const catalog::query::Query& q) override { return find(q, {}).size(); }
  void check(const catalog::query::Query&) override {}
  catalog::Entity get(const std::string&) override { throw InternalError("not used by the engine"); }
  std::optional<catalog::Entity> find_id(const std::string&) override { return std::nullopt; }
  void declare(const record::AnnotationKey&) override {}
  void annotate(const record::AnnotationChange&) override {}
  std::size_t annotate_all(std::span<const record::AnnotationChange>) override { return 0; }
  std::vector<record::SourceLocation> source_locations(const std::string& /*entity*/) override { return {}; }
  std::optional<catalog::Activity> generated_by(const std::string&) override { return std::nullopt; }
  std::vector<catalog::Link> lineage(const std::string&, catalog::Direction) override { return {}; }
  catalog::IngestCounts ingest() override { return {}; }
  catalog::IngestCounts ingest_and_scan() override { return {}; }
  catalog::IngestCounts rebuild() override { return {}; }
  std::string dump() override { return ""; }

 private:
  static bool matches(const catalog::query::Query& query, const catalog::query::Node& node, const catalog::Entity& e) {
    using namespace catalog::query;
    if (const auto* all = std::get_if<And>(&node.what)) {
      for (const auto& operand : all->operands)
        if (!matches(query, *operand, e)) return false;
      return true;
    }
    const auto& c = std::get<Comparison>(node.what);
    const auto& value = std::get<std::string>(c.value);
    if (c.field == "kind") return catalog::to_string(e.kind) == value;
    if (c.field == "project") return e.project == value;
    if (c.field == "sample" || c.field == "instrument") {
      for (const auto& a : e.annotations)
        if (a.key.name == c.field) return std::get<std::string>(a.value) == value;
      return false;
    }
    throw QueryError(query.text, node.offset, node.length, "no image has a '" + c.field + "'");
  }
};

/// Jobs that do what `work` says, at their first poll after `polls_before_end` others.
class FakeExecutor final : public executor::Executor {
 public:
  using Work = std::function<void(const record::Batch&, std::ostream& reports)>;
  Work work;
  int jobs_at_a_time = 1;
  std::size_t tasks_of_a_job = 1000;
  int polls_before_end = 0;
  std::string last_words = "exit code 0";
  bool blameless = false;  // jobs end as lost ones, through no fault of their tasks
  std::vector<record::Batch> batches;
  std::vector<std::string> cancelled;
  std::function<void(const record::Batch&)> on_submit;
  std::function<void(const std::string& id)> on_cancel;

  std::string name() const override { return "fake"; }
  int cores_per_job() const override { return 4; }
  int parallel_jobs() const override { return jobs_at_a_time; }
  bool fit_one_job(const std::vector<record::Task>& tasks) const override { return tasks.size() <= tasks_of_a_job; }
  std::string submit(const std::filesystem::path& file, const record::Batch& batch) override {
    if (on_submit) on_submit(batch);
    batches.push_back(batch);
    const std::string id = "job" + std::to_string(batches.size());
    jobs_[id] = {file, batches.size() - 1, polls_before_end, false};
    return id;
  }
  std::map<std::string, executor::JobStatus> poll(const std::vector<std::string>& ids) override {
    std::map<std::string, executor::JobStatus> states;
    for (const auto& id : ids) {
      Job& job = jobs_.at(id);
      if (job.wait-- > 0) {
        states[id] = {executor::JobState::running, ""};
        continue;
      }
      if (!job.stopped) {
        std::ofstream reports(job.file.string() + ".reports", std::ios::app);
        work(batches[job.batch], reports);
      }
      states[id] = {blameless ? executor::JobState::lost : executor::JobState::ended, last_words, blameless};
    }
    return states;
  }
  void cancel(const std::string& id) override {
    if (on_cancel) on_cancel(id);
    cancelled.push_back(id);
    jobs_.at(id).stopped = true;
    jobs_.at(id).wait = 0;
  }
  /// Names "image/step" of the tasks of each batch.
  std::vector<std::vector<std::string>> sent() const {
    std::vector<std::vector<std::string>> all;
    for (const auto& b : batches) {
      std::vector<std::string> names;
      for (const auto& t : b.tasks) names.push_back(t.image + "/" + t.step);
      all.push_back(std::move(names));
    }
    return all;
  }

 private:
  struct Job {
    std::filesystem::path file;
    std::size_t batch = 0;
    int wait = 0;
    bool stopped = false;
  };
  std::map<std::string, Job> jobs_;
};

inline record::TaskReport report_of(const record::Task& task, record::TaskState state,
                                    const std::string& failure_class = "") {
  record::TaskReport r;
  r.key = task.key;
  r.state = state;
  r.attempt = task.attempt;
  r.failure_class = failure_class;
  if (!failure_class.empty()) r.message = "it went wrong", r.node = "n1", r.log = "b.log";
  r.time = "2026-11-22T08:15:31.000Z";
  return r;
}

}  // namespace voxflow::test
