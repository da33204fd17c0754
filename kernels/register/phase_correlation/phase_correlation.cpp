// register.phase_correlation: the translation between channels, or the drift over time, measured.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/register/phase_correlation/drift.hpp"
#include "kernels/register/phase_correlation/match.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using phase_correlation::Match;

struct PhaseCorrelationParams {
  std::string between = "channels";
  int fixed_channel = 0;
  int fixed_timepoint = 0;
  double max_shift = 0.5;
  double smoothing_voxels = 1;
  double min_score = 0.2;
  double min_evidence = 1.6;
};

// What was found between two slices.
struct Link {
  Slice fixed, moving;
  Match match;
};

std::string place_text(const Slice& s) {
  return fmt::format("timepoint {}, channel {}", s.t, s.c);
}

class PhaseCorrelation {
 public:
  using Params = PhaseCorrelationParams;
  using State = Spacing3;
  struct Survey {
    std::vector<Link> links;
    void encode(ByteWriter& out) const { out.put(links); }
    static Survey decode(ByteReader& in) { return {in.get_vector<Link>()}; }
  };

  static void describe(KernelSchema<Params>& k) {
    k.name("register.phase_correlation").version(1);
    k.summary("Measures the translation between channels, or the drift over time, to a hundredth of a voxel.");
    k.source("doi:10.1364/OL.33.000156").source("doi:10.1214/aoms/1177703732");
    k.input("image", any_real).doc("What is measured in: structures that all channels, or timepoints, show.");
    k.output("transform", transform)
        .doc(
            "Maps points of the fixed channel, or timepoint, to points of every other one. What was measured in one "
            "timepoint holds for all.");
    k.param(&Params::between, "between")
        .choices({"channels", "timepoints"})
        .doc(
            "`channels`: each channel of a timepoint against `fixed_channel`. `timepoints`: `fixed_channel` of each "
            "timepoint "
            "against those 1, 2, 5 and 15 before; the steps are joined so that errors do not add up and wrong ones do "
            "not count. All channels of a timepoint get its drift.");
    k.param(&Params::fixed_channel, "fixed_channel")
        .range(0, 999)
        .doc("Number of the channel, counted from 0, that the others are compared with, or that shows the drift.");
    k.param(&Params::fixed_timepoint, "fixed_timepoint")
        .range(0, 999999)
        .doc(
            "Number of the timepoint, counted from 0, whose place the others are brought to by `between: timepoints`.");
    k.param(&Params::max_shift, "max_shift")
        .range(0.01, 0.9)
        .doc("The largest shift that is looked for, as a part of the image's size along each axis.");
    k.param(&Params::smoothing_voxels, "smoothing_voxels")
        .range(0.0, 10.0)
        .doc(
            "Standard deviation, in voxels, of the Gaussian that takes noise away before volumes are compared: about "
            "that of the PSF.");
    k.param(&Params::min_score, "min_score")
        .range(0.0, 1.0)
        .doc(
            "The least score, the normalised cross-correlation of the smoothed voxels that both show of the same place "
            "(1: alike, 0: unlike). What reaches less is an error.");
    k.param(&Params::min_evidence, "min_evidence")
        .range(0.0, 100.0)
        .doc(
            "The least evidence: how far the score is from what chance gives, which is much where few structures lie "
            "in "
            "what both show. 1.5 is about what foreign beads reach; an image of one or two structures may need 0.");
    k.all(t, c).in_groups().blockwise(Blockwise::volume).nan(NanPolicy::refused);
  }

  std::vector<SliceGroup> groups(const Params& p, const SliceAxes& axes) const {
    check_axes(p, axes);
    std::vector<SliceGroup> pairs;
    if (p.between == "channels") {
      for (const int timepoint : axes.timepoints)
        for (const int channel : axes.channels)
          if (channel != p.fixed_channel) pairs.push_back({{timepoint, p.fixed_channel}, {timepoint, channel}});
    } else {
      std::vector<int> timepoints = axes.timepoints;
      std::sort(timepoints.begin(), timepoints.end());
      for (const std::size_t gap : phase_correlation::gaps(timepoints.size()))
        for (std::size_t i = 0; i + gap < timepoints.size(); ++i)
          pairs.push_back({{timepoints[i], p.fixed_channel}, {timepoints[i + gap], p.fixed_channel}});
    }
    return pairs;
  }

  State prepare(const Params&, const Geometry& geometry) const { return geometry.grid.spacing; }

  std::size_t scratch_bytes(const Params& p, const Index3& extent) const {
    return phase_correlation::match_bytes(extent, options(p));
  }

  Survey survey(const Params& p, const State&, const Block& block, Context& ctx) const {
    for (std::size_t i = 0; i < 2; ++i) check_voxels(block, i);
    return {{{block.place("image", 0), block.place("image", 1),
              phase_correlation::match(block.input("image", 0), block.input("image", 1), options(p), ctx)}}};
  }
  void merge(Survey& into, const Survey& next) const {
    into.links.insert(into.links.end(), next.links.begin(), next.links.end());
  }

