#include "pipeline/run/agreement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "pipeline/core/bytes.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::run {

namespace {
struct Distinct {
  RankFailure failure;
  std::vector<std::string> ranks;
};

std::string ranks_text(const Distinct& d, std::size_t size) {
  if (size == 1) return "";
  if (d.ranks.size() == size) return " (all ranks)";
  return fmt::format(" ({} {})", d.ranks.size() == 1 ? "rank" : "ranks", join(d.ranks, ", "));
}

// The failure of the whole team: what a stopped rank says matters only when nobody says more.
RankFailure combine(const std::vector<std::optional<RankFailure>>& failures) {
  std::vector<Distinct> distinct;
  for (std::size_t rank = 0; rank < failures.size(); ++rank) {
    if (!failures[rank]) continue;
    const auto it = std::find_if(distinct.begin(), distinct.end(), [&](const Distinct& d) {
      return d.failure.message == failures[rank]->message && d.failure.failure_class == failures[rank]->failure_class;
    });
    if (it == distinct.end())
      distinct.push_back({*failures[rank], {std::to_string(rank)}});
    else
      it->ranks.push_back(std::to_string(rank));
  }
  if (distinct.size() > 1)
    std::erase_if(distinct, [](const Distinct& d) { return d.failure.failure_class == "cancelled"; });
  RankFailure all = distinct.front().failure;
  all.message.clear(), all.where.clear();
  for (const Distinct& d : distinct) {
    if (!all.message.empty()) all.message += "; ";
    if (!d.failure.where.empty()) all.message += d.failure.where + ": ";
    all.message += d.failure.message + ranks_text(d, failures.size());
  }
  return all;
}
}  // namespace

RankFailure describe_failure(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const TaskError& e) {
    return {e.code(), e.failure_class(), e.what(), ""};
  } catch (const DiskFullError& e) {
    return {e.code(), "disk_full", e.what(), ""};
  } catch (const OutOfMemoryError& e) {
    return {e.code(), "out_of_memory", e.what(), ""};
  } catch (const SystemError& e) {
    return {e.code(), "system_error", e.what(), ""};
  } catch (const UserError& e) {
    return {e.code(), "user_error", e.what(), ""};
  } catch (const Error& e) {
    return {e.code(), "internal_error", e.what(), ""};
  } catch (const std::bad_alloc&) {
    return {ExitCode::system, "out_of_memory", "the memory given to the task ran out; give the step more memory", ""};
  } catch (const std::exception& e) {
    return {ExitCode::internal, "internal_error", e.what(), ""};
  } catch (...) {
    return {ExitCode::internal, "internal_error", "something was thrown that is no std::exception", ""};
  }
}

std::string encode_failure(const std::optional<RankFailure>& failure) {
  if (!failure) return "";
  return ByteWriter()
      .put(failure->code)
      .put(std::string_view(failure->failure_class))
      .put(std::string_view(failure->message))
      .put(std::string_view(failure->where))
      .take();
}

std::optional<RankFailure> decode_failure(const std::string& bytes) {
  if (bytes.empty()) return std::nullopt;
  ByteReader in(bytes);
  RankFailure failure;
  failure.code = in.get<ExitCode>();
  failure.failure_class = in.get_string();
  failure.message = in.get_string();
  failure.where = in.get_string();
  return failure;
}

void announce(Team& team, const std::vector<std::optional<RankFailure>>& failures) {
  std::string bytes;
  if (team.rank() == 0)
    for (const auto& failure : failures)
      if (failure) {
        bytes = encode_failure(combine(failures));
        break;
      }
  team.broadcast(bytes);
  if (const auto failure = decode_failure(bytes))
    throw TaskError(failure->code, failure->failure_class, failure->message);
}

void agree(Team& team, const std::optional<RankFailure>& failure) {
  std::vector<std::optional<RankFailure>> failures;
  for (const std::string& bytes : team.gather(encode_failure(failure))) failures.push_back(decode_failure(bytes));
  announce(team, failures);
}

}  // namespace voxflow::run
