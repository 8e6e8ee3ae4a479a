// Addresses that no account has. Who signs in with one, or wants its password reset, meets an
// account that nobody can log in to: the same decisions, pauses, answers, work and time as for a
// real one, so nothing tells that there is none (OWASP ASVS 5.0 6.3.8). It is forgotten soon.
#pragma once

#include "core/account.hpp"
#include "core/codes.hpp"
#include "core/text.hpp"

namespace countersign::core {

// "stranger_" and 32 hexadecimal digits, always the same for an address.
[[nodiscard]] account_id stranger_of(const email_address& address, const code_hasher& codes);
[[nodiscard]] bool is_stranger(const account_id& id) noexcept;
// What a stranger is at first: no password, no factor, no address that anything could be mailed to.
[[nodiscard]] account make_stranger(account_id id);

} // namespace countersign::core
