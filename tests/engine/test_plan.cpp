#include <doctest/doctest.h>

#include "pipeline/engine/plan.hpp"
#include "tests/engine/fakes.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/test_kernels.hpp"

using namespace voxflow;
using record::TaskState;
using test::FakeCatalog;
using test::has;

namespace {
const std::string kSteps = R"(steps:
  denoised: { kernel: test.smooth, input: image, params: { radius: RADIUS } }
  mask: { kernel: test.threshold, input: denoised, channels: [DAPI], params: { level: LEVEL } }
  cells: { kernel: test.components, input: mask }
  objects: { kernel: test.measure, inputs: { labels: cells, intensity: image } }
)";

std::string chain(std::string radius = "0.3 um", std::string level = "0.5") {
  std::string text = "voxflow: 1\nworkflow: look\nselect: sample = \"nuclei\"\n" + kSteps;
  text.replace(text.find("RADIUS"), 6, radius);
  text.replace(text.find("LEVEL"), 5, level);
  return text;
}

engine::PlanOptions options() {
  engine::PlanOptions o;
  o.run = "r1";
  o.archive = "/archive";
  o.agent = "ada";
  o.cores = 4;
  return o;
}

record::Plan plan(FakeCatalog& catalog, const std::string& text, const engine::PlanOptions& o = options(),
                  const plugins::Registry& registry = test::test_registry()) {
  return engine::make_plan(workflow::parse({"w.yaml", text}, engine::kernel_lookup(registry)), catalog, registry, o);
}

std::string refusal(FakeCatalog& catalog, const std::string& text, const engine::PlanOptions& o = options()) {
  try {
    plan(catalog, text, o);
    return "";
  } catch (const UserError& e) {
    return e.what();
  }
}

std::vector<std::string> to_run(const record::Plan& p) {
  std::vector<std::string> names;
  for (const auto& t : p.tasks)
    if (t.state != TaskState::done) names.push_back(t.task.image + "/" + t.task.step);
  return names;
}

const record::PlannedTask& task(const record::Plan& p, const std::string& name) {
  for (const auto& t : p.tasks)
    if (t.task.image + "/" + t.task.step == name) return t;
  throw InternalError("no task " + name);
}

using Names = std::vector<std::string>;
}  // namespace

TEST_CASE("every selected image gets every step, each task after those it reads from, with its key known") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  catalog.add("b1", {{"sample", "beads"}});
  catalog.add("e2", {{"sample", "nuclei"}});
  const auto p = plan(catalog, chain());
  CHECK(p.images == 2);
  CHECK(to_run(p) ==
        Names{"e1/denoised", "e1/mask", "e1/cells", "e1/objects", "e2/denoised", "e2/mask", "e2/cells", "e2/objects"});
  const record::Task& mask = task(p, "e1/mask").task;
  const record::Task& denoised = task(p, "e1/denoised").task;
  CHECK(denoised.key == denoised.identity.key());
  CHECK(denoised.identity.inputs == std::map<std::string, std::string>{{"image", catalog.entities[0].id}});
  CHECK(mask.identity.inputs.at("image") == record::task_id(denoised.key, "image"));
  CHECK(mask.after == std::vector<Digest>{denoised.key});
  CHECK(mask.inputs.at(0).artifact == denoised.artifact);
  CHECK(mask.artifact == record::result_folder("demo", mask.key));
  CHECK(task(p, "e1/objects").task.inputs.at(1).artifact == catalog.entities[0].artifact);
  CHECK(catalog.requests_for_published == 1);
  CHECK(task(p, "e1/denoised").reasons == Names{"new image"});
}

TEST_CASE("the results belong to the workflow's project, or else to the image's") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  CHECK(task(plan(catalog, chain()), "e1/mask").task.project == "demo");
  CHECK(task(plan(catalog, "project: malaria\n" + chain()), "e1/mask").task.project == "malaria");
}

TEST_CASE("a key depends on kernel, parameters and content, and on no name, user, file or resource") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  const auto key = task(plan(catalog, chain()), "e1/denoised").task.key;
  catalog.entities[0].name = "renamed";
  auto o = options();
  o.agent = "grace", o.run = "r2", o.archive = "/elsewhere";
  std::string text = chain() + "resources: { default: { ranks: 4, memory: 16 GB } }\n";
  text.replace(text.find("look"), 4, "other");
  CHECK(task(plan(catalog, text, o), "renamed/denoised").task.key == key);
  CHECK(task(plan(catalog, chain("300 nm")), "renamed/denoised").task.key == key);
  CHECK(task(plan(catalog, chain("0.4 um")), "renamed/denoised").task.key != key);
}

