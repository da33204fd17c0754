#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "pipeline/phantom/random.hpp"
#include "pipeline/phantom/score.hpp"
#include "pipeline/sdk/findings.hpp"
#include "tests/kernels/block_runner.hpp"
#include "tests/kernels/blurred_phantom.hpp"
#include "tests/support/messages.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

const Grid kGrid{{9, 14, 16}, {{{0.4}, {0.2}, {0.2}}}};

// Lopsided, so that the PSF and its mirror image differ.
Psf small_psf() {
  Psf psf{{{3, 5, 5}, kGrid.spacing}, {}};
  for (Index z = 0; z < 3; ++z)
    for (Index y = 0; y < 5; ++y)
      for (Index x = 0; x < 5; ++x) {
        const auto d = static_cast<double>((z - 1) * (z - 1) + (y - 2) * (y - 2) + (x - 2) * (x - 2));
        psf.voxels.push_back(static_cast<float>(std::exp(-0.4 * d) * (1 + 0.1 * static_cast<double>(x))));
      }
  return psf;
}

Volume spots(const Grid& grid, double background) {
  phantom::Random random(4, 0);
  Volume v = make_volume<float>(grid, [&](Index, Index, Index) { return background + random.uniform(0, 5); });
  auto& voxels = std::get<std::vector<float>>(v.voxels);
  for (int i = 0; i < 12; ++i) voxels[random.bits() % voxels.size()] += static_cast<float>(random.uniform(200, 900));
  return v;
}

// With a Gaussian where no PSF is given.
std::vector<float> deconvolve(const Volume& image, ParamValues params = {}, SmallValues small = {},
                              const Index3& core = {0, 0, 0}) {
  if (small.empty() && !params.contains("psf.model"))
    params["psf.model"] = std::string("gaussian"), params["psf.sigma"] = std::vector{0.4, 0.15, 0.15};
  return run_blocks(shipped_kernel("deconvolve.richardson_lucy"), params, {{{"image", {image}}}, small}, "image", core)
      .volumes.at("image")
      .as();
}

// As Richardson and Lucy did.
ParamValues plain(int iterations, ParamValues more = {}) {
  more["back_projector"] = std::string("matched"), more["tv"] = 0.0, more["iterations"] = std::int64_t{iterations};
  return more;
}

double sum(const std::vector<float>& v) {
  return std::accumulate(v.begin(), v.end(), 0.0);
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(a[i]) - b[i]));
  return worst;
}

double largest(const std::vector<float>& v) {
  return *std::max_element(v.begin(), v.end());
}

// A volume in double precision on a periodic grid.
struct Periodic {
  Index3 shape;
  std::vector<double> voxels;
  double& at(Index z, Index y, Index x) {
    const auto wrap = [](Index i, Index n) { return (i % n + n) % n; };
    return voxels[static_cast<std::size_t>((wrap(z, shape[kZ]) * shape[kY] + wrap(y, shape[kY])) * shape[kX] +
                                           wrap(x, shape[kX]))];
  }
};

// Sum over the PSF; direction -1 is the adjoint.
Periodic blurred(Periodic& v, const Psf& psf, Index direction) {
  const double total = sum(psf.voxels);
  Periodic out{v.shape, std::vector<double>(v.voxels.size())};
  for (Index z = 0; z < v.shape[kZ]; ++z)
    for (Index y = 0; y < v.shape[kY]; ++y)
      for (Index x = 0; x < v.shape[kX]; ++x) {
        const float* w = psf.voxels.data();
        for (Index dz = -1; dz <= 1; ++dz)
          for (Index dy = -2; dy <= 2; ++dy)
            for (Index dx = -2; dx <= 2; ++dx)
              out.at(z, y, x) += *w++ / total * v.at(z - direction * dz, y - direction * dy, x - direction * dx);
      }
  return out;
}

