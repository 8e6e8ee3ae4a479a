#include "store/outbox_admin.hpp"

#include "store/outbox_entries.hpp"
#include "store/scripts.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace countersign::store {

using core::mail_lane;

namespace {

constexpr int page_size = 200;

// The time in an entry's id: <milliseconds>-<number>.
core::unix_time time_of(std::string_view entry_id) {
    std::int64_t time = 0;
    std::from_chars(entry_id.data(), entry_id.data() + entry_id.size(), time);
    return core::unix_time{core::milliseconds{time}};
}

// A score as Redis writes it. Ours are whole.
std::optional<core::unix_time> time_of_score(std::string_view score) {
    double time = 0;
    const auto [end, error] = std::from_chars(score.data(), score.data() + score.size(), time);
    if (error != std::errc{}) return std::nullopt;
    return core::unix_time{core::milliseconds{static_cast<std::int64_t>(time)}};
}

void name(kept_mail& mail) {
    const auto event = core::event_from_json(mail.payload);
    mail.id = event ? event->id.value()
                    : std::to_string(mail.partition) + "." + std::string(name_of(mail.lane)) + "." +
                          mail.entry_id;
}

bool add_stream(const reply_value& reply, lane_status& lane, outbox_status& sum) {
    const auto* parts = reply.list();
    if (!parts || parts->size() != 4) return false;
    const auto* length = (*parts)[0].integer();
    const auto* first = (*parts)[1].text();
    const auto* consumers = (*parts)[2].list();
    const auto* dead = (*parts)[3].integer();
    if (!length || !first || !consumers || consumers->size() % 3 != 0 || !dead) return false;
    lane.waiting += *length;
    lane.dead += *dead;
    lane.fullest = std::max(lane.fullest, *length);
    if (!first->empty())
        lane.oldest = std::min(lane.oldest.value_or(core::unix_time::max()), time_of(*first));
    for (std::size_t i = 0; i < consumers->size(); i += 3) {
        const auto* name = (*consumers)[i].text();
        const auto* pending = (*consumers)[i + 1].integer();
        const auto* idle_ms = (*consumers)[i + 2].integer();
        if (!name || !pending || !idle_ms) return false;
        const core::milliseconds idle(*idle_ms);
        const auto [entry, added] = sum.consumers.try_emplace(*name, consumer_status{.idle = idle});
        entry->second.pending += *pending;
        entry->second.idle = std::min(entry->second.idle, idle);
    }
    return true;
}

// The answer of outbox_status.lua.
bool add_partition(const reply_value& reply, outbox_status& sum) {
    const auto* parts = reply.list();
    if (!parts || parts->size() != 3) return false;
    const auto* retries = parts->back().list();
    if (!retries || retries->size() != 2) return false;
    const auto* count = retries->front().integer();
    const auto* due = retries->back().text();
    if (!count || !due) return false;
    sum.retries += *count;
    if (const auto first = time_of_score(*due))
        sum.next_retry = std::min(sum.next_retry.value_or(core::unix_time::max()), *first);
    for (std::size_t lane = 0; lane < outbox_lanes.size(); ++lane)
        if (!add_stream((*parts)[lane], sum.lanes[lane], sum)) return false;
    // As commit.lua counts.
    const auto* alerts = (*parts)[1].list()->front().integer();
    sum.lanes[1].fullest = std::max(sum.lanes[1].fullest, *alerts + *count);
    return true;
}

} // namespace

std::string_view to_string(mail_state state) noexcept {
    switch (state) {
    case mail_state::waiting:
        return "waiting";
    case mail_state::retry:
        return "retry";
    case mail_state::dead:
        return "dead";
    }
    return {};
}

awaitable<store_result<outbox_status>> outbox_admin::summary() {
    outbox_status sum;
    for (int partition = 0; partition < partitions_; ++partition) {
        auto keys = stream_keys(partition);
        keys.push_back(retry_key(partition));
        for (const auto lane : outbox_lanes)
            keys.push_back(dead_key(partition, lane));
        std::vector<std::string> arguments{std::string(outbox_group)};
        const auto reply = co_await redis_.script(scripts::outbox_status(), keys, arguments);
        if (!reply) co_return reply.error();
        if (!add_partition(*reply, sum)) co_return store_error::corrupt;
    }
    co_return sum;
}

awaitable<store_result<outbox_status>> outbox_admin::status() {
    auto sum = co_await summary();
    if (!sum) co_return sum;
    const mail_filter dead{.state = mail_state::dead};
    auto count = [&sum](const kept_mail& mail) {
        ++sum->dead_by_reason[mail.reason];
        return verdict::go_on;
    };
    const auto walked = co_await walk(dead, std::move(count));
    if (!walked) co_return walked.error();
    co_return sum;
}

awaitable<store_result<mail_list>> outbox_admin::list(mail_filter filter) {
    mail_list found;
    std::string source;
    std::size_t of_source = 0;
    auto take = [&](kept_mail mail) {
        auto its_source = std::to_string(mail.partition).append(to_string(mail.state));
        if (mail.state != mail_state::retry) its_source.append(name_of(mail.lane));
        if (its_source != source) of_source = 0;
        source = std::move(its_source);
        // One more than is shown, to know whether there are more.
        found.mails.push_back(std::move(mail));
        return ++of_source > filter.limit ? verdict::next_source : verdict::go_on;
    };
    const auto walked = co_await walk(filter, std::move(take));
    if (!walked) co_return walked.error();
    std::ranges::sort(found.mails, {}, &kept_mail::since);
    found.complete = found.mails.size() <= filter.limit;
    if (!found.complete) found.mails.resize(filter.limit);
    co_return found;
}

