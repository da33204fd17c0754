#include "pipeline/conformance/conformance.hpp"

#include <algorithm>

#include "pipeline/conformance/checks.hpp"
#include "pipeline/core/error.hpp"

namespace voxflow::conformance {

namespace {
struct Variant {
  ParamValues params;
  std::string text;
};

bool takes(const AnyKernel& kernel, const ParamValues& params) {
  try {
    kernel.bind(params);
    return true;
  } catch (const UserError&) {
    return false;
  }
}

// The defaults, then every other choice that the kernel takes with the other defaults.
std::vector<Variant> variants_of(const AnyKernel& kernel) {
  const ParamValues defaults = params_for(kernel);
  std::vector<Variant> variants{{defaults, ""}};
  for (const ParamInfo& p : kernel.schema().params)
    for (const std::string& choice : p.choices) {
      if (ParamValue(choice) == p.default_value) continue;
      ParamValues params = defaults;
      params[p.name] = choice;
      if (takes(kernel, params)) variants.push_back({params, p.name + ": " + choice});
    }
  return variants;
}

std::string outcome_of(const Check& check, const Subject& subject) {
  try {
    return check.run(subject);
  } catch (const std::exception& e) {
    return e.what();
  }
}
}  // namespace

ParamValues params_for(const AnyKernel& kernel) {
  ParamValues params;
  if (takes(kernel, params)) return params;
  for (const ParamInfo& p : kernel.schema().params)
    if (p.optional && !p.annotation.empty() && p.type == ParamType::number && p.low && p.high)
      params[p.name] = (*p.low + *p.high) / 2;
  return params;
}

std::vector<std::string> check_names() {
  std::vector<std::string> names;
  for (const Check& c : all_checks()) names.push_back(c.name);
  return names;
}

std::vector<Finding> check_kernel(const plugins::Entry& kernel, const std::vector<std::string>& only,
                                  const std::function<void(const Finding&)>& report) {
  std::vector<Finding> findings;
  for (const Variant& v : variants_of(*kernel.kernel))
    for (const Check& check : all_checks()) {
      if (!only.empty() && std::find(only.begin(), only.end(), check.name) == only.end()) continue;
      findings.push_back({kernel.kernel->schema().name, check.name, v.text, outcome_of(check, {kernel, v.params})});
      report(findings.back());
    }
  return findings;
}

}  // namespace voxflow::conformance
