#include <doctest/doctest.h>

#include "pipeline/engine/plan.hpp"
#include "tests/engine/fakes.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/test_kernels.hpp"

using namespace voxflow;
using test::FakeCatalog;
using test::has;

namespace {
std::string text(const std::string& reference) {
  return "voxflow: 1\nworkflow: w\nselect: sample = \"nuclei\"\nreferences:\n  beads: { select: sample = \"beads\", " +
         reference +
         " }\nsteps:\n  align: { kernel: test.align, input: beads }\n"
         "  corrected: { kernel: test.apply, inputs: { image: image, transform: align } }\n";
}

record::Plan plan(FakeCatalog& catalog, const std::string& reference) {
  const plugins::Registry registry = test::test_registry();
  engine::PlanOptions o;
  return engine::make_plan(workflow::parse({"w.yaml", text(reference)}, engine::kernel_lookup(registry)), catalog,
                           registry, o);
}

std::string refusal(FakeCatalog& catalog, const std::string& reference) {
  try {
    plan(catalog, reference);
    return "";
  } catch (const UserError& e) {
    return e.what();
  }
}

std::vector<std::string> names(const record::Plan& p) {
  std::vector<std::string> all;
  for (const auto& t : p.tasks) all.push_back(t.task.image + "/" + t.task.step);
  return all;
}

void image(FakeCatalog& c, const std::string& name, const std::string& sample, const std::string& acquired,
           const std::string& instrument = "M1") {
  c.add(name, {{"sample", sample}, {"acquired", acquired}, {"instrument", instrument}});
}

using Names = std::vector<std::string>;
}  // namespace

TEST_CASE("a step that reads only the reference runs once a reference image") {
  FakeCatalog c;
  image(c, "e1", "nuclei", "2026-11-22T10:00");
  image(c, "e2", "nuclei", "2026-11-22T11:00");
  image(c, "e3", "nuclei", "2026-11-23T11:00");
  image(c, "b1", "beads", "2026-11-22T09:00");
  image(c, "b2", "beads", "2026-11-23T09:00");
  const auto p = plan(c, "same: [instrument, acquired.date]");
  CHECK(names(p) == Names{"b1/align", "e1/corrected", "e2/corrected", "b2/align", "e3/corrected"});
  CHECK(p.tasks[2].task.after == std::vector<Digest>{p.tasks[0].task.key});
}

TEST_CASE("the nearest reference in time is taken, or the latest, among those with the same values") {
  FakeCatalog c;
  image(c, "e1", "nuclei", "2026-11-22T10:00:00");
  image(c, "before", "beads", "2026-11-22T08:30:00");
  image(c, "after", "beads", "2026-11-22T11:00:00.5");
  image(c, "other microscope", "beads", "2026-11-22T10:00:00", "M2");
  image(c, "later", "beads", "2026-12-01");
  CHECK(names(plan(c, "same: [instrument]")).at(0) == "after/align");
  CHECK(names(plan(c, "pick: nearest acquired")).at(0) == "other microscope/align");
  CHECK(names(plan(c, "same: [instrument], pick: latest acquired")).at(0) == "later/align");
  CHECK(names(plan(c, "same: [acquired.date, instrument], pick: latest acquired")).at(0) == "after/align");
}

TEST_CASE("a reference that matches nothing fails with reference, image and query, for every image at once") {
  FakeCatalog c;
  image(c, "e1", "nuclei", "2026-11-22T10:00");
  image(c, "e2", "nuclei", "2026-11-23T10:00");
  image(c, "b1", "beads", "2026-11-21T10:00");
  const std::string complaint = refusal(c, "same: [instrument, acquired.date]");
  has(complaint,
      "image 'e1': reference 'beads' matches nothing: sample = \"beads\" and instrument = M1 and acquired.date = "
      "2026-11-22; "
      "1 image fit the query alone; annotate one that fits, or write if_none: skip\n");
  has(complaint, "image 'e2': reference 'beads' matches nothing");
  has(complaint, "2 errors; nothing was submitted");
}

TEST_CASE("if_none: skip leaves the image out and says so") {
  FakeCatalog c;
  image(c, "e1", "nuclei", "2026-11-22T10:00");
  image(c, "e2", "nuclei", "2026-11-23T10:00");
  image(c, "b1", "beads", "2026-11-22T10:00");
  const auto p = plan(c, "same: [acquired.date], if_none: skip");
  CHECK(names(p) == Names{"b1/align", "e1/corrected"});
  REQUIRE(p.notes.size() == 1);
  has(p.notes[0], "image 'e2': reference 'beads' matches nothing");
  has(p.notes[0], "; it is left out");
}

TEST_CASE("an image without what is compared or picked by cannot get a reference") {
  FakeCatalog c;
  c.add("e1", {{"sample", "nuclei"}, {"acquired", "2026-11-22"}});
  c.add("e2", {{"sample", "nuclei"}, {"instrument", "M1"}});
  image(c, "b1", "beads", "2026-11-22");
  const std::string complaint = refusal(c, "same: [instrument]");
  has(complaint, "image 'e1': the image has no 'instrument', which reference 'beads' compares");
  has(complaint, "image 'e2': the image has no 'acquired', to which reference 'beads' picks the nearest");
}

TEST_CASE("a compared field that no image is annotated with is shown in the file") {
  FakeCatalog c;
  has(refusal(c, "same: [instrumnt]"),
      "w.yaml:5:45: error: reference 'beads' compares 'instrumnt', which no image is annotated with; did you mean "
      "'instrument'?");
}

TEST_CASE("a reference's query that does not fit the catalog is shown in the file") {
  FakeCatalog c;
  image(c, "e1", "nuclei", "2026-11-22");
  std::string broken = text("pick: latest acquired");
  broken.replace(broken.find("sample = \"beads\""), 6, "speces");
  const plugins::Registry registry = test::test_registry();
  try {
    engine::make_plan(workflow::parse({"w.yaml", broken}, engine::kernel_lookup(registry)), c, registry, {});
    FAIL("no error");
  } catch (const FileError& e) {
    has(e.what(), "w.yaml:5:20: error: no image has a 'speces'");
  }
}

TEST_CASE("an image is never its own reference") {
  FakeCatalog c;
  image(c, "b1", "beads", "2026-11-22T10:00");
  image(c, "b2", "beads", "2026-11-29T10:00");
  std::string own = text("pick: nearest acquired");
  own.replace(own.find("nuclei"), 6, "beads");
  const plugins::Registry registry = test::test_registry();
  const auto p = engine::make_plan(workflow::parse({"w.yaml", own}, engine::kernel_lookup(registry)), c, registry, {});
  CHECK(names(p) == Names{"b2/align", "b1/corrected", "b1/align", "b2/corrected"});
}
