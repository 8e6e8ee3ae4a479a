#include "app/setting_table.hpp"

#include "app/setting_makers.hpp"
#include "app/setting_values.hpp"
#include "core/text.hpp"
#include "notify/colour.hpp"
#include "store/connection.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace countersign::app {

namespace {

constexpr std::int64_t day = 86'400;

fallible<std::string> check_application_name(std::string_view text) {
    // A colon would split the label of an otpauth URI.
    if (!core::is_valid_display_name(text) || text.find(':') != std::string_view::npos)
        return problem{"must be 1 to 100 characters without control characters and colons"};
    return std::string(text);
}

fallible<std::string> check_mail_address(std::string_view text) {
    const auto address = core::email_address::parse(text);
    if (!address) return problem{"must be an e-mail address, not \"" + std::string(text) + "\""};
    return address->value();
}

fallible<std::string> check_locale(std::string_view text) {
    const auto locale = core::locale_tag::parse(text);
    if (!locale)
        return problem{"must be a language tag such as en or de-AT, not \"" + std::string(text) +
                       "\""};
    return locale->value();
}

fallible<std::string> check_colour(std::string_view text) {
    const auto colour = notify::colour::parse(text);
    if (!colour)
        return problem{"must be a colour such as #1f5fbf, not \"" + std::string(text) + "\""};
    return colour->text();
}

fallible<std::string> check_optional_colour(std::string_view text) {
    return text.empty() ? fallible<std::string>(std::string()) : check_colour(text);
}

fallible<std::string> check_logo_text(std::string_view text) {
    if (!text.empty() && !core::is_valid_display_name(text))
        return problem{"must be at most 100 characters without control characters"};
    return std::string(text);
}

fallible<std::string> check_file(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return problem{"must be the path of a file"};
    return std::string(text);
}

fallible<std::string> check_directory(std::string_view text) {
    if (text.empty() || text.find('\0') != std::string_view::npos)
        return problem{"must be the path of a directory"};
    return std::string(text);
}

// A key stands alone in the Authorization field: one word that is no scheme.
constexpr std::size_t api_key_size_min = 16;

fallible<std::string> check_api_key(std::string_view text) {
    const bool printable =
        std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '"'; });
    if (!text.empty() && (text.size() < api_key_size_min || !printable))
        return problem{"must be at least 16 printable ASCII characters without spaces"};
    return std::string(text);
}

fallible<void> check_redis_url(std::string_view text) {
    const auto address = store::parse_redis_url(text);
    if (address.has_error()) return problem{"is not usable: " + address.error()};
    return {};
}

fallible<void> check_private_key(std::string_view text) {
    const auto key = check_api_key(text);
    if (!key) return key.error();
    return {};
}

constexpr std::array<std::string_view, 4> family_names{"singularity", "slugbase", "clara",
                                                       "service"};

fallible<void> set_families(settings& all, std::string_view text) {
    std::vector<api_family> families;
    for (const auto name : split_list(text)) {
        const auto found = std::ranges::find(family_names, name);
        if (found == family_names.end())
            return problem{"must hold names of API families (singularity, slugbase, clara, "
                           "service), not \"" +
                           std::string(name) + "\""};
        const auto family = static_cast<api_family>(std::distance(family_names.begin(), found));
        if (std::ranges::find(families, family) == families.end()) families.push_back(family);
    }
    if (families.empty()) return problem{"must hold at least one API family"};
    // Where two have a path in common the first one's answer it, whatever the order given here.
    std::ranges::sort(families);
    all.families = std::move(families);
    return {};
}

std::string show_families(const settings& all) {
    std::vector<std::string> names;
    names.reserve(all.families.size());
    for (const auto family : all.families)
        names.emplace_back(family_names[static_cast<std::size_t>(family)]);
    return join_list(names);
}

fallible<void> set_trusted_proxies(settings& all, std::string_view text) {
    std::vector<std::string> networks;
    for (const auto part : split_list(text)) {
        auto network = parse_network(part);
        if (!network) return network.error();
        networks.push_back(*std::move(network));
    }
    all.trusted_proxies = std::move(networks);
    return {};
}

fallible<std::string> check_domain(std::string_view text) {
    return text.empty() ? fallible<std::string>(std::string()) : parse_domain(text);
}

