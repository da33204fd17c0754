// Import of many images: each for itself, once, through the gate, with its raw files.
#include "pipeline/acquisition/batch.hpp"

#include <doctest/doctest.h>
#include <tiffio.h>

#include <array>
#include <fstream>
#include <map>
#include <random>

#include "pipeline/acquisition/quarantine.hpp"
#include "pipeline/acquisition/trial.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/interop/tiff_writer.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/temporary.hpp"

namespace fs = std::filesystem;
using namespace voxflow;
using namespace voxflow::acquisition;
using namespace voxflow::test;
using State = ImageOutcome::State;

namespace {
/// A stack of noise that depends on `seed`, the same for equal seeds; `level` is where its voxels begin.
void write_stack(const fs::path& file, int seed, std::uint16_t level = 0) {
  interop::TiffStack stack;
  stack.shape = {4, 32, 32};
  stack.spacing = {{{0.5}, {0.2}, {0.2}}};
  interop::TiffWriter writer(file, stack, interop::Existing::replace);
  std::vector<std::uint16_t> plane(1024);
  std::mt19937 random(static_cast<unsigned>(seed));
  for (std::size_t z = 0; z < 4; ++z) {
    for (std::uint16_t& v : plane)
      v = static_cast<std::uint16_t>(std::min<std::size_t>(65535, level + random() % 1000));
    writer.write_plane(plane.data());
  }
  writer.finish();
}

/// One plane of a TIFF that says nothing of its calibration.
void write_uncalibrated(const fs::path& file) {
  const std::unique_ptr<TIFF, void (*)(TIFF*)> tiff(TIFFOpen(file.c_str(), "w"), TIFFClose);
  TIFFSetField(tiff.get(), TIFFTAG_IMAGEWIDTH, 8);
  TIFFSetField(tiff.get(), TIFFTAG_IMAGELENGTH, 1);
  TIFFSetField(tiff.get(), TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(tiff.get(), TIFFTAG_SAMPLESPERPIXEL, 1);
  TIFFSetField(tiff.get(), TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  std::array<std::uint8_t, 8> row{1, 2, 3, 4, 5, 6, 7, 8};
  TIFFWriteScanline(tiff.get(), row.data(), 0, 0);
}

struct Fixture {
  TestFolder folder;
  archive::Archive archive = archive::Archive::create(folder / "archive");
  std::string mask_text =
      "voxflow_mask: 1\nmask: m\nfiles: \"{name}.tif\"\nquality: { saturated: { reject: 0.5 }, snr: { warn: 5 } }\n";
  BatchOptions options;
  Mask mask;

  Fixture() {
    fs::create_directory(folder / "in");
    options.project = "cells";
    options.agent = "ada";
    options.images_at_a_time = 2;
  }

  /// What came of each image, by its first file's name.
  std::map<std::string, ImageOutcome> import(BatchOptions with) {
    mask = parse_mask({"m.yaml", mask_text});
    with.mask = &mask;
    with.mask_text = mask_text;
    const auto images = candidates(mask, walk({folder / "in"})).images;
    std::map<std::string, ImageOutcome> outcomes;
    import_batch(archive, images, with, [&](std::size_t i, const ImageOutcome& outcome) {
      outcomes[images[i].request.files.front().filename().string()] = outcome;
    });
    return outcomes;
  }
  std::map<std::string, ImageOutcome> import() { return import(options); }

  record::Manifest manifest(const ImageOutcome& outcome) const {
    return archive.manifest(outcome.image.artifact).value();
  }
  std::vector<std::string> temporary() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(archive.root()))
      if (entry.path().filename().string().starts_with(".tmp-")) found.push_back(entry.path().string());
    return found;
  }
};

std::string annotation(const record::Manifest& manifest, const std::string& key) {
  for (const auto& a : manifest.annotations)
    if (a.key.name == key) return std::get<std::string>(a.value);
  return "(none)";
}
}  // namespace

