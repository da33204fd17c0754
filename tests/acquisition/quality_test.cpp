// Rules and verdicts: what warns, what rejects, and that a report reads back as it was written.
#include "pipeline/acquisition/quality.hpp"

#include <doctest/doctest.h>

#include "pipeline/acquisition/quarantine.hpp"
#include "pipeline/core/error.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/messages.hpp"

using namespace voxflow;
using namespace voxflow::acquisition;
using namespace voxflow::test;

namespace {
Verdict verdict_of(const Measurement& m, const Limit& limit) {
  Thresholds thresholds;
  thresholds.metrics[m.metric] = limit;
  QualityReport report{{m}, judge({&m, 1}, thresholds)};
  return report.verdict();
}
}  // namespace

TEST_CASE("a value at the limit is allowed, beyond it not, in the direction in which the rule is bad") {
  CHECK(verdict_of({"saturated", "", 0.1}, {0.1, 0.2}) == Verdict::ok);
  CHECK(verdict_of({"saturated", "", 0.11}, {0.1, 0.2}) == Verdict::warn);
  CHECK(verdict_of({"saturated", "", 0.21}, {0.1, 0.2}) == Verdict::reject);
  CHECK(verdict_of({"snr", "", 3}, {3, 1}) == Verdict::ok);
  CHECK(verdict_of({"snr", "", 2}, {3, 1}) == Verdict::warn);
  CHECK(verdict_of({"snr", "", 0.5}, {3, 1}) == Verdict::reject);
  CHECK(verdict_of({"snr", "", 0.5}, {}) == Verdict::ok);
}

TEST_CASE("every metric's rule has a threshold or measures only; none rejects by itself") {
  const Thresholds defaults = default_thresholds();
  for (const MetricRule& rule : metric_rules()) {
    CHECK(defaults.metrics.at(rule.name).warn == rule.warn);
    CHECK(!defaults.metrics.at(rule.name).reject);
  }
}

TEST_CASE("a message says where, what, the limit and what is meant") {
  const Measurement m{"snr", "DAPI", 0.125, 3, 7};
  const auto findings = judge({&m, 1}, default_thresholds());
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].text ==
        "channel 'DAPI', timepoint 3, plane 7: snr is 0.125, allowed from 0.25 (signal over noise: their standard "
        "deviations, in the best plane)");
}

TEST_CASE("an implausible voxel size is found") {
  record::ImageInfo image;
  image.grid.shape = {10, 100, 100};
  const auto texts = [&](double z, double y, double x) {
    image.grid.spacing = {{{z}, {y}, {x}}};
    std::string all;
    for (const Finding& f : judge(measure_calibration(image), default_thresholds())) all += f.text + "\n";
    return all;
  };
  CHECK(texts(1, 0.2, 0.2).empty());
  has(texts(25400, 352, 352), "voxel_size_max is 25400, allowed up to 100");
  has(texts(1, 1e-7, 1e-7), "voxel_size_min is 1e-07, allowed from 0.001");
  has(texts(1, 0.2, 0.4), "voxel_xy_ratio is 2, allowed up to 1.5");
  image.grid.shape[kZ] = 1;
  CHECK(texts(1e6, 0.2, 0.2).empty());
}

TEST_CASE("a report reads back as it was written") {
  const QualityReport report{{{"snr", "DAPI", 2.5, 1, 3}, {"voxel_size_max", "", 0.5}},
                             {{"snr", Verdict::warn, "low"}, {"unreadable", Verdict::reject, "caf\xc3\xa9.tif"}}};
  const QualityReport read = QualityReport::from_json(report.to_json());
  CHECK(read.to_json() == report.to_json());
  CHECK(read.findings == report.findings);
  CHECK(read.verdict() == Verdict::reject);
  has(message_of<UserError>([] { QualityReport::from_json("{"); }), "this is no report of an image's quality");
}

TEST_CASE("a record of quarantine reads back as it was written") {
  QuarantineRecord record;
  record.id = "0123456789abcdef";
  record.project = "cells";
  record.files = {"/data/a.tif"};
  record.sha256 = {""};
  record.mask_name = "confocal_2";
  record.mask_text = "voxflow_mask: 1\n";
  record.report.findings = {{"unreadable", Verdict::reject, "page 3 is cut off"}};
  record.accepted_by = "ada";
  record.accepted_because = "unique";
  record.artifact = "cells/acquisitions/ab/abc";
  CHECK(QuarantineRecord::from_json(record.to_json()).to_json() == record.to_json());
  has(message_of<UserError>([] { QuarantineRecord::from_json("[]"); }), "this is no record of quarantine");
}