fallible<std::string> check_party_name(std::string_view text) {
    if (!text.empty() && !core::is_valid_display_name(text))
        return problem{"must be at most 100 characters without control characters"};
    return std::string(text);
}

fallible<void> set_origins(settings& all, std::string_view text) {
    std::vector<std::string> origins;
    for (const auto part : split_list(text)) {
        auto origin = parse_origin(part);
        if (!origin) return origin.error();
        origins.push_back(*std::move(origin));
    }
    all.policy.webauthn.origins = std::move(origins);
    return {};
}

fallible<void> set_listen(settings& all, std::string_view text) {
    auto listen = parse_listen(text);
    if (!listen) return listen.error();
    all.listen = *std::move(listen);
    return {};
}

fallible<void> set_metrics_listen(settings& all, std::string_view text) {
    all.metrics.listen.reset();
    if (text.empty()) return {};
    auto listen = parse_listen(text);
    if (!listen) return listen.error();
    all.metrics.listen = *std::move(listen);
    return {};
}

std::string show_metrics_listen(const settings& all) {
    return all.metrics.listen ? to_text(*all.metrics.listen) : std::string();
}

// The accessor of a row: written so often that it may be short.
#define COUNTERSIGN_MEMBER(member) ([](auto& all) -> auto& { return all.member; })

void add_server_rows(std::vector<setting>& rows) {
    rows.push_back({"listen", value_kind::text, secrecy::open,
                    "Where the server listens: an IP address and a port; port 0 lets the system "
                    "choose.",
                    set_listen, [](const settings& all) { return to_text(all.listen); }});
    rows.push_back(make::text("tls.certificate",
                              "A PEM file of the server's certificate and those that lead to its "
                              "authority's; with it `listen` speaks TLS. Read again at SIGHUP.",
                              check_file, COUNTERSIGN_MEMBER(tls.certificate)));
    rows.push_back(make::text("tls.key",
                              "A PEM file of the certificate's private key, without a passphrase; "
                              "readable by its owner only.",
                              check_file, COUNTERSIGN_MEMBER(tls.key)));
    rows.push_back({"data_dir", value_kind::text, secrecy::open,
                    "The directory of the keys, the managed Redis and mails without a mail server.",
                    [](settings& all, std::string_view given) -> fallible<void> {
                        auto path = check_directory(given);
                        if (!path) return path.error();
                        all.data_dir = *std::move(path);
                        return {};
                    },
                    [](const settings& all) { return all.data_dir.string(); }});
    rows.push_back(make::count("threads", {0, 1024}, "Threads that serve; 0 is one per core",
                               COUNTERSIGN_MEMBER(threads)));
    rows.push_back(
        make::secret("redis.url", secrecy::url,
                     "The Redis to use (redis://, rediss://, unix://, or redis+cluster:// and "
                     "rediss+cluster:// with nodes of a cluster); without it the server manages "
                     "one of its own below data_dir.",
                     check_redis_url, COUNTERSIGN_MEMBER(redis.url)));
    rows.push_back(make::secret(
        "redis.limits_url", secrecy::url,
        "A Redis for the limits per client address, which may be lost; without it they "
        "are where the accounts are.",
        check_redis_url, COUNTERSIGN_MEMBER(redis.limits_url)));
    rows.push_back(
        make::choice("redis.durability", std::array<std::string_view, 2>{"always", "everysec"},
                     "When the managed Redis writes to disk: before every answer (always) or "
                     "every second (everysec).",
                     COUNTERSIGN_MEMBER(redis.durability)));
    rows.push_back({"trusted_proxies", value_kind::list, secrecy::open,
                    "Networks (CIDR) of the proxies whose X-Forwarded-For counts.",
                    set_trusted_proxies,
                    [](const settings& all) { return join_list(all.trusted_proxies); }});
    rows.push_back({"api.families", value_kind::list, secrecy::open,
                    "The API families that are served: singularity, slugbase, clara, service.",
                    set_families, show_families});
    rows.push_back(make::boolean(
        "api.host_prefixed_cookies",
        "Whether cookies are named __Host-…, which pins them to the host; for clients that do not "
        "read them by the names of the contracts.",
        COUNTERSIGN_MEMBER(host_prefixed_cookies)));
    rows.push_back(
        {"metrics.listen", value_kind::text, secrecy::open,
         "Where /metrics is served, for Prometheus: an IP address and a port of its own; "
         "without it there are no metrics.",
         set_metrics_listen, show_metrics_listen});
    rows.push_back(
        make::choice("log.level",
                     std::array<std::string_view, 7>{"trace", "debug", "info", "warn", "error",
                                                     "critical", "off"},
                     "The least severe messages that are logged: trace, debug, info, warn, "
                     "error, critical or off.",
                     COUNTERSIGN_MEMBER(log.level)));
    rows.push_back(
        make::choice("log.format", std::array<std::string_view, 2>{"text", "json"},
                     "The form of the log on the standard error: text, or json with one object "
                     "per line.",
                     COUNTERSIGN_MEMBER(log.format)));
    rows.push_back(make::boolean("core_dumps",
                                 "Whether the program may leave core dumps, which hold secrets.",
                                 COUNTERSIGN_MEMBER(core_dumps)));
}

