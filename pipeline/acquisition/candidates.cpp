#include "pipeline/acquisition/candidates.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"

namespace fs = std::filesystem;

namespace voxflow::acquisition {

namespace {
struct NaturalLess {
  bool operator()(const std::string& a, const std::string& b) const { return natural_less(a, b); }
};
using Values = std::set<std::string, NaturalLess>;

struct MatchedFile {
  fs::path path;
  Fields fields;
};

/// Where in an image a file belongs; "" along axes of which the pattern does not speak.
struct Place {
  std::string t, c, z;
  friend auto operator<=>(const Place&, const Place&) = default;
};

/// "007" and "7" are one timepoint.
std::string without_zeros(const Fields& fields, const char* axis) {
  const auto it = fields.find(axis);
  if (it == fields.end()) return "";
  const std::string& text = it->second;
  if (text.find_first_not_of("0123456789") != std::string::npos) return text;
  const auto first = text.find_first_not_of('0');
  return first == std::string::npos ? "0" : text.substr(first);
}

bool is_axis(const std::string& field) {
  return field == kTimepointField || field == kChannelField || field == kPlaneField;
}

/// What files of one image have in common.
std::string group_key(const fs::path& path, std::size_t pattern, const std::string& text, const Fields& fields) {
  fs::path folder = path.parent_path();
  for (const char ch : text)
    if (ch == '/') folder = folder.parent_path();
  std::string key = fmt::format("{}\n{}", folder.string(), pattern);
  for (const auto& [field, value] : fields)
    if (!is_axis(field)) key += fmt::format("\n{}={}", field, value);
  return key;
}

std::string filled(const std::string& name, const Fields& fields) {
  std::string text = name;
  for (const auto& [field, value] : fields) {
    const std::string braced = "{" + field + "}";
    for (std::size_t at = text.find(braced); at != std::string::npos; at = text.find(braced, at + value.size()))
      text.replace(at, braced.size(), value);
  }
  return text;
}

void break_rule(Candidate& candidate, const Mask& mask, const std::string& rule, std::string text) {
  const Verdict verdict = mask.thresholds.structure.at(rule);
  if (verdict != Verdict::ok) candidate.findings.push_back({rule, verdict, std::move(text)});
}

void annotate(Candidate& candidate, const Mask& mask, const MatchedFile& file) {
  for (const NamedAnnotation& a : mask.named) {
    const auto it = file.fields.find(a.from);
    if (it == file.fields.end()) continue;
    std::string value = it->second;
    if (!a.values.empty() && std::find(a.values.begin(), a.values.end(), value) == a.values.end())
      break_rule(candidate, mask, "annotation_values",
                 fmt::format("{} is '{}' in the name of '{}', allowed {}{}", a.key.name, value, file.path.string(),
                             join(a.values, ", "), did_you_mean(value, a.values)));
    if (a.key.type == record::AnnotationType::number) {
      double number = 0;
      std::from_chars(value.data(), value.data() + value.size(), number);  // the pattern lets numbers through only
      candidate.request.annotations.push_back({a.key, number});
      continue;
    }
    if (a.key.type == record::AnnotationType::date && value.size() == 8)
      value = fmt::format("{}-{}-{}", value.substr(0, 4), value.substr(4, 2), value.substr(6));
    candidate.request.annotations.push_back({a.key, value});
  }
  for (const record::Annotation& a : mask.constants) candidate.request.annotations.push_back(a);
}

/// The numbers between the first and the last that are not there; at most ten are named.
std::string missing_numbers(const Values& values) {
  std::vector<std::string> missing;
  std::size_t more = 0;
  std::uint64_t expected = 0;
  bool first = true;
  for (const std::string& text : values) {
    std::uint64_t n = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), n);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return "";
    for (; !first && expected < n && missing.size() < 10; ++expected) missing.push_back(std::to_string(expected));
    if (!first && expected < n) more += n - expected;
    expected = n + 1;
    first = false;
  }
  return join(missing, ", ") + (more > 0 ? fmt::format(" and {} more", more) : "");
}

void find_gaps(Candidate& candidate, const Mask& mask, const Values& timepoints, const Values& planes) {
  const std::string where = candidate.request.files.front().parent_path().string();
  if (const auto missing = missing_numbers(timepoints); !missing.empty())
    break_rule(candidate, mask, "missing_timepoints",
               fmt::format("timepoint {} has no file in '{}', which has files of {} to {}", missing, where,
                           *timepoints.begin(), *timepoints.rbegin()));
  if (const auto missing = missing_numbers(planes); !missing.empty()) {
    candidate.whole = false;
    candidate.findings.push_back(
        {"incomplete", Verdict::reject, fmt::format("plane {} has no file in '{}'", missing, where)});
  }
}

