#include "catalog/store/sqlite.hpp"

#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/core/error.hpp"

namespace voxflow::catalog {

namespace {
constexpr int kBusyTimeoutMs = 60'000;
}

Statement::Statement(Database& db, std::string_view sql) : db_(db), sql_(sql), stmt_(nullptr) {
  if (auto& idle = db_.idle_[sql_]; !idle.empty()) {
    stmt_ = idle.back();
    idle.pop_back();
    return;
  }
  const int code = sqlite3_prepare_v3(db_.db_, sql_.data(), static_cast<int>(sql_.size()), SQLITE_PREPARE_PERSISTENT,
                                      &stmt_, nullptr);
  if (code != SQLITE_OK) db_.fail(code);
}

Statement::~Statement() {
  if (stmt_ == nullptr) return;
  sqlite3_reset(stmt_);
  sqlite3_clear_bindings(stmt_);
  db_.idle_[sql_].push_back(stmt_);
}

Statement::Statement(Statement&& other) noexcept
    : db_(other.db_), sql_(std::move(other.sql_)), stmt_(std::exchange(other.stmt_, nullptr)), bound_(other.bound_) {}

void Statement::bind(const SqlValue& value) {
  const int at = ++bound_;
  int code = SQLITE_OK;
  if (const auto* i = std::get_if<std::int64_t>(&value))
    code = sqlite3_bind_int64(stmt_, at, *i);
  else if (const auto* d = std::get_if<double>(&value))
    code = sqlite3_bind_double(stmt_, at, *d);
  else if (const auto* s = std::get_if<std::string>(&value))
    code = sqlite3_bind_text64(stmt_, at, s->data(), s->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  else
    code = sqlite3_bind_null(stmt_, at);
  if (code != SQLITE_OK) db_.fail(code);
}

bool Statement::step() {
  const int code = sqlite3_step(stmt_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) db_.fail(code);
  return false;
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(stmt_, column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(stmt_, column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(stmt_, column);
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(stmt_, column));
  return bytes == nullptr ? "" : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(stmt_, column)));
}

int Statement::columns() const {
  return sqlite3_column_count(stmt_);
}

namespace {
/// Opened by one who may not write it, the database would leave files beside it that lock its owner out.
void check_writable(const std::filesystem::path& file) {
  if (::access(file.c_str(), F_OK) != 0 || ::access(file.c_str(), W_OK) == 0) return;
  throw UserError(
      fmt::format("you may not write the catalog '{}'; those who work with an archive share a group that may write "
                  "its root (chmod g+w, before anything is imported)",
                  file.string()));
}

/// SQLite makes its files for their owner alone; in a folder that the group may write they are the group's.
void share(const std::filesystem::path& file) {
  struct stat folder {};
  struct stat made {};
  const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  if (::stat(parent.c_str(), &folder) != 0 || ::stat(file.c_str(), &made) != 0) return;
  if ((folder.st_mode & S_IWGRP) != 0 && (made.st_mode & S_IWGRP) == 0 && made.st_uid == ::geteuid())
    ::chmod(file.c_str(), (made.st_mode & 07777) | S_IRGRP | S_IWGRP);
}
}  // namespace

Database::Database(const std::filesystem::path& file) : file_(file) {
  check_writable(file);
  const int code =
      sqlite3_open_v2(file.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) {
    const int os = sqlite3_system_errno(db_);
    const std::string what = fmt::format("cannot open the catalog '{}': {}", file.string(), sqlite3_errmsg(db_));
    sqlite3_close(db_);
    if (os == 0) throw SystemError(what);
    throw_errno(what + "; its folder has to be there and writable", os);
  }
  share(file);
  sqlite3_busy_timeout(db_, kBusyTimeoutMs);
}

Database::~Database() {
  for (const auto& [sql, statements] : idle_)
    for (sqlite3_stmt* s : statements) sqlite3_finalize(s);
  sqlite3_close(db_);
}

void Database::script(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

void Database::replace_by(Database& other) {
  sqlite3_backup* backup = sqlite3_backup_init(db_, "main", other.db_, "main");
  if (backup == nullptr) fail(sqlite3_errcode(db_));
  const int code = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE) fail(code);
}

int Database::changes() const {
  return sqlite3_changes(db_);
}

void Database::fail(int code) const {
  const std::string text = fmt::format("the catalog '{}': {}", file_.string(), sqlite3_errmsg(db_));
  const int os = sqlite3_system_errno(db_);
  switch (code & 0xff) {
    case SQLITE_FULL:
      throw DiskFullError(text);
    case SQLITE_BUSY:
      throw SystemError(fmt::format("the catalog '{}' was in use by another process for {} s; try again",
                                    file_.string(), kBusyTimeoutMs / 1000));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw SystemError(fmt::format("{}; move the file away: the next command makes it again from the archive", text));
    case SQLITE_IOERR:
      if (os == 0) throw SystemError(text);
      throw_errno(text, os);
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_CONSTRAINT:
    case SQLITE_RANGE:
      throw InternalError(text);
    default:
      throw SystemError(text);
  }
}

Transaction::Transaction(Database& db) : db_(db) {
  db_.run("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    db_.run("ROLLBACK");
  } catch (const Error&) {
    // SQLite has rolled back by itself, as it does when the disk is full.
  }
}

void Transaction::commit() {
  db_.run("COMMIT");
  open_ = false;
}

}  // namespace voxflow::catalog
