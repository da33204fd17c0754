// voxflow link: a tree of readable names, whose links lead to artifacts.
#include <algorithm>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <unistd.h>

#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/naming.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"

namespace fs = std::filesystem;

namespace voxflow::cli {

namespace {
constexpr std::size_t kMostNamed = 5;

struct Options {
  std::string query, into, name;
  bool dry_run = false, replace = false;
};

enum class Step { make, keep, replace };

struct Link {
  std::string entity;
  fs::path file, target;
  Step step = Step::make;
};

bool inside(const fs::path& folder, const fs::path& path) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

/// What an image's link leads to is its whole folder: data.xml and data.h5 name each other.
fs::path target_of(const archive::Archive& archive, const catalog::Entity& e) {
  const fs::path artifact = archive.root() / e.artifact;
  return e.image ? artifact : artifact / e.file;
}

/// Throws UserError where something else stands.
Step step_for(const Link& link, const archive::Archive& archive, const Options& options) {
  const auto status = fs::symlink_status(link.file);
  if (!fs::exists(status)) return Step::make;
  if (!fs::is_symlink(status))
    throw UserError(fmt::format("'{}' is there already and no link; remove it, or give another --name or --into",
                                link.file.string()));
  const fs::path target = fs::read_symlink(link.file);
  if (target == link.target) return Step::keep;
  if (!inside(archive.root(), target))
    throw UserError(
        fmt::format("'{}' is there already and leads to '{}', outside the archive; remove it, or give "
                    "another --name or --into",
                    link.file.string(), target.string()));
  if (options.replace) return Step::replace;
  throw UserError(
      fmt::format("'{}' is there already and leads to '{}', not to {}; lead it there with --replace, or give "
                  "another --name or --into",
                  link.file.string(), target.string(), link.entity));
}

std::vector<Link> wanted_links(Session& session, const fs::path& folder, const Options& options) {
  const archive::Archive& archive = session.archive();
  std::vector<Link> links;
  for (const Placed& p : place(session.catalog(), options.query, options.name, [](const catalog::Entity& e) {
         return e.image ? std::string() : fs::path(e.file).extension().string();
       }))
    links.push_back({quoted(p.entity), folder / p.path, target_of(archive, p.entity)});
  for (Link& link : links) {
    check_way(folder, link.file);
    link.step = step_for(link, archive, options);
  }
  return links;
}

void make(const Link& link) {
  make_directories(link.file.parent_path());
  // A rename puts the new link in the place of the old one without a moment between.
  const fs::path first =
      link.step == Step::make
          ? link.file
          : link.file.parent_path() / fmt::format(".{}.tmp-{}", link.file.filename().string(), ::getpid());
  std::error_code error;
  fs::create_symlink(link.target, first, error);
  if (!error && first != link.file) fs::rename(first, link.file, error);
  if (error) throw_errno(fmt::format("cannot make the link '{}'", link.file.string()), error.value());
}

/// Links below the folder into the archive that are none of these.
std::vector<fs::path> other_links(const fs::path& folder, const fs::path& root, const std::vector<Link>& links) {
  std::set<fs::path> ours;
  for (const Link& link : links) ours.insert(link.file);
  std::vector<fs::path> others;
  std::error_code unreadable;
  auto entry = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, unreadable);
  for (; !unreadable && entry != fs::recursive_directory_iterator(); entry.increment(unreadable)) {
    if (entry->is_symlink() && inside(root, fs::read_symlink(entry->path())) && !ours.contains(entry->path()))
      others.push_back(entry->path());
    if (entry->path() == root) entry.disable_recursion_pending();
  }
  std::ranges::sort(others);
  return others;
}

std::string others_text(const std::vector<fs::path>& others, const fs::path& folder) {
  std::string text = fmt::format("{} link{} of earlier calls {} left:", others.size(), others.size() == 1 ? "" : "s",
                                 others.size() == 1 ? "is" : "are");
  for (std::size_t i = 0; i < std::min(others.size(), kMostNamed); ++i)
    text += "\n  " + others[i].lexically_relative(folder).string();
  return others.size() > kMostNamed ? text + "\n  ..." : text;
}

const char* word(Step step) {
  return step == Step::make ? "new" : step == Step::keep ? "kept" : "replaced";
}

nlohmann::json links_json(const std::vector<Link>& links) {
  auto list = nlohmann::json::array();
  for (const Link& l : links)
    list.push_back({{"link", l.file.string()}, {"target", l.target.string()}, {"state", word(l.step)}});
  return list;
}

int link(Session& session, const Options& options) {
  const fs::path folder = target_folder(session.archive().root(), options.into);
  const auto links = wanted_links(session, folder, options);
  if (!options.dry_run)
    for (const Link& l : links)
      if (l.step != Step::keep) make(l);
  if (session.json) {
    print_json(links_json(links));
    return 0;
  }
  if (options.dry_run)
    for (const Link& l : links)
      print(fmt::format("{} -> {}{}", l.file.string(), l.target.string(),
                        l.step == Step::make ? "" : fmt::format("  ({})", word(l.step))));
  const auto number = [&](Step step) { return std::ranges::count(links, step, &Link::step); };
  print(fmt::format("{} found: {} {}, {} replaced, {} there already", links.size(), number(Step::make),
                    options.dry_run ? "to link" : "linked", number(Step::replace), number(Step::keep)));
  if (const auto others = other_links(folder, session.archive().root(), links); !others.empty())
    print(others_text(others, folder));
  return 0;
}
}  // namespace

void add_link(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("link", "Make a tree of readable names that lead to images and results");
  const auto options = std::make_shared<Options>();
  command->add_option("query", options->query, "Which images and results, such as: step = \"denoise\"")->required();
  command->add_option("--into", options->into, "Folder of the tree; made where it is not there")->required();
  command
      ->add_option("--name", options->name,
                   "Names from fields: '{project}/{species|unknown}/{name}_{step}'; a table gets its ending")
      ->required();
  command->add_flag("--replace", options->replace, "Lead links anew that stand for another artifact");
  command->add_flag("--dry-run", options->dry_run, "Show the links, and make none");
  command->callback([&session, options] { session.action = [&session, options] { return link(session, *options); }; });
}

}  // namespace voxflow::cli
