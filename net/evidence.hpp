// What commands carry beside a request's own words (see core/decide/evidence.hpp), made from the
// request and the worker's services; and the tokens that replies carry. For every family alike.
#pragma once

#include "core/decide/evidence.hpp"
#include "core/decide/login.hpp"
#include "net/password_pool.hpp"
#include "net/request.hpp"
#include "net/services.hpp"
#include "store/event_loop.hpp"

#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::net {

inline constexpr std::size_t device_text_max = 100; // bytes of a client's own words that are kept

// What is shown of a client's own words; cut, never trusted.
[[nodiscard]] std::string device_text(std::string_view text);

// The request's address and user agent, and randomness for its events. `locale` is a tag in
// canonical case, or empty.
[[nodiscard]] core::request_origin origin_of(services& services, const request& request,
                                             std::string locale = {});
// The request's locale (native contract section 3.8): `?locale=`, empty if there is none; nullopt
// if it is no language tag.
[[nodiscard]] std::optional<std::string> requested_locale(const request& request);

// A code of `policy.mailed_code_digits` for a mail, good for the purpose; of a second factor for
// the challenge too, if there is one (core::bound_code()).
[[nodiscard]] core::sealed_code make_mail_code(services& services, const core::account_id& account,
                                               core::code_purpose purpose,
                                               const core::challenge_id& made_for = {});

// The text after a scheme of the Authorization field ("bearer", RFC 6750), which is compared
// without regard to case; empty if the field has another scheme or is absent.
[[nodiscard]] std::string_view credentials_of(const request& request, std::string_view scheme);

// A token of these claims, from now on for `life`; an empty id is filled in.
[[nodiscard]] std::string issue(services& services, core::token_kind kind,
                                core::token_claims claims, core::seconds life);

// A new authenticator, ready to enrol, and what its owner must be shown once.
struct totp_material {
    core::totp_device device;
    std::string secret; // base 32
    std::string uri;    // otpauth://
};
// `account_name` is what the app shows beside the issuer, which is the application's name.
[[nodiscard]] totp_material make_totp_material(services& services, const core::account_id& account,
                                               std::string_view account_name);

struct backup_codes {
    std::vector<std::string> codes;  // told once
    std::vector<std::string> hashes; // kept
};
[[nodiscard]] backup_codes make_backup_codes(services& services, const core::account_id& account,
                                             int count, std::string_view alphabet,
                                             std::size_t length);
// Ten of sixteen hexadecimal digits: 64 bits each (slugbase contract section 2.5); or of more.
inline constexpr std::size_t hexadecimal_backup_code_length = 16;
[[nodiscard]] backup_codes
make_hexadecimal_backup_codes(services& services, const core::account_id& account,
                              std::size_t length = hexadecimal_backup_code_length);

// An address and a password as they were presented, looked up and checked: one Argon2 run whoever
// it is, so that the time says nothing.
struct presented_password {
    core::account_id account;
    core::password_check check;
};
// Why evidence could not be made: the store failed, or (nullopt) too many password checks wait.
struct evidence_failure {
    std::optional<store::store_error> store;
};
// What result<T, evidence_failure>::value() does where there is none: the caller did not look.
[[noreturn]] inline void throw_exception_from_error(const evidence_failure& why,
                                                    const boost::source_location& where) {
    core::throw_exception_from_error(why.store.value_or(store::store_error::overloaded), where);
}
// Where no account has the address, the account is a stranger (core/decide/strangers.hpp). Nullopt:
// the text is no address.
[[nodiscard]] awaitable<boost::system::result<std::optional<presented_password>, evidence_failure>>
check_credentials(services& services, std::string address, std::string password);

} // namespace countersign::net