void add_application_rows(std::vector<setting>& rows) {
    rows.push_back(make::text("app.name",
                              "The application's name in mails and in authenticator apps.",
                              check_application_name, COUNTERSIGN_MEMBER(app.name)));
    rows.push_back(make::text("app.base_uri",
                              "Where users reach the application; links in mails begin with it.",
                              parse_base_uri, COUNTERSIGN_MEMBER(app.base_uri)));
    rows.push_back(make::text("app.default_locale",
                              "The language of mails to users who chose none.", check_locale,
                              COUNTERSIGN_MEMBER(app.default_locale)));
    rows.push_back(
        make::secret("mail.url", secrecy::url,
                     "The mail server (smtp://user:password@host:port, or smtps://); without "
                     "it mails are .eml files below data_dir, also shown at /dev/mail.",
                     check_mail_url, COUNTERSIGN_MEMBER(mail.url)));
    rows.push_back(make::text("mail.ca_file",
                              "A PEM file of the authorities that may have signed the mail "
                              "server's certificate; empty: the system's.",
                              check_file, COUNTERSIGN_MEMBER(mail.ca_file)));
    rows.push_back(make::text("mail.from", "The sender's address of all mails.", check_mail_address,
                              COUNTERSIGN_MEMBER(mail.from)));
    rows.push_back(make::text("mail.accent_color",
                              "The colour of buttons in mails, #rrggbb; the text on them is white "
                              "or black, whichever can be read.",
                              check_colour, COUNTERSIGN_MEMBER(mail.accent_color)));
    rows.push_back(make::text("mail.accent_color_dark",
                              "The same for readers who have a dark scheme; empty: "
                              "mail.accent_color, lighter where that is needed.",
                              check_optional_colour, COUNTERSIGN_MEMBER(mail.accent_color_dark)));
    rows.push_back(make::text("mail.logo_text", "What stands at the top of mails; empty: app.name.",
                              check_logo_text, COUNTERSIGN_MEMBER(mail.logo_text)));
    rows.push_back(make::text("mail.templates",
                              "A directory of templates and texts that replace the built-in ones "
                              "of mails; empty: none.",
                              check_file, COUNTERSIGN_MEMBER(mail.templates)));
    rows.push_back(make::count("mail.workers", {1, 64}, "Mails that are submitted at the same time",
                               COUNTERSIGN_MEMBER(mail.workers)));
    rows.push_back(make::boolean(
        "mail.notifier", "Whether `serve` also sends the mails; if not, run `countersign notify`.",
        COUNTERSIGN_MEMBER(mail.notifier)));
    rows.push_back(make::count("mail.outbox_max", {100, 100'000'000},
                               "Alerts that wait at the most; beyond it, changes that need an "
                               "alert are refused",
                               COUNTERSIGN_MEMBER(mail.outbox_max)));
    rows.push_back(make::count("mail.outbox_codes_max", {100, 100'000'000},
                               "Mailed codes and links that wait at the most",
                               COUNTERSIGN_MEMBER(mail.outbox_codes_max)));
    rows.push_back(make::text("clara.public_key",
                              "What Clara's clients show to register and to ask for codes; without "
                              "it nobody can.",
                              check_api_key, COUNTERSIGN_MEMBER(clara.public_key)));
    rows.push_back(make::secret("clara.private_key", secrecy::secret,
                                "What Clara's administrators show; without it there are none.",
                                check_private_key, COUNTERSIGN_MEMBER(clara.private_key)));
}