// The definition, iteration by iteration, on a volume with a margin where nothing was measured: there the ratio of data
// and estimate is 1, but for that of the nearest measured voxel, which fades over half of the margin.
std::vector<float> slow_deconvolve(const Volume& image, const Psf& psf, int iterations, double background) {
  const Index3 margin{6, 6, 6};  // two widths of small_psf
  Index3 shape{};
  for (std::size_t i = 0; i < 3; ++i) shape[i] = image.grid.shape[i] + 2 * margin[i];
  const auto volume = [&](const auto& voxel) {
    Periodic made{shape, {}};
    for (Index z = 0; z < shape[kZ]; ++z)
      for (Index y = 0; y < shape[kY]; ++y)
        for (Index x = 0; x < shape[kX]; ++x) made.voxels.push_back(voxel(Index3{z, y, x}));
    return made;
  };
  const auto nearest = [&](Index3 at) {
    for (std::size_t i = 0; i < 3; ++i) at[i] = std::clamp(at[i], margin[i], margin[i] + image.grid.shape[i] - 1);
    return at;
  };
  const auto share = [&](const Index3& at) {
    double product = 1;
    for (std::size_t i = 0; i < 3; ++i)
      product *= std::max(
          0.0, 1 - 2.0 * static_cast<double>(std::abs(at[i] - nearest(at)[i])) / static_cast<double>(margin[i] + 1));
    return product;
  };
  Periodic data = volume([&](const Index3& at) {
    const Index3 from = nearest(at);
    return static_cast<double>(mirrored(image, from[kZ] - margin[kZ], from[kY] - margin[kY], from[kX] - margin[kX]));
  });
  Periodic estimate = data;
  for (double& v : estimate.voxels) v = std::max(v - background, 1e-6 * largest(image.as()));
  for (int i = 0; i < iterations; ++i) {
    Periodic expected = blurred(estimate, psf, 1);
    Periodic ratio = volume([&](const Index3& at) {
      const auto [z, y, x] = nearest(at);
      return 1 + share(at) * (data.at(z, y, x) / (expected.at(z, y, x) + background) - 1);
    });
    const Periodic correction = blurred(ratio, psf, -1);
    for (std::size_t k = 0; k < estimate.voxels.size(); ++k) estimate.voxels[k] *= correction.voxels[k];
  }
  return make_volume<float>(
             image.grid,
             [&](Index z, Index y, Index x) { return estimate.at(z + margin[kZ], y + margin[kY], x + margin[kX]); })
      .as();
}
}  // namespace

TEST_CASE("plain iterations are those of the definition in double precision to 1e-4") {
  const Volume image = spots(kGrid, 20);
  for (const double background : {0.0, 15.0}) {
    const auto fast = deconvolve(image, plain(10, {{"background", background}}), {{"psf", small_psf()}});
    const auto slow = slow_deconvolve(image, small_psf(), 10, background);
    MESSAGE(fmt::format("{:.1e} of the highest voxel off", largest_difference(fast, slow) / largest(slow)));
    CHECK(largest_difference(fast, slow) < 1e-4 * largest(slow));
  }
}

TEST_CASE("the estimate is nowhere below 0 and keeps the light of spots away from the faces") {
  const Grid grid{{20, 32, 36}, kGrid.spacing};
  const Volume image = make_volume<float>(grid, [](Index z, Index y, Index x) {
    const auto d = static_cast<double>((z - 10) * (z - 10) + (y - 16) * (y - 16) + (x - 18) * (x - 18));
    return 1000 * std::exp(-d / 8);
  });
  const auto out = deconvolve(image, plain(20));
  CHECK(*std::min_element(out.begin(), out.end()) >= 0);
  CHECK(sum(out) == doctest::Approx(sum(image.as())).epsilon(0.005));
  // Variances subtract, in voxels: 4 of the spot; 1 of the PSF in z, 0.5625 in y and x, and a twelfth of its voxels
  // each.
  CHECK(largest(out) == doctest::Approx(1000 * std::sqrt(4 / (4 - 1.083)) * 4 / (4 - 0.646)).epsilon(0.02));
}

TEST_CASE("flux is kept within half a per cent, by every model and in noise") {
  const Grid grid{{32, 96, 96}, kGrid.spacing};
  phantom::Random random(9, 0);
  const Volume image = make_volume<float>(grid, [&](Index z, Index y, Index x) {
    const auto d = static_cast<double>((z - 16) * (z - 16) + (y - 48) * (y - 48) + (x - 48) * (x - 48));
    return random.poisson(20 + 300 * std::exp(-d / 50));
  });
  const ParamValues optics{{"psf.numerical_aperture", 1.2}, {"psf.emission", 520.0}, {"psf.immersion_index", 1.33}};
  for (const std::string model : {"gaussian", "gibson_lanni", "born_wolf"}) {
    ParamValues params = optics;
    params["psf.model"] = model;
    for (const std::string back : {"wiener_butterworth", "matched"}) {
      params["back_projector"] = back;
      const double kept = sum(deconvolve(image, params)) / sum(image.as());
      MESSAGE(fmt::format("{}, {}: {:.4f} of the light", model, back, kept));
      CHECK(kept == doctest::Approx(1).epsilon(0.005));
    }
  }
}

