#include "pipeline/cli/preview_scene.hpp"

#include <algorithm>
#include <charconv>
#include <deque>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "pipeline/archive/image_file.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/preview/colours.hpp"

namespace voxflow::cli {

namespace {
using catalog::Entity;
using record::ImageInfo;
using record::ImageKind;

bool has_regions(const ImageInfo& info) {
  return info.kind == ImageKind::labels || info.kind == ImageKind::mask;
}

/// An image at a timepoint, open.
struct Opened {
  Entity entity;
  int timepoint = 0;
  std::shared_ptr<const archive::ImageReader> reader;
  const ImageInfo& info() const { return reader->info(); }
};

Opened open(Session& session, const Entity& entity, int timepoint) {
  Opened image{entity, timepoint,
               std::make_shared<archive::ImageReader>(session.archive().root() / entity.artifact / entity.file)};
  if (timepoint < 0 || timepoint >= image.info().timepoints)
    throw UserError(fmt::format("--t is {}, but '{}' has {} timepoint{}; allowed 0 to {}", timepoint, entity.name,
                                image.info().timepoints, image.info().timepoints == 1 ? "" : "s",
                                image.info().timepoints - 1));
  return image;
}

template <class T>
preview::ReadBox<T> box_reader(const Opened& image, int channel) {
  return [reader = image.reader, t = image.timepoint, channel](const Box3& box, VolumeView<T> to) {
    visit_dtype(reader->info().dtype, [&](auto* null) {
      using Stored = std::remove_pointer_t<decltype(null)>;
      if constexpr (std::is_same_v<Stored, T>) {
        reader->read(t, channel, box, to);
      } else {
        std::vector<Stored> stored(static_cast<std::size_t>(count(box.extent)));
        reader->read(t, channel, box, VolumeView<Stored>(stored.data(), box.extent));
        std::transform(stored.begin(), stored.end(), to.data(), [](Stored v) { return convert_voxel<T>(v); });
      }
    });
  };
}

/// The names of an image's channels; numbers where there are none.
std::vector<std::string> channel_names(const ImageInfo& info) {
  std::vector<std::string> names;
  for (const auto& channel : info.channels)
    names.push_back(channel.name.empty() ? std::to_string(names.size()) : channel.name);
  return names;
}

std::vector<int> wanted_channels(const Opened& image, const std::vector<std::string>& wanted) {
  const auto names = channel_names(image.info());
  std::vector<int> channels;
  for (const std::string& name : wanted) {
    const auto at = std::find(names.begin(), names.end(), name);
    int number = static_cast<int>(at - names.begin());
    const bool known = at != names.end() || (std::from_chars(name.data(), name.data() + name.size(), number).ptr ==
                                                 name.data() + name.size() &&
                                             number >= 0 && number < static_cast<int>(names.size()));
    if (!known)
      throw UserError(fmt::format("'{}' has no channel '{}'{}; its channels are {}", image.entity.name, name,
                                  did_you_mean(name, names), join(names, ", ")));
    channels.push_back(number);
  }
  return channels;
}

/// The channels of `image` to show: those asked for, else those that `regions` are of, else all.
std::vector<int> shown_channels(const Opened& image, const SceneRequest& request, const Opened* regions) {
  if (!request.channels.empty()) return wanted_channels(image, request.channels);
  const auto names = channel_names(image.info());
  std::vector<int> all, alike;
  for (int c = 0; c < image.info().channel_count(); ++c) all.push_back(c);
  if (regions == nullptr) return all;
  const auto of_regions = channel_names(regions->info());
  for (const int c : all)
    if (std::find(of_regions.begin(), of_regions.end(), names[static_cast<std::size_t>(c)]) != of_regions.end())
      alike.push_back(c);
  return alike.empty() ? all : alike;
}

/// The timepoint of an activity's inputs that timepoint `t` of its results is of.
int timepoint_before(const catalog::Activity& made, int t) {
  const auto identity = nlohmann::json::parse(made.identity, nullptr, false);
  if (!identity.is_object() || !identity.contains("timepoints")) return t;
  const auto& kept = identity["timepoints"];
  return t < static_cast<int>(kept.size()) ? kept[static_cast<std::size_t>(t)].get<int>() : t;
}

/// The nearest image of intensities, on the same grid, that `regions` go back to.
std::optional<Opened> image_beneath(Session& session, const Opened& regions) {
  auto& catalog = session.catalog();
  const auto links = catalog.lineage(regions.entity.id, catalog::Direction::ancestors);
  std::set<std::string> seen;
  std::deque<std::pair<std::string, int>> next{{regions.entity.id, regions.timepoint}};
  for (; !next.empty(); next.pop_front()) {
    const auto [id, t] = next.front();
    if (!seen.insert(id).second) continue;
    const auto entity = catalog.find_id(id);
    if (!entity) continue;
    if (entity->image && entity->image->kind == ImageKind::intensity && entity->image->grid == regions.info().grid &&
        t < entity->image->timepoints)
      return open(session, *entity, t);
    const auto made = catalog.generated_by(id);
    for (const auto& link : links)
      if (link.entity == id) next.emplace_back(link.source, made ? timepoint_before(*made, t) : t);
  }
  return std::nullopt;
}

[[noreturn]] void refuse(Session& session, const Entity& entity) {
  std::string instead;
  if (entity.kind == catalog::EntityKind::table)
    instead = fmt::format("open {} in a spreadsheet, R or pandas",
                          (session.archive().root() / entity.artifact / entity.file).string());
  else
    instead = fmt::format("'voxflow show \"{}\"' tells what is known of it", entity.name);
  for (const auto& link : session.catalog().lineage(entity.id, catalog::Direction::ancestors))
    if (const auto source = session.catalog().find_id(link.source);
        link.entity == entity.id && source && source->image) {
      instead += fmt::format(", or see what it was made from: voxflow preview \"{}\"", source->name);
      break;
    }
  throw UserError(fmt::format("'{}' is a {}, which has no picture; {}", entity.name, to_string(entity.kind), instead));
}

class SceneBuilder {
 public:
  SceneBuilder(Session& session, const Entity& entity, const SceneRequest& request)
      : session_(session), request_(request), image_(open(session, entity, request.timepoint)) {}