std::string place_text(const Place& p) {
  std::vector<std::string> parts;
  if (!p.t.empty()) parts.push_back("timepoint " + p.t);
  if (!p.c.empty()) parts.push_back("channel " + p.c);
  if (!p.z.empty()) parts.push_back("plane " + p.z);
  return join(parts, ", ");
}

/// Files in the order t, c, z, and whether there is one for each.
void put_together(Candidate& candidate, const Mask& mask, const std::vector<MatchedFile>& files) {
  Values ts, cs, zs;
  std::map<Place, fs::path> at;
  for (const MatchedFile& file : files) {
    const Place place{without_zeros(file.fields, kTimepointField), without_zeros(file.fields, kChannelField),
                      without_zeros(file.fields, kPlaneField)};
    ts.insert(place.t);
    cs.insert(place.c);
    zs.insert(place.z);
    const auto [known, fresh] = at.emplace(place, file.path);
    if (fresh) continue;
    candidate.whole = false;
    candidate.findings.push_back({"incomplete", Verdict::reject,
                                  fmt::format("'{}' and '{}' are both {}", known->second.string(), file.path.string(),
                                              place_text(place).empty() ? "the whole image" : place_text(place))});
  }
  for (const std::string& t : ts)
    for (const std::string& c : cs)
      for (const std::string& z : zs) {
        const auto file = at.find({t, c, z});
        if (file != at.end()) {
          candidate.request.files.push_back(file->second);
          continue;
        }
        candidate.whole = false;
        candidate.findings.push_back(
            {"incomplete", Verdict::reject,
             fmt::format("{} has no file beside '{}'", place_text({t, c, z}), files.front().path.string())});
      }
  candidate.request.how = interop::Files::grid;
  candidate.request.grid = {static_cast<int>(ts.size()), static_cast<int>(cs.size()), static_cast<int>(zs.size())};
  find_gaps(candidate, mask, ts, zs);
}

Candidate candidate_of(const Mask& mask, const std::vector<MatchedFile>& files) {
  Candidate candidate;
  interop::ImportRequest& request = candidate.request;
  put_together(candidate, mask, files);
  const Fields& fields = files.front().fields;
  if (!mask.image_name.empty())
    request.name = filled(mask.image_name, fields);
  else if (const auto name = fields.find("name"); name != fields.end())
    request.name = name->second;
  request.pages = mask.pages;
  request.channel_names = mask.channel_names;
  request.wavelengths = mask.wavelengths;
  request.spacing = mask.spacing;
  request.time_step_s = mask.time_step_s;
  annotate(candidate, mask, files.front());
  return candidate;
}
}  // namespace

std::vector<fs::path> walk(const std::vector<fs::path>& paths) {
  std::vector<fs::path> files;
  for (const fs::path& given : paths) {
    const fs::path path = fs::absolute(given).lexically_normal();
    std::error_code error;
    const auto status = fs::status(path, error);
    if (!fs::exists(status)) throw UserError(fmt::format("'{}' does not exist", path.string()));
    if (!fs::is_directory(status)) {
      files.push_back(path);
      continue;
    }
    fs::recursive_directory_iterator it(path, error), end;
    for (; !error && it != end; it.increment(error)) {
      if (it->path().filename().string().starts_with('.')) {
        it.disable_recursion_pending();
        continue;
      }
      std::error_code gone;
      if (it->is_regular_file(gone)) files.push_back(it->path());
    }
    if (error) throw_errno(fmt::format("cannot read the folder '{}'", path.string()), error.value());
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return natural_less(a.string(), b.string()); });
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

Candidates candidates(const Mask& mask, const std::vector<fs::path>& files) {
  Candidates found;
  std::map<std::string, std::size_t> group_of;
  std::vector<std::vector<MatchedFile>> groups;
  for (const fs::path& file : files) {
    bool matched = false;
    for (std::size_t i = 0; i < mask.files.size() && !matched; ++i) {
      const auto fields = mask.files[i].match(file.generic_string());
      if (!fields) continue;
      matched = true;
      const auto [group, fresh] = group_of.emplace(group_key(file, i, mask.files[i].text(), *fields), groups.size());
      if (fresh) groups.emplace_back();
      groups[group->second].push_back({file, *fields});
    }
    if (!matched) found.unmatched.push_back(file);
  }
  for (const auto& group : groups) found.images.push_back(candidate_of(mask, group));
  return found;
}

}  // namespace voxflow::acquisition