TEST_CASE("a good image is published with its verdict and what was measured; a rejected one is not") {
  Fixture f;
  write_stack(f.folder / "in/good.tif", 1);
  write_stack(f.folder / "in/bright.tif", 2, 65535);
  auto outcomes = f.import();
  REQUIRE(outcomes["good.tif"].state == State::imported);
  const auto manifest = f.manifest(outcomes["good.tif"]);
  CHECK(manifest.origin->mask == "m");
  CHECK(manifest.origin->mask_sha256 == f.mask.sha256);
  CHECK(!QualityReport::from_json(manifest.origin->quality).measurements.empty());
  CHECK(annotation(manifest, "qc") == "warn");  // noise alone has no signal

  CHECK(outcomes["bright.tif"].state == State::quarantined);
  has(outcomes["bright.tif"].message, "saturated is 1, allowed up to 0.5");
  const auto waiting = in_quarantine(f.archive, "");
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].name == "bright");
  CHECK(waiting[0].files == std::vector<std::string>{(f.folder / "in/bright.tif").string()});
  CHECK(waiting[0].sha256 == std::vector<std::string>{sha256_file(f.folder / "in/bright.tif").hex()});
  CHECK(waiting[0].agent == "ada");
  CHECK(archive::published_artifacts(f.archive).size() == 1);
  CHECK(f.temporary().empty());
}

TEST_CASE("a person's word lets a rejected image in, and is recorded") {
  Fixture f;
  write_stack(f.folder / "in/bright.tif", 2, 65535);
  CHECK(f.import()["bright.tif"].state == State::quarantined);
  BatchOptions accepting = f.options;
  accepting.accepted = {"grace", "the only one of its kind"};
  const auto outcome = f.import(accepting)["bright.tif"];
  REQUIRE(outcome.state == State::imported);
  const auto manifest = f.manifest(outcome);
  CHECK(annotation(manifest, "qc") == "reject");
  CHECK(annotation(manifest, "qc_accepted_by") == "grace");
  CHECK(annotation(manifest, "qc_accepted_because") == "the only one of its kind");
  CHECK(in_quarantine(f.archive, "").empty());
}

TEST_CASE("a truncated file and a missing calibration are rejected with the reason, and the rest goes on") {
  Fixture f;
  write_stack(f.folder / "in/cut.tif", 1);
  fs::resize_file(f.folder / "in/cut.tif", fs::file_size(f.folder / "in/cut.tif") / 2);
  write_uncalibrated(f.folder / "in/plain.tif");
  write_stack(f.folder / "in/good.tif", 3);
  auto outcomes = f.import();
  CHECK(outcomes["cut.tif"].state == State::quarantined);
  has(outcomes["cut.tif"].message, "cut.tif");
  CHECK(outcomes["plain.tif"].state == State::quarantined);
  has(outcomes["plain.tif"].message, "does not say its spacing");
  CHECK(outcomes["plain.tif"].report.findings.back().rule == "calibration");
  CHECK(outcomes["good.tif"].state == State::imported);
  CHECK(f.temporary().empty());
}

TEST_CASE("a calibration of the mask stands for the files', and both are recorded") {
  Fixture f;
  f.mask_text += "calibration: { z: 1 um }\n";
  write_stack(f.folder / "in/a.tif", 1);
  const auto outcome = f.import()["a.tif"];
  CHECK(outcome.image.info.grid.spacing[kZ].value == 1);
  CHECK(outcome.image.info.grid.spacing[kX].value == doctest::Approx(0.2));
  CHECK(f.manifest(outcome).origin->overrides == R"({"spacing_um":{"file":[0.5,0.2,0.2],"given":[1,0.2,0.2]}})");
}

TEST_CASE("sizes and annotations that the mask expects and does not find are rejected") {
  Fixture f;
  f.mask_text += "image: { channels: 2, planes: { from: 10 } }\nrequire: [species]\n";
  write_stack(f.folder / "in/a.tif", 1);
  const auto message = f.import()["a.tif"].message;
  has(message, "the image has 1 channels, allowed 2");
  has(message, "the image has 4 planes, allowed 10 or more");
  has(message, "annotation 'species' is missing, which mask 'm' requires; give it with --annotate species=...");
}