TEST_CASE("what is published has nothing to do") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  catalog.publish(plan(catalog, chain()), catalog.ids());
  const auto p = plan(catalog, chain());
  CHECK(p.waiting() == 0);
  CHECK(p.tasks.size() == 4);
  CHECK(task(p, "e1/cells").state == TaskState::done);
}

TEST_CASE("what the catalog takes for published runs again when its manifest is gone") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  catalog.publish(plan(catalog, chain()), catalog.ids());
  const std::string gone = task(plan(catalog, chain()), "e1/mask").task.artifact;
  auto o = options();
  o.published = [&](const std::string& artifact) { return artifact != gone; };
  const auto p = plan(catalog, chain(), o);
  CHECK(to_run(p) == Names{"e1/mask"});
  CHECK(task(p, "e1/mask").reasons == Names{"its result is not there: removed, or the project was another"});
}

TEST_CASE("a changed parameter runs its dependants again and nothing else, and says so") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  catalog.add("e2", {{"sample", "nuclei"}});
  catalog.publish(plan(catalog, chain()), catalog.ids());
  const auto level = plan(catalog, chain("0.3 um", "0.6"));
  CHECK(to_run(level) == Names{"e1/mask", "e1/cells", "e1/objects", "e2/mask", "e2/cells", "e2/objects"});
  CHECK(task(level, "e1/denoised").state == TaskState::done);
  CHECK(task(level, "e1/mask").reasons == Names{"level changed: 0.5 → 0.6"});
  CHECK(task(level, "e1/cells").reasons == Names{"step 'mask' gives another 'mask'"});
  CHECK(task(level, "e1/objects").reasons == Names{"step 'cells' gives another 'labels'"});
  const auto radius = plan(catalog, chain("0.5 um"));
  CHECK(task(radius, "e1/denoised").reasons == Names{"radius changed: 0.3 um → 0.5 um"});
  CHECK(to_run(radius).size() == 8);
}

TEST_CASE("a new image runs alone") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  catalog.publish(plan(catalog, chain()), catalog.ids());
  catalog.add("e2", {{"sample", "nuclei"}});
  CHECK(to_run(plan(catalog, chain())) == Names{"e2/denoised", "e2/mask", "e2/cells", "e2/objects"});
}

TEST_CASE("a task says that its step is new, that its result is gone, or how it failed the last time") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  const auto first = plan(catalog, chain());
  catalog.publish(first, catalog.ids());
  catalog.done.erase(task(first, "e1/objects").task.artifact);
  CHECK(task(plan(catalog, chain()), "e1/objects").reasons ==
        Names{"its result is not there: removed, or the project was another"});
  auto newer = catalog.past[0];
  newer.activity.identity = R"({"kernel":"test.other"})", newer.activity.task_key.reset();
  catalog.past.insert(catalog.past.begin(), newer);
  CHECK(task(plan(catalog, chain()), "e1/objects").reasons ==
        Names{"its result is not there: removed, or the project was another"});
  catalog.past.erase(catalog.past.begin());
  catalog.past[0].activity.status = "failed";
  catalog.past[0].activity.failure_class = "crash";
  catalog.past[0].activity.message = "signal 11";
  CHECK(task(plan(catalog, chain()), "e1/objects").reasons == Names{"failed the last time (crash): signal 11"});
  const auto more = plan(catalog, chain() + "  again: { kernel: test.smooth, input: denoised }\n");
  CHECK(task(more, "e1/again").reasons == Names{"never ran on this image"});
}

TEST_CASE("another version of a kernel, or another kernel, is a reason") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  const auto first = plan(catalog, chain());
  auto old = task(first, "e1/denoised").task;
  old.identity.version = 3;
  catalog.remember(old, catalog.entities[0].id, "done");
  CHECK(task(plan(catalog, chain()), "e1/denoised").reasons == Names{"kernel test.smooth changed: version 3 → 1"});
  old.identity.kernel = "test.median";
  catalog.remember(old, catalog.entities[0].id, "done");
  CHECK(task(plan(catalog, chain()), "e1/denoised").reasons == Names{"kernel changed: test.median → test.smooth"});
}

