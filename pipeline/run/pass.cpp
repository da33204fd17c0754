#include "pipeline/run/pass.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "pipeline/core/bytes.hpp"
#include "pipeline/decompose/block_grid.hpp"
#include "pipeline/run/agreement.hpp"

namespace voxflow::run {

namespace {
using Clock = std::chrono::steady_clock;

// Two tags only, so that what one rank sends upward arrives in its order.
constexpr int kUpTag = 1, kStopTag = 2;
enum class Kind : std::uint8_t { unit, pulse, finished };

struct Message {
  std::size_t unit = 0;
  std::string bytes;
};

// The rank's threads and what they have ready; holds at most one message a thread.
class Workers {
 public:
  Workers(const Pass& pass, std::vector<std::size_t> mine) : pass_(pass), mine_(std::move(mine)) {
    const auto n = std::min(static_cast<std::size_t>(std::max(1, pass.threads)), mine_.size());
    running_ = n;
    limit_ = std::max<std::size_t>(n, 1);
    for (std::size_t i = 0; i < n; ++i) threads_.emplace_back([this] { run(); });
  }
  ~Workers() {
    stop();
    for (std::thread& t : threads_) t.join();
  }

  // The next message; waits at most `patience`.
  bool next(Message& message, std::chrono::microseconds patience) {
    std::unique_lock lock(mutex_);
    if (ready_.empty() && running_ > 0 && patience.count() > 0) changed_.wait_for(lock, patience);
    if (ready_.empty()) return false;
    message = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return true;
  }
  bool finished() {
    const std::lock_guard lock(mutex_);
    return running_ == 0 && ready_.empty();
  }
  void stop() {
    control_.stop = true;
    const std::lock_guard lock(mutex_);
    ready_.clear();
    changed_.notify_all();
  }
  std::uint64_t pulse() const { return control_.pulse.load(std::memory_order_relaxed); }
  // The failure of the first unit that failed. Valid once finished.
  std::optional<RankFailure> failure() {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

 private:
  void run() {
    while (!control_.stop) {
      const std::size_t at = next_++;
      if (at >= mine_.size()) break;
      try {
        std::string bytes = pass_.work(mine_[at], control_);
        if (control_.stop) break;
        put({mine_[at], std::move(bytes)});
      } catch (...) {
        fail(mine_[at], std::current_exception());
      }
    }
    const std::lock_guard lock(mutex_);
    --running_;
    changed_.notify_all();
  }
  void put(Message message) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready_.size() < limit_ || control_.stop; });
    if (control_.stop) return;
    ready_.push_back(std::move(message));
    changed_.notify_all();
  }
  void fail(std::size_t unit, const std::exception_ptr& error) {
    RankFailure failure = describe_failure(error);
    if (pass_.where) failure.where = pass_.where(unit);
    {
      const std::lock_guard lock(mutex_);
      if (!failure_ || unit < failed_unit_) failure_ = std::move(failure), failed_unit_ = unit;
    }
    stop();
  }

  const Pass& pass_;
  std::vector<std::size_t> mine_;
  std::vector<std::thread> threads_;
  PassControl control_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Message> ready_;
  std::size_t running_ = 0, limit_ = 1, failed_unit_ = 0;
  std::optional<RankFailure> failure_;
};

RankFailure cancelled() {
  return {ExitCode::failed_tasks, "cancelled", "the task was cancelled", ""};
}

bool asked_to_cancel(const RunOptions& options) {
  return options.cancel != nullptr && options.cancel->load(std::memory_order_relaxed);
}

std::string upward(Kind kind, std::size_t unit, std::string_view bytes) {
  return ByteWriter().put(kind).put(static_cast<std::uint64_t>(unit)).put(bytes).take();
}

// Tells pulses of kernels from silence, at most once a second.
class PulseWatch {
 public:
  bool due(std::uint64_t pulse) {
    const auto now = Clock::now();
    if (pulse == seen_ || now - last_ < std::chrono::seconds(1)) return false;
    seen_ = pulse, last_ = now;
    return true;
  }

 private:
  std::uint64_t seen_ = 0;
  Clock::time_point last_ = Clock::now();
};

