#include "app/keys_command.hpp"

#include "app/data_directory.hpp"
#include "app/logging.hpp"
#include "app/open_keys.hpp"
#include "app/redis_access.hpp"
#include "app/run_with_redis.hpp"
#include "app/system.hpp"
#include "app/text_table.hpp"
#include "core/text.hpp"
#include "store/event_loop.hpp"
#include "store/file_lock.hpp"
#include "store/key_renewal.hpp"

#include <algorithm>
#include <chrono>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::app {

namespace asio = boost::asio;

namespace {

// Another command that replaces keys takes moments, but for a walk over the accounts.
constexpr std::chrono::seconds lock_patience{5};
constexpr std::chrono::seconds progress_pause{5};

constexpr const char* then_hang_up =
    "now send SIGHUP to every serve and notify with this file, after giving the file to those that "
    "have a copy\n";

std::uint64_t under(const core::count_by_key& counted, std::string_view key) {
    const auto found = counted.find(key);
    return found == counted.end() ? 0 : found->second;
}

// What a pepper's hashes still stand for, in words; empty: nothing.
std::string uses_in_words(const store::key_use& use, std::string_view pepper) {
    std::string text;
    const auto add = [&](std::uint64_t count, const char* what) {
        if (count == 0) return;
        text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
    };
    add(under(use.addresses, pepper), "addresses");
    add(under(use.values.backup_codes, pepper), "backup codes");
    add(under(use.values.api_tokens, pepper), "API tokens");
    add(under(use.values.sessions, pepper), "sessions");
    add(under(use.values.codes, pepper), "mailed codes");
    add(under(use.service_keys, pepper), "service keys");
    return text;
}

std::string time_in_words(const std::optional<core::unix_time>& time) {
    return time ? core::to_rfc3339(*time) : "?";
}

// Until when something that a key made may come back, by its successor's beginning.
std::optional<core::unix_time> needed_until(const key_description& key, const core::policy& rules) {
    if (!key.until) return std::nullopt;
    if (key.kind) return *key.until + life_of(*key.kind, rules);
    // Of encryption: mails with a code or a link that wait. What accounts hold is counted.
    return *key.until + std::max({rules.mailed_code_life, rules.tokens.email_verification,
                                  rules.tokens.password_reset});
}

struct command_parts {
    const keys_options& options;
    const settings& all;
    std::ostream& out;
};

// The store as renewals need it, with the keys that it is opened with.
class opened_store {
public:
    opened_store(store::connection& redis, const opened_keys& opened)
        : sealing_(opened.keys.encryption_keys()), codes_(opened.keys.code_hasher()),
          accounts_(redis, random_, opened.data.partitions), emails_(redis, accounts_, codes_),
          renewal_({.redis = redis,
                    .all = accounts_,
                    .emails = emails_,
                    .keys = sealing_,
                    .codes = codes_,
                    .random = random_,
                    .now = system_clock_now}) {}