TEST_CASE("a constant image stays what it is, at its faces too") {
  const Volume flat = make_volume<float>(kGrid, [](Index, Index, Index) { return 50.0F; });
  CHECK(largest_difference(deconvolve(flat), flat.as()) < 0.01);
  CHECK(largest_difference(deconvolve(flat, {{"background", 20.0}}), std::vector<float>(flat.as().size(), 30.0F)) <
        0.01);
  const Volume dark = make_volume<float>(kGrid, [](Index, Index, Index) { return 0.0F; });
  CHECK(largest(deconvolve(dark)) < 1e-20);
}

TEST_CASE("blocks give the whole's result within the declared tolerance, by every way of iterating") {
  const double tolerance = shipped_kernel("deconvolve.richardson_lucy").schema().tolerance;
  const Blurred blurred = blurred_phantom({16, 56, 64}, {13, 11, 11}, {2.0, 1.4, 1.4}, 200, 2);
  const Volume image{{{16, 56, 64}, blurred.psf.grid.spacing}, blurred.noisy};
  const auto compare = [&](ParamValues params) {
    params["background"] = 2.0;
    const auto whole = deconvolve(image, params, {{"psf", blurred.psf}});
    const double difference =
        largest_difference(deconvolve(image, params, {{"psf", blurred.psf}}, {16, 32, 32}), whole) / largest(whole);
    MESSAGE(fmt::format("blocks differ by {:.1e}", difference));
    CHECK(difference < tolerance);
  };
  compare({});
  compare({{"iterations", std::int64_t{10}}});
  compare({{"back_projector", std::string("matched")}});
  compare({{"back_projector", std::string("matched")}, {"accelerated", true}});
  compare(plain(40));
}

TEST_CASE("total variation leaves no chequerboard in flat places") {
  const Grid grid{{12, 40, 40}, kGrid.spacing};
  phantom::Random random(5, 0);
  Volume image = make_volume<float>(grid, [&](Index, Index, Index) { return random.poisson(100); });
  phantom::blur(std::get<std::vector<float>>(image.voxels), grid, {0.3, 0.15, 0.15});
  const auto out = deconvolve(image, {{"iterations", std::int64_t{10}}, {"tv", 0.1}});
  double variance = 0, beside = 0;
  for (std::size_t i = 0; i + 1 < out.size(); ++i) {
    variance += std::pow(static_cast<double>(out[i]) - 100, 2);
    beside += (static_cast<double>(out[i]) - 100) * (static_cast<double>(out[i + 1]) - 100);
  }
  MESSAGE(fmt::format("correlation of neighbours {:.3f}", beside / variance));
  CHECK(beside > 0.5 * variance);
}

TEST_CASE("single planes and volumes thinner than the PSF are deconvolved") {
  for (const Index nz : {1, 2}) {
    const Volume image = spots({{nz, 20, 20}, kGrid.spacing}, 20);
    const auto out = deconvolve(image, {}, {{"psf", small_psf()}});
    CHECK(std::isfinite(sum(out)));
    CHECK(largest(out) > largest(image.as()));
  }
}

TEST_CASE("a model's PSF may be larger than the image, in z and across") {
  for (const Index nz : {1, 2, 5}) {
    const Volume image = spots({{nz, 12, 20}, kGrid.spacing}, 20);
    const auto out = deconvolve(image, {{"psf.model", std::string("gibson_lanni")},
                                        {"psf.numerical_aperture", 1.2},
                                        {"psf.emission", 600.0},
                                        {"psf.immersion_index", 1.33},
                                        {"iterations", std::int64_t{5}}});
    CHECK(std::isfinite(sum(out)));
    CHECK(largest(out) > largest(image.as()));
  }
}

