// Manifests, events, failures and annotations: what is written reads back, and what is not ours is refused.
#include "pipeline/record/manifest.hpp"

#include <doctest/doctest.h>

#include "pipeline/record/archive_record.hpp"
#include "pipeline/record/transforms.hpp"
#include "tests/record/samples.hpp"
#include "tests/support/messages.hpp"

using namespace voxflow;
using namespace voxflow::record;
using test::message_of;

namespace {
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}
}  // namespace

TEST_CASE("a manifest reads back as it was written") {
  CHECK(Manifest::from_json(sample_result().to_json()) == sample_result());
  CHECK(Manifest::from_json(sample_acquisition().to_json()) == sample_acquisition());
  CHECK(Manifest::from_json(Manifest{}.to_json()) == Manifest{});
}

TEST_CASE("a manifest is one text, so that its file has one hash") {
  CHECK(sample_result().to_json() == sample_result().to_json());
  CHECK(Manifest::from_json(sample_result().to_json()).to_json() == sample_result().to_json());
}

TEST_CASE("an output is found by its port") {
  const Manifest m = sample_result();
  REQUIRE(m.output("objects") != nullptr);
  CHECK(m.output("objects")->file == "objects.tsv");
  CHECK(m.output("image") == nullptr);
}

TEST_CASE("a manifest of a later format is refused with what to do") {
  const std::string later = replaced(sample_result().to_json(), R"("format_version": 1)", R"("format_version": 2)");
  CHECK(message_of<UserError>([&] { Manifest::from_json(later); }) ==
        "the manifest has format version 2, this voxflow knows up to 1; use a newer voxflow");
}

TEST_CASE("what is no manifest is said to be none") {
  CHECK(message_of<UserError>([] { Manifest::from_json("{cut"); }) ==
        "this is not a manifest of voxflow: not a JSON object");
  CHECK(message_of<UserError>([] { Manifest::from_json("[]"); }) ==
        "this is not a manifest of voxflow: not a JSON object");
  CHECK(message_of<UserError>([] { Manifest::from_json(R"({"format":"other","format_version":1})"); }) ==
        "this is not a manifest of voxflow: its format is 'other'");
  CHECK(message_of<UserError>([] { Manifest::from_json("{}"); }).starts_with("this is not a manifest of voxflow: "));
  CHECK(message_of<UserError>([] {
          Manifest::from_json(replaced(sample_result().to_json(), sha256("labels").hex(), "12ab"));
        }) == "'12ab' is not a digest: 64 hexadecimal digits are wanted");
  CHECK(message_of<UserError>([] {
          Manifest::from_json(replaced(sample_acquisition().to_json(), R"("type": "date")", R"("type": "moon")"));
        }) == "'moon' is not a type of annotations: text, number, date and bool are");
  CHECK(message_of<UserError>([] {
          Manifest::from_json(replaced(sample_result().to_json(), R"("dtype": "uint32")", R"("dtype": "int8")"));
        }) == "the image's kind or voxel type is unknown to this version of voxflow");
}

TEST_CASE("bytes that are not UTF-8 do not stop a record from being written") {
  Failure failure{sha256("task"), "run", "cells", "embryo 3", 1, "crash", "last words: \xff\xfe", "n3", "b1.log"};
  CHECK(Failure::from_json(failure.to_json()).message == "last words: \xef\xbf\xbd\xef\xbf\xbd");
  Manifest m = sample_acquisition();
  m.origin->files = {"caf\xe9.tif"};
  CHECK(Manifest::from_json(m.to_json()).origin->files.front() == "caf\xef\xbf\xbd.tif");
}

TEST_CASE("the event of an artifact has one identifier, whenever, wherever and by whomever it was made") {
  const Manifest m = sample_result();
  const Event event = published_event(m, "malaria/results/ab/abcd");
  CHECK(event.kind == "published");
  CHECK(event.source == "malaria/results/ab/abcd");
  CHECK(event.time == m.published);
  CHECK(Manifest::from_json(event.payload) == m);
  CHECK(event.id == "c7a9c300-2e15-5a00-8fc2-e3c88c9f9ab4");

  Manifest again = m;
  again.host = "n7", again.agent = "jo", again.published = "2027-01-01T00:00:00.000Z", again.attempt = 9;
  again.wall_s = 1, again.job = "1", again.run = "another";
  CHECK(published_event(again, "malaria/results/ab/abcd").id == event.id);
}