    [[nodiscard]] store::key_renewal& renewal() noexcept { return renewal_; }
    [[nodiscard]] const core::code_hasher& codes() const noexcept { return codes_; }

private:
    system_random system_;
    buffered_random random_{system_};
    core::key_ring sealing_;
    core::code_hasher codes_;
    store::accounts accounts_;
    store::email_index emails_;
    store::key_renewal renewal_;
};

std::string use_of(const key_description& key, const store::key_use& use) {
    if (key.ring == "encryption")
        return std::to_string(under(use.values.sealed, key.id)) + " secrets";
    if (key.ring != "pepper") return "";
    const auto words = uses_in_words(use, key.id);
    return words.empty() ? "nothing" : words;
}

awaitable<fallible<void>> show(store::connection& redis, command_parts with, opened_keys opened) {
    opened_store store(redis, opened);
    std::optional<store::key_use> use;
    if (with.options.count_use) {
        auto counted = co_await store.renewal().count();
        if (!counted) co_return redis_problem(counted.error());
        use = *std::move(counted);
    }
    text_table table({"RING", "ID", "STATE", "ALGORITHM", "SINCE", "USED BY"});
    for (const auto& key : opened.keys.describe()) {
        const bool is_public = key.algorithm == core::jws_algorithm::eddsa;
        const auto* of_token = is_public ? "EdDSA" : "HS256";
        const auto* algorithm =
            key.kind ? of_token : (key.ring == "pepper" ? "HMAC-SHA256" : "AES-256-GCM");
        table.add({key.ring, key.id, std::string(to_string(key.state)), algorithm,
                   time_in_words(key.since), use ? use_of(key, *use) : ""});
    }
    table.print(with.out);
    co_return fallible<void>();
}

awaitable<fallible<void>> rotate(store::connection& redis, command_parts with, opened_keys opened) {
    auto& keys = opened.keys;
    const auto& options = with.options;
    const auto now = system_clock_now();
    system_random random;
    if (options.groups.tokens && !options.change_algorithm &&
        keys.access_algorithm() != with.all.token_algorithm)
        co_return problem{
            "tokens.algorithm is not that of the key in use: give the command the servers' "
            "settings (--config, or --tokens.algorithm), or say --change-algorithm"};
    if (options.groups.any()) {
        const auto added = keys.add_next(options.groups, with.all.token_algorithm, random, now);
        if (!added) co_return added.error();
    }
    if (!options.stage && !keys.activate(now))
        co_return problem{"no key is next: `countersign keys rotate --stage` makes one"};
    const auto saved = keys.save(with.all.data_dir);
    if (!saved) co_return saved.error();
    // After the file has it: a server that starts in between says so to the data by itself.
    const auto remembered = co_await remember_peppers(redis, keys);
    if (!remembered) co_return remembered.error();

    for (const auto& key : keys.describe())
        if (key.since == now)
            with.out << key.ring << ": " << key.id << " is " << to_string(key.state) << '\n';
    with.out << then_hang_up;
    co_return fallible<void>();
}

awaitable<fallible<void>> reseal(store::connection& redis, command_parts with, opened_keys opened) {
    opened_store store(redis, opened);
    using clock = std::chrono::steady_clock;
    auto shown_at = clock::now();
    const auto print = [&with](const store::renewal_progress& progress) {
        with.out << "accounts " << progress.accounts << ": sealed anew " << progress.sealed
                 << ", addresses entered anew " << progress.addresses << ", unreadable "
                 << progress.unreadable << std::endl;
    };
    const auto done = co_await store.renewal().renew([&](const store::renewal_progress& progress) {
        if (clock::now() - shown_at >= progress_pause) {
            print(progress);
            shown_at = clock::now();
        }
        return true;
    });
    if (!done)
        co_return problem{redis_problem(done.error()).sentence +
                          "; what is done stays done: run it again"};
    print(*done);
    if (done->unreadable > 0)
        co_return problem{"secrets of " + std::to_string(done->unreadable) +
                          " accounts cannot be opened with any key of keys.json: look for a key "
                          "that is missing in a backup"};
    co_return fallible<void>();
}

// Which old keys may go, and why the others may not.
class retirement {
public:
    retirement(const command_parts& with, const store::key_use& use, core::unix_time now)
        : with_(with), use_(use), now_(now) {}

    void look_at(const key_description& key) {
        if (key.state != key_state::old || !is_asked_for(key)) return;
        const auto why_not = reason_to_keep(key);
        if (why_not.empty())
            dropped_.push_back(key);
        else
            kept_.push_back(key.ring + " " + key.id + " stays: " + why_not);
    }
    [[nodiscard]] const std::vector<key_description>& dropped() const noexcept { return dropped_; }
    [[nodiscard]] const std::vector<std::string>& kept() const noexcept { return kept_; }

private:
    [[nodiscard]] bool is_asked_for(const key_description& key) const {
        const auto& groups = with_.options.groups;
        if (!groups.any()) return true;
        if (key.kind) return groups.tokens;
        return key.ring == "pepper" ? groups.pepper : groups.encryption;
    }

    [[nodiscard]] std::string reason_to_keep(const key_description& key) const {
        if (key.ring == "pepper") return reason_to_keep_pepper(key);
        const auto sealed = key.kind ? 0 : under(use_.values.sealed, key.id);
        // Never without it: nobody could use these authenticator apps again.
        if (sealed > 0)
            return std::to_string(sealed) +
                   " secrets are sealed under it: run `countersign keys reseal`";
        if (with_.options.now) return "";
        const auto what = std::string(key.kind ? "tokens that it signed" : "mails sealed under it");
        const auto until = needed_until(key, with_.all.policy);
        if (!until)
            return "it is not known when its successor came: --now drops it, and with it " + what;
        if (*until > now_)
            return what + " may be in use until " + core::to_rfc3339(*until) +
                   ": then, or --now, with which they are refused";
        return "";
    }

    [[nodiscard]] std::string reason_to_keep_pepper(const key_description& key) const {
        if (under(use_.addresses, key.id) > 0)
            return std::to_string(under(use_.addresses, key.id)) +
                   " addresses are found under it: run `countersign keys reseal`";
        const auto words = uses_in_words(use_, key.id);
        if (words.empty() || with_.options.now) return "";
        return words + " are known by it alone, and cannot be moved: backup codes until they "
                       "are used or made anew, API tokens and service keys until they are used, "
                       "sessions until they are refreshed or end; --now drops it, and they are "
                       "refused from then on";
    }

