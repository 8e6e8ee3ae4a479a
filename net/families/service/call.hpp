// One request to the service family: its subject, its words, and its replies. The handlers are
// written in terms of it: parse, validate, decide, reply.
#pragma once

#include "core/decide/subjects.hpp"
#include "net/evidence.hpp"
#include "net/families/service/errors.hpp"
#include "net/families/service/key_cache.hpp"
#include "net/json_body.hpp"
#include "net/reply.hpp"
#include "net/request.hpp"
#include "net/services.hpp"
#include "store/event_loop.hpp"

#include <boost/json/object.hpp>
#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::net::service {

template <typename T>
using outcome = boost::system::result<T, error>;

// A committed and granted decision.
template <typename Success>
struct granted {
    Success value;
    std::unique_ptr<core::account> account;
};

// A command to the account that a subject is. Of another account, which merely has the id that the
// subject's would have, it decides nothing.
template <typename Command>
struct addressed {
    std::string_view subject;
    Command command;
};
template <typename Command>
[[nodiscard]] core::decision<std::optional<success_of<Command>>>
decide(const core::account& current, const addressed<Command>& to, const core::context& context,
       core::unix_time now) {
    using success = std::optional<success_of<Command>>;
    if (!core::is_subject(current, to.subject)) return {success(), std::nullopt, {}};
    auto made = decide(current, to.command, context, now);
    if (made.outcome.has_error())
        return {made.outcome.error(), std::move(made.next), std::move(made.events)};
    return {success(*std::move(made.outcome)), std::move(made.next), std::move(made.events)};
}

// As if it were not addressed.
template <typename Command, typename Success>
void count_proof(
    verification_counters& counters, const addressed<Command>& to,
    const boost::system::result<std::optional<Success>, core::refusal>& outcome) noexcept {
    if (outcome.has_error())
        count_refused(counters, to.command, outcome.error());
    else if (outcome->has_value())
        count_granted(counters, to.command, **outcome);
}

class call {
public:
    // `key` is who asks.
    call(services& services, const request& request, key_cache::key key);

    // Of routes with a subject in their path, which is valid.
    [[nodiscard]] std::string_view subject() const { return request_.path_parameters()[0]; }
    [[nodiscard]] core::account_id account() const { return core::account_of_subject(subject()); }
    [[nodiscard]] std::string factor() const { return std::string(request_.path_parameters()[1]); }
    [[nodiscard]] const store::service_key& key() const noexcept { return *key_; }

    // Decides on the subject's account and commits.
    template <typename Command>
    [[nodiscard]] awaitable<outcome<granted<success_of<Command>>>> decide(Command command);
    // With the version that erasing asks for; nullopt: there is no such subject.
    [[nodiscard]] awaitable<outcome<std::optional<store::loaded_account>>> find();
    [[nodiscard]] awaitable<outcome<core::account>> load();

    // The person's address and program, as the backend says them in `ip` and `userAgent` of the
    // body; never the backend's own. The language is `?locale=` or, with `in_body`, `locale` of the
    // body, which wins.
    enum class locale_place : std::uint8_t { query, body_or_query };
    [[nodiscard]] core::request_origin origin(json_body& body,
                                              locale_place where = locale_place::query) const;

    [[nodiscard]] static reply json(unsigned status, const boost::json::object& body);
    [[nodiscard]] static reply refuse(const error& why) { return render(why); }
    [[nodiscard]] static reply refuse(const json_body& body) { return render(from_body(body)); }

    [[nodiscard]] services& with() const noexcept { return services_; }
    [[nodiscard]] const request& message() const noexcept { return request_; }
    [[nodiscard]] core::unix_time now() const { return services_.now(); }
    [[nodiscard]] const core::token_lives& lives() const { return services_.context.rules.tokens; }

private:
    services& services_;
    const request& request_;
    key_cache::key key_;
};

// What alerts and authenticators show, of a member that may be absent.
[[nodiscard]] std::optional<std::string> read_device_text(json_body& body, std::string_view name);

// Of the length that policy gives the service API's.
[[nodiscard]] backup_codes new_backup_codes(call& call);
// `codes` are told if they are the account's now.
[[nodiscard]] reply reply_with_backup_codes(unsigned status, bool new_codes,
                                            const std::vector<std::string>& codes);

template <typename Command>
awaitable<outcome<granted<success_of<Command>>>> call::decide(Command command) {
    addressed<Command> to{subject(), std::move(command)};
    auto done = co_await transact(services_, account(), std::move(to));
    if (done.has_error()) co_return from_store(done.error());
    if (!done->has_value()) co_return error(error_code::subject_not_found);
    auto& [result, account] = **done;
    if (result.has_error()) co_return from_refusal(result.error());
    if (!result->has_value()) co_return error(error_code::subject_not_found);
    co_return granted<success_of<Command>>{**std::move(result), std::move(account)};
}

} // namespace countersign::net::service