awaitable<store_result<std::optional<kept_mail>>> outbox_admin::find(std::string id) {
    std::optional<kept_mail> found;
    auto compare = [&](kept_mail mail) {
        if (mail.id != id) return verdict::go_on;
        found = std::move(mail);
        return verdict::stop;
    };
    const auto walked = co_await walk({}, std::move(compare));
    if (!walked) co_return walked.error();
    co_return found;
}

awaitable<store_result<bool>> outbox_admin::retry(kept_mail dead) {
    std::vector<std::string> keys{dead_key(dead.partition, dead.lane),
                                  stream_key(dead.partition, dead.lane)};
    std::vector<std::string> arguments{dead.entry_id};
    const auto reply = co_await redis_.script(scripts::resurrect(), keys, arguments);
    if (!reply) co_return reply.error();
    if (!reply->integer()) co_return store_error::corrupt;
    co_return *reply->integer() == 1;
}

awaitable<store_result<bool>> outbox_admin::drop(kept_mail dead) {
    std::vector<std::string> command{"XDEL", dead_key(dead.partition, dead.lane), dead.entry_id};
    const auto reply = co_await redis_.command(std::move(command));
    if (!reply) co_return reply.error();
    if (!reply->integer()) co_return store_error::corrupt;
    co_return *reply->integer() == 1;
}

awaitable<store_result<void>> outbox_admin::walk(mail_filter filter, visitor visit) {
    const auto is_wanted = [&filter](mail_state state) {
        return !filter.state || *filter.state == state;
    };
    for (int partition = 0; partition < partitions_; ++partition) {
        for (const auto lane : outbox_lanes) {
            if (filter.lane && *filter.lane != lane) continue;
            for (const auto state : {mail_state::waiting, mail_state::dead}) {
                if (!is_wanted(state)) continue;
                auto key = state == mail_state::dead ? dead_key(partition, lane)
                                                     : stream_key(partition, lane);
                kept_mail pattern{.state = state, .partition = partition, .lane = lane};
                const auto more = co_await walk_stream(std::move(key), std::move(pattern), visit);
                if (!more) co_return more.error();
                if (!*more) co_return store_result<void>{};
            }
        }
        if (!is_wanted(mail_state::retry)) continue;
        const auto more = co_await walk_retries(partition, filter.lane, visit);
        if (!more) co_return more.error();
        if (!*more) co_return store_result<void>{};
    }
    co_return store_result<void>{};
}

// False: `visit` wants no more.
awaitable<store_result<bool>> outbox_admin::walk_stream(std::string key, kept_mail pattern,
                                                        visitor visit) {
    std::string start = "-";
    while (true) {
        std::vector<std::string> command{"XRANGE", key,     start,
                                         "+",      "COUNT", std::to_string(page_size)};
        const auto reply = co_await redis_.command(std::move(command));
        if (!reply) co_return reply.error();
        auto entries = parse_entries(pattern.partition, pattern.lane, *reply);
        if (!entries) co_return entries.error();
        for (auto& entry : *entries) {
            start = "(" + entry.stream_id;
            kept_mail mail = pattern;
            mail.since = time_of(entry.stream_id);
            mail.entry_id = std::move(entry.stream_id);
            mail.payload = std::move(entry.payload);
            mail.recipients = std::move(entry.recipients);
            mail.attempts = entry.attempts;
            mail.reason = std::move(entry.reason);
            name(mail);
            const auto wish = visit(std::move(mail));
            if (wish == verdict::stop) co_return false;
            if (wish == verdict::next_source) co_return true;
        }
        if (entries->size() < page_size) co_return true;
    }
}

// Like walk_stream(). Members that cannot be read are passed over, as requeue.lua does.
awaitable<store_result<bool>>
outbox_admin::walk_retries(int partition, std::optional<mail_lane> lane, visitor visit) {
    for (int rank = 0;; rank += page_size) {
        std::vector<std::string> keys{retry_key(partition)};
        std::vector<std::string> ranks{std::to_string(rank), std::to_string(rank + page_size - 1)};
        const auto reply = co_await redis_.script(scripts::retry_page(), keys, ranks);
        if (!reply) co_return reply.error();
        const auto* page = reply->list();
        if (!page || page->size() % 2 != 0) co_return store_error::corrupt;
        for (std::size_t i = 0; i < page->size(); i += 2) {
            const auto* member = (*page)[i].text();
            const auto* due = (*page)[i + 1].text();
            if (!member || !due) co_return store_error::corrupt;
            auto entry = parse_retry(partition, *member);
            if (!entry || (lane && *lane != entry->lane)) continue;
            kept_mail mail{.state = mail_state::retry,
                           .partition = partition,
                           .lane = entry->lane,
                           .entry_id = entry->stream_id,
                           .payload = std::move(entry->payload),
                           .recipients = std::move(entry->recipients),
                           .attempts = entry->attempts,
                           .since = time_of(entry->stream_id),
                           .due = time_of_score(*due)};
            name(mail);
            const auto wish = visit(std::move(mail));
            if (wish == verdict::stop) co_return false;
            if (wish == verdict::next_source) co_return true;
        }
        if (page->size() < 2 * page_size) co_return true;
    }
}

} // namespace countersign::store
