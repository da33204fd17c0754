// Flat little-endian encoding of values that ranks send to each other.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "pipeline/core/error.hpp"

namespace voxflow {

/// Values that are their bytes; pointers and what holds them (C strings, views) are not.
template <class T>
concept PlainData = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> && !std::is_array_v<T> &&
                    !std::is_convertible_v<T, std::string_view>;

/// Appends values to a byte string.
class ByteWriter {
 public:
  template <PlainData T>
  ByteWriter& put(const T& v) {
    bytes_.append(reinterpret_cast<const char*>(&v), sizeof v);
    return *this;
  }
  ByteWriter& put(std::string_view s) {
    put(static_cast<std::uint64_t>(s.size()));
    bytes_.append(s);
    return *this;
  }
  template <PlainData T>
  ByteWriter& put(const std::vector<T>& v) {
    put(static_cast<std::uint64_t>(v.size()));
    bytes_.append(reinterpret_cast<const char*>(v.data()), v.size() * sizeof(T));
    return *this;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads back what a ByteWriter wrote, in the same order. Throws InternalError when the bytes run out.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  template <PlainData T>
  T get() {
    T v;
    std::memcpy(&v, take(sizeof v).data(), sizeof v);
    return v;
  }
  std::string get_string() {
    const auto n = get<std::uint64_t>();
    return std::string(take(n));
  }
  template <PlainData T>
  std::vector<T> get_vector() {
    const auto n = get<std::uint64_t>();
    if (n > rest_.size() / sizeof(T)) throw InternalError(kTooShort);
    const auto raw = take(n * sizeof(T));
    std::vector<T> v(n);
    if (n > 0) std::memcpy(v.data(), raw.data(), raw.size());
    return v;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view take(std::uint64_t n) {
    if (n > rest_.size()) throw InternalError(kTooShort);
    const auto part = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return part;
  }
  static constexpr const char* kTooShort = "a message between ranks is shorter than its content";
  std::string_view rest_;
};

}  // namespace voxflow
