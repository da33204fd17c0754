#include "pipeline/sdk/schema.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::literals;

struct Optics {
  double numerical_aperture = 1.3;
  Nanometres emission = 520.0_nm;
};

struct Params {
  Micrometres radius = 0.3_um;
  int iterations = 10;
  bool keep_flux = true;
  std::string border = "mirror";
  std::optional<double> weight;
  std::array<Micrometres, 3> shift{{{1}, {2}, {3}}};
  Seconds interval = 2.0_s;
  Optics psf;
};

KernelSchema<Params> complete() {
  KernelSchema<Params> k;
  k.name("restore.example").version(2).summary("An example.").source("doi:10.1000/1").nan(NanPolicy::propagates);
  k.input("image", any_real).border(Border::extend).doc("In.");
  k.input("psf", psf).optional();
  k.output("image", same_as("image"));
  k.param(&Params::radius, "radius").range(0.05_um, 5.0_um).doc("Radius.");
  k.param(&Params::iterations, "iterations").range(1, 100).doc("Iterations.");
  k.param(&Params::keep_flux, "keep_flux").doc("Keep the sum.");
  k.param(&Params::border, "border").choices({"mirror", "extend"}).doc("Border.");
  k.param(&Params::weight, "weight").range(0.0, 1.0).doc("Weight.").from_annotation("weight");
  k.param(&Params::shift, "shift").range(Micrometres{-9}, Micrometres{9}).doc("Shift.");
  k.param(&Params::interval, "interval").range(0.0_s, 60.0_s).doc("Interval.");
  auto group = k.group(&Params::psf, "psf");
  group.param(&Optics::numerical_aperture, "numerical_aperture").range(0.1, 1.7).doc("Aperture.");
  group.param(&Optics::emission, "emission").range(300.0_nm, 900.0_nm).doc("Emission.").from_annotation("emission");
  return k;
}

bool has(const std::vector<std::string>& defects, std::string_view text) {
  return std::find(defects.begin(), defects.end(), text) != defects.end();
}
}  // namespace

TEST_CASE("describe names every parameter with type, unit, range and default") {
  const SchemaInfo info = complete().info();
  CHECK(info.defects().empty());
  const ParamInfo& radius = *info.param("radius");
  CHECK(radius.type == ParamType::number);
  CHECK(radius.unit == "um");
  CHECK(std::get<double>(radius.default_value) == 0.3);
  CHECK(radius.low == 0.05);
  CHECK(radius.high == 5.0);
  CHECK(info.param("iterations")->type == ParamType::integer);
  CHECK(info.param("keep_flux")->type == ParamType::boolean);
  CHECK(info.param("border")->type == ParamType::choice);
  CHECK(info.param("interval")->unit == "s");
  CHECK(info.param("weight")->optional);
  CHECK(std::holds_alternative<std::monostate>(info.param("weight")->default_value));
  CHECK(info.param("shift")->type == ParamType::numbers);
  CHECK(info.param("shift")->length == 3);
  CHECK(info.param("psf.emission")->unit == "nm");
  CHECK(info.param("psf.emission")->annotation == "emission");
  CHECK(info.param("radiu") == nullptr);
}

TEST_CASE("describe names ports with kind, border and whether they may be left open") {
  const SchemaInfo info = complete().info();
  CHECK(info.input("image")->border == Border::extend);
  CHECK(info.input("psf")->optional);
  CHECK_FALSE(is_volumetric(info.input("psf")->type.kind));
  CHECK(info.output("image")->type.same_as == "image");
  CHECK(info.output("mask") == nullptr);
}

TEST_CASE("axes are each unless a kernel wants them all") {
  CHECK_FALSE(complete().info().all_t);
  const SchemaInfo info = complete().all(c).each(t).info();
  CHECK(info.all_c);
  CHECK_FALSE(info.all_t);
}

TEST_CASE("everything that a declaration lacks is listed") {
  KernelSchema<Params> k;
  k.name("median");
  k.input("image", any_real);
  k.param(&Params::radius, "radius");
  const auto defects = k.info().defects();
  for (const char* text : {"the name is not 'family.name'", "the version is not at least 1", "there is no summary",
                           "there is no output", "nan(...) does not say what happens to NaN voxels",
                           "parameter 'radius' has no sentence", "parameter 'radius' has no range"}) {
    CAPTURE(text);
    CHECK(has(defects, text));
  }
}

TEST_CASE("contradictions in a declaration are listed") {
  auto k = complete().blockwise_within(0);
  k.output("mask", same_as("msk"));
  k.param(&Params::radius, "narrow").range(1.0_um, 2.0_um).doc("Too narrow for its default.");
  k.param(&Params::border, "free").doc("Text.");
  k.param(&Params::iterations, "iterations").range(1, 20).doc("Again.");
  k.input("image", mask);
  const auto defects = k.info().defects();
  for (const char* text :
       {"blockwise_within has no tolerance", "output 'mask' is like input 'msk', which there is none of",
        "parameter 'narrow' has a default that does not fit: narrow is 0.3 um, allowed 1 um to 2 um",
        "parameter 'free' is text without choices", "there are two parameters 'iterations'",
        "there are two inputs 'image'"}) {
    CAPTURE(text);
    CHECK(has(defects, text));
  }
  CHECK(has(complete().in_groups().info().defects(),
            "in_groups needs blockwise volume, all(t, c), one volumetric input and no volumetric output"));
  CHECK(has(complete().external({}).info().defects(), "the external command is empty"));
  CHECK(has(complete().block_voxels(0).info().defects(), "block_voxels is not at least 1"));
}

TEST_CASE("values become members, groups and units included; what is not given keeps its default") {
  const Params p = complete().make({{"radius", 0.7},
                                    {"iterations", std::int64_t{3}},
                                    {"border", "extend"},
                                    {"weight", 0.25},
                                    {"shift", std::vector{4.0, 5.0, 6.0}},
                                    {"psf.emission", 610.0}});
  CHECK(p.radius.value == 0.7);
  CHECK(p.iterations == 3);
  CHECK(p.border == "extend");
  CHECK(p.weight == 0.25);
  CHECK(p.shift[2].value == 6.0);
  CHECK(p.psf.emission.value == 610.0);
  CHECK(p.psf.numerical_aperture == 1.3);
  CHECK(p.keep_flux);
}
