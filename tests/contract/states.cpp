#include "tests/contract/states.hpp"

#include "tests/contract/state_parts.hpp"

#include "tests/contract/clara.hpp"
#include "tests/support/passkey_user.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <stdexcept>

namespace countersign::tests {

namespace {

// What grows old, and the setting that says when.
struct short_life {
    std::string_view word, setting, seconds;
};
constexpr std::array short_lives{
    short_life{"but an expired step-up token", "tokens.step_up", "1"},
    // A mail has to arrive within it.
    short_life{"but an expired two-factor token", "tokens.two_factor", "2"},
    short_life{"but an expired refresh token", "tokens.refresh", "1"},
    short_life{"but an expired refresh token", "tokens.access", "1"},         // lives no longer
    short_life{"but an expired mailed code", "policy.mailed_code_life", "2"}, // the same
    short_life{"but an outlived access token", "tokens.access", "1"},
    short_life{"but an expired enrolment token", "tokens.totp_setup", "1"},
    short_life{"but an expired link token", "tokens.email_verification", "1"},
    short_life{"but an expired link token", "tokens.password_reset", "1"}};

std::span<const std::string_view> words_of(std::string_view family) {
    if (family == "slugbase") return slugbase_words();
    if (family == "clara") return clara_words();
    if (family == "service") return service_words();
    return native_words();
}

http_headers client_at(const std::string& address) {
    return {{"X-Forwarded-For", address}, {"User-Agent", "curl/8.5.0"}};
}

} // namespace

state::state(std::string_view text) {
    while (!text.empty()) {
        const auto word = text.substr(0, text.find(", "));
        text.remove_prefix(std::min(text.size(), word.size() + 2));
        words_.emplace_back(word);
    }
}

bool state::has(std::string_view word) const {
    return std::ranges::find(words_, word) != words_.end();
}

bool state::has_any(std::initializer_list<std::string_view> words) const {
    return std::ranges::any_of(words, [this](std::string_view word) { return has(word); });
}

bool state::is_refused() const {
    return std::ranges::any_of(words_,
                               [](const std::string& word) { return word.starts_with("but "); });
}

state state::presented_well() const {
    auto rest = *this;
    std::erase_if(rest.words_, [](const std::string& word) {
        return word.starts_with("but no ") || word.starts_with("but a garbled ") ||
               word.starts_with("but too many ");
    });
    return rest;
}

std::string state::text() const {
    std::string all;
    for (const auto& word : words_)
        all += (all.empty() ? "" : ", ") + word;
    return all;
}

void state::check_words(std::string_view family) const {
    if (words_.empty()) throw std::runtime_error("there is no state");
    const auto known = words_of(family);
    for (const auto& word : words_)
        if (std::ranges::find(known, word) == known.end())
            throw std::runtime_error("the state '" + word + "' is unknown");
}

std::optional<std::string> situation::live_value(std::string_view name) {
    if (name == "totp code" && app) return app->next();
    if (name == "wrong totp code" && app) return app->wrong();
    const auto mailed = live.find("mailed code");
    if (name == "wrong mailed code")
        return mailed == live.end() ? "000000" : other_than(mailed->second);
    if (const auto found = live.find(name); found != live.end()) return found->second;
    return std::nullopt;
}

std::string situation::real(std::string text) const {
    for (const auto& [shown, own] : names)
        for (auto at = text.find(shown); at != std::string::npos;
             at = text.find(shown, at + own.size()))
            text.replace(at, shown.size(), own);
    return text;
}

situation put_into(const state& wanted, const documented_operation& operation) {
    wanted.check_words(operation.family);
    if (operation.family == "slugbase") return slugbase_state(wanted, operation);
    if (operation.family == "clara") return clara_state(wanted, operation);
    if (operation.family == "service") return service_state(wanted, operation);
    return native_state(wanted, operation);
}

world& world_of(std::string_view family, const state& wanted) {
    // Where both are served the native API answers SlugBase's logins, and tells more than alone.
    // Clara lists every user, so hers are alone with her.
    constexpr std::string_view all = "singularity,clara,service",
                               without_native = "slugbase,clara,service",
                               clara_first = "clara,singularity,service";
    const auto families = family == "slugbase" ? without_native
                          : family == "clara"  ? clara_first
                                               : all;
    server_settings settings = with_clara({{"api.families", std::string(families)},
                                           {"policy.ip_limits", "true"},
                                           {"trusted_proxies", "127.0.0.1/32"},
                                           {"policy.mail_cooldown", "60"},
                                           {"policy.totp_window", std::to_string(state_window + 2)},
                                           // No pause ends while the tests run.
                                           {"policy.attempts_first_pause", "600"}});
    for (const auto& life : short_lives)
        if (wanted.has(life.word)) settings[std::string(life.setting)] = life.seconds;
    if (!wanted.has("passkeys off")) settings = with_passkeys(std::move(settings));
    if (wanted.has("factors required")) settings["policy.require_second_factor"] = "true";
    if (wanted.has("e-mail is no factor")) settings["policy.email_factor"] = "false";
    // What could not be taken away is not given.
    if (wanted.has("factors required") && wanted.has("with no factor"))
        settings["policy.email_factor_by_default"] = "false";
    // Its Redis will be stopped.
    if (wanted.has("but the store is away")) settings["policy.mails_per_day"] = "1001";
    return world::with(settings);
}

http_headers fresh_client() {
    static std::atomic<unsigned> drawn{0};
    const auto number = ++drawn;
    return client_at("10.0." + std::to_string(number / 250) + '.' +
                     std::to_string(number % 250 + 1));
}

http_headers exhausted_client(world& home, const documented_operation& operation,
                              bool of_sign_ins) {
    // What it allows comes back bit by bit, so each time some requests are needed again.
    constexpr int requests_max = 2'200;
    static const std::map<std::string_view, std::string> cheap{{"singularity", "/api/auth/status"},
                                                               {"slugbase", "/api/auth/me"},
                                                               {"clara", "/api/v1/users"}};
    auto client = of_sign_ins ? fresh_client() : client_at("198.51.100.7");
    const auto target = of_sign_ins ? operation.pattern : cheap.at(operation.family);
    http_connection connection(home.server.port());
    for (int count = 0; count < requests_max; ++count)
        if (connection
                .request(of_sign_ins ? operation.method : "GET", target, client,
                         of_sign_ins ? "{}" : "")
                .status == 429)
            return client;
    throw std::runtime_error("nothing limits " + operation.name());
}

service_client service_key_of(world& home, std::string_view scopes) {
    static std::map<std::pair<world*, std::string_view>, std::string> keys;
    auto& key = keys[{&home, scopes}];
    if (key.empty()) key = make_service_key(COUNTERSIGN_PROGRAM, home.server, scopes).key;
    return {.port = home.server.port(), .key = key};
}

void require_success(const http_response& response, std::string_view what) {
    if (response.status >= 200 && response.status < 300) return;
    throw std::runtime_error(std::string(what) + " was answered with " +
                             std::to_string(response.status) + ' ' + response.body);
}

void set_factors(const state& wanted, std::string_view account, situation& made) {
    const auto backend = service_key_of(*made.home);
    if (wanted.has_any({"with totp", "with both"})) {
        auto enrolled = backend.enrol(account, state_window);
        made.app = std::move(enrolled.app);
        made.live["factor id"] = enrolled.factor;
        made.live["backup code"] = enrolled.backup_codes.at(0);
    }
    const bool on = wanted.has_any({"with email", "with both"});
    if (on || wanted.has_any({"with totp", "with no factor"}))
        require_success(backend.put(account, {{"emailFactor", on}}), "switching the e-mail factor");
}

void pause_attempts(situation& made, std::string_view account, std::string_view email) {
    constexpr int misses = 5;
    constexpr std::string_view wrong = R"({"code":"000000"})";
    const auto backend = service_key_of(*made.home);
    // Of a new app where nothing else takes a code.
    const bool has_factors = backend.view(account).at("secondFactor").as_bool();
    const auto factor =
        has_factors ? "" : text_in(json_of(backend.about(account, "POST", "/totp")), "factorId");
    for (int count = 0; count < misses; ++count)
        (void)backend.about(account, "POST",
                            has_factors ? "/verifications" : "/totp/" + factor + "/confirm", wrong);
    if (!backend.view(account).at("blocked").as_bool())
        throw std::runtime_error("wrong codes do not pause");
    if (email.empty()) return;
    native_client guesser{.port = made.home->server.port(),
                          .email = std::string(email),
                          .password = "Wrong-Horse-7",
                          .always = fresh_client()};
    for (int count = 0; count < misses; ++count)
        (void)guesser.log_in();
}

void let_expire(const state& wanted, situation& made) {
    const auto* const life = std::ranges::find_if(
        short_lives, [&](const short_life& each) { return wanted.has(each.word); });
    if (life == short_lives.end()) return;
    // Times that are kept are whole seconds.
    made.not_before = std::chrono::steady_clock::now() + std::chrono::milliseconds(50) +
                      std::chrono::seconds(std::stoi(std::string(life->seconds)));
}

native_ada::native_ada(world& where) : person(where) {
    always = fresh_client();
    name = "Ada";
}

void native_ada::register_now(bool with_mail) {
    const boost::json::object body{{"email", email}, {"password", password}, {"name", name}};
    require_success(
        call("POST", std::string("/api/auth/register?send-email=") + (with_mail ? "true" : "false"),
             boost::json::serialize(body)),
        "registering");
}

void native_ada::find_account() {
    if (!account.empty()) return;
    sign_in();
    account = text_in(json_of(call("GET", "/api/users/me")), "id");
    session_before = access;
    forget_tokens();
}

std::string native_ada::mailed_link(std::string_view address) const {
    return mailed_token(home->sink, address);
}

} // namespace countersign::tests
