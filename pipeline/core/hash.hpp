// SHA-256 digests and name-based identifiers.
#pragma once
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace voxflow {

/// A SHA-256 value.
struct Digest {
  std::array<std::uint8_t, 32> bytes{};
  /// 64 lower-case hexadecimal digits.
  std::string hex() const;
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

/// The digest of 64 hexadecimal digits; nothing when `hex` is not that.
std::optional<Digest> digest_from(std::string_view hex);

/// Incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256& update(const void* data, std::size_t size_bytes);
  Sha256& update(std::string_view text) { return update(text.data(), text.size()); }
  Sha256& update(const Digest& d) { return update(d.bytes.data(), d.bytes.size()); }
  /// The digest of what was given; the object may not be used afterwards.
  Digest finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

Digest sha256(std::string_view bytes);
Digest sha256(const void* data, std::size_t size_bytes);
/// Digest of a file's bytes. Throws SystemError when it cannot be read.
Digest sha256_file(const std::filesystem::path& file);

/// RFC 4122 version 5 UUID of `name` within voxflow's own namespace; equal names give equal identifiers.
std::string uuid5(std::string_view name);
/// A random (version 4) UUID.
std::string uuid4();

}  // namespace voxflow