TEST_CASE("another key or another content makes another event") {
  const std::string id = published_event(sample_result(), "x").id;
  Manifest m = sample_result();
  m.task_key = sha256("other task");
  CHECK(published_event(m, "x").id != id);
  m = sample_result();
  m.outputs[1].content_digest = sha256("other objects");
  CHECK(published_event(m, "x").id != id);
  CHECK(published_event(sample_acquisition(), "x").id != id);
}

TEST_CASE("a failure's event is told apart by task, run and attempt") {
  const Failure f{sha256("task"), "run", "cells", "embryo 3", 1, "crash", "signal 11", "n3", "b1.log"};
  CHECK(Failure::from_json(f.to_json()) == f);
  const Event event = failed_event(f, "2026-11-22T08:15:30.123Z");
  CHECK(event.kind == "failed");
  CHECK(event.id == failed_event(f, "another time").id);
  Failure next = f;
  next.attempt = 2;
  CHECK(failed_event(next, "").id != event.id);
  next = f;
  next.run = "another";
  CHECK(failed_event(next, "").id != event.id);
}

TEST_CASE("an event is one line and reads back") {
  const Event event = published_event(sample_acquisition(), "malaria/acquisitions/ab/abcd");
  CHECK(event.to_json().find('\n') == std::string::npos);
  CHECK(Event::from_json(event.to_json()).id == event.id);
  CHECK(Manifest::from_json(Event::from_json(event.to_json()).payload) == sample_acquisition());
  CHECK(message_of<UserError>([] { Event::from_json("{\"id\":"); }) ==
        "this is not an event of voxflow: not a JSON object");
}

TEST_CASE("a change of annotations reads back with types and units") {
  const AnnotationChange change{content_id(sha256("x")), sample_acquisition().annotations, {"old_key"}, "mira"};
  CHECK(AnnotationChange::from_json(change.to_json()) == change);
}

TEST_CASE("the description of an image reads back") {
  CHECK(ImageInfo::from_json(sample_image().to_json()) == sample_image());
  ImageInfo plain;
  plain.channels = {{"c0", std::nullopt, std::nullopt}};
  CHECK(ImageInfo::from_json(plain.to_json()) == plain);
  for (const auto kind : {ImageKind::intensity, ImageKind::labels, ImageKind::mask, ImageKind::psf})
    CHECK(image_kind_from(to_string(kind)) == kind);
  CHECK(!image_kind_from("picture"));
  for (const auto type : {AnnotationType::text, AnnotationType::number, AnnotationType::date, AnnotationType::boolean})
    CHECK(annotation_type_from(to_string(type)) == type);
}

TEST_CASE("an archive's record reads back, and that of a later format is refused") {
  const ArchiveRecord record{"voxflow 0.1.0", "2026-11-22T08:15:30.123Z"};
  CHECK(ArchiveRecord::from_json(record.to_json()) == record);
  CHECK(message_of<UserError>([&] {
          ArchiveRecord::from_json(replaced(record.to_json(), R"("format_version": 1)", R"("format_version": 9)"));
        }) == "the archive record has format version 9, this voxflow knows up to 1; use a newer voxflow");
}

TEST_CASE(
    "a further location of an image reads back as it was written, and is one happening however often it is found") {
  const SourceLocation location{"sha256:" + sha256("a").hex(), {"/data/b.tif"}, {sha256("b")}, "ada"};
  CHECK(SourceLocation::from_json(location.to_json()) == location);
  const Event event = located_event(location, "2026-11-22T08:15:30.000Z");
  CHECK(event.kind == "located");
  CHECK(event.source == location.entity);
  CHECK(located_event(location, "2027-01-01T00:00:00.000Z").id == event.id);
}

TEST_CASE("a set of transforms reads back as it was written") {
  TransformSet set{{{-1, 2, {}}, {0, -1, {{{{2, 0, 0}, {0, 0.5, 0}, {0, 0.1, 1}}}, {1, -2, 1e-9}}}}};
  const TransformSet back = transform_set_from(set.to_json());
  CHECK(back.entries == set.entries);
  CHECK(back.content_digest() == set.content_digest());
  CHECK(message_of<UserError>([] { transform_set_from(R"({"format":"itk","format_version":1})"); }) ==
        "this is not a set of transforms of voxflow: its format is 'itk'");
}
