#include "pipeline/cli/import_requests.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "catalog/store/annotation_rules.hpp"
#include "pipeline/cli/annotations.hpp"
#include "pipeline/cli/executing.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/image_file.hpp"
#include "pipeline/interop/image_list.hpp"
#include "pipeline/interop/image_source.hpp"

namespace voxflow::cli {

namespace {
using acquisition::Candidate;
using interop::Files;

/// "0.5,0.2,0.2 um" or "0.5 um, 200 nm, 200 nm": z, y, x.
Spacing3 parse_spacing(const std::string& text) {
  const auto parts = split(text, ',');
  const auto wrong = [&] {
    return UserError(fmt::format("--spacing is '{}'; write z,y,x with a unit, such as '0.5,0.2,0.2 um'", text));
  };
  if (parts.size() != 3) throw wrong();
  const auto last = parse_quantity(parts[2]);
  if (!last || last->unit.empty()) throw wrong();
  Spacing3 spacing;
  for (std::size_t i = 0; i < 3; ++i) {
    auto q = parse_quantity(parts[i]);
    if (!q) throw wrong();
    if (q->unit.empty()) q->unit = last->unit;
    spacing[i] = {convert(*q, "um")};
    if (!(spacing[i].value > 0)) throw wrong();
  }
  return spacing;
}

constexpr const char* kAll = "all";

int parse_series(const std::string& text) {
  int series = -1;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), series);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || series < 0)
    throw UserError(fmt::format("--series is '{}'; write a number from 0, or {}", text, kAll));
  return series;
}

/// A request for each image that the only file of `candidate` holds.
std::vector<Candidate> each_image_of(const Candidate& candidate) {
  const interop::ImportRequest& request = candidate.request;
  if (request.files.size() != 1)
    throw UserError(fmt::format("--series {} is for images of one file each; '{}' is one of {} of an image", kAll,
                                request.files.front().string(), request.files.size()));
  const auto choices =
      interop::images_in(request.files.front(), {std::nullopt, request.dataset, request.pages, request.converter});
  std::vector<Candidate> each;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    each.push_back(candidate);
    each.back().request.series = choices[i].series;
    each.back().request.dataset = choices[i].dataset;
    if (choices.size() > 1)
      each.back().request.name =
          fmt::format("{}_{}", request.name.empty() ? interop::stem_of(request.files.front()) : request.name, i);
  }
  return each;
}

/// A file that cannot be listed stays as it is: its import tells why.
void take_all_series(std::vector<Candidate>& images) {
  std::vector<Candidate> all;
  for (const Candidate& image : images) {
    std::vector<Candidate> each{image};
    try {
      each = each_image_of(image);
    } catch (const Error&) {
      if (image.request.files.size() != 1) throw;
    }
    all.insert(all.end(), each.begin(), each.end());
  }
  images = std::move(all);
}

/// What holds for every image, whoever says which files are one.
void apply_common(const ImportOptions& options, interop::ImportRequest& request) {
  if (!options.channel_names.empty()) request.channel_names = options.channel_names;
  if (!options.spacing.empty()) request.spacing = parse_spacing(options.spacing);
  if (!options.name.empty()) request.name = options.name;
  if (!options.series.empty() && options.series != kAll) request.series = parse_series(options.series);
  request.dataset = options.dataset;
  auto given = parse_annotations(options.annotations);
  std::erase_if(request.annotations, [&](const record::Annotation& a) {
    return std::any_of(given.begin(), given.end(), [&](const auto& g) { return g.key.name == a.key.name; });
  });
  request.annotations.insert(request.annotations.begin(), given.begin(), given.end());
}

