// Small kernels with every kind of port and parameter, for tests that need declarations rather than results.
#pragma once
#include <memory>

#include "pipeline/plugins/registry.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace voxflow::test {

struct Smooth {
  struct Psf {
    std::string model = "gaussian";
    double aperture = 1.3;
  };
  struct Params {
    Micrometres radius{0.3};
    int iterations = 5;
    bool fast = false;
    std::array<Micrometres, 3> shift{};
    std::optional<double> gain;
    Psf psf;
  };
  static void describe(KernelSchema<Params>& k) {
    k.name("test.smooth").version(1).summary("Smooths.").nan(NanPolicy::propagates);
    k.input("image", any_real).border(Border::mirror);
    k.output("image", same_as("image"));
    k.param(&Params::radius, "radius").range(Micrometres{0.05}, Micrometres{5}).doc("Half-width.");
    k.param(&Params::iterations, "iterations").range(1, 100).doc("How often.");
    k.param(&Params::fast, "fast").doc("Whether to hurry.");
    k.param(&Params::shift, "shift").range(Micrometres{-10}, Micrometres{10}).doc("Displacement, z-y-x.");
    k.param(&Params::gain, "gain").range(0.0, 10.0).doc("Factor.");
    auto psf = k.group(&Params::psf, "psf");
    psf.param(&Psf::model, "model").choices({"gaussian", "gibson_lanni"}).doc("Which model.");
    psf.param(&Psf::aperture, "aperture").range(0.1, 1.7).doc("Numerical aperture.");
  }
  void run(const Params&, const Block&, Context&) const {}
};

/// Takes parameters from annotations of the image and of its channels.
struct Deconvolve {
  struct Params {
    Micrometres depth{1};
    std::optional<Nanometres> emission;
  };
  static void describe(KernelSchema<Params>& k) {
    k.name("test.deconvolve").version(1).summary("Deconvolves.").nan(NanPolicy::propagates).blockwise_within(1e-3);
    k.input("image", any_real).border(Border::mirror);
    k.output("image", float_image);
    k.param(&Params::depth, "depth").range(Micrometres{0}, Micrometres{100}).doc("Depth.").from_annotation("depth");
    k.param(&Params::emission, "emission")
        .range(Nanometres{300}, Nanometres{900})
        .doc("Wavelength.")
        .from_annotation("emission");
  }
  void run(const Params&, const Block&, Context&) const {}
};

struct Threshold {
  struct Params {
    double level = 0.5;
  };
  static void describe(KernelSchema<Params>& k) {
    k.name("test.threshold").version(1).summary("Thresholds.").nan(NanPolicy::ignored);
    k.input("image", any_real);
    k.output("mask", mask);
    k.param(&Params::level, "level").range(0.0, 1.0).doc("Level.");
  }
  void run(const Params&, const Block&, Context&) const {}
};

struct Components {
  struct Params {};
  static void describe(KernelSchema<Params>& k) {
    k.name("test.components").version(1).summary("Labels.");
    k.input("mask", mask);
    k.output("labels", labels);
  }
  void run(const Params&, const Block&, Context&) const {}
};

struct Measure {
  struct Params {};
  static void describe(KernelSchema<Params>& k) {
    k.name("test.measure").version(1).summary("Measures.").nan(NanPolicy::ignored);
    k.input("labels", labels);
    k.input("intensity", any_real).optional();
    k.output("objects", table);
  }
  SmallValues emit(const Params&, const Slice&) const { return {}; }
};

struct Align {
  struct Params {};
  static void describe(KernelSchema<Params>& k) {
    k.name("test.align").version(1).summary("Aligns channels.").nan(NanPolicy::ignored);
    k.input("image", any_real);
    k.output("transform", transform);
  }
  SmallValues emit(const Params&, const Slice&) const { return {}; }
};

struct Apply {
  struct Params {};
  static void describe(KernelSchema<Params>& k) {
    k.name("test.apply").version(1).summary("Applies a transform.").nan(NanPolicy::propagates);
    k.input("image", any_real);
    k.input("transform", transform);
    k.output("image", same_as("image"));
  }
  void run(const Params&, const Block&, Context&) const {}
};

struct Split {
  struct Params {};
  static void describe(KernelSchema<Params>& k) {
    k.name("test.split").version(1).summary("Splits frequencies.").nan(NanPolicy::propagates);
    k.input("image", any_real);
    k.output("low", same_as("image"));
    k.output("high", same_as("image"));
  }
  void run(const Params&, const Block&, Context&) const {}
};

inline plugins::Registry test_registry() {
  plugins::Registry r;
  r.add(make_kernel<Smooth>());
  r.add(make_kernel<Deconvolve>());
  r.add(make_kernel<Threshold>());
  r.add(make_kernel<Components>());
  r.add(make_kernel<Measure>());
  r.add(make_kernel<Align>());
  r.add(make_kernel<Apply>());
  r.add(make_kernel<Split>());
  return r;
}

}  // namespace voxflow::test
