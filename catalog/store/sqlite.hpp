// SQLite behind RAII handles: prepared statements with bound values, transactions, errors as exceptions.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace voxflow::catalog {

using SqlValue = std::variant<std::nullptr_t, std::int64_t, double, std::string>;

class Database;

/// A prepared statement on loan from its Database, to which it goes back reset. Columns count from 0.
class Statement {
 public:
  Statement(Database& db, std::string_view sql);
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  /// The value of the next parameter.
  void bind(const SqlValue& value);
  /// False when there is no further row.
  bool step();
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  int columns() const;

 private:
  Database& db_;
  std::string sql_;
  sqlite3_stmt* stmt_;
  int bound_ = 0;
};

/// One connection; not to be used by two threads at once.
class Database {
 public:
  /// Opens `file`, creating it when absent. Throws SystemError.
  explicit Database(const std::filesystem::path& file);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  template <class... V>
  Statement query(std::string_view sql, const V&... values) {
    Statement s(*this, sql);
    (s.bind(sql_value(values)), ...);
    return s;
  }
  /// Runs a statement to its end; returns the number of rows it changed.
  template <class... V>
  int run(std::string_view sql, const V&... values) {
    Statement s = query(sql, values...);
    while (s.step()) {
    }
    return changes();
  }
  /// Runs several statements without values.
  void script(const std::string& sql);
  /// Replaces this database's content by that of `other` in one transaction.
  void replace_by(Database& other);
  [[noreturn]] void fail(int code) const;

 private:
  friend class Statement;
  int changes() const;
  static SqlValue sql_value(std::nullptr_t) { return nullptr; }
  static SqlValue sql_value(const std::string& v) { return v; }
  static SqlValue sql_value(std::string_view v) { return std::string(v); }
  static SqlValue sql_value(const char* v) { return std::string(v); }
  static SqlValue sql_value(double v) { return v; }
  static SqlValue sql_value(std::int64_t v) { return v; }
  static SqlValue sql_value(int v) { return std::int64_t{v}; }
  static SqlValue sql_value(std::uint64_t v) { return static_cast<std::int64_t>(v); }
  static SqlValue sql_value(const SqlValue& v) { return v; }
  template <class T>
  static SqlValue sql_value(const std::optional<T>& v) {
    return v ? sql_value(*v) : SqlValue(nullptr);
  }

  std::filesystem::path file_;
  sqlite3* db_ = nullptr;
  std::unordered_map<std::string, std::vector<sqlite3_stmt*>> idle_;
};

/// Takes the write lock at once; rolls back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& db);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& db_;
  bool open_ = true;
};

}  // namespace voxflow::catalog