TEST_CASE("negative voxels count as 0, infinite ones are refused") {
  Volume image = spots(kGrid, 20);
  auto& voxels = std::get<std::vector<float>>(image.voxels);
  voxels[500] = -80;
  const auto negative = deconvolve(image);
  voxels[500] = 0;
  CHECK(negative == deconvolve(image));
  voxels[500] = std::numeric_limits<float>::infinity();
  CHECK(message_of<UserError>([&] { deconvolve(image); }) ==
        "the image holds infinite voxels, which cannot be deconvolved; replace or crop them first");
}

TEST_CASE("what is behind clipped voxels is brighter than they are when they are known to be clipped") {
  const Grid grid{{15, 25, 25}, kGrid.spacing};
  const auto spot = [&](float most) {
    return make_volume<float>(grid, [&](Index z, Index y, Index x) {
      const auto d = static_cast<double>((z - 7) * (z - 7) + (y - 12) * (y - 12) + (x - 12) * (x - 12));
      return std::min(most, static_cast<float>(10 + 1000 * std::exp(-d / 8)));
    });
  };
  const auto true_light = deconvolve(spot(1e9F), plain(10)), clipped = deconvolve(spot(400), plain(10)),
             known = deconvolve(spot(400), plain(10, {{"saturation", 400.0}}));
  CHECK(deconvolve(spot(400), plain(10, {{"saturation", 401.0}})) == clipped);
  CHECK(largest_difference(known, true_light) < 0.9 * largest_difference(clipped, true_light));
  CHECK(sum(known) > 1.01 * sum(clipped));
  // Away from the clipped voxels nothing is made up.
  CHECK(known[0] == doctest::Approx(clipped[0]).epsilon(0.01));
}

TEST_CASE("a background above every voxel is refused, and a PSF of one plane for a volume") {
  const Volume image = spots(kGrid, 20);
  const std::string dark = message_of<UserError>([&] { deconvolve(image, plain(2, {{"background", 1e6}})); });
  CHECK(dark.starts_with("background is 1000000, and no place that was looked at is brighter than "));
  CHECK(
      dark.ends_with("set the background to what the camera shows without light, or correct the annotation "
                     "'background' or 'camera_offset'"));
  Psf plane = small_psf();
  const auto [nz, ny, nx] = plane.grid.shape;
  plane.grid.shape[kZ] = 1;
  plane.voxels = {plane.voxels.begin() + nz / 2 * ny * nx, plane.voxels.begin() + (nz / 2 + 1) * ny * nx};
  CHECK(
      message_of<UserError>([&] {
        run_blocks(shipped_kernel("deconvolve.richardson_lucy"), {}, {{{"image", {image}}}, {{"psf", plane}}}, "image");
      }) == fmt::format("the PSF is one plane, and the image has {}; give a PSF that says how z is blurred",
                        kGrid.shape[kZ]));
}

TEST_CASE("what an image was deconvolved with is told") {
  const auto findings = [](const char* kernel, const ParamValues& params) {
    const auto out =
        run_blocks(shipped_kernel(kernel), params, {{{"image", {spots(kGrid, 20)}}}, {{"psf", small_psf()}}}, "image");
    return std::get<Table>(out.small.at(kFindings));
  };
  const Table found = findings("deconvolve.richardson_lucy", {{"signal_to_noise", 12.0}});
  CHECK(std::get<std::vector<double>>(found.column("signal_to_noise").values) == std::vector{12.0});
  CHECK(std::get<std::vector<std::int64_t>>(found.column("iterations").values) == std::vector<std::int64_t>{5});
  CHECK(std::get<std::vector<double>>(found.column("tv").values).front() > 0);
  CHECK(std::get<std::vector<double>>(
            findings("deconvolve.wiener", {{"signal_to_noise", 12.0}}).column("signal_to_noise").values) ==
        std::vector{12.0});
}

