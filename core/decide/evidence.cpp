#include "core/decide/evidence.hpp"

namespace countersign::core {

sealed_code seal_code(const account_id& account, code_purpose purpose, event_type mailed_as,
                      std::string_view secret, std::string_view text, const context& context,
                      random_source& random) {
    return {.hash = context.codes.hash(to_string(purpose), account, secret),
            .sealed =
                context.keys.seal(text, secret_context(account, mailed_as), random.bytes<12>())};
}

session_material make_session_material(random_source& random) {
    return {.session = session_id(random.uuid()), .refresh_id = random.hex(16)};
}

account_id make_account_id(random_source& random) {
    return account_id("user_" + random.hex(16));
}

request_origin make_origin(client_info client, std::string locale, random_source& random) {
    return {.nonce = random.hex(16), .client = std::move(client), .locale = std::move(locale)};
}

} // namespace countersign::core
