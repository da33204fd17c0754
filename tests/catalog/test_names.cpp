// Names of files from fields: what a template takes, what values become, and what has no name.
#include <doctest/doctest.h>

#include "catalog/model/field_text.hpp"
#include "catalog/query/name_template.hpp"
#include "catalog/store/annotation_rules.hpp"
#include "catalog/store/fields.hpp"
#include "tests/catalog/fixture.hpp"

using namespace voxflow;
using namespace voxflow::catalog;
using voxflow::catalog::query::file_name_part;
using voxflow::catalog::query::NameTemplate;
using namespace voxflow::test;

namespace {
std::string filled(const std::string& text) {
  return NameTemplate(text).fill([](const std::string& field) -> std::optional<std::string> {
    if (field == "name") return "nuclei 1/a";
    if (field == "time_post_infection") return "18 h";
    if (field == "empty") return "";
    return std::nullopt;
  });
}

std::string refusal(const std::string& text) {
  return message_of<UserError>([&] { filled(text); });
}

Entity entity() {
  Entity e;
  e.id = "sha256:00";
  e.name = "nuclei_1";
  e.project = "malaria";
  e.created = "2026-11-20T08:00:01.000Z";
  e.count = 12;
  e.image = image_info();
  e.annotations = {date("acquired", "2026-11-20T08:15:00Z"), text("instrument", "LSM"), truth("infected", true),
                   number("time_post_infection", 18, "h")};
  return e;
}
}  // namespace

TEST_CASE("a template's fields are replaced by values that are safe in a path") {
  CHECK(filled("a/{name}_{time_post_infection}.x") == "a/nuclei_1-a_18h.x");
  CHECK(filled("{ name }") == "nuclei_1-a");
  CHECK(filled("{species|no species}/{name|none}") == "no_species/nuclei_1-a");
  CHECK(NameTemplate("{name}/{species|x}_{name}").fields() == std::vector<std::string>{"name", "species"});
}

TEST_CASE("values become parts of names that every file system takes") {
  CHECK(file_name_part("0.3 um") == "0.3um");
  CHECK(file_name_part("2026-11-20T08:15:00Z") == "2026-11-20T08-15-00Z");
  CHECK(file_name_part("first_look/denoise") == "first_look-denoise");
  CHECK(file_name_part(" DAPI, \"LaminB1\" ") == "DAPI,_-LaminB1-");
  CHECK(file_name_part("a\nb\\c*?<>|") == "a-b-c-----");
  CHECK(file_name_part("..") == "__");
  CHECK(file_name_part(".hidden") == "_hidden");
  CHECK(file_name_part("µ-GFP") == "µ-GFP");
}

TEST_CASE("a template that cannot name anything is refused with what to write") {
  CHECK(refusal(" ") == "the name template ' ' is empty");
  CHECK(refusal("/a/{name}") ==
        "the name template '/a/{name}' begins with '/'; names are relative to the folder that --into gives");
  for (const char* open : {"{name", "name}", "{name{id}}"}) {
    CAPTURE(open);
    CHECK(refusal(open) ==
          "the name template '" + std::string(open) + "' has a brace without its other; write fields as {name}");
  }
  CHECK(refusal("{two words}") ==
        "the name template '{two words}' has 'two words' in braces, which is no field; write {name}");
}

TEST_CASE("a name that would be none, hidden or elsewhere is refused") {
  CHECK(refusal("{species}") ==
        "has no 'species'; write {species|none} to name it all the same, or leave it out by the query");
  CHECK(refusal("{name}//{name}") == "its name 'nuclei_1-a//nuclei_1-a' has an empty part");
  CHECK(refusal("{empty}") == "its name '' has an empty part");
  CHECK(refusal("../{name}") ==
        "its name '../nuclei_1-a' has a part that begins with '.', which hides it or leads out");
  CHECK(refusal(std::string(201, 'x')).find("has a part of 201 bytes; allowed are 200") != std::string::npos);
}

TEST_CASE("every field of the query language reads as text where an image has it") {
  Entity image = entity();
  for (const auto& key : fixed_keys())
    if (key.type == record::AnnotationType::number) image.annotations.push_back(number(key.name, 1.5, key.unit));
  Activity made_by;
  made_by.workflow = "first_look";
  made_by.step = "denoise";
  made_by.kernel = "denoise.median";
  for (const std::string& field : field_names()) {
    CAPTURE(field);
    CHECK(field_text(image, &made_by, field).has_value());
  }
  CHECK(field_text(image, nullptr, "step") == std::nullopt);
  CHECK(field_text(image, nullptr, "channels") == "2");
  CHECK(field_text(image, nullptr, "channel") == "DAPI+GFP");
  CHECK(field_text(image, nullptr, "spacing.z") == "1 um");
  CHECK(field_text(image, nullptr, "acquired.date") == "2026-11-20");
  CHECK(field_text(image, nullptr, "infected") == "true");
  CHECK(field_text(image, nullptr, "time_post_infection") == "18 h");
  CHECK(field_text(image, &made_by, "species") == std::nullopt);
}
