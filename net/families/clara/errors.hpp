// The Clara family's error catalogue (contract section 1.2) as data, and how the core's refusals
// and the store's failures are said in it.
#pragma once

#include "core/decision.hpp"
#include "net/evidence.hpp"
#include "net/reply.hpp"
#include "net/transport_problem.hpp"
#include "store/error.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::net::clara {

enum class error_code : std::uint8_t {
    empty_body,
    invalid_schema,
    user_exists,
    not_authenticated,
    code_refused, // not authenticated, for want of a code: `data` says that one is asked for
    not_active,
    not_allowed,
    user_not_found,
    route_not_found,
    method_not_allowed,
    rate_limited,
    failed,
    overloaded,
    request_timeout,
    body_too_large,
    header_too_large,
    unsupported,
};

// `message` empty means the catalogue's.
struct error {
    error_code code;
    core::seconds retry_after{0};
    std::string message;

    error() : error(error_code::failed) {}
    explicit error(error_code which, core::seconds wait = {}, std::string text = {})
        : code(which), retry_after(wait), message(std::move(text)) {}
};

// What result<T, error>::value() does where there is none: the caller did not look.
[[noreturn]] inline void throw_exception_from_error(const error& why,
                                                    const boost::source_location& where) {
    core::throw_exception_from_error(why.code, where);
}

template <typename T>
using outcome = boost::system::result<T, error>;

// A route may say a refusal in words of its own.
using refusal_words = std::vector<std::pair<core::refusal_reason, error_code>>;

[[nodiscard]] error from_refusal(const core::refusal& why, const refusal_words& own = {});
[[nodiscard]] error from_store(store::store_error why);
// Too many password checks are waiting.
[[nodiscard]] error overloaded();
[[nodiscard]] error from_evidence(const evidence_failure& why);
[[nodiscard]] error from_transport(transport_problem problem, std::string_view detail);

// {data, message, status}.
[[nodiscard]] reply render(const error& error);

} // namespace countersign::net::clara