/// One request for each image that the files make up.
std::vector<Candidate> without_mask(const ImportOptions& options) {
  const std::map<std::string, Files> kinds{{"channels", Files::channels}, {"timepoints", Files::timepoints}};
  if (options.files.size() > 1 && options.files_are.empty())
    throw UserError(
        fmt::format("{} files were given; say what they are with --files-are images, channels or timepoints",
                    options.files.size()));
  interop::ImportRequest common;
  if (options.pages == "t") common.pages = interop::PageAxis::t;
  apply_common(options, common);

  std::vector<std::string> files = options.files;
  std::sort(files.begin(), files.end(), natural_less);
  const auto absolute = [](const std::string& file) { return std::filesystem::absolute(file).lexically_normal(); };
  const auto kind = kinds.find(options.files_are);
  if (options.files.size() == 1 || kind != kinds.end()) {
    common.how = kind == kinds.end() ? Files::one_image : kind->second;
    // Channels keep the order in which they were given, since their names do; timepoints are numbered in their names.
    for (const std::string& file : common.how == Files::timepoints ? files : options.files)
      common.files.push_back(absolute(file));
    return {{common, {}, true}};
  }
  if (!options.name.empty()) throw UserError("--name names one image, but several are imported; leave it out");
  std::vector<Candidate> each;
  for (const std::string& file : files) {
    each.push_back({common, {}, true});
    each.back().request.files = {absolute(file)};
  }
  return each;
}

ImportRequests with_mask(Session& session, const ImportOptions& options) {
  for (const auto& [option, value] : {std::pair{"--files-are", options.files_are}, {"--pages", options.pages}})
    if (!value.empty()) throw UserError(fmt::format("{} is not for use with --mask: the mask says it", option));
  ImportRequests requests;
  requests.mask = mask_for(session, options.mask, &requests.mask_text);
  auto found = acquisition::candidates(*requests.mask, acquisition::walk({options.files.begin(), options.files.end()}));
  if (found.images.empty())
    throw UserError(fmt::format("none of {} files is named as mask '{}' says; '{}' is not of the form '{}'",
                                found.unmatched.size(), requests.mask->name,
                                found.unmatched.empty() ? "" : found.unmatched.front().string(),
                                requests.mask->files.front().text()));
  if (!options.name.empty() && found.images.size() > 1)
    throw UserError("--name names one image, but several are imported; leave it out");
  for (Candidate& image : found.images) apply_common(options, image.request);
  requests.images = std::move(found.images);
  requests.unmatched = std::move(found.unmatched);
  return requests;
}
}  // namespace

void fit_annotations(std::vector<record::Annotation>& annotations, const std::vector<record::AnnotationKey>& keys) {
  for (record::Annotation& annotation : annotations) {
    catalog::require_usable(annotation.key);
    const auto declared =
        std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return key.name == annotation.key.name; });
    if (declared != keys.end()) annotation = catalog::fit(*declared, annotation);
  }
}

acquisition::Mask mask_for(Session& session, const std::string& file, std::string* text) {
  const std::string read = read_file(file);
  acquisition::Mask mask = acquisition::parse_mask({file, read});
  const auto keys = session.catalog().keys();
  for (const record::AnnotationKey& key : mask.keys()) {
    with_context(file, [&] { catalog::require_usable(key); });
    const auto declared =
        std::find_if(keys.begin(), keys.end(), [&](const auto& known) { return known.name == key.name; });
    if (declared != keys.end() && catalog::measure(*declared) != catalog::measure(key))
      throw UserError(fmt::format("{}: annotation '{}' is {} here, but the catalog declares it as {}", file, key.name,
                                  catalog::describe(key), catalog::describe(*declared)));
  }
  if (text != nullptr) *text = read;
  return mask;
}

ImportRequests import_requests(Session& session, const ImportOptions& options) {
  if (std::find(options.files.begin(), options.files.end(), "") != options.files.end())
    throw UserError("the name of a file to import is empty");
  ImportRequests requests;
  if (options.mask.empty())
    requests.images = without_mask(options);
  else
    requests = with_mask(session, options);
  const auto keys = session.catalog().keys();
  const record::Converter converter = site_settings(session, options.site).converter;
  for (Candidate& image : requests.images) image.request.converter = converter;
  if (options.series == kAll) take_all_series(requests.images);
  for (Candidate& image : requests.images)
    with_context(image.request.files.empty() || options.mask.empty() ? "" : image.request.files.front().string(),
                 [&] { fit_annotations(image.request.annotations, keys); });
  return requests;
}

}  // namespace voxflow::cli