TEST_CASE("a result that is not kept is made again only for a step that has to run") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  const auto text = [](const std::string& level) {
    return "voxflow: 1\nworkflow: look\nselect: sample = \"nuclei\"\nsteps:\n"
           "  denoised: { kernel: test.smooth, input: image, keep: false }\n"
           "  mask: { kernel: test.threshold, input: denoised, params: { level: " +
           level + " } }\n";
  };
  const auto first = plan(catalog, text("0.5"));
  CHECK(to_run(first) == Names{"e1/denoised", "e1/mask"});
  catalog.done = {task(first, "e1/mask").task.artifact};
  CHECK(plan(catalog, text("0.5")).waiting() == 0);
  CHECK(to_run(plan(catalog, text("0.6"))) == Names{"e1/denoised", "e1/mask"});
}

TEST_CASE("channels are found by name and narrow the task; all of them in order is no narrowing") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}}, {{"GFP", {}, {}}, {"DAPI", {}, {}}});
  CHECK(task(plan(catalog, chain()), "e1/mask").task.identity.channels == std::vector<int>{1});
  const auto with = [](const std::string& narrow) {
    return "voxflow: 1\nworkflow: w\nselect: sample = \"nuclei\"\nsteps:\n  a: { kernel: test.smooth, input: image" +
           narrow + " }\n";
  };
  const auto all = task(plan(catalog, with("")), "e1/a").task.key;
  CHECK(task(plan(catalog, with(", channels: [GFP, DAPI], timepoints: [0, 1]")), "e1/a").task.key == all);
  CHECK(task(plan(catalog, with(", channels: [DAPI, GFP]")), "e1/a").task.key != all);
  CHECK(task(plan(catalog, with(", timepoints: [1]")), "e1/a").task.identity.timepoints == std::vector<int>{1});
}

TEST_CASE("channels and timepoints that an image has not got are errors that name the image, all at once") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}}, {{"DAPY", {}, {}}, {"GFP", {}, {}}});
  catalog.add("e2", {{"sample", "nuclei"}}, {{"RFP", {}, {}}});
  const std::string text = refusal(catalog, chain());
  has(text,
      "image 'e1': step 'mask': there is no channel 'DAPI' in the image, whose channels are DAPY, GFP; did you mean "
      "'DAPY'?");
  has(text, "image 'e2': step 'mask': there is no channel 'DAPI' in the image, whose channels are RFP");
  has(text, "2 errors; nothing was submitted");
  has(refusal(catalog,
              "voxflow: 1\nworkflow: w\nselect: sample = \"nuclei\"\nsteps:\n"
              "  a: { kernel: test.smooth, input: image, timepoints: [5] }\n"),
      "image 'e1': step 'a': there is no timepoint 5 in the image, allowed 0 to 1");
}

TEST_CASE("a channel's own parameters are hashed for that channel, and equal ones are as given for all") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  const auto with = [](const std::string& params) {
    return "voxflow: 1\nworkflow: w\nselect: sample = \"nuclei\"\nsteps:\n  a: { kernel: test.threshold, input: "
           "image, " +
           params + " }\n";
  };
  const auto one = task(plan(catalog, with("params_by_channel: { GFP: { level: 0.7 } }")), "e1/a").task.identity;
  CHECK(one.params == "{\"level\":0.5}");
  CHECK(one.params_by_channel == std::map<int, std::string>{{1, "{\"level\":0.7}"}});
  const auto both =
      task(plan(catalog, with("params_by_channel: { GFP: { level: 0.7 }, DAPI: { level: 0.7 } }")), "e1/a").task;
  CHECK(both.key == task(plan(catalog, with("params: { level: 0.7 }")), "e1/a").task.key);
  has(refusal(catalog, with("params_by_channel: { RFP: { level: 0.7 } }")), "there is no channel 'RFP' in the image");
}

