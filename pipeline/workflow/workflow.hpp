// A workflow as a validated value: what a YAML file says once every name, type, unit and range in it has been checked.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/query/query.hpp"
#include "pipeline/core/diagnostics.hpp"
#include "pipeline/core/hash.hpp"
#include "pipeline/sdk/schema.hpp"

namespace voxflow::workflow {

enum class Pick { nearest_acquired, latest_acquired };
enum class IfNone { fail, skip };

/// Another image, chosen for each selected one.
struct Reference {
  std::string name;
  catalog::query::Query select;
  std::vector<std::string> same;  // fields whose values must agree; "acquired.date" is the day of acquisition
  std::vector<Mark> same_marks;   // of each of them
  Pick pick = Pick::nearest_acquired;
  IfNone if_none = IfNone::fail;
  Mark mark, select_mark;
};

/// What a step reads at one of its kernel's ports.
struct StepInput {
  enum class From { image, reference, step };
  std::string port;
  From from = From::image;
  std::string name;         // of the reference or the step
  std::string output_port;  // of the step's kernel; "image" of an acquisition; "": as the entity that is found
  Mark mark;
};

/// Requests of one step, after defaults.
struct ResourceRequest {
  int ranks = 1, threads = 1;
  std::uint64_t memory_bytes = 2'000'000'000;
  double time_s = 3600;
};

struct Step {
  std::string name, kernel;
  int kernel_version = 0;
  std::vector<StepInput> inputs;
  bool keep = true;
  ParamValues params;                                    // as given, checked; defaults are not filled in
  std::map<std::string, ParamValues> params_by_channel;  // by channel name
  std::vector<std::string> channels;                     // names; empty: all
  std::vector<int> timepoints;                           // from 0; empty: all
  std::optional<Index3> blocks;                          // wished core shape, z-y-x
  ResourceRequest resources;
  Mark mark;
};

struct Workflow {
  std::string name, description, project;
  catalog::query::Query select;
  Mark select_mark;
  std::map<std::string, Reference> references;
  std::vector<Step> steps;  // every step after those it reads from
  Digest sha256;            // of the file's bytes
  SourceText source;
  const Step* step(std::string_view step_name) const;
};

/// The schema of a kernel by name (nullptr: none), and all names, for suggestions.
struct KernelLookup {
  std::function<const SchemaInfo*(std::string_view)> find;
  std::vector<std::string> names;
};

/// Whether everything that `query` can find is an acquisition: its `kind` is fixed to that, or not spoken of (then the
/// planner fixes it).
bool finds_acquisitions_only(const catalog::query::Query& query);

/// Reads and checks a workflow. Throws FileError with every problem found.
Workflow parse(const SourceText& source, const KernelLookup& kernels);
Workflow load(const std::filesystem::path& file, const KernelLookup& kernels);

/// A problem that the catalog finds in `select` or in a reference's query (unknown key, wrong unit), shown in the
/// workflow's file; `where`: select_mark of the workflow or of the reference.
FileError query_problem(const Workflow& workflow, const Mark& where, const catalog::query::QueryError& error);

}  // namespace voxflow::workflow