TEST_CASE("a second run reads nothing that has not changed, and reads what has") {
  Fixture f;
  write_stack(f.folder / "in/a.tif", 1);
  write_stack(f.folder / "in/bright.tif", 2, 65535);
  CHECK(f.import()["a.tif"].state == State::imported);
  auto again = f.import();
  CHECK(again["a.tif"].state == State::unchanged);
  CHECK(again["a.tif"].image.name == "a");
  CHECK(again["bright.tif"].state == State::quarantined);
  SUBCASE("another content under the old name is another image") {
    write_stack(f.folder / "in/a.tif", 3);
    CHECK(f.import()["a.tif"].state == State::imported);
    CHECK(archive::published_artifacts(f.archive).size() == 2);
  }
  SUBCASE("what was mended leaves quarantine") {
    write_stack(f.folder / "in/bright.tif", 4);
    CHECK(f.import()["bright.tif"].state == State::imported);
    CHECK(in_quarantine(f.archive, "").empty());
  }
  SUBCASE("a touched file is read, and found to be there") {
    fs::last_write_time(f.folder / "in/a.tif", fs::file_time_type::clock::now() - std::chrono::hours(1));
    CHECK(f.import()["a.tif"].state == State::already_there);
  }
  SUBCASE("without the ledger nothing is lost but time") {
    fs::remove(f.archive.root() / "cells/imports.jsonl");
    CHECK(f.import()["a.tif"].state == State::already_there);
  }
  SUBCASE("a line of the ledger that was cut short counts for nothing") {
    std::ofstream(f.archive.root() / "cells/imports.jsonl", std::ios::app) << R"({"request":"ab)";
    CHECK(f.import()["a.tif"].state == State::unchanged);
  }
}

TEST_CASE("the same content from another file is a second location of the image") {
  Fixture f;
  write_stack(f.folder / "in/a.tif", 1);
  f.import();
  fs::create_directory(f.folder / "in/copy");
  fs::copy_file(f.folder / "in/a.tif", f.folder / "in/copy/again.tif");
  CHECK(f.import()["again.tif"].state == State::already_there);
  CHECK(archive::published_artifacts(f.archive).size() == 1);
  std::size_t located = 0;
  for (const auto& entry : fs::directory_iterator(f.archive.events_new())) {
    const auto event = record::Event::from_json(read_file(entry.path()));
    if (event.kind != "located") continue;
    ++located;
    CHECK(record::SourceLocation::from_json(event.payload).files.front() == (f.folder / "in/copy/again.tif").string());
  }
  CHECK(located == 1);
}

TEST_CASE("raw files are kept byte by byte, once, read-only and verified; of rejected images too") {
  Fixture f;
  f.mask_text += "keep: copy\n";
  f.options.keep = KeepRaw::copy;
  write_stack(f.folder / "in/a.tif", 1);
  write_stack(f.folder / "in/bright.tif", 2, 65535);
  const auto outcome = f.import()["a.tif"];
  const std::string raw = f.manifest(outcome).origin->raw;
  REQUIRE(!raw.empty());
  CHECK(read_file(f.archive.root() / raw / "a.tif") == read_file(f.folder / "in/a.tif"));
  CHECK((fs::status(f.archive.root() / raw / "a.tif").permissions() & fs::perms::owner_write) == fs::perms::none);
  CHECK(archive::verify_artifact(f.archive, raw).empty());
  const auto rejected = in_quarantine(f.archive, "").front();
  CHECK(read_file(f.archive.root() / rejected.raw / "bright.tif") == read_file(f.folder / "in/bright.tif"));
  const auto all = archive::published_artifacts(f.archive);
  CHECK(all.size() == 3);
  CHECK(std::find(all.begin(), all.end(), raw) != all.end());
}

TEST_CASE("the files of an image that was imported by reference can be kept later") {
  Fixture f;
  write_stack(f.folder / "in/a.tif", 1);
  CHECK(f.import()["a.tif"].state == State::imported);
  BatchOptions keeping = f.options;
  keeping.keep = KeepRaw::copy;
  CHECK(f.import(keeping)["a.tif"].state == State::already_there);
  CHECK(f.import(keeping)["a.tif"].state == State::unchanged);
  const auto all = archive::published_artifacts(f.archive);
  REQUIRE(all.size() == 2);
  CHECK(read_file(f.archive.root() / all[1] / "a.tif") == read_file(f.folder / "in/a.tif"));
}