  SmallValues emit(const Params& p, const State& spacing, const Survey& survey, const Slice&) const {
    TransformSet set = p.between == "channels" ? channel_transforms(p, spacing, survey.links)
                                               : drift_transforms(p, spacing, survey.links);
    return {{"transform", std::move(set)}};
  }

 private:
  static phase_correlation::MatchOptions options(const Params& p) {
    return {p.smoothing_voxels, p.max_shift, p.min_score};
  }

  static void check_axes(const Params& p, const SliceAxes& axes) {
    const auto check = [](const char* what, int fixed, const std::vector<int>& there) {
      if (std::find(there.begin(), there.end(), fixed) == there.end())
        throw UserError(fmt::format("fixed_{} is {}, allowed are those that the step reads: {}", what, fixed,
                                    fmt::join(there, ", ")));
    };
    const bool over_time = p.between == "timepoints";
    if ((over_time ? axes.timepoints : axes.channels).size() < 2)
      throw UserError(fmt::format(
          "between is {0}, of which the step reads only one; read an image with several {0}, or set between: {1}",
          p.between, over_time ? "channels" : "timepoints"));
    check("channel", p.fixed_channel, axes.channels);
    if (over_time) check("timepoint", p.fixed_timepoint, axes.timepoints);
  }

  static void check_voxels(const Block& block, std::size_t slice) {
    const auto v = block.input("image", slice);
    const auto n = count(v.shape());
    const auto [low, high] = std::minmax_element(v.data(), v.data() + n);
    if (!std::isfinite(*low) || !std::isfinite(*high))
      throw UserError(fmt::format("the image is infinite somewhere in {}; replace such voxels first",
                                  place_text(block.place("image", slice))));
    if (*low == *high)
      throw UserError(fmt::format("the image is {} everywhere in {}, so nothing can be aligned by it; leave it out",
                                  *low, place_text(block.place("image", slice))));
  }

  static std::string low_score(const Params& p, const Link& link) {
    return fmt::format(
        "{} fits {} with a score of {:.3f} and evidence {:.2f} at best, allowed are a score of {} (min_score) and "
        "evidence "
        "{} (min_evidence) and more",
        place_text(link.moving), place_text(link.fixed), link.match.score, link.match.evidence(), p.min_score,
        p.min_evidence);
  }
  static bool is_sound(const Params& p, const Link& link) {
    return link.match.score >= p.min_score && link.match.evidence() >= p.min_evidence;
  }
  [[noreturn]] static void refuse(const std::vector<std::string>& misfits) {
    throw UserError(join(misfits, "; ") +
                    "; look whether both show the same structures, enough of them, and whether max_shift is "
                    "large enough and no larger than it need be");
  }

  static Affine3 translation(const Point3& voxels, const Spacing3& spacing) {
    Affine3 a;
    for (std::size_t i = 0; i < 3; ++i) a.translation_um[i] = voxels[i] * spacing[i].value;
    return a;
  }

  static TransformSet channel_transforms(const Params& p, const Spacing3& spacing, const std::vector<Link>& links) {
    TransformSet set;
    std::vector<std::string> misfits;
    const bool one_timepoint =
        std::all_of(links.begin(), links.end(), [&](const Link& l) { return l.fixed.t == links.front().fixed.t; });
    for (const Link& link : links) {
      if (!is_sound(p, link)) misfits.push_back(low_score(p, link));
      set.entries.push_back(
          {one_timepoint ? -1 : link.moving.t, link.moving.c, translation(link.match.shift_voxels, spacing)});
    }
    if (!misfits.empty()) refuse(misfits);
    return set;
  }

  static TransformSet drift_transforms(const Params& p, const Spacing3& spacing, const std::vector<Link>& links) {
    std::vector<int> timepoints;
    for (const Link& link : links) timepoints.push_back(link.fixed.t), timepoints.push_back(link.moving.t);
    std::sort(timepoints.begin(), timepoints.end());
    timepoints.erase(std::unique(timepoints.begin(), timepoints.end()), timepoints.end());
    const auto number = [&](int timepoint) {
      return static_cast<std::size_t>(std::lower_bound(timepoints.begin(), timepoints.end(), timepoint) -
                                      timepoints.begin());
    };
    std::vector<phase_correlation::Step> steps;
    for (const Link& link : links)
      if (is_sound(p, link)) steps.push_back({number(link.fixed.t), number(link.moving.t), link.match.shift_voxels});
    if (const std::size_t lost = phase_correlation::first_unreached(steps, timepoints.size());
        lost < timepoints.size()) {
      std::vector<std::string> misfits;
      for (const Link& link : links)
        if (!is_sound(p, link) && number(link.moving.t) == lost) misfits.push_back(low_score(p, link));
      refuse(misfits);
    }
    const std::vector<Point3> places = phase_correlation::positions(steps, timepoints.size());
    const Point3& fixed = places[number(p.fixed_timepoint)];
    TransformSet set;
    for (std::size_t i = 0; i < timepoints.size(); ++i) {
      Point3 moved{};
      for (std::size_t axis = 0; axis < 3; ++axis) moved[axis] = places[i][axis] - fixed[axis];
      set.entries.push_back({timepoints[i], -1, translation(moved, spacing)});
    }
    return set;
  }
};
}  // namespace

VOXFLOW_KERNEL(PhaseCorrelation)