void add_token_rows(std::vector<setting>& rows) {
    const auto life = [&rows](const char* name, std::int64_t max, const char* meaning,
                              auto access) {
        rows.push_back(make::duration(std::string("tokens.") + name, {1, max}, meaning, access));
    };
    rows.push_back(
        make::choice("tokens.algorithm", std::array<std::string_view, 2>{"HS256", "EdDSA"},
                     "What new keys sign access tokens with: HS256, or EdDSA, with which others "
                     "can verify them (/.well-known/jwks.json).",
                     COUNTERSIGN_MEMBER(token_algorithm)));
    life("access", day, "Life of an access token", COUNTERSIGN_MEMBER(policy.tokens.access));
    life("refresh", 400 * day, "Life of a refresh token, and so of an idle session",
         COUNTERSIGN_MEMBER(policy.tokens.refresh));
    life("step_up", day, "Life of a step-up token", COUNTERSIGN_MEMBER(policy.tokens.step_up));
    life("two_factor", day, "Time to answer with a second factor",
         COUNTERSIGN_MEMBER(policy.tokens.two_factor));
    life("totp_setup", day, "Time to confirm a new authenticator",
         COUNTERSIGN_MEMBER(policy.tokens.totp_setup));
    life("email_verification", 30 * day, "Life of the link that proves an e-mail address",
         COUNTERSIGN_MEMBER(policy.tokens.email_verification));
    life("user_session", 400 * day, "Life of a session that nothing prolongs (Clara's user token)",
         COUNTERSIGN_MEMBER(policy.tokens.user_session));
    rows.push_back(make::duration("tokens.session", {0, 400 * day},
                                  "Life of a session since its login, however often it is "
                                  "refreshed; 0: without such an end",
                                  COUNTERSIGN_MEMBER(policy.tokens.session)));
    life("password_reset", 7 * day, "Life of the link that allows a new password",
         COUNTERSIGN_MEMBER(policy.tokens.password_reset));
}

void add_code_rows(std::vector<setting>& rows) {
    rows.push_back(
        make::count("policy.totp_window", {0, 10},
                    "Time steps before and after the present one in which a TOTP is accepted",
                    COUNTERSIGN_MEMBER(policy.totp_window)));
    rows.push_back(make::duration("policy.mailed_code_life", {1, 600}, "Life of a mailed code",
                                  COUNTERSIGN_MEMBER(policy.mailed_code_life)));
    rows.push_back(make::count("policy.mailed_code_digits", {6, 9}, "Digits of a mailed code",
                               COUNTERSIGN_MEMBER(policy.mailed_code_digits)));
    rows.push_back(make::duration("policy.mail_cooldown", {0, day},
                                  "Pause between two mails of one purpose to an account",
                                  COUNTERSIGN_MEMBER(policy.mail_cooldown)));
    rows.push_back(make::count("policy.mails_per_hour", {1, 1'000'000},
                               "Unanswered code mails per account and recipient in an hour",
                               COUNTERSIGN_MEMBER(policy.mails_per_hour)));
    rows.push_back(make::count("policy.mails_per_day", {1, 1'000'000},
                               "Unanswered code mails per account and recipient in a day",
                               COUNTERSIGN_MEMBER(policy.mails_per_day)));
    rows.push_back(make::count("policy.recovery_code_count", {1, 100}, "Recovery codes of a set",
                               COUNTERSIGN_MEMBER(policy.recovery_code_count)));
    rows.push_back(make::count("policy.recovery_code_length", {11, 64},
                               "Characters of a recovery code; 11 are 65 bits",
                               COUNTERSIGN_MEMBER(policy.recovery_code_length)));
    rows.push_back(make::count("policy.service_backup_code_length", {16, 64},
                               "Hexadecimal digits of a backup code of the service API; 16 are 64 "
                               "bits, 28 are 112",
                               COUNTERSIGN_MEMBER(policy.service_backup_code_length)));
    rows.push_back(make::count("policy.import_secret_bits_min", {80, 1024},
                               "The shortest TOTP secret that an import takes, in bits",
                               COUNTERSIGN_MEMBER(policy.import_secret_bits_min)));
    rows.push_back(make::duration("policy.import_period_max", {1, 300},
                                  "The longest TOTP period that an import takes",
                                  COUNTERSIGN_MEMBER(policy.import_period_max)));
}

