#include "pipeline/cli/preview_sheet.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "pipeline/cli/preview_scene.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/preview/colours.hpp"
#include "pipeline/preview/picture.hpp"

namespace voxflow::cli {

namespace {
using preview::SheetCell;
using record::TaskState;

constexpr Index kThumbnail = 320;

std::string counted(std::uint64_t n, const char* what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

class RunSheet {
 public:
  RunSheet(Session& session, const engine::RunStatus& status, const SheetRequest& request)
      : session_(session), status_(status), request_(request) {
    for (const auto& planned : status.plan.tasks) {
      const record::Task& task = planned.task;
      if (std::find(images_.begin(), images_.end(), task.image) == images_.end()) images_.push_back(task.image);
      if (std::find_if(steps_.begin(), steps_.end(), [&](const auto& s) { return s.name == task.step; }) ==
          steps_.end())
        steps_.push_back({task.step, task.identity.kernel});
      tasks_.try_emplace({task.image, task.step}, &planned);
    }
    if (images_.empty())
      throw UserError(fmt::format("run {} has no task, so there is nothing to show", status.plan.run));
  }

  ~RunSheet() { log::set_status(""); }
  RunSheet(const RunSheet&) = delete;
  RunSheet& operator=(const RunSheet&) = delete;

  void draw(const std::function<void(const preview::Sheet&)>& take) {
    const std::size_t pages = (images_.size() + kRowsPerPage - 1) / kRowsPerPage;
    for (std::size_t page = 0; page < pages; ++page) {
      preview::Sheet sheet = head(page, pages);
      for (std::size_t i = page * kRowsPerPage; i < std::min(images_.size(), (page + 1) * kRowsPerPage); ++i)
        sheet.rows.push_back(row(images_[i]));
      take(sheet);
    }
  }

 private:
  preview::Sheet head(std::size_t page, std::size_t pages) const {
    preview::Sheet sheet;
    sheet.title = status_.plan.workflow;
    sheet.detail = fmt::format("run {}, {}, {} image{}", status_.plan.run, status_.state, images_.size(),
                               images_.size() == 1 ? "" : "s");
    if (pages > 1) sheet.detail += fmt::format(", page {} of {}", page + 1, pages);
    sheet.columns = {{"original", view_name()}};
    sheet.columns.insert(sheet.columns.end(), steps_.begin(), steps_.end());
    return sheet;
  }

  std::string view_name() const {
    std::string view = request_.projection == preview::Projection::max ? "maximum projections"
                       : request_.z                                    ? fmt::format("planes {}", *request_.z)
                                                                       : "middle planes";
    if (request_.timepoint > 0) view += fmt::format(", timepoint {}", request_.timepoint);
    return view;
  }

  preview::SheetRow row(const std::string& image) {
    log::set_status(fmt::format("contact sheet: {}", image));
    preview::SheetRow row{image, {original(image)}};
    for (const auto& step : steps_) row.cells.push_back(result(image, step.name));
    return row;
  }

  /// The acquisition that the image's steps read: the one of its name, or else the first.
  SheetCell original(const std::string& image) {
    std::optional<catalog::Entity> found;
    for (const auto& step : steps_) {
      const auto task = tasks_.find({image, step.name});
      if (task == tasks_.end()) continue;
      for (const auto& input : task->second->task.inputs) {
        if (!input.id.starts_with("sha256:")) continue;
        const auto entity = session_.catalog().find_id(input.id);
        if (entity && (!found || (entity->name == image && found->name != image))) found = entity;
      }
    }
    if (!found) return {SheetCell::State::missing, {}, {}, "not an input of this run"};
    return thumbnail(*found, preview::ScaleBar::drawn);
  }

  SheetCell result(const std::string& image, const std::string& step) {
    const auto found = tasks_.find({image, step});
    if (found == tasks_.end()) return {SheetCell::State::missing, {}, {}, "not part of this run"};
    const record::PlannedTask& planned = *found->second;
    const record::TaskReport* report = status_.report(planned.task.key);
    const TaskState state = planned.state == TaskState::done || report == nullptr ? planned.state : report->state;
    if (state == TaskState::failed)
      return {SheetCell::State::failed, {}, {}, fmt::format("failed: {}: {}", report->failure_class, report->message)};
    if (state != TaskState::done) return {SheetCell::State::missing, {}, {}, std::string(to_string(state))};
    const auto manifest = session_.archive().manifest(planned.task.artifact);
    if (!manifest || manifest->outputs.empty()) return {SheetCell::State::missing, {}, {}, "its files are gone"};
    const auto& outputs = manifest->outputs;
    auto output = std::find_if(outputs.begin(), outputs.end(), [](const auto& o) { return o.image.has_value(); });
    if (output == outputs.end()) output = outputs.begin();
    const auto entity = session_.catalog().find_id(record::task_id(planned.task.key, output->port));
    if (!entity) return {SheetCell::State::missing, {}, {}, "not in the catalog"};
    if (entity->image) return thumbnail(*entity, preview::ScaleBar::none);
    return {SheetCell::State::plain, {}, {}, plain_note(*entity)};
  }

  static std::string plain_note(const catalog::Entity& entity) {
    std::string note(to_string(entity.kind));
    if (entity.count) note += ", " + counted(*entity.count, "row");
    return note;
  }

  SheetCell thumbnail(const catalog::Entity& entity, preview::ScaleBar bar) {
    try {
      SceneRequest request;
      request.timepoint = std::min(request_.timepoint, entity.image->timepoints - 1);
      const auto found = find_scene(session_, entity, request);
      preview::Viewing viewing;
      viewing.size = {kThumbnail, kThumbnail};
      viewing.bar = bar;
      viewing.cut.projection = request_.projection;
      const Index planes = found.scene.grid.shape[kZ];
      viewing.cut.at[kZ] = std::min(request_.z.value_or(planes / 2), planes - 1);
      auto rendering = preview::render(found.scene, viewing);
      std::vector<preview::Note> notes;
      if (entity.kind == catalog::EntityKind::labels && entity.count)
        notes.push_back({counted(*entity.count, "object"), preview::kDimText});
      else
        for (const auto& channel : rendering.channels)
          notes.push_back(
              {preview::contrast_text(channel), rendering.channels.size() > 1 ? channel.colour : preview::kDimText});
      return {SheetCell::State::shown, std::move(rendering.picture), notes, {}};
    } catch (const OutOfMemoryError&) {
      throw;
    } catch (const Error& e) {
      log::warning("{}", e.what());
      return {SheetCell::State::failed, {}, {}, "cannot be read"};
    }
  }

  Session& session_;
  const engine::RunStatus& status_;
  const SheetRequest& request_;
  std::vector<std::string> images_;
  std::vector<preview::SheetColumn> steps_;
  std::map<std::pair<std::string, std::string>, const record::PlannedTask*> tasks_;  // by image and step
};
}  // namespace

void draw_run(Session& session, const engine::RunStatus& status, const SheetRequest& request,
              const std::function<void(const preview::Sheet& page)>& take) {
  RunSheet(session, status, request).draw(take);
}

}  // namespace voxflow::cli
