#include "app/mail_report.hpp"

#include "app/text_table.hpp"
#include "core/event.hpp"
#include "notify/mime.hpp"
#include "store/outbox_entries.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

namespace countersign::app {

namespace json = boost::json;

namespace {

constexpr std::size_t recipients_shown_max = 2;

// What is known of a mail's event, whether or not this version can read all of it.
struct known_event {
    std::string type = "?";
    std::optional<core::unix_time> at;
    std::vector<std::string> recipients; // still owed the mail
};

known_event known_of(const store::kept_mail& mail) {
    known_event known{.recipients = mail.recipients};
    const auto event = core::event_from_json(mail.payload);
    if (!event) return known;
    known.type = core::to_string(event->type);
    known.at = event->at;
    if (known.recipients.empty()) known.recipients = event->recipients;
    return known;
}

std::string masked_list(const std::vector<std::string>& addresses) {
    std::string out;
    for (std::size_t i = 0; i < std::min(addresses.size(), recipients_shown_max); ++i)
        out += (i ? ", " : "") + notify::one_line(masked(addresses[i]));
    if (addresses.size() > recipients_shown_max)
        out += " +" + std::to_string(addresses.size() - recipients_shown_max);
    return out.empty() ? "-" : out;
}

std::string since(std::optional<core::unix_time> time, core::unix_time now) {
    return time ? short_duration(now - *time) : "-";
}

// "in 12s", "now".
std::string until(core::unix_time time, core::unix_time now) {
    return time > now ? "in " + short_duration(time - now) : "now";
}

std::int64_t share(std::int64_t max, int partitions) {
    return (max + partitions - 1) / partitions;
}

std::int64_t limit_of(const store::outbox_limits& limits, core::mail_lane lane) {
    return lane == core::mail_lane::code ? limits.codes : limits.alerts;
}

json::value time_or_null(std::optional<core::unix_time> time) {
    if (!time) return nullptr;
    return json::value(core::to_rfc3339(*time));
}

// What is to be said in the last column of a list.
std::string state_of(const store::kept_mail& mail, core::unix_time now) {
    if (mail.state == store::mail_state::retry && mail.due)
        return "tried again " + until(*mail.due, now);
    return mail.state == store::mail_state::dead ? notify::one_line(mail.reason) : "";
}

// The event as it is stored, without its secret. Empty: it cannot be read at all.
json::object event_without_secret(const store::kept_mail& mail) {
    boost::system::error_code error;
    auto parsed = json::parse(mail.payload, error);
    if (error || !parsed.is_object()) return {};
    auto object = std::move(parsed.get_object());
    object.erase("sealed_secret");
    return object;
}

std::string plain(const json::value& value) {
    if (const auto* text = value.if_string()) return notify::one_line({text->data(), text->size()});
    if (const auto* list = value.if_array()) {
        std::string out;
        for (const auto& item : *list)
            out += (out.empty() ? "" : ", ") + plain(item);
        return out;
    }
    return value.is_null() ? "" : notify::one_line(json::serialize(value));
}

void line(std::ostream& out, std::string_view name, const std::string& value) {
    if (!value.empty()) out << name << ": " << value << '\n';
}

} // namespace

std::string masked(std::string_view address) {
    const auto at = address.rfind('@');
    if (at == std::string_view::npos || at == 0) return "•••";
    std::size_t first = 1; // byte after the first character
    while (first < at && (static_cast<unsigned char>(address[first]) & 0xC0U) == 0x80U)
        ++first;
    return std::string(address.substr(0, first)) + "•••" + std::string(address.substr(at));
}

std::string short_duration(core::milliseconds length) {
    const auto seconds = std::max<std::int64_t>(length.count() / 1000, 0);
    if (seconds < 60) return std::to_string(seconds) + "s";
    if (seconds < 3600) return std::to_string(seconds / 60) + "m";
    if (seconds < 86'400) return std::to_string(seconds / 3600) + "h";
    return std::to_string(seconds / 86'400) + "d";
}

std::string title_of(const store::kept_mail& mail) {
    return notify::one_line(mail.id) + " (" + known_of(mail).type + ", lane " +
           std::string(store::name_of(mail.lane)) + ")";
}

void print_status(std::ostream& out, const status_report& report, core::unix_time now) {
    const auto& status = report.status;
    text_table lanes({"LANE", "WAITING", "OLDEST", "FULLEST PARTITION"});
    for (std::size_t i = 0; i < status.lanes.size(); ++i) {
        const auto& lane = status.lanes[i];
        const auto max = limit_of(report.limits, store::outbox_lanes[i]);
        lanes.add({std::string(store::name_of(store::outbox_lanes[i])),
                   std::to_string(lane.waiting), since(lane.oldest, now),
                   std::to_string(lane.fullest) + " of " +
                       std::to_string(share(max, report.partitions))});
    }
    lanes.print(out);
    out << "\nretries: " << status.retries;
    if (status.next_retry) out << ", the next is due " << until(*status.next_retry, now);
    std::int64_t dead = 0;
    for (const auto& [reason, count] : status.dead_by_reason)
        dead += count;
    out << "\ndead letters: " << dead << '\n';
    if (dead > 0) {
        text_table reasons({"DEAD", "REASON"});
        for (const auto& [reason, count] : status.dead_by_reason)
            reasons.add({std::to_string(count), notify::one_line(reason)});
        reasons.print(out << '\n');
    }
    if (status.consumers.empty()) {
        out << "\nno notifier has read the outbox yet\n";
        return;
    }
    text_table consumers({"NOTIFIER", "IN HAND", "LAST SEEN"});
    for (const auto& [name, consumer] : status.consumers)
        consumers.add({notify::one_line(name), std::to_string(consumer.pending),
                       short_duration(consumer.idle) + " ago"});
    consumers.print(out << '\n');
}

json::object to_json(const status_report& report) {
    const auto& status = report.status;
    json::object lanes;
    for (std::size_t i = 0; i < status.lanes.size(); ++i) {
        const auto& lane = status.lanes[i];
        const auto max = limit_of(report.limits, store::outbox_lanes[i]);
        lanes[store::name_of(store::outbox_lanes[i])] = {
            {"waiting", lane.waiting},
            {"oldest", time_or_null(lane.oldest)},
            {"fullest_partition", lane.fullest},
            {"partition_max", share(max, report.partitions)}};
    }
    json::array reasons, consumers;
    for (const auto& [reason, count] : status.dead_by_reason)
        reasons.push_back(json::object{{"reason", reason}, {"count", count}});
    for (const auto& [name, consumer] : status.consumers)
        consumers.push_back(json::object{
            {"name", name}, {"pending", consumer.pending}, {"idle_ms", consumer.idle.count()}});
    return {{"lanes", std::move(lanes)},
            {"retries", {{"count", status.retries}, {"next", time_or_null(status.next_retry)}}},
            {"dead", std::move(reasons)},
            {"notifiers", std::move(consumers)}};
}

void print_list(std::ostream& out, const store::mail_list& list, core::unix_time now) {
    text_table table({"ID", "LANE", "STATE", "EVENT", "AGE", "RECIPIENTS", "ATTEMPTS", "REASON"});
    for (const auto& mail : list.mails) {
        const auto known = known_of(mail);
        table.add({notify::one_line(mail.id), std::string(store::name_of(mail.lane)),
                   std::string(to_string(mail.state)), known.type,
                   since(known.at.value_or(mail.since), now), masked_list(known.recipients),
                   std::to_string(mail.attempts), state_of(mail, now)});
    }
    table.print(out);
    if (!list.complete) out << "… and more: see --limit\n";
}

json::object to_json(const store::mail_list& list) {
    json::array mails;
    for (const auto& mail : list.mails) {
        const auto known = known_of(mail);
        json::array recipients;
        for (const auto& address : known.recipients)
            recipients.emplace_back(masked(address));
        mails.push_back(json::object{{"id", mail.id},
                                     {"lane", store::name_of(mail.lane)},
                                     {"state", to_string(mail.state)},
                                     {"event", known.type},
                                     {"at", core::to_rfc3339(known.at.value_or(mail.since))},
                                     {"recipients", std::move(recipients)},
                                     {"attempts", mail.attempts},
                                     {"due", time_or_null(mail.due)},
                                     {"reason", mail.reason}});
    }
    return {{"mails", std::move(mails)}, {"complete", list.complete}};
}

void print_mail(std::ostream& out, const store::kept_mail& mail) {
    line(out, "mail", notify::one_line(mail.id));
    line(out, "lane", std::string(store::name_of(mail.lane)));
    line(out, "state", std::string(to_string(mail.state)));
    line(out, "since", core::to_rfc3339(mail.since));
    line(out, "due", mail.due ? core::to_rfc3339(*mail.due) : "");
    line(out, "attempts", std::to_string(mail.attempts));
    line(out, "reason", notify::one_line(mail.reason));
    json::array owed;
    for (const auto& address : known_of(mail).recipients)
        owed.emplace_back(address);
    line(out, "owed to", plain(owed));
    const auto event = event_without_secret(mail);
    out << '\n';
    if (event.empty()) out << "its event cannot be read (" << mail.payload.size() << " bytes)\n";
    for (const auto& [name, value] : event) {
        const bool is_time = (name == "at" || name == "expires_at") && value.is_int64();
        line(out, "event." + notify::one_line({name.data(), name.size()}),
             is_time ? core::to_rfc3339(core::unix_time{core::milliseconds{value.get_int64()}})
                     : plain(value));
    }
}

json::object to_json(const store::kept_mail& mail) {
    json::array owed;
    for (const auto& address : known_of(mail).recipients)
        owed.emplace_back(address);
    return {{"id", mail.id},
            {"lane", store::name_of(mail.lane)},
            {"state", to_string(mail.state)},
            {"since", core::to_rfc3339(mail.since)},
            {"due", time_or_null(mail.due)},
            {"attempts", mail.attempts},
            {"reason", mail.reason},
            {"owed_to", std::move(owed)},
            {"event", event_without_secret(mail)}};
}

} // namespace countersign::app
