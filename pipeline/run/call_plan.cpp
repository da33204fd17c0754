#include "pipeline/run/call_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "pipeline/core/error.hpp"

namespace voxflow::run {

namespace {
struct PortCount {
  std::string port;
  int count;
};

std::vector<int> up_to(int n) {
  std::vector<int> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 0);
  return values;
}

void check_narrowing(const std::vector<int>& narrowed, const PortCount& first, const char* what) {
  for (const int i : narrowed)
    if (i < 0 || i >= first.count)
      throw UserError(
          fmt::format("{} {} of input '{}' is wanted, allowed are 0 to {}", what, i, first.port, first.count - 1));
}

AxisPlan plan_axis(const std::vector<PortCount>& ports, const std::vector<int>& narrowed, bool all, const char* what) {
  AxisPlan plan;
  plan.all = all;
  if (ports.empty()) {
    plan.values = {0};
    return plan;
  }
  const PortCount& first = ports.front();
  check_narrowing(narrowed, first, what);
  for (const PortCount& p : ports) {
    const bool narrow = !narrowed.empty() && (&p == &first || (p.count == first.count && p.count > 1));
    plan.of_port[p.port] = narrow ? narrowed : up_to(p.count);
    if (plan.leading.empty() || plan.of_port[p.port].size() > plan.values.size()) {
      plan.leading = p.port;
      plan.values = plan.of_port[p.port];
    }
  }
  for (const auto& [port, indices] : plan.of_port)
    if (indices.size() != 1 && indices.size() != plan.values.size())
      throw UserError(fmt::format("input '{}' has {} {}s, input '{}' has {}; allowed are as many, or one for all", port,
                                  indices.size(), what, plan.leading, plan.values.size()));
  return plan;
}

// The positions of an axis that call number `i` sees.
std::vector<std::size_t> positions(const AxisPlan& axis, std::size_t i) {
  if (!axis.all) return {i};
  std::vector<std::size_t> all(axis.values.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

// The indices of a port at these positions: one where the port's image has one for all.
std::vector<int> indices(const std::vector<int>& of_port, const std::vector<std::size_t>& at) {
  if (of_port.size() == 1) return of_port;
  std::vector<int> result;
  for (const std::size_t i : at) result.push_back(of_port[i]);
  return result;
}
}  // namespace

CallPlan plan_calls(const SchemaInfo& schema, const std::vector<std::pair<std::string, record::ImageInfo>>& ports,
                    const std::vector<int>& channels, const std::vector<int>& timepoints) {
  std::vector<PortCount> t_counts, c_counts;
  for (const auto& [port, info] : ports)
    t_counts.push_back({port, info.timepoints}), c_counts.push_back({port, info.channel_count()});
  CallPlan plan{plan_axis(t_counts, timepoints, schema.all_t, "timepoint"),
                plan_axis(c_counts, channels, schema.all_c, "channel"),
                {}};
  const std::size_t t_calls = plan.t.all ? 1 : plan.t.values.size(), c_calls = plan.c.all ? 1 : plan.c.values.size();
  for (std::size_t it = 0; it < t_calls; ++it)
    for (std::size_t ic = 0; ic < c_calls; ++ic) {
      Call call;
      call.slice = {plan.t.all ? -1 : plan.t.values[it], plan.c.all ? -1 : plan.c.values[ic]};
      const auto ts = positions(plan.t, it), cs = positions(plan.c, ic);
      for (const std::size_t a : ts)
        for (const std::size_t b : cs) call.outputs.push_back({static_cast<int>(a), static_cast<int>(b)});
      for (const auto& [port, info] : ports)
        for (const int a : indices(plan.t.of_port.at(port), ts))
          for (const int b : indices(plan.c.of_port.at(port), cs)) call.inputs[port].push_back({a, b});
      plan.calls.push_back(std::move(call));
    }
  return plan;
}

std::vector<Call> plan_groups(const CallPlan& plan, const std::string& port, const std::vector<SliceGroup>& groups) {
  if (groups.empty()) throw InternalError("the kernel names no group of slices to look at");
  const auto holds = [](const std::vector<int>& values, int v) {
    return std::find(values.begin(), values.end(), v) != values.end();
  };
  std::vector<Call> surveys;
  for (const SliceGroup& group : groups) {
    Call seen = plan.calls.at(0);
    std::vector<Place>& places = seen.inputs[port];
    places.clear();
    for (const Slice& s : group) {
      if (!holds(plan.t.values, s.t) || !holds(plan.c.values, s.c))
        throw InternalError(fmt::format("the kernel wants timepoint {}, channel {}, which the task has not", s.t, s.c));
      places.push_back({s.t, s.c});
    }
    surveys.push_back(std::move(seen));
  }
  return surveys;
}

}  // namespace voxflow::run