TEST_CASE("parameters come from annotations of the image and its channels, in the parameter's unit") {
  FakeCatalog catalog;
  auto& e = catalog.add("e1", {{"sample", "nuclei"}});
  e.annotations.push_back({{"depth", record::AnnotationType::number, "nm"}, 2500.0});
  const auto with = [](const std::string& params) {
    return "voxflow: 1\nworkflow: w\nselect: sample = \"nuclei\"\nsteps:\n  a: { kernel: test.deconvolve, input: "
           "image" +
           params + " }\n";
  };
  const auto id = task(plan(catalog, with("")), "e1/a").task.identity;
  CHECK(id.params == "{\"depth\":2.5,\"emission\":null}");
  CHECK(id.params_by_channel == std::map<int, std::string>{{0, "{\"depth\":2.5,\"emission\":461.0}"},
                                                           {1, "{\"depth\":2.5,\"emission\":510.0}"}});
  CHECK(task(plan(catalog, with(", channels: [GFP]")), "e1/a").task.identity.params ==
        "{\"depth\":2.5,\"emission\":510.0}");
  const auto given = task(plan(catalog, with(", params: { depth: 3 um, emission: 600 nm }")), "e1/a").task.identity;
  CHECK(given.params == "{\"depth\":3.0,\"emission\":600.0}");
  CHECK(given.params_by_channel.empty());
  catalog.entities[0].annotations.back().value = 2.5e6;
  has(refusal(catalog, with("")),
      "image 'e1': step 'a': parameter 'depth': annotation 'depth': depth is 2500 um, allowed 0 um to 100 um");
}

TEST_CASE("an image's one wavelength is that of a channel without its own, where only one is used") {
  FakeCatalog catalog;
  auto& e = catalog.add("e1", {{"sample", "nuclei"}});
  e.annotations.push_back({{"emission", record::AnnotationType::number, "nm"}, 600.0});
  const auto of = [&](const std::string& channels) {
    return task(plan(catalog,
                     "voxflow: 1\nworkflow: w\nselect: sample = \"nuclei\"\nsteps:\n  a: { kernel: "
                     "test.deconvolve, input: image" +
                         channels + " }\n"),
                "e1/a")
        .task.identity;
  };
  // A channel's own is what its light is, and nothing else is said to have been used.
  CHECK(of(", channels: [GFP]").params.find("510") != std::string::npos);
  CHECK(of("").params.find("600") == std::string::npos);
  e.image->channels[1].emission_nm = std::nullopt;
  CHECK(of(", channels: [GFP]").params.find("600") != std::string::npos);
  CHECK(of("").params.find("600") == std::string::npos);
  CHECK(of("").params_by_channel.at(0).find("461") != std::string::npos);
  e.image->channels[1].emission_nm = 0.51;
  has(refusal(catalog,
              "voxflow: 1\nworkflow: w\nselect: sample = \"nuclei\"\nsteps:\n  a: { kernel: "
              "test.deconvolve, input: image }\n"),
      "emission of channel 'GFP', as the image's file has it: emission is 0.51 nm, allowed 300 nm to 900 nm; set "
      "emission in 'params' or 'params_by_channel'");
}

TEST_CASE("the block grid is part of the key where the function that knows it says so") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  auto o = options();
  o.block_shape = [](const engine::StepOnImages& s) -> std::optional<Index3> {
    return s.kernel.schema().name == "test.smooth" ? std::optional(Index3{32, 64, 64}) : s.blocks;
  };
  const auto p = plan(catalog, chain(), o);
  CHECK(task(p, "e1/denoised").task.identity.block_shape == Index3{32, 64, 64});
  CHECK_FALSE(task(p, "e1/mask").task.identity.block_shape);
}

TEST_CASE("what a step will put out is carried to the steps that read it") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  auto o = options();
  std::map<std::string, Index3> seen;
  o.predict_output = [&](const engine::StepOnImages& s) {
    std::map<std::string, record::ImageInfo> out;
    if (s.first_input.empty()) return out;
    record::ImageInfo info = s.images.at(s.first_input);
    seen[s.kernel.schema().name] = info.grid.shape;
    info.grid.shape[kZ] *= 2;
    for (const auto& port : s.kernel.schema().outputs) out[port.name] = info;
    return out;
  };
  plan(catalog, chain(), o);
  CHECK(seen.at("test.smooth") == Index3{32, 128, 128});
  CHECK(seen.at("test.threshold") == Index3{64, 128, 128});
  CHECK(seen.at("test.components") == Index3{128, 128, 128});
}