TEST_CASE("the blur comes from the PSF that is connected or from the group psf, from one of them") {
  const auto& kernel = shipped_kernel("deconvolve.richardson_lucy");
  const Volume image = spots(kGrid, 20);
  const auto run = [&](const ParamValues& params, const SmallValues& small) {
    run_blocks(kernel, params, {{{"image", {image}}}, small}, "image");
  };
  CHECK(message_of<UserError>([&] { run({}, {}); }) ==
        "the blur is not known; connect a PSF to input 'psf', or set psf, such as psf: { model: gaussian, sigma: "
        "[0.5 um, 0.2 um, 0.2 um] }");
  CHECK(message_of<UserError>([&] {
          run({{"psf.model", std::string("gaussian")}, {"psf.sigma", std::vector{0.4, 0.1, 0.1}}},
              {{"psf", small_psf()}});
        }) == "psf.model is set, and a PSF is connected to input 'psf'; leave out the group psf, or the connection");
  CHECK(message_of<UserError>([&] {
          kernel.bind({{"psf.sigma", std::vector{0.4, 0.1, 0.1}}});
        }) == "kernel 'deconvolve.richardson_lucy': psf.sigma is set, but psf.model is not; set psf.model");
  CHECK(message_of<UserError>([&] {
          kernel.bind({{"psf.model", std::string("born_wolf")}, {"psf.numerical_aperture", 1.2}});
        }) ==
        "kernel 'deconvolve.richardson_lucy': psf.model born_wolf needs psf.emission, psf.immersion_index; "
        "set them, or annotate the image with emission, refractive_index; of several channels, set psf.emission in "
        "'params_by_channel'");
  // Wavelengths and apertures that are annotated may stand beside a PSF.
  run({{"psf.emission", 520.0}, {"psf.numerical_aperture", 1.2}}, {{"psf", small_psf()}});
}

TEST_CASE("the model's blur is that of psf.model") {
  const Volume image = spots(kGrid, 20);
  const ParamValues optics{{"numerical_aperture", 1.2}, {"emission", 600.0}, {"immersion_index", 1.33}};
  const auto psf = run_blocks(shipped_kernel("psf.model"), optics, {{{"image", {image}}}, {}}, "image").small;
  ParamValues params{{"psf.model", std::string("gibson_lanni")}};
  for (const auto& [name, value] : optics) params["psf." + name] = value;
  const auto by_model = deconvolve(image, params), by_psf = deconvolve(image, {}, psf);
  CHECK(largest_difference(by_model, by_psf) < 1e-5 * largest(by_psf));
}

TEST_CASE("a single plane is deconvolved by the middle plane of a PSF of several") {
  const Volume image = spots({{1, 20, 20}, kGrid.spacing}, 20);
  const Psf psf = small_psf();
  const Psf middle{{{1, 5, 5}, kGrid.spacing}, {psf.voxels.begin() + 25, psf.voxels.begin() + 50}};
  CHECK(deconvolve(image, {}, {{"psf", psf}}) == deconvolve(image, {}, {{"psf", middle}}));
}

