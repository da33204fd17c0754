#include "pipeline/supervise/team.hpp"

#include <fstream>

namespace voxflow::supervise {

namespace {
constexpr std::uintmax_t kTailBytes = 64 << 10;

std::uintmax_t size_of(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  return error ? 0 : size;
}
}  // namespace

TeamSlot::TeamSlot(int number, int ranks, const Command& command, std::filesystem::path log)
    : last_sign(std::chrono::steady_clock::now()),
      number_(number),
      ranks_(ranks),
      log_(std::move(log)),
      process_(std::make_unique<TeamProcess>(command, log_)),
      log_begin_(size_of(log_)) {}

void TeamSlot::give(std::size_t number, const std::string& line, SteadyTime now) {
  task = number, last_sign = task_begin = now;
  if (ready) log_begin_ = size_of(log_);
  // A team that does not read any more is about to end, which tells more than the failed write.
  process_->send(line);
}

void TeamSlot::release() {
  task.reset(), verdict.reset();
  if (!ending()) pressure_ = Pressure::none;
}

void TeamSlot::end_gently(Verdict why, SteadyTime now, std::chrono::milliseconds grace) {
  if (pressure_ != Pressure::none) return;
  verdict = std::move(why);
  process_->send(std::string(kCancelLine));
  pressure_ = Pressure::cancelled, next_step_ = now + grace;
}

void TeamSlot::end_now(Verdict why, SteadyTime now, std::chrono::milliseconds grace) {
  if (pressure_ != Pressure::none) return;
  verdict = std::move(why);
  process_->terminate();
  pressure_ = Pressure::terminated, next_step_ = now + grace;
}

void TeamSlot::press_on(SteadyTime now, std::chrono::milliseconds grace) {
  if (pressure_ == Pressure::none || pressure_ == Pressure::killed || now < next_step_) return;
  if (pressure_ == Pressure::cancelled) {
    process_->terminate();
    pressure_ = Pressure::terminated, next_step_ = now + grace;
  } else {
    process_->kill();
    pressure_ = Pressure::killed;
  }
}

std::string TeamSlot::log_tail() const {
  std::ifstream in(log_, std::ios::binary);
  const std::uintmax_t size = size_of(log_);
  const std::uintmax_t begin = std::max(log_begin_, size > kTailBytes ? size - kTailBytes : 0);
  in.seekg(static_cast<std::streamoff>(begin));
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace voxflow::supervise