  FoundScene build() {
    const bool regions = has_regions(image_.info());
    std::vector<Opened> images = beneath();
    const bool composite = images.size() + (regions ? 0 : 1) > 1;
    found_.scene.grid = image_.info().grid;
    if (!regions) images.push_back(image_);
    for (const Opened& image : images) add_channels(image, regions ? &image_ : nullptr, composite);
    if (regions) add_regions();
    limit_channels();
    const bool psf = std::all_of(images.begin(), images.end(),
                                 [](const Opened& image) { return image.info().kind == ImageKind::psf; });
    if (psf && !images.empty()) found_.scene.tone = preview::Tone::logarithmic;
    return std::move(found_);
  }

 private:
  std::vector<Opened> beneath() {
    std::vector<Opened> images;
    if (request_.over == std::vector<std::string>{"none"}) return images;
    for (const std::string& name : request_.over) images.push_back(named(name));
    if (request_.over.empty() && has_regions(image_.info()))
      if (auto image = image_beneath(session_, image_)) images.push_back(std::move(*image));
    return images;
  }

  Opened named(const std::string& name) {
    const Entity entity = session_.catalog().get(name);
    if (!entity.image)
      throw UserError(
          fmt::format("--over names '{}', which is a {}, not an image", entity.name, to_string(entity.kind)));
    if (has_regions(*entity.image))
      throw UserError(
          fmt::format("--over names '{0}', which is a {1} image; outlines are drawn over an image of intensities: "
                      "voxflow preview \"{0}\" --over \"{2}\"",
                      entity.name, to_string(entity.image->kind), image_.entity.name));
    if (entity.image->grid != image_.info().grid)
      throw UserError(
          fmt::format("'{}' ({}, {}) does not lie on the voxels of '{}' ({}, {}); bring it there with "
                      "register.apply, or name another image with --over",
                      image_.entity.name, shape_text(image_.info()), spacing_text(image_.info().grid), entity.name,
                      shape_text(*entity.image), spacing_text(entity.image->grid)));
    return open(session_, entity, request_.timepoint);
  }

  void add_channels(const Opened& image, const Opened* regions, bool composite) {
    const auto names = channel_names(image.info());
    for (const int c : shown_channels(image, request_, regions)) {
      const std::string& name = names[static_cast<std::size_t>(c)];
      found_.scene.channels.push_back(
          {composite ? fmt::format("{} {}", image.entity.name, name) : name, box_reader<float>(image, c)});
    }
    if (regions != nullptr) found_.notes.push_back("over " + image.entity.name);
  }

  /// Where regions lie over an image, --channels chooses that image's channels, and of the regions those named alike.
  std::vector<int> region_channels(const std::vector<std::string>& names) const {
    if (found_.scene.channels.empty()) return shown_channels(image_, request_, nullptr);
    std::vector<int> all, chosen;
    for (int c = 0; c < image_.info().channel_count(); ++c) {
      all.push_back(c);
      const auto& wanted = request_.channels;
      if (std::find(wanted.begin(), wanted.end(), names[static_cast<std::size_t>(c)]) != wanted.end())
        chosen.push_back(c);
    }
    return chosen.empty() ? all : chosen;
  }

  void add_regions() {
    const auto names = channel_names(image_.info());
    const auto regions = image_.info().kind == ImageKind::mask ? preview::Regions::mask : preview::Regions::labels;
    for (const int c : region_channels(names))
      found_.scene.outlines.push_back(
          {names[static_cast<std::size_t>(c)], regions, box_reader<std::uint32_t>(image_, c)});
  }

  void limit_channels() {
    auto& channels = found_.scene.channels;
    if (channels.size() <= preview::kMostChannels) return;
    if (!request_.channels.empty())
      throw UserError(
          fmt::format("{} channels are to be shown, and {} are the most that one picture tells apart; name "
                      "fewer with --channels",
                      channels.size(), preview::kMostChannels));
    found_.notes.push_back(
        fmt::format("first {} of {} channels; choose others with --channels", preview::kMostChannels, channels.size()));
    channels.resize(preview::kMostChannels);
  }

  Session& session_;
  const SceneRequest& request_;
  Opened image_;
  FoundScene found_;
};
}  // namespace

FoundScene find_scene(Session& session, const Entity& entity, const SceneRequest& request) {
  if (!entity.image) refuse(session, entity);
  return with_context(fmt::format("preview of '{}'", entity.name),
                      [&] { return SceneBuilder(session, entity, request).build(); });
}

}  // namespace voxflow::cli