TEST_CASE("a PSF of another spacing, of no light, not finite or beside its centre is refused") {
  const Volume image = spots(kGrid, 20);
  const auto message = [&](Psf psf) { return message_of<UserError>([&] { deconvolve(image, {}, {{"psf", psf}}); }); };
  Psf coarse = small_psf();
  coarse.grid.spacing[kX].value = 0.4;
  CHECK(message(coarse) ==
        "the PSF's voxels are 0.4 um apart along x, the image's 0.2 um; give a PSF of the image's spacing");
  Psf dark = small_psf();
  std::fill(dark.voxels.begin(), dark.voxels.end(), 0.0F);
  CHECK(message(dark) == "the PSF is 0 everywhere; give one that holds light");
  Psf broken = small_psf();
  broken.voxels[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(message(broken) == "the PSF is nan at voxel 0, 0, 0 (z, y, x), allowed are 0 and more");
  std::fill(broken.voxels.begin(), broken.voxels.end(), std::numeric_limits<float>::quiet_NaN());
  CHECK(message(broken) == "all voxels of the PSF are NaN; give one that holds light");
  std::fill(dark.voxels.begin(), dark.voxels.end(), 0.0F);
  dark.voxels[(1 * 5 + 2) * 5] = 1;
  CHECK(message(dark) ==
        "the PSF's centre of light lies 2.0 voxels from its middle along x, allowed is 1; centre it, "
        "or take the one that psf.measure makes");
}

TEST_CASE("five iterations of the default are nearer to the light than sixty plain ones, and more do no harm") {
  struct Case {
    double peak, gain_dB;
  };
  for (const auto& [peak, gain_dB] : {Case{50, 2}, Case{200, 1}}) {
    const Index3 shape{48, 88, 88};
    const Blurred blurred = blurred_phantom(shape, {25, 13, 13}, {3.0, 1.6, 1.6}, peak, 2, 12);
    const Volume image{{shape, blurred.psf.grid.spacing}, blurred.noisy};
    const auto quality = [&](ParamValues params) {
      params["background"] = 2.0;
      return phantom::psnr(blurred.light, deconvolve(image, params, {{"psf", blurred.psf}}));
    };
    const double standard = quality({}), sixty = quality(plain(60));
    MESSAGE(fmt::format("peak {}: {:.2f} dB after 5 iterations of the default, {:.2f} after 60 plain ones", peak,
                        standard, sixty));
    CHECK(standard >= sixty + gain_dB);
    double best = standard, last = 0;
    for (const int iterations : {2, 3, 7, 10})
      best = std::max(best, last = quality({{"iterations", std::int64_t{iterations}}}));
    MESSAGE(fmt::format("best {:.2f} dB, after 10 {:.2f}", best, last));
    CHECK(last >= best - 0.3);
    CHECK(quality({{"back_projector", std::string("matched")}, {"accelerated", true}}) >= sixty);
  }
}

TEST_CASE("plain iterations stop by themselves before noise takes over") {
  for (const double peak : {20.0, 200.0}) {
    const Index3 shape{32, 72, 72};
    const Blurred blurred = blurred_phantom(shape, {21, 13, 13}, {3.0, 1.6, 1.6}, peak, 2, 10);
    const Volume image{{shape, blurred.psf.grid.spacing}, blurred.noisy};
    for (const bool accelerated : {false, true}) {
      const auto quality = [&](ParamValues params) {
        params["background"] = 2.0, params["accelerated"] = accelerated;
        params["back_projector"] = std::string("matched");
        return phantom::psnr(blurred.light, deconvolve(image, params, {{"psf", blurred.psf}}));
      };
      const double stopped = quality({{"tv", 0.0}});
      double best = stopped;
      if (!accelerated)
        for (const int n : {3, 5, 8, 12, 20, 40, 80})
          best = std::max(best, quality({{"tv", 0.0}, {"iterations", std::int64_t{n}}}));
      MESSAGE(fmt::format("peak {}: stopped at {:.2f} dB, best {:.2f}", peak, stopped, best));
      CHECK(stopped >= best - 0.3);
    }
  }
}

TEST_CASE("the result does not depend on threads, bit by bit") {
  const Volume image = spots({{11, 40, 36}, kGrid.spacing}, 20);
  ParamValues params{{"psf.model", std::string("gaussian")}, {"psf.sigma", std::vector{0.4, 0.15, 0.15}}};
  const auto run = [&](int threads) {
    return run_blocks(shipped_kernel("deconvolve.richardson_lucy"), params, {{{"image", {image}}}, {}}, "image",
                      {0, 0, 0}, Context(threads, nullptr))
        .volumes.at("image")
        .as();
  };
  const auto once = run(1);
  for (const int threads : {2, 3, 7}) CHECK(run(threads) == once);
  params["back_projector"] = std::string("matched"), params["accelerated"] = true;
  CHECK(run(3) == run(1));
}

TEST_CASE("parameters of iterations that do not fit each other are refused with what to do") {
  const auto message = [](const ParamValues& params) {
    return message_of<UserError>([&] { shipped_kernel("deconvolve.richardson_lucy").bind(params); });
  };
  CHECK(
      message({{"accelerated", true}}) ==
      "kernel 'deconvolve.richardson_lucy': accelerated is set, but back_projector is wiener_butterworth, which needs "
      "few iterations as it is; leave it out, or take back_projector: matched");
  CHECK(
      message(plain(30, {{"accelerated", true}})) ==
      "kernel 'deconvolve.richardson_lucy': accelerated iterations without total variation diverge, and 30 of them are "
      "asked for; leave out iterations, or tv: 0");
  CHECK(message({{"iterations", std::int64_t{11}}}) ==
        "kernel 'deconvolve.richardson_lucy': iterations is 11, allowed is 10 at most with back_projector "
        "wiener_butterworth, which needs about 5; take fewer, or back_projector: matched");
}
