#pragma once
#include <cstdint>
#include <string_view>

namespace vitrine {

// The 64-bit XXH3 of these bytes (xxhash.com): for telling contents apart, not against an attacker.
uint64_t hash_bytes(std::string_view bytes);

}  // namespace vitrine