TEST_CASE("without a mask nothing is rejected: what can be read is imported with warnings, what cannot is an error") {
  Fixture f;
  write_stack(f.folder / "in/bright.tif", 2, 65535);
  std::ofstream(f.folder / "in/none.tif") << "no image";
  std::vector<Candidate> images(2);
  images[0].request.files = {f.folder / "in/bright.tif"};
  images[1].request.files = {f.folder / "in/none.tif"};
  std::vector<ImageOutcome> outcomes(2);
  import_batch(f.archive, images, f.options, [&](std::size_t i, const ImageOutcome& o) { outcomes[i] = o; });
  CHECK(outcomes[0].state == State::imported);
  CHECK(outcomes[0].report.verdict() == Verdict::warn);
  CHECK(outcomes[1].state == State::failed);
  CHECK(outcomes[1].code == ExitCode::user);
  CHECK(in_quarantine(f.archive, "").empty());
}

TEST_CASE("an interrupted import leaves whole images or nothing, and goes on where it stopped") {
  Fixture f;
  for (int i = 0; i < 4; ++i) write_stack(f.folder / ("in/" + std::to_string(i) + ".tif"), i);
  std::atomic<bool> stop{true};
  BatchOptions stopped = f.options;
  stopped.interrupted = &stop;
  for (const auto& [file, outcome] : f.import(stopped)) CHECK(outcome.state == State::not_begun);
  CHECK(archive::published_artifacts(f.archive).empty());
  CHECK(f.temporary().empty());
  stop = false;
  for (const auto& [file, outcome] : f.import(stopped)) CHECK(outcome.state == State::imported);
}

TEST_CASE("images wait for memory, and one larger than all of it is imported all the same") {
  Fixture f;
  for (int i = 0; i < 4; ++i) write_stack(f.folder / ("in/" + std::to_string(i) + ".tif"), i);
  BatchOptions tight = f.options;
  tight.images_at_a_time = 4;
  tight.memory_bytes = 1;
  for (const auto& [file, outcome] : f.import(tight)) CHECK(outcome.state == State::imported);
}

TEST_CASE("a trial of a mask says what import would do, and changes nothing") {
  Fixture f;
  write_stack(f.folder / "in/good.tif", 1);
  write_stack(f.folder / "in/bright.tif", 2, 65535);
  std::ofstream(f.folder / "in/none.tif") << "no image";
  const Mask mask = parse_mask({"m.yaml", f.mask_text});
  std::vector<TrialImage> trial;
  for (const Candidate& image : candidates(mask, walk({f.folder / "in"})).images)
    trial.push_back(try_image(mask, image));
  std::map<std::string, Verdict> verdicts;
  for (const TrialImage& image : trial) verdicts[image.name] = image.report.verdict();
  CHECK(verdicts == std::map<std::string, Verdict>{
                        {"bright", Verdict::reject}, {"good", Verdict::warn}, {"none", Verdict::reject}});
  const auto metrics = distributions(trial);
  const auto saturated =
      std::find_if(metrics.begin(), metrics.end(), [](const auto& d) { return d.metric == "saturated"; });
  REQUIRE(saturated != metrics.end());
  CHECK(saturated->images == 2);
  CHECK(saturated->quantiles.front() == 0);
  CHECK(saturated->quantiles.back() == 1);
  CHECK(saturated->rejected == 1);
  CHECK(archive::published_artifacts(f.archive).empty());
  CHECK(!fs::exists(f.archive.root() / "cells"));

  SUBCASE("what was measured is judged anew by changed limits") {
    const Mask strict = parse_mask(
        {"m.yaml",
         "voxflow_mask: 1\nmask: m\nfiles: \"{name}.tif\"\nquality: { snr: { reject: 5 }, saturated: off }\n"});
    const TrialImage again = try_again(strict, trial[1]);
    CHECK(again.name == "good");
    CHECK(again.report.verdict() == Verdict::reject);
    CHECK(again.report.findings.size() == 1);
  }
}
