// What the families' states are made of.
#pragma once

#include "tests/contract/states.hpp"
#include "tests/support/service_client.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace countersign::tests {

inline constexpr int state_window = 8; // steps whose codes are used; the servers take two more
inline constexpr std::string_view ada_password = "Correct-Horse-7";
inline constexpr std::string_view garbled_token = "no.such.token";

// The words of each family's states, and how they come about.
[[nodiscard]] std::span<const std::string_view> native_words();
[[nodiscard]] std::span<const std::string_view> slugbase_words();
[[nodiscard]] std::span<const std::string_view> clara_words();
[[nodiscard]] std::span<const std::string_view> service_words();
[[nodiscard]] situation native_state(const state& wanted, const documented_operation& operation);
[[nodiscard]] situation slugbase_state(const state& wanted, const documented_operation& operation);
[[nodiscard]] situation clara_state(const state& wanted, const documented_operation& operation);
[[nodiscard]] situation service_state(const state& wanted, const documented_operation& operation);

// A server with the family on, and with the settings without which the state does not come about.
[[nodiscard]] world& world_of(std::string_view family, const state& wanted);

// Fields that tell of a client: an address that no other has, so that no limit per address counts
// two of them together.
[[nodiscard]] http_headers fresh_client();
// The same for an address that has used up what the operation's limit allows.
[[nodiscard]] http_headers exhausted_client(world& home, const documented_operation& operation,
                                            bool of_sign_ins);

// A backend with a key of these scopes, one key for each world.
[[nodiscard]] service_client service_key_of(world& home, std::string_view scopes = all_scopes);

void require_success(const http_response& response, std::string_view what);

// Turns the second factors of an account on and off, as a backend may, whichever family made it.
void set_factors(const state& wanted, std::string_view account, situation& made);
// Five wrong codes, and if there is a password five of those.
void pause_attempts(situation& made, std::string_view account, std::string_view email);
// Says when what the state calls expired will be.
void let_expire(const state& wanted, situation& made);

// One of the families' set-ups. begin() makes the account and its tokens, present() says what comes
// with the request. What is refused leaves all of it as it was, so where something is wrong with
// the caller a set-up is begun once and presented wherever the same is asked for.
template <typename SetUp>
situation run_set_up(const state& wanted, const documented_operation& operation) {
    const auto begin = [&] {
        SetUp fresh(wanted.presented_well(), operation);
        fresh.begin();
        return fresh;
    };
    if (!wanted.is_refused()) return begin().present(wanted, operation);
    static std::map<std::string, SetUp> begun;
    const auto key =
        wanted.presented_well().text() + (wanted.has("just mailed") ? ": " + operation.name() : "");
    auto found = begun.find(key);
    if (found == begun.end()) found = begun.emplace(key, begin()).first;
    return SetUp(found->second).present(wanted, operation);
}

// Ada of the native API, who is at hand in the other families' states too.
struct native_ada : person {
    explicit native_ada(world& where);
    void register_now(bool with_mail = false);
    // Signs in, reads the account's id, and lets the session be.
    void find_account();
    [[nodiscard]] std::string mailed_link(std::string_view address) const;

    std::string account, session_before; // of find_account(): the id, the access token
};

} // namespace countersign::tests