TEST_CASE("too little memory for a block is refused with the remedy") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  auto o = options();
  o.memory_estimate = [](const engine::StepOnImages& s) {
    return s.kernel.schema().name == "test.smooth" ? 3'200'000'000u : 1000u;
  };
  CHECK(
      refusal(catalog, chain(), o) ==
      "image 'e1': step 'denoised': a block on each of 1 rank needs 3.2 GB of memory, the step requests 2.0 GB; write "
      "resources: { denoised: { memory: 4 GB } }, or fewer ranks\n1 error; nothing was submitted");
  o.memory_limit_bytes = 1'000'000'000;
  has(refusal(catalog, chain(), o),
      "step 'denoised' requests 2.0 GB of memory, allowed 1.0 GB; change its 'resources'");
}

TEST_CASE("a team has no more ranks than there are pieces of work, and needs memory for those only") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  auto o = options();
  o.work_units = [](const engine::StepOnImages& s) { return s.kernel.schema().name == "test.smooth" ? 2u : 1u; };
  o.memory_estimate = [](const engine::StepOnImages& s) { return 700'000'000u * static_cast<std::uint64_t>(s.ranks); };
  const auto p = plan(catalog, chain() + "resources: { default: { ranks: 4, memory: 2 GB } }\n", o);
  CHECK(task(p, "e1/denoised").task.resources.ranks == 2);
  CHECK(task(p, "e1/mask").task.resources.ranks == 1);
}

TEST_CASE("more cores than a job has are shared, and said so") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  const auto p = plan(catalog, chain() + "resources: { mask: { ranks: 3, threads: 2 } }\n");
  CHECK(p.notes == Names{"step 'mask' requests 6 cores (3 ranks of 2 threads) and a job has 4: they share them, the "
                         "result is the same"});
  CHECK(task(p, "e1/mask").task.resources.ranks == 3);
}

TEST_CASE("a query that the catalog cannot answer is shown in the workflow's file") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  std::string text = chain();
  text.replace(text.find("sample"), 6, "speces");
  has(refusal(catalog, text), "w.yaml:3:9: error: no image has a 'speces'");
}

TEST_CASE("a query that selects nothing plans nothing and says so") {
  FakeCatalog catalog;
  const auto p = plan(catalog, chain());
  CHECK(p.tasks.empty());
  CHECK(p.notes == Names{"no image fits the query: sample = \"nuclei\""});
}

TEST_CASE("only acquisitions are selected, unless the query speaks of the kind; then it has to fit the port") {
  FakeCatalog catalog;
  catalog.add("e1", {{"sample", "nuclei"}});
  auto& cells = catalog.add("e1 look/cells", {{"sample", "nuclei"}});
  cells.kind = catalog::EntityKind::labels;
  cells.port = "labels";
  cells.id = "task:00:labels";
  CHECK(plan(catalog, chain()).images == 1);
  const std::string head = "voxflow: 1\nworkflow: w\nselect: kind = \"labels\"\nsteps:\n";
  const auto p = plan(catalog, head + "  objects: { kernel: test.measure, input: image }\n");
  CHECK(task(p, "e1 look/cells/objects").task.inputs.at(0).output_port == "labels");
  CHECK(task(p, "e1 look/cells/objects").task.identity.inputs.at("labels") == "task:00:labels");
  has(refusal(catalog, head + "  a: { kernel: test.smooth, input: image }\n"),
      "input 'image' is of kind image, but 'e1 look/cells' is of kind labels; narrow the query with kind = …");
}

TEST_CASE("a thousand images are planned, each with its own keys") {
  FakeCatalog catalog;
  for (int i = 0; i < 1000; ++i) catalog.add("e" + std::to_string(i), {{"sample", "nuclei"}});
  const auto p = plan(catalog, chain());
  std::set<Digest> keys;
  for (const auto& t : p.tasks) keys.insert(t.task.key);
  CHECK(keys.size() == 4000);
}

TEST_CASE("a run's name begins with its time and names its workflow") {
  const test::FakeClock clock;
  const std::string id = engine::new_run_id("look", clock);
  CHECK(id.substr(0, 21) == "20261122-081530-look-");
  CHECK(id.size() == 25);
  CHECK(engine::new_run_id("look", clock) != id);
}