    const command_parts& with_;
    const store::key_use& use_;
    core::unix_time now_;
    std::vector<key_description> dropped_;
    std::vector<std::string> kept_;
};

awaitable<fallible<void>> forget_peppers(opened_store& store,
                                         const std::vector<key_description>& dropped) {
    const auto ids = store.codes().pepper_ids();
    for (const auto& key : dropped) {
        if (key.ring != "pepper") continue;
        const auto place = std::ranges::find(ids, key.id) - ids.begin();
        const auto done =
            co_await store.renewal().forget_addresses(static_cast<std::size_t>(place));
        if (!done) co_return redis_problem(done.error());
    }
    co_return fallible<void>();
}

awaitable<fallible<void>> retire(store::connection& redis, command_parts with, opened_keys opened) {
    opened_store store(redis, opened);
    const auto use = co_await store.renewal().count();
    if (!use) co_return redis_problem(use.error());
    retirement decided(with, *use, system_clock_now());
    for (const auto& key : opened.keys.describe())
        decided.look_at(key);

    if (!decided.dropped().empty()) {
        auto forgotten = co_await forget_peppers(store, decided.dropped());
        if (!forgotten) co_return forgotten.error();
        for (const auto& key : decided.dropped())
            if (!opened.keys.drop(key.ring, key.id))
                throw std::logic_error("an old key that is not there");
        // Before the file loses it: the data must not ask for what is gone.
        const auto remembered = co_await remember_peppers(redis, opened.keys);
        if (!remembered) co_return remembered.error();
        const auto saved = opened.keys.save(with.all.data_dir);
        if (!saved) co_return saved.error();
    }
    for (const auto& key : decided.dropped())
        with.out << key.ring << " " << key.id << " is dropped\n";
    if (!decided.dropped().empty()) with.out << then_hang_up;
    if (decided.dropped().empty() && decided.kept().empty()) with.out << "there is no old key\n";
    for (const auto& sentence : decided.kept())
        with.out << sentence << '\n';
    if (!decided.kept().empty())
        co_return problem{std::to_string(decided.kept().size()) + " old keys stay, as said above"};
    co_return fallible<void>();
}

awaitable<fallible<void>> perform(store::connection& redis, command_parts with) {
    system_random random;
    auto opened = co_await open_keys(with.all.data_dir, redis, random, with.all.token_algorithm);
    if (!opened) co_return opened.error();
    switch (with.options.what) {
    case keys_action::show:
        co_return co_await show(redis, with, *std::move(opened));
    case keys_action::rotate:
        co_return co_await rotate(redis, with, *std::move(opened));
    case keys_action::reseal:
        co_return co_await reseal(redis, with, *std::move(opened));
    case keys_action::retire:
        co_return co_await retire(redis, with, *std::move(opened));
    }
    co_return fallible<void>();
}

fallible<void> check(const keys_options& options) {
    if (options.what != keys_action::rotate) return {};
    if (options.activate && (options.stage || options.groups.any()))
        return problem{"--activate stands alone: it is for keys that were made with --stage"};
    if (!options.activate && !options.groups.any())
        return problem{"say what to rotate: --tokens, --encryption, --pepper"};
    return {};
}

} // namespace

core::seconds life_of(core::token_kind kind, const core::policy& rules) {
    const auto& lives = rules.tokens;
    switch (kind) {
    case core::token_kind::access:
        return lives.access;
    case core::token_kind::refresh:
    case core::token_kind::session_cookie: // slugbase's sessions last as long
        return lives.refresh;
    case core::token_kind::step_up:
        return lives.step_up;
    case core::token_kind::two_factor:
        return lives.two_factor;
    case core::token_kind::totp_setup:
        return lives.totp_setup;
    case core::token_kind::email_verification:
        return lives.email_verification;
    case core::token_kind::password_reset:
        return lives.password_reset;
    case core::token_kind::user_session:
        return lives.user_session;
    }
    throw std::logic_error("not a token_kind");
}

fallible<void> run_keys_command(const keys_options& options, const settings& all,
                                std::ostream& out) {
    if (auto sound = check(options); !sound) return sound;
    const logging log({std::max(all.log.level, log_level::warn), all.log.format});
    if (auto prepared = prepare_data_directory(all.data_dir); !prepared) return prepared;
    store::descriptor lock;
    if (options.what == keys_action::rotate || options.what == keys_action::retire) {
        lock = store::lock_file(all.data_dir / "keys.lock", lock_patience);
        if (!lock) return problem{"another `countersign keys` command is changing the keys"};
    }
    const auto redis = reach_redis(all, when_running::join);
    if (!redis) return redis.error();
    return run_with_redis(redis->address, "countersign-keys", [&](store::connection& connection) {
        return perform(connection, {options, all, out});
    });
}

} // namespace countersign::app
