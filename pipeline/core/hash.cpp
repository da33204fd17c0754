#include "pipeline/core/hash.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <random>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "pipeline/core/error.hpp"

namespace voxflow {

namespace {
constexpr std::string_view kHexDigits = "0123456789abcdef";

int hex_value(char ch) {
  const auto at = kHexDigits.find(ch);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::string uuid_text(std::array<std::uint8_t, 16> b, std::uint8_t version) {
  b[6] = static_cast<std::uint8_t>((b[6] & 0x0f) | (version << 4));
  b[8] = static_cast<std::uint8_t>((b[8] & 0x3f) | 0x80);
  std::string s;
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) s += '-';
    s += kHexDigits[b[i] >> 4];
    s += kHexDigits[b[i] & 15];
  }
  return s;
}

struct ContextDeleter {
  void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
};
}  // namespace

struct Sha256::Impl {
  std::unique_ptr<EVP_MD_CTX, ContextDeleter> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  if (!impl_->context || EVP_DigestInit_ex(impl_->context.get(), EVP_sha256(), nullptr) != 1)
    throw InternalError("OpenSSL offers no SHA-256");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(const void* data, std::size_t size_bytes) {
  EVP_DigestUpdate(impl_->context.get(), data, size_bytes);
  return *this;
}

Digest Sha256::finish() {
  Digest d;
  EVP_DigestFinal_ex(impl_->context.get(), d.bytes.data(), nullptr);
  return d;
}

std::string Digest::hex() const {
  std::string s;
  s.reserve(64);
  for (const auto b : bytes) {
    s += kHexDigits[b >> 4];
    s += kHexDigits[b & 15];
  }
  return s;
}

std::optional<Digest> digest_from(std::string_view hex) {
  if (hex.size() != 64) return std::nullopt;
  Digest d;
  for (std::size_t i = 0; i < 32; ++i) {
    const int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    d.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return d;
}

Digest sha256(const void* data, std::size_t size_bytes) {
  return Sha256().update(data, size_bytes).finish();
}

Digest sha256(std::string_view bytes) {
  return sha256(bytes.data(), bytes.size());
}

Digest sha256_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw_errno(fmt::format("cannot open '{}'", file.string()), errno);
  Sha256 sha;
  std::vector<char> buffer(1 << 20);
  while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0)
    sha.update(buffer.data(), static_cast<std::size_t>(in.gcount()));
  if (in.bad()) throw_errno(fmt::format("cannot read '{}'", file.string()), errno);
  return sha.finish();
}

std::string uuid5(std::string_view name) {
  // voxflow's own namespace UUID, fixed for ever: 6f0d1f52-3c1b-5b0e-9a5e-0f1c7a2f6b11.
  constexpr std::array<std::uint8_t, 16> kNamespace{0x6f, 0x0d, 0x1f, 0x52, 0x3c, 0x1b, 0x5b, 0x0e,
                                                    0x9a, 0x5e, 0x0f, 0x1c, 0x7a, 0x2f, 0x6b, 0x11};
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> sha1;
  std::string bytes(reinterpret_cast<const char*>(kNamespace.data()), kNamespace.size());
  bytes += name;
  if (EVP_Digest(bytes.data(), bytes.size(), sha1.data(), nullptr, EVP_sha1(), nullptr) != 1)
    throw InternalError("OpenSSL offers no SHA-1");
  std::array<std::uint8_t, 16> b;
  std::copy_n(sha1.begin(), b.size(), b.begin());
  return uuid_text(b, 5);
}

std::string uuid4() {
  std::random_device device;
  std::array<std::uint8_t, 16> b;
  for (auto& x : b) x = static_cast<std::uint8_t>(device());
  return uuid_text(b, 4);
}

}  // namespace voxflow
