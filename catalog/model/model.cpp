#include "catalog/model/model.hpp"

namespace voxflow::catalog {

std::string_view to_string(EntityKind k) {
  switch (k) {
    case EntityKind::acquisition:
      return "acquisition";
    case EntityKind::result:
      return "result";
    case EntityKind::labels:
      return "labels";
    case EntityKind::mask:
      return "mask";
    case EntityKind::table:
      return "table";
    case EntityKind::transform:
      return "transform";
    default:
      return "psf";
  }
}

std::optional<EntityKind> entity_kind_from(std::string_view name) {
  for (const auto k : {EntityKind::acquisition, EntityKind::result, EntityKind::labels, EntityKind::mask,
                       EntityKind::table, EntityKind::transform, EntityKind::psf})
    if (to_string(k) == name) return k;
  return std::nullopt;
}

std::string_view to_string(EntityState s) {
  switch (s) {
    case EntityState::active:
      return "active";
    case EntityState::superseded:
      return "superseded";
    case EntityState::rejected:
      return "rejected";
    case EntityState::quarantined:
      return "quarantined";
    case EntityState::missing:
      return "missing";
    default:
      return "forgotten";
  }
}

std::optional<EntityState> entity_state_from(std::string_view name) {
  for (const auto s : {EntityState::active, EntityState::superseded, EntityState::rejected, EntityState::quarantined,
                       EntityState::missing, EntityState::forgotten})
    if (to_string(s) == name) return s;
  return std::nullopt;
}

}  // namespace voxflow::catalog
