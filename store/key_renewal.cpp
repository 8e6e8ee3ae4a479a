#include "store/key_renewal.hpp"

#include "core/text.hpp"
#include "store/account_walk.hpp"
#include "store/service_keys.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;

namespace {

bool holds_outdated(const core::account& account, const core::key_ring& keys) {
    const auto is_outdated = [&keys](const core::totp_device& device) {
        return keys.is_outdated(device.sealed_secret);
    };
    return std::ranges::any_of(account.totp, is_outdated) ||
           (account.enrolment && is_outdated(account.enrolment->device));
}

void add_one(core::count_by_key& to, std::string key) {
    ++to.try_emplace(std::move(key)).first->second;
}

} // namespace

awaitable<store_result<void>> key_renewal::count_one(core::account_id id, key_use& use) {
    const auto loaded = co_await with_.all.load(id);
    if (!loaded) co_return loaded.error();
    if (!*loaded) co_return store_result<void>();
    const auto& account = (*loaded)->value;
    ++use.accounts;
    core::add_key_use(use.values, account, with_.codes, with_.now());
    const auto address = core::email_address::parse(account.email);
    if (address.has_error()) co_return store_result<void>();
    const auto place = co_await with_.emails.place_of(*address, std::move(id));
    if (!place) co_return place.error();
    if (*place) add_one(use.addresses, with_.codes.pepper_ids()[**place]);
    co_return store_result<void>();
}

awaitable<store_result<key_use>> key_renewal::count() {
    key_use use;
    const auto walked =
        co_await walk_accounts(with_.redis, with_.all, [this, &use](core::account_id id) {
            return count_one(std::move(id), use);
        });
    if (!walked) co_return walked.error();

    service_keys keys(with_.redis, with_.codes);
    const auto listed = co_await keys.list();
    if (!listed) co_return listed.error();
    for (const auto& key : *listed)
        add_one(use.service_keys,
                key.pepper.empty() ? std::string(with_.codes.pepper_of("")) : key.pepper);
    co_return use;
}

awaitable<store_result<void>> key_renewal::renew_one(core::account_id id,
                                                     renewal_progress& progress) {
    const auto loaded = co_await with_.all.load(id);
    if (!loaded) co_return loaded.error();
    ++progress.accounts;
    if (!*loaded) co_return store_result<void>();
    const auto& seen = (*loaded)->value;

    if (holds_outdated(seen, with_.keys)) {
        bool changed = false;
        const auto written = co_await with_.all.transact(id, [&](const core::account& current) {
            auto next = current;
            changed = core::seal_anew(next, with_.keys, with_.random);
            return changed ? change{std::move(next), {}} : change{};
        });
        if (!written) co_return written.error();
        progress.sealed += changed ? 1 : 0;
        if (*written && holds_outdated(**written, with_.keys)) ++progress.unreadable;
    }

    const auto address = core::email_address::parse(seen.email);
    if (address.has_error()) co_return store_result<void>();
    const auto place = co_await with_.emails.place_of(*address, id);
    if (!place) co_return place.error();
    if (!*place || !with_.codes.is_outdated(**place)) co_return store_result<void>();
    const auto taken = co_await with_.emails.reserve(*address, id, with_.now());
    if (!taken) co_return taken.error();
    progress.addresses += *taken ? 1 : 0;
    co_return store_result<void>();
}

awaitable<store_result<void>>
key_renewal::show_one(core::account_id id, renewal_progress& progress,
                      const std::function<bool(const renewal_progress&)>& show, bool& ended) {
    const auto renewed = co_await renew_one(std::move(id), progress);
    if (!renewed) co_return renewed.error();
    ended = !show(progress);
    if (ended) co_return store_error::unavailable; // ends the walk; nobody sees it
    co_return store_result<void>();
}

awaitable<store_result<renewal_progress>>
key_renewal::renew(std::function<bool(const renewal_progress&)> show) {
    renewal_progress progress;
    bool ended = false;
    const auto walked = co_await walk_accounts(
        with_.redis, with_.all, [this, &progress, &show, &ended](core::account_id id) {
            return show_one(std::move(id), progress, show, ended);
        });
    if (!walked && !ended) co_return walked.error();
    co_return progress;
}

awaitable<store_result<void>> key_renewal::forget_one(core::account_id id, std::size_t place) {
    const auto loaded = co_await with_.all.load(id);
    if (!loaded) co_return loaded.error();
    if (!*loaded) co_return store_result<void>();
    const auto address = core::email_address::parse((*loaded)->value.email);
    if (address.has_error()) co_return store_result<void>();
    co_return co_await with_.emails.release_at(place, *address, std::move(id));
}

awaitable<store_result<void>> key_renewal::forget_addresses(std::size_t place) {
    co_return co_await walk_accounts(with_.redis, with_.all, [this, place](core::account_id id) {
        return forget_one(std::move(id), place);
    });
}

} // namespace countersign::store
