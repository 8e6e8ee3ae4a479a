#include "net/families/singularity/handlers.hpp"
#include "net/families/singularity/view.hpp"

#include "core/decide/erasure.hpp"
#include "core/decide/profile.hpp"
#include "core/decide/step_up.hpp"
#include "core/password_rules.hpp"
#include "core/text.hpp"
#include "net/password_checks.hpp"
#include "store/account_lifecycle.hpp"

#include <boost/json/serialize.hpp>

namespace countersign::net::singularity {

namespace {

// The account of the access token, if its session may read it.
awaitable<outcome<core::account>> own_account(call& call) {
    auto account = co_await call.load(call.access().subject);
    if (account.has_error()) co_return account.error();
    if (const auto no = core::may_read(*account, call.access().session, call.now()))
        co_return from_refusal(*no);
    co_return account;
}

boost::json::object success() {
    return {{"success", true}};
}

} // namespace

handled read_user(call& call) {
    const auto account = co_await own_account(call);
    if (account.has_error()) co_return call.refuse(account.error());
    co_return call::ok(principal(*account));
}

handled rename_user(call& call) {
    json_body body(call.message());
    const auto name = body.text("name");
    if (body.ok() && !core::is_valid_display_name(name))
        body.reject("name", "'name' must be 1 to 100 characters without control characters.");
    if (!body.ok()) co_return call.refuse_request(body.problem());
    const auto done = co_await call.decide(
        call.access().subject, core::update_profile{.by = call.access().session, .name = name});
    if (done.has_error()) co_return call.refuse(done.error());
    co_return call::ok(principal(*done->account));
}

handled delete_user(call& call) {
    auto found = co_await call.with().accounts.load(call.access().subject);
    if (found.has_error()) co_return call.refuse(from_store(found.error()));
    if (!found->has_value()) co_return call.refuse(call.no_account(error_code::user_not_found));
    if (const auto no =
            core::may_change((*found)->value, call.proof(), call.with().context.rules, call.now()))
        co_return call.refuse(from_refusal(*no));

    const auto locale = call.locale();
    const auto origin = call.origin(locale.has_value() ? *locale : std::string());
    auto events = core::events_of_erasure((*found)->value, origin, call.with().context, call.now());
    const auto erased = co_await store::erase_account(call.with().emails, call.with().accounts,
                                                      *std::move(*found), std::move(events));
    if (erased.has_error()) co_return call.refuse(from_store(erased.error()));
    // The account changed in between: the caller looks again before erasing what it did not see.
    if (!*erased) co_return call.refuse(from_store(store::store_error::contention));
    auto out = call::ok(success());
    for (const auto* name : {"access_token", "refresh_token", "step_up_token"})
        call.clear_cookie(out, name);
    co_return out;
}

handled change_email(call& call) {
    json_body body(call.message());
    const auto text = body.text("newEmail");
    const auto email = core::email_address::parse(text);
    if (email.has_error()) body.reject("newEmail", "'newEmail' is not an e-mail address.");
    if (!body.ok()) co_return call.refuse_request(body.problem());
    const auto locale = call.locale();
    if (locale.has_error()) co_return call.refuse(locale.error());

    const auto holder = co_await call.with().emails.find(*email);
    if (holder.has_error()) co_return call.refuse(from_store(holder.error()));
    const bool taken = holder->has_value() && (*holder)->value.id != call.access().subject;
    const auto account = co_await own_account(call);
    if (account.has_error()) co_return call.refuse(account.error());
    if (const auto no =
            core::may_change(*account, call.proof(), call.with().context.rules, call.now()))
        co_return call.refuse(from_refusal(*no));
    if (taken) co_return call.refuse(error(error_code::email_taken));

    const auto done = co_await call.decide(
        account->id, core::request_email_change{
                         .proof = call.proof(),
                         .email = *email,
                         .link = call.make_link(account->id, core::code_purpose::verify_email),
                         .origin = call.origin(*locale)});
    if (done.has_error()) co_return call.refuse(done.error());
    co_return call::ok(principal(*done->account));
}

handled change_password(call& call) {
    json_body body(call.message());
    auto old_password = body.text("oldPassword");
    auto new_password = body.text("newPassword");
    if (const auto problem = core::password_problem(new_password))
        body.reject("newPassword", *problem);
    if (!body.ok()) co_return call.refuse_request(body.problem());
    const auto locale = call.locale();
    if (locale.has_error()) co_return call.refuse(locale.error());

    const auto account = co_await own_account(call);
    if (account.has_error()) co_return call.refuse(account.error());
    // Passwords are not hashed for who may not change one.
    if (const auto no =
            core::may_change(*account, call.proof(), call.with().context.rules, call.now()))
        co_return call.refuse(from_refusal(*no));
    auto check = co_await check_password(call.with(), &*account, std::move(old_password));
    if (check.has_error()) co_return call.refuse(overloaded());
    auto hash = co_await call.with().passwords.hash(std::move(new_password),
                                                    call.with().random.bytes<16>());
    if (hash.has_error()) co_return call.refuse(overloaded());

    const auto done =
        co_await call.decide(account->id, core::change_password{.proof = call.proof(),
                                                                .old_password = std::move(*check),
                                                                .new_hash = std::move(*hash),
                                                                .origin = call.origin(*locale)});
    if (done.has_error()) co_return call.refuse(done.error());
    co_return call::ok(principal(*done->account));
}

handled list_sessions(call& call) {
    const auto account = co_await own_account(call);
    if (account.has_error()) co_return call.refuse(account.error());
    co_return reply{.body = boost::json::serialize(session_list(*account, call.now()))};
}

handled end_session(call& call) {
    const auto target = call.message().path_parameters().front();
    const auto done = co_await call.decide(
        call.access().subject,
        core::end_session{.proof = call.proof(), .target = core::session_id(std::string(target))});
    if (done.has_error()) co_return call.refuse(done.error());
    co_return call::ok(success());
}

handled end_all_sessions(call& call) {
    const auto done = co_await call.decide(
        call.access().subject,
        core::end_all_sessions{.proof = call.proof(), .origin = call.origin({})});
    if (done.has_error()) co_return call.refuse(done.error());
    auto out = call::ok(success());
    for (const auto* name : {"access_token", "refresh_token", "step_up_token"})
        call.clear_cookie(out, name);
    co_return out;
}

} // namespace countersign::net::singularity
