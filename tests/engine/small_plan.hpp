// A plan of chains a → b → c, one an image, for tests of running.
#pragma once
#include <string>

#include "pipeline/record/plan.hpp"

namespace voxflow::test {

inline record::Plan small_plan(int images) {
  record::Plan p;
  p.run = "20261122-081530-w-0001";
  p.workflow = "w";
  p.archive = "/archive";
  p.created = "2026-11-22T08:15:30.000Z";
  p.agent = "ada";
  p.images = static_cast<std::size_t>(images);
  for (int i = 0; i < images; ++i) {
    const std::string image = "e" + std::to_string(i);
    std::vector<Digest> before;
    for (const char* step : {"a", "b", "c"}) {
      record::PlannedTask t;
      t.task.identity.kernel = "test.smooth";
      t.task.identity.version = 1;
      t.task.identity.params = "{}";
      t.task.key = sha256(image + "/" + step);
      t.task.project = "demo";
      t.task.workflow = "w";
      t.task.run = p.run;
      t.task.image = image;
      t.task.step = step;
      t.task.artifact = record::result_folder("demo", t.task.key);
      t.task.after = before;
      t.reasons = {"new image"};
      before = {t.task.key};
      p.tasks.push_back(std::move(t));
    }
  }
  return p;
}

}  // namespace voxflow::test
