#include "tests/chaos/judge.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace countersign::tests {

namespace {

using change_key = std::pair<std::string, std::string>; // mark, subject
using connection_key = std::pair<victim, std::uint64_t>;

// How long after the signal the kernel may take to close what the process had open, on a machine
// that is busy.
constexpr std::chrono::seconds closing_patience{3};
// How far from an outage of Redis a lost answer may still show.
constexpr std::chrono::seconds lost_answer_patience{2};

template <typename Note>
change_key key_of(const Note& note) {
    return {note.mark, note.subject};
}

std::string name_of(const change_key& key) {
    return key.first + " (" + key.second + ")";
}

struct sight {
    std::map<change_key, const watched_change*> changes;
    std::map<change_key, std::vector<const mail_note*>> copies;
    std::map<connection_key, const mail_note*> last_mail;
    std::map<connection_key, const end_note*> ends;
};

sight look_at(const chaos_history& history) {
    sight seen;
    for (const auto& change : history.changes)
        seen.changes[key_of(change)] = &change;
    for (const auto& mail : history.mails) {
        seen.copies[key_of(mail)].push_back(&mail);
        seen.last_mail[{mail.by, mail.connection}] = &mail;
    }
    for (const auto& end : history.ends)
        seen.ends[{end.by, end.connection}] = &end;
    for (auto& [key, mails] : seen.copies)
        std::ranges::sort(mails, {}, &mail_note::arrived);
    return seen;
}

// A worker keeps its connection and takes the next mail only when it has settled the last one: what
// another mail followed on its connection was settled.
bool died_unsettled(const mail_note& mail, const sight& seen, const chaos_history& history) {
    const connection_key connection{mail.by, mail.connection};
    if (seen.last_mail.at(connection) != &mail) return false;
    const auto end = seen.ends.find(connection);
    if (end == seen.ends.end() || end->second->said_quit) return false;
    return std::ranges::any_of(history.kills, [&](const kill_note& kill) {
        return kill.who == mail.by && end->second->at >= kill.at &&
               end->second->at <= kill.at + closing_patience;
    });
}

bool beside_an_outage(const mail_note& mail, const chaos_history& history) {
    return std::ranges::any_of(history.kills, [&](const kill_note& kill) {
        return kill.who == victim::redis && mail.arrived >= kill.at - lost_answer_patience &&
               mail.arrived <= kill.back + lost_answer_patience;
    });
}

void judge_changes(const sight& seen, chaos_verdict& verdict) {
    for (const auto& [key, change] : seen.changes) {
        if (change->acknowledged) ++verdict.acknowledged;
        switch (change->state) {
        case durable_state::made:
            ++verdict.made;
            if (!change->acknowledged) ++verdict.made_without_answer;
            if (!seen.copies.contains(key))
                verdict.faults.push_back("no mail about " + name_of(key));
            break;
        case durable_state::not_made:
            ++verdict.not_made;
            if (change->acknowledged)
                verdict.faults.push_back("acknowledged and lost: " + name_of(key));
            if (seen.copies.contains(key))
                verdict.faults.push_back("a mail about what was not made: " + name_of(key));
            break;
        case durable_state::open:
            break;
        }
    }
}

void judge_copies(const sight& seen, const chaos_history& history, chaos_verdict& verdict) {
    std::map<std::string, change_key> by_message;
    for (const auto& [key, mails] : seen.copies) {
        if (!seen.changes.contains(key))
            verdict.faults.push_back("a mail about nothing: " + name_of(key) + ", " +
                                     mails.front()->message_id);
        const auto& first = *mails.front();
        const auto [known, fresh] = by_message.try_emplace(first.message_id, key);
        if (!fresh)
            verdict.faults.push_back(name_of(key) + " and " + name_of(known->second) +
                                     " share a Message-ID");
        for (const auto* mail : mails) {
            if (mail->message_id != first.message_id || mail->date != first.date)
                verdict.faults.push_back("copies differ in Message-ID or Date: " + name_of(key));
            else if (mail->bytes_hash != first.bytes_hash)
                verdict.faults.push_back("copies differ in their bytes: " + name_of(key));
            if (mail == mails.back()) continue;
            if (died_unsettled(*mail, seen, history))
                ++verdict.duplicates_of_killed;
            else if (beside_an_outage(*mail, history))
                ++verdict.duplicates_about_redis;
            else
                verdict.faults.push_back("sent again without a kill: " + name_of(key));
        }
    }
}

} // namespace

std::string_view to_string(victim one) noexcept {
    switch (one) {
    case victim::server:
        return "server";
    case victim::notifier:
        return "notifier";
    case victim::redis:
        return "redis";
    }
    return {};
}

chaos_verdict judge_chaos(const chaos_history& history) {
    const auto seen = look_at(history);
    chaos_verdict verdict;
    judge_changes(seen, verdict);
    judge_copies(seen, history, verdict);
    return verdict;
}

std::size_t mails_missing(const chaos_history& history) {
    std::set<change_key> there;
    for (const auto& mail : history.mails)
        there.insert(key_of(mail));
    return static_cast<std::size_t>(
        std::ranges::count_if(history.changes, [&](const watched_change& change) {
            return change.state == durable_state::made && !there.contains(key_of(change));
        }));
}

} // namespace countersign::tests
