// From the typed tree of a query to SQL with bound values.
#pragma once
#include <string>
#include <vector>

#include "catalog/query/query.hpp"
#include "catalog/store/sqlite.hpp"
#include "pipeline/record/annotation.hpp"

namespace voxflow::catalog {

/// A condition on `e` (entity), `x` (identifier), `i` (image) and `a` (generating activity), with its values in order.
struct SqlCondition {
  std::string text;
  std::vector<SqlValue> values;
};

/// Throws query::QueryError when a field is unknown or a value does not fit it. `keys` are the declared annotations.
SqlCondition compile(const query::Query& query, const std::vector<record::AnnotationKey>& keys, Database& db);

}  // namespace voxflow::catalog