void add_password_rows(std::vector<setting>& rows) {
    const core::argon2_parameters minimum;
    rows.push_back(make::count("password.argon2_memory",
                               {minimum.memory_kib, core::argon2_memory_max_kib},
                               "KiB of memory for one hash of a password (Argon2id)",
                               COUNTERSIGN_MEMBER(password.memory_kib)));
    rows.push_back(make::count("password.argon2_passes",
                               {minimum.iterations, core::argon2_iterations_max},
                               "Passes over that memory", COUNTERSIGN_MEMBER(password.iterations)));
}

void add_account_rows(std::vector<setting>& rows) {
    rows.push_back(make::count("policy.attempts_pause_after", {1, 1'000},
                               "Wrong answers in a row that start a pause",
                               COUNTERSIGN_MEMBER(policy.attempts.pause_after)));
    rows.push_back(make::duration("policy.attempts_first_pause", {1, day},
                                  "The first pause; it doubles each time",
                                  COUNTERSIGN_MEMBER(policy.attempts.first_pause)));
    rows.push_back(make::duration("policy.attempts_longest_pause", {1, day}, "The longest pause",
                                  COUNTERSIGN_MEMBER(policy.attempts.longest_pause)));
    rows.push_back(make::count("policy.attempts_lock_after", {1, 1'000'000},
                               "Wrong answers in a row that lock the second factors",
                               COUNTERSIGN_MEMBER(policy.attempts.lock_after)));
    rows.push_back(make::boolean("policy.ip_limits",
                                 "Whether requests are also limited per IP address.",
                                 COUNTERSIGN_MEMBER(ip_limits)));
    rows.push_back(make::boolean("policy.email_factor_by_default",
                                 "Whether a new account has the e-mail factor on.",
                                 COUNTERSIGN_MEMBER(policy.email_factor_by_default)));
    rows.push_back(make::boolean("policy.email_factor",
                                 "Whether e-mail is a second factor; if not, nobody turns it on, "
                                 "and where it is on its code reaches assurance level 1 only.",
                                 COUNTERSIGN_MEMBER(policy.email_factor)));
    rows.push_back(make::boolean("policy.require_second_factor",
                                 "Whether an account without a second factor can do nothing but "
                                 "enrol one, and the last one cannot be removed.",
                                 COUNTERSIGN_MEMBER(policy.require_second_factor)));
    rows.push_back(make::boolean("policy.mailed_code_per_challenge",
                                 "Whether a mailed code answers only the login or step-up that it "
                                 "was made for.",
                                 COUNTERSIGN_MEMBER(policy.mailed_code_per_challenge)));
    rows.push_back(make::boolean("policy.sessions_end_with_step_up",
                                 "Whether ending one's sessions asks for a step-up (native API); "
                                 "logging out never does.",
                                 COUNTERSIGN_MEMBER(policy.sessions_end_with_step_up)));
    rows.push_back(make::boolean("policy.enrolment_ends_api_tokens",
                                 "Whether an account's first second factor ends the API tokens "
                                 "from before it.",
                                 COUNTERSIGN_MEMBER(policy.enrolment_ends_api_tokens)));
    rows.push_back(make::count("policy.sessions_max", {1, 1'000},
                               "Sessions of an account; the oldest gives way",
                               COUNTERSIGN_MEMBER(policy.sessions_max)));
    rows.push_back(make::count("policy.api_tokens_max", {1, 1'000}, "API tokens of an account",
                               COUNTERSIGN_MEMBER(policy.api_tokens_max)));
    rows.push_back(
        make::count("policy.challenges_max", {1, 100},
                    "Logins and step-ups of an account that wait for a second factor; the "
                    "oldest gives way",
                    COUNTERSIGN_MEMBER(policy.challenges_max)));
    rows.push_back(
        make::count("policy.challenges_per_hour", {1, 1'000'000},
                    "Logins and step-ups of an account that are begun in an hour and not completed",
                    COUNTERSIGN_MEMBER(policy.challenges_per_hour)));
    rows.push_back(
        make::count("policy.challenges_per_day", {1, 1'000'000},
                    "Logins and step-ups of an account that are begun in a day and not completed",
                    COUNTERSIGN_MEMBER(policy.challenges_per_day)));
}

void add_passkey_rows(std::vector<setting>& rows) {
    rows.push_back(make::text("webauthn.rp_id",
                              "The domain that passkeys are bound to (WebAuthn's relying party); "
                              "without it there are no passkeys.",
                              check_domain, COUNTERSIGN_MEMBER(policy.webauthn.id)));
    rows.push_back(make::text("webauthn.rp_name",
                              "What authenticators call it; without it, the domain.",
                              check_party_name, COUNTERSIGN_MEMBER(policy.webauthn.name)));
    rows.push_back(
        {"webauthn.origins", value_kind::list, secrecy::open,
         "The origins of the pages that ask for passkeys; without them, https:// and the domain.",
         set_origins, [](const settings& all) { return join_list(all.policy.webauthn.origins); }});
    rows.push_back(make::choice(
        "webauthn.user_verification", std::array<std::string_view, 2>{"preferred", "required"},
        "Whether an authenticator must ask for a PIN or a fingerprint (required), or touch is "
        "enough (preferred).",
        COUNTERSIGN_MEMBER(policy.webauthn.verifies_users)));
    rows.push_back(make::boolean("webauthn.synced_passkeys",
                                 "Whether passkeys may be registered that can leave their device.",
                                 COUNTERSIGN_MEMBER(policy.webauthn.takes_synced)));
}

#undef COUNTERSIGN_MEMBER

// One-time codes and links are what the user asked for, so only alerts have a switch.
void add_alert_rows(std::vector<setting>& rows) {
    for (std::size_t index = 0; index < core::event_type_count; ++index) {
        const auto type = static_cast<core::event_type>(index);
        if (core::lane_of(type) != core::mail_lane::alert) continue;
        const std::string name(core::to_string(type));
        rows.push_back(
            make::boolean("policy.alerts." + name, "Whether " + name + " is mailed about.",
                          [index](auto& all) -> auto& { return all.policy.alerts[index]; }));
    }
}

std::vector<setting> make_table() {
    std::vector<setting> rows;
    add_server_rows(rows);
    add_application_rows(rows);
    add_token_rows(rows);
    add_code_rows(rows);
    add_password_rows(rows);
    add_account_rows(rows);
    add_passkey_rows(rows);
    add_alert_rows(rows);
    return rows;
}

std::string quoted(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') out += '\\';
        if (byte < ' ' || byte == 0x7F)
            out.append("\\u00").append({digits[byte >> 4], digits[byte & 15]});
        else
            out += c;
    }
    return out + '"';
}

} // namespace

std::string_view placeholder(value_kind kind) noexcept {
    switch (kind) {
    case value_kind::number:
        return "NUMBER";
    case value_kind::duration:
        return "SECONDS";
    case value_kind::boolean:
        return "true|false";
    case value_kind::text:
        return "TEXT";
    case value_kind::list:
        return "LIST";
    }
    return "";
}

const std::vector<setting>& setting_table() {
    static const std::vector<setting> table = make_table();
    return table;
}

const setting* find_setting(std::string_view name) noexcept {
    const auto& table = setting_table();
    const auto found = std::ranges::find(table, name, &setting::name);
    return found == table.end() ? nullptr : &*found;
}

std::string environment_name(std::string_view setting_name) {
    std::string name = "COUNTERSIGN_";
    for (const char c : setting_name)
        name += c == '.' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    return name;
}

bool holds_secret(const setting& row, std::string_view text) noexcept {
    switch (row.secret) {
    case secrecy::open:
        return false;
    case secrecy::url:
        return has_password(text);
    case secrecy::secret:
        return !text.empty();
    }
    return true;
}

std::string toml_line(const setting& row, std::string_view text) {
    switch (row.kind) {
    case value_kind::number:
    case value_kind::duration:
    case value_kind::boolean:
        return row.name + " = " + std::string(text);
    case value_kind::text:
        return row.name + " = " + quoted(text);
    case value_kind::list:
        break;
    }
    std::string items;
    for (const auto part : split_list(text))
        items += (items.empty() ? "" : ", ") + quoted(part);
    return row.name + " = [" + items + "]";
}

} // namespace countersign::app
