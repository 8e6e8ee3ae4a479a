#include "net/families/service/handlers.hpp"
#include "net/families/service/view.hpp"

#include "core/decide/erasure.hpp"
#include "store/account_lifecycle.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace countersign::net::service {

namespace {

// Each lost race means that somebody else changed or made the account meanwhile.
constexpr int tries_max = 5;

constexpr std::size_t default_name_size_max = 100; // a subject's beginning, as in imports

struct subject_words {
    std::optional<core::email_address> email;
    std::optional<std::string> name, locale;
    std::optional<bool> email_factor;
};

subject_words read_words(json_body& body) {
    subject_words words{.name = body.optional_text("name"),
                        .locale = body.optional_text("locale"),
                        .email_factor = body.optional_flag("emailFactor")};
    if (const auto text = body.optional_text("email")) {
        const auto parsed = core::email_address::parse(*text);
        if (parsed.has_value())
            words.email = *parsed;
        else
            body.reject("email", "'email' must be an e-mail address in ASCII.");
    }
    if (words.name && !core::is_valid_display_name(*words.name))
        body.reject("name", "'name' must be 1 to 100 characters without control characters.");
    if (words.locale && !words.locale->empty()) {
        const auto tag = core::locale_tag::parse(*words.locale);
        if (tag)
            words.locale = tag->value();
        else
            body.reject("locale", "'locale' must be a language tag such as de or pt-BR.");
    }
    return words;
}

std::vector<core::email_address> read_addresses(json_body& body) {
    constexpr std::string_view name = "addresses";
    std::vector<core::email_address> addresses;
    for (const auto& text : body.texts(name, core::notification_addresses_max)) {
        auto parsed = core::email_address::parse(text);
        if (parsed.has_error())
            body.reject(name, "'addresses' must be e-mail addresses in ASCII.");
        else if (std::ranges::find(addresses, *parsed) != addresses.end())
            body.reject(name, "'addresses' must not have one twice.");
        else
            addresses.push_back(*std::move(parsed));
    }
    return addresses;
}

reply show(const call& call, unsigned status, const core::account& account) {
    return call::json(status, view_of(account, call.with().context, call.now()));
}

// The account as it begins; nullopt: there is one already.
awaitable<outcome<std::optional<core::account>>> create(call& call, const subject_words& words) {
    if (core::names_an_account(call.subject())) co_return error(error_code::subject_not_found);
    if (!words.email) co_return invalid("email", "'email' is required to create a subject.");
    const auto& context = call.with().context;
    const core::create_subject command{
        .subject = std::string(call.subject()),
        .email = *words.email,
        .name = words.name.value_or(std::string(call.subject().substr(0, default_name_size_max))),
        .locale = words.locale.value_or(std::string()),
        .email_factor = words.email_factor.value_or(context.rules.starts_with_email_factor())};
    auto made = core::create(command, context, call.now());
    if (made.outcome.has_error()) co_return from_refusal(made.outcome.error());
    auto account = *std::move(made.next);
    const auto created = co_await store::create_account(
        call.with().emails, call.with().accounts, account, std::move(made.events), call.now());
    if (created.has_error()) co_return from_store(created.error());
    switch (*created) {
    case store::creation::created:
        co_return std::move(account);
    case store::creation::email_taken:
        co_return error(error_code::email_taken);
    case store::creation::exists:
        break;
    }
    co_return std::nullopt;
}

awaitable<outcome<core::account>> update(call& call, const core::account& seen,
                                         const subject_words& words,
                                         const core::request_origin& origin) {
    core::update_subject command{.name = words.name,
                                 .locale = words.locale,
                                 .email_factor = words.email_factor,
                                 .origin = origin};
    std::optional<store::address_change> change;
    const auto previous = core::email_address::parse(seen.email);
    if (words.email && *words.email != *previous) {
        change.emplace(call.with().emails, seen.id, *previous, *words.email);
        const auto taken = co_await change->take(call.now());
        if (taken.has_error()) co_return from_store(taken.error());
        if (!*taken) co_return error(error_code::email_taken);
        command.email = words.email;
    }
    auto done = co_await call.decide(std::move(command));
    if (done.has_error()) co_return done.error();
    if (change && !done->value.previous_email.empty())
        co_await change->finish(done->value.previous_email, call.now());
    co_return std::move(*done->account);
}

} // namespace

handled put_subject(call& call) {
    json_body body(call.message());
    const auto words = read_words(body);
    const auto origin = call.origin(body);
    if (!body.ok()) co_return call::refuse(body);

    for (int tries = 0; tries < tries_max; ++tries) {
        const auto found = co_await call.find();
        if (found.has_error()) co_return call::refuse(found.error());
        if (!found->has_value()) {
            const auto created = co_await create(call, words);
            if (created.has_error()) co_return call::refuse(created.error());
            if (created->has_value()) co_return show(call, 201, **created);
            continue;
        }
        const auto updated = co_await update(call, (*found)->value, words, origin);
        if (updated.has_value()) co_return show(call, 200, *updated);
        const bool erased_meanwhile = updated.error().code == error_code::subject_not_found;
        if (!erased_meanwhile) co_return call::refuse(updated.error());
    }
    co_return call::refuse(from_store(store::store_error::contention));
}

handled read_subject(call& call) {
    const auto account = co_await call.load();
    if (account.has_error()) co_return call::refuse(account.error());
    co_return show(call, 200, *account);
}

handled put_notification_addresses(call& call) {
    json_body body(call.message());
    core::set_notification_addresses command{.addresses = read_addresses(body),
                                             .origin = call.origin(body)};
    if (!body.ok()) co_return call::refuse(body);
    const auto done = co_await call.decide(std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    spdlog::info("service key {} set the notification addresses of {}", call.key().id,
                 done->account->id.value());
    co_return show(call, 200, *done->account);
}

handled erase_subject(call& call) {
    json_body nothing(call.message(), json_body::absence::is_empty);
    const auto origin = call.origin(nothing);
    if (!nothing.ok()) co_return call::refuse(nothing);
    for (int tries = 0; tries < tries_max; ++tries) {
        auto found = co_await call.find();
        if (found.has_error()) co_return call::refuse(found.error());
        if (!found->has_value()) co_return call::refuse(error(error_code::subject_not_found));
        const auto id = (*found)->value.id;
        auto events =
            core::events_of_erasure((*found)->value, origin, call.with().context, call.now());
        const auto erased = co_await store::erase_account(call.with().emails, call.with().accounts,
                                                          **std::move(found), std::move(events));
        if (erased.has_error()) co_return call::refuse(from_store(erased.error()));
        if (!*erased) continue;
        spdlog::info("service key {} erased {}", call.key().id, id.value());
        co_return reply{.status = 204};
    }
    co_return call::refuse(from_store(store::store_error::contention));
}

} // namespace countersign::net::service