void run_other_rank(Team& team, const Pass& pass, const RunOptions& options) {
  Workers workers(pass, decompose::dealt(pass.units, team.rank(), team.size()));
  std::optional<RankFailure> failure;
  PulseWatch watch;
  std::string bytes;
  int from = 0;
  bool stopped = false;
  for (Message message; !workers.finished();) {
    if (workers.next(message, std::chrono::milliseconds(1)))
      team.send(0, kUpTag, upward(Kind::unit, message.unit, message.bytes));
    if (watch.due(workers.pulse())) team.send(0, kUpTag, upward(Kind::pulse, 0, ""));
    if (!stopped && team.try_receive(kStopTag, bytes, from)) stopped = true, workers.stop();
    if (!failure && asked_to_cancel(options)) failure = cancelled(), workers.stop();
  }
  if (workers.failure()) failure = workers.failure();
  team.send(0, kUpTag, upward(Kind::finished, 0, encode_failure(failure)));
  if (!stopped) team.receive(kStopTag, from);
}

// Rank 0: computes like the others, takes every message, and ends the pass for all.
class Hub {
 public:
  Hub(Team& team, const Pass& pass, const RunOptions& options)
      : team_(team),
        pass_(pass),
        options_(options),
        failures_(static_cast<std::size_t>(team.size())),
        waiting_for_(team.size() - 1) {}

  std::vector<std::optional<RankFailure>> run() {
    Workers workers(pass_, decompose::dealt(pass_.units, 0, team_.size()));
    std::chrono::microseconds patience(0);
    const std::chrono::microseconds longest(team_.size() == 1 ? 20000 : 1000);
    while (waiting_for_ > 0 || !workers.finished()) {
      const bool took_own = take_own(workers, patience);
      const bool busy = take_sent(workers) || took_own;
      if (watch_.due(workers.pulse() + pulses_)) report();
      if (!failures_[0] && asked_to_cancel(options_)) failures_[0] = cancelled();
      if (!stopped_ && failed()) stop(workers);
      patience = busy ? std::chrono::microseconds(0) : std::min(longest, patience * 2 + std::chrono::microseconds(20));
      if (!busy && workers.finished()) std::this_thread::sleep_for(patience);
    }
    if (workers.failure()) failures_[0] = workers.failure();
    if (!stopped_) stop(workers);
    return std::move(failures_);
  }

 private:
  bool take_own(Workers& workers, std::chrono::microseconds patience) {
    Message message;
    if (!workers.next(message, patience)) return false;
    deliver(message.unit, message.bytes);
    return true;
  }
  bool take_sent(Workers& workers) {
    std::string bytes;
    int from = 0;
    if (!team_.try_receive(kUpTag, bytes, from)) return false;
    ByteReader in(bytes);
    const auto kind = in.get<Kind>();
    const auto unit = static_cast<std::size_t>(in.get<std::uint64_t>());
    if (kind == Kind::unit) {
      deliver(unit, in.get_string());
    } else if (kind == Kind::pulse) {
      ++pulses_;
    } else {
      failures_[static_cast<std::size_t>(from)] = decode_failure(in.get_string());
      --waiting_for_;
      if (!stopped_ && failed()) stop(workers);
    }
    return true;
  }
  void deliver(std::size_t unit, const std::string& bytes) {
    if (failed()) return;
    try {
      pass_.deliver(unit, bytes);
      ++done_;
      report();
    } catch (...) {
      failures_[0] = describe_failure(std::current_exception());
    }
  }
  void report() {
    if (options_.progress) options_.progress(done_, pass_.units);
  }
  bool failed() const {
    return std::any_of(failures_.begin(), failures_.end(), [](const auto& f) { return f.has_value(); });
  }
  void stop(Workers& workers) {
    stopped_ = true;
    workers.stop();
    for (int rank = 1; rank < team_.size(); ++rank) team_.send(rank, kStopTag, "");
  }

  Team& team_;
  const Pass& pass_;
  const RunOptions& options_;
  std::vector<std::optional<RankFailure>> failures_;
  PulseWatch watch_;
  std::uint64_t pulses_ = 0;
  std::size_t done_ = 0;
  int waiting_for_ = 0;
  bool stopped_ = false;
};
}  // namespace

void run_pass(Team& team, const Pass& pass, const RunOptions& options) {
  std::vector<std::optional<RankFailure>> failures;
  if (team.rank() == 0)
    failures = Hub(team, pass, options).run();
  else
    run_other_rank(team, pass, options);
  announce(team, failures);
}

}  // namespace voxflow::run
