// Annotations from a table that people write in a spreadsheet: one row an image, one column a key.
#pragma once
#include <string>
#include <vector>

#include "catalog/store/client.hpp"
#include "pipeline/core/diagnostics.hpp"
#include "pipeline/record/manifest.hpp"

namespace voxflow::catalog {

/// The changes that a CSV or TSV table (tab-separated when its first line has a tab) asks for. The first column is
/// "image" (name or id), each other one a key with an optional unit, "time_post_infection [h]"; an empty cell says
/// nothing. Values are typed by their key's declaration, or for a new key by its whole column. Throws FileError with
/// everything that is wrong.
std::vector<record::AnnotationChange> read_annotation_table(const SourceText& table, CatalogClient& catalog,
                                                            const std::string& agent);

}  // namespace voxflow::catalog
