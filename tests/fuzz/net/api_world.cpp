#include "tests/fuzz/net/api_world.hpp"

#include "core/api_token.hpp"
#include "core/crypto/encoding.hpp"
#include "core/decide/subjects.hpp"
#include "core/totp.hpp"
#include "net/families/clara/family.hpp"
#include "net/families/service/family.hpp"
#include "net/families/singularity/family.hpp"
#include "net/families/slugbase/family.hpp"
#include "store/account_lifecycle.hpp"
#include "tests/support/fixed_keys.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <stdexcept>
#include <utility>

namespace countersign::fuzz {

namespace {

constexpr std::string_view public_key = "clara-public-key";
constexpr std::string_view csrf =
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
constexpr core::seconds lives_on{3600};

std::filesystem::path make_directory() {
    auto name = (std::filesystem::temp_directory_path() / "countersign-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    return name;
}

store::child_options redis_in(const std::filesystem::path& directory,
                              const store::descriptor& log) {
    return {.program = store::find_program("redis-server"),
            .arguments = {"--port", "0", "--unixsocket", directory / "redis.sock", "--dir",
                          directory, "--save", "", "--appendonly", "no"},
            .working_directory = directory,
            .output = log.get()};
}

void replace(std::string& text, std::string_view what, std::string_view by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
        text.replace(at, what.size(), by);
}

} // namespace

api_world::api_world()
    : directory_(make_directory()),
      server_(redis_in(directory_, store::descriptor(::open("/dev/null", O_WRONLY | O_CLOEXEC)))),
      keys_(tests::fixed_key_ring()), codes_(tests::fixed_key(3)),
      tokens_(tests::fixed_token_service()),
      hasher_(std::make_shared<core::argon2id_hasher>(
          core::argon2_parameters{.memory_kib = 8, .iterations = 1}, "nobody's password")),
      passwords_(hasher_, {.deadline = std::chrono::seconds(30)}),
      private_key_(std::string("clara-private-key")),
      redis_(context_.get_executor(), {.address = {.unix_socket = directory_ / "redis.sock"},
                                       .deadline = std::chrono::seconds(10)}),
      accounts_(redis_, random_, 4), emails_(redis_, accounts_, codes_), limits_(redis_),
      service_keys_(redis_, codes_) {
    spdlog::set_level(spdlog::level::off);
    services_.emplace(net::services{.redis = redis_,
                                    .accounts = accounts_,
                                    .emails = emails_,
                                    .limits = limits_,
                                    .context = {.rules = rules_, .keys = keys_, .codes = codes_},
                                    .tokens = tokens_,
                                    .passwords = passwords_,
                                    .verifications = counters_.verifications,
                                    .random = random_,
                                    .now = [] { return now; },
                                    .ip_limits = false,
                                    .app_name = "Countersign",
                                    .login_participants = {}});
    std::vector<std::unique_ptr<net::family>> families;
    families.push_back(std::make_unique<net::singularity::singularity_family>(*services_));
    families.push_back(std::make_unique<net::slugbase::slugbase_family>(*services_));
    families.push_back(std::make_unique<net::clara::clara_family>(
        *services_, net::clara::clara_keys{.public_key = public_key, .private_key = &private_key_},
        "0"));
    families.push_back(std::make_unique<net::service::service_family>(*services_, service_keys_));
    dispatcher_ = std::make_unique<net::families_dispatcher>(
        std::move(families), std::vector<net::page>{}, []() -> awaitable<void> { co_return; },
        counters_);
    redis_.start();
    while (!redis_.healthy())
        context_.run_one();
    make_accounts();
    store_accounts();
}

api_world::~api_world() {
    dispatcher_.reset();
    redis_.stop();
    context_.restart();
    context_.run_for(std::chrono::seconds(1));
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

void api_world::make_accounts() {
    random_.restart();
    const core::context context{.rules = rules_, .keys = keys_, .codes = codes_};
    ada_.id = core::make_account_id(random_);
    ada_.email = "ada@example.org";
    ada_.email_verified = true;
    ada_.name = "Ada Lovelace";
    ada_.family_name = "Lovelace";
    ada_.password_hash = hasher_->hash(password, random_.bytes<16>());
    ada_.created_at = ada_.last_active = now;
    ada_.email_factor_since = now;
    ada_.preferred = core::factor_method::totp;

    const auto secret = core::make_totp_secret(random_);
    totp_secret_ = core::text_of(secret.reveal());
    const auto device = [&](const char* id) {
        core::totp_device made{.id = core::factor_id(id), .label = "phone", .enrolled_at = now};
        made.sealed_secret = keys_.seal(totp_secret_, core::totp_secret_context(ada_.id, made.id),
                                        random_.bytes<12>());
        return made;
    };
    ada_.totp.push_back(device("totp_00000000000000000000000000000001"));
    ada_.backup_code_hashes = {codes_.hash_backup_code(ada_.id, "backup-code")};
    ada_.enrolment.emplace(
        core::pending_totp{.token_id = "setup",
                           .begun_by = "9f0c6f0e-0000-4000-8000-000000000001",
                           .device = device("totp_00000000000000000000000000000002"),
                           .backup_code_hashes = {codes_.hash_backup_code(ada_.id, "other-code")},
                           .expires_at = now + lives_on});
    ada_.sessions.push_back({.id = core::session_id("9f0c6f0e-0000-4000-8000-000000000001"),
                             .refresh_hash = codes_.hash("refresh", ada_.id, "refresh"),
                             .assurance = core::assurance_level::aal2,
                             .created_at = now,
                             .last_seen = now,
                             .expires_at = now + lives_on});
    ada_.challenges.push_back(
        {.id = core::challenge_id("login"), .begun_at = now, .expires_at = now + lives_on});
    ada_.challenges.push_back({.id = core::challenge_id("step-up"),
                               .purpose = core::challenge_purpose::step_up,
                               .session = ada_.sessions.front().id,
                               .begun_at = now,
                               .expires_at = now + lives_on});
    for (const auto purpose : {core::code_purpose::second_factor, core::code_purpose::verify_email,
                               core::code_purpose::reset_password})
        ada_.codes.push_back({.purpose = purpose,
                              .hash = codes_.hash(core::to_string(purpose), ada_.id, mailed_code),
                              .expires_at = now + lives_on,
                              .address = ada_.email});
    auto token = core::make_api_token(ada_.id, "script", codes_, random_, now);
    api_token_ = token.text.reveal();
    ada_.api_tokens.push_back(std::move(token.stored));

    const auto address = core::email_address::parse("grace@example.org");
    const core::create_subject command{.subject = "user-1", .email = *address, .name = "Grace"};
    subject_ = *core::create(command, context, now).next;
}

store::reply_value api_world::command(std::vector<std::string> words) {
    auto answer = run(redis_.command(std::move(words)));
    if (answer.has_error()) throw std::runtime_error("Redis does not answer");
    return *std::move(answer);
}

void api_world::store_accounts() {
    for (const auto& each : {ada_, subject_}) {
        const auto made = run(store::create_account(emails_, accounts_, each, {}, now));
        if (made.has_error()) throw std::runtime_error("an account cannot be stored");
    }
    // One round trip, because there is one before every request.
    restoring_ = {"EVAL",
                  "redis.call('FLUSHDB') for i = 1, #ARGV, 2 do "
                  "redis.call('RESTORE', ARGV[i], 0, ARGV[i + 1]) end",
                  "0"};
    const auto keys = command({"KEYS", "*"});
    for (const auto& key : *keys.list()) {
        restoring_.push_back(*key.text());
        const auto dumped = command({"DUMP", *key.text()});
        restoring_.push_back(*dumped.text());
    }
}

void api_world::begin_anew() {
    random_.restart();
    (void)command(restoring_);
}

std::optional<core::account> api_world::load(const core::account_id& id) {
    auto found = run(accounts_.load(id));
    if (found.has_error()) throw std::runtime_error("Redis does not answer");
    if (!found->has_value()) return std::nullopt;
    return std::move((*found)->value);
}

std::string api_world::token(core::token_kind kind, core::token_claims claims) const {
    claims.subject = ada_.id;
    claims.issued_at = now;
    claims.expires_at = now + lives_on;
    return tokens_.issue(kind, claims);
}

std::string api_world::credential(char which) {
    const auto& session = ada_.sessions.front().id;
    const auto bearer = [](const std::string& text) {
        return "authorization: Bearer " + text + "\n";
    };
    const auto access = [&] {
        return bearer(token(core::token_kind::access, {.session = session, .id = "access"}));
    };
    const auto pending = [&](const char* id, core::challenge_purpose purpose) {
        return token(core::token_kind::two_factor, {.id = id, .purpose = purpose});
    };
    switch (which) {
    case 'a':
        return access();
    case 's':
        return access() + "x-step-up-token: " +
               token(core::token_kind::step_up, {.session = session,
                                                 .id = "step-up",
                                                 .assurance = core::assurance_level::aal2}) +
               "\n";
    case 'q':
        return access() + "x-two-factor-authentication-token: " +
               pending("step-up", core::challenge_purpose::step_up) + "\n";
    case 'p':
        return "cookie: two_factor_authentication_token=" +
               pending("login", core::challenge_purpose::login) +
               "; slugbase.mfa_pending=" + pending("login", core::challenge_purpose::login) + "\n";
    case 'r':
        return bearer(token(core::token_kind::refresh, {.session = session, .id = "refresh"}));
    case 'c':
        return "x-csrf-token: " + std::string(csrf) + "\ncookie: slugbase.sid=" +
               token(core::token_kind::session_cookie, {.session = session, .id = "cookie"}) +
               "; _csrf=" + std::string(csrf) + "\n";
    case 't':
        return bearer(api_token_);
    case 'u':
        return bearer("crazi_couser_" +
                      token(core::token_kind::user_session, {.session = session, .id = "user"}));
    case 'b':
        return "authorization: Basic YWRhQGV4YW1wbGUub3JnOkNvcnJlY3QtSG9yc2UtNw==\n";
    case 'k':
        return "authorization: " + std::string(public_key) + "\n";
    case 'K':
        return "authorization: " + private_key_.reveal() + "\n";
    case 'v': {
        using enum store::service_scope;
        const auto made =
            run(service_keys_.create("fuzz", {verify, manage, sessions, import}, random_, now));
        if (made.has_error()) throw std::runtime_error("a service key cannot be stored");
        return bearer(made->key.reveal());
    }
    default:
        return {};
    }
}

std::string api_world::filled_in(std::string_view text) const {
    std::string out(text);
    if (out.find('{') == std::string::npos) return out;
    const core::totp_parameters parameters;
    replace(
        out, "{totp}",
        core::totp_code(core::bytes_of(totp_secret_), parameters, core::step_at(now, parameters)));
    replace(
        out, "{setup}",
        token(core::token_kind::totp_setup, {.session = ada_.sessions.front().id, .id = "setup"}));
    replace(out, "{verify}",
            token(core::token_kind::email_verification, {.id = std::string(mailed_code)}));
    replace(out, "{reset}",
            token(core::token_kind::password_reset, {.id = std::string(mailed_code)}));
    replace(out, "{id}", ada_.id.value());
    replace(out, "{device}", ada_.totp.front().id.value());
    return out;
}

} // namespace countersign::fuzz
