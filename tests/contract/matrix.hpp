// The route tables of all four families as rows of one, the credentials that there are, and the
// places where a request can carry one: what the matrix tests are generated from.
#pragma once

#include "net/families/service/routes.hpp"
#include "tests/contract/world.hpp"
#include "tests/support/account_holder.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

// Whom a route lets in.
enum class admission : std::uint8_t {
    open,
    native_access,
    native_access_and_step_up,
    native_access_and_two_factor,
    native_access_or_two_factor,
    native_two_factor,
    native_refresh,
    slugbase_account,
    slugbase_pending,
    clara_password,
    clara_key,
    clara_administrator_key,
    clara_user,
    clara_user_or_key,
    clara_user_or_private_key,
    service_key,
};

struct matrix_row {
    std::string_view family;
    std::string method;
    std::string_view pattern;
    admission needs;
    bool proves_code;
    bool csrf;
    const net::service::route* scopes = nullptr; // of the service family
    bool before_enrolment = false;

    [[nodiscard]] std::string name() const; // "clara GET /api/v1/users"
};

[[nodiscard]] const std::vector<matrix_row>& matrix_rows();

enum class credential_kind : std::uint8_t {
    none, // nothing that anybody issued
    access,
    refresh,
    step_up,
    pending_login,
    pending_step_up,
    totp_setup,
    email_link,
    reset_link,
    session_cookie,
    user_token, // Clara's
    api_token,
    service_key,
    public_key,  // Clara's
    private_key, // Clara's
    password,    // Basic
};
enum class standing : std::uint8_t { live, expired, revoked };

struct issued_credential {
    std::string name;
    credential_kind kind = credential_kind::none;
    standing stands = standing::live;
    std::string text;
    std::optional<store::service_scope> only_scope = std::nullopt; // of a service key
};

enum class place : std::uint8_t {
    bearer,        // Authorization: Bearer …
    authorization, // Authorization: …
    basic,         // Authorization: Basic …
    step_up_header,
    two_factor_header,
    access_cookie,
    refresh_cookie,
    step_up_cookie,
    two_factor_cookie,
    slugbase_cookie, // with the CSRF token and its cookie
    pending_cookie,
    other_cookies, // names that nobody reads
};
inline constexpr std::size_t place_count = 12;
[[nodiscard]] std::string_view to_string(place where);
[[nodiscard]] http_headers put(place where, const std::string& text);

// What a request with this credential, there, alone but for the second credential that a route asks
// for beside it, is answered.
struct verdict {
    bool passes = false;
    unsigned status = 401;
    std::string says = {}; // native and service: the code; slugbase: the body; Clara: the message
};
[[nodiscard]] verdict verdict_on(const matrix_row& row, place where, const issued_credential& what);
// The same for the second credential beside a good access token.
[[nodiscard]] verdict verdict_on_second(const matrix_row& row, const issued_credential& what);
// The status and the whole answer in the family's shape.
void expect_refused(const http_response& response, const matrix_row& row, const verdict& expected,
                    std::string_view target);

// An account with both methods on and one live credential of every kind; with `history` also the
// expired and the revoked, and what is forged from the live.
class credentials_of_all_kinds {
public:
    enum class history : bool { without, with };
    credentials_of_all_kinds(world& home, history wanted);

    account_holder ada;
    std::vector<issued_credential> all;
    std::string other_step_up;                   // of another session of hers
    std::string session_id, token_id, factor_id; // what paths name
    std::string code, mailed_code, reset_code;   // right, and not used
    std::string spare_backup_code;

    [[nodiscard]] const std::string& live(credential_kind kind) const;
    // A path and a body that would do something, were they let in.
    [[nodiscard]] std::string target_of(const matrix_row& row) const;
    [[nodiscard]] std::string body_of(const matrix_row& row) const;
    // The second credential that a route asks for beside one in this place.
    [[nodiscard]] http_headers beside(const matrix_row& row, place where) const;

private:
    void issue(std::string name, credential_kind kind, std::string text,
               standing stands = standing::live);
    void turn_both_methods_on();
    void let_some_expire(world& home);
    void have_some_revoked(const world& home);
    void issue_live(const world& home);
    void forge();
};

// The names of the rows that body_of() lists.
[[nodiscard]] std::vector<std::string> rows_with_a_body();

} // namespace countersign::tests
