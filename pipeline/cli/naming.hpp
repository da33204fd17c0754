// Where found images and results go below a folder: what `link` and `export` share.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catalog/store/client.hpp"

namespace voxflow::cli {

/// Something that a query found, what made it, the image that it goes back to if it is a result, and its place relative
/// to the folder of --into.
struct Placed {
  catalog::Entity entity;
  std::optional<catalog::Activity> made_by;
  std::optional<catalog::Entity> origin;
  std::filesystem::path path;
};

/// What the query finds, without a place. Throws QueryError.
std::vector<Placed> find_with_origins(catalog::CatalogClient& catalog, const std::string& query);

/// What the query finds, each with a name of its own made from the template and its extension ("" or ".tif").
/// Besides the fields of queries a template may use {port}; {id} is a short id, {name} the name of the image that a
/// result goes back to, and what a result does not say itself is taken from that image. Throws QueryError; UserError
/// when a field is unknown or has no value, or when two get one name.
std::vector<Placed> place(catalog::CatalogClient& catalog, const std::string& query, const std::string& name_template,
                          const std::function<std::string(const catalog::Entity&)>& extension);

/// The folder of --into, absolute. Throws UserError when it lies inside the archive.
std::filesystem::path target_folder(const std::filesystem::path& archive_root, const std::string& into);

/// Throws UserError when on the way from `top` down to `file` stands something else than a folder, such as a link into
/// the archive.
void check_way(const std::filesystem::path& top, const std::filesystem::path& file);

/// "3fa9c0d1e2b4": the beginning of its digest, which `show` takes.
std::string short_id(const catalog::Entity& entity);

/// "'nuclei_1 first_look/denoise' (3fa9c0d1e2b4)"
std::string quoted(const catalog::Entity& entity);

}  // namespace voxflow::cli
