#include "net/families/service/import_report.hpp"

#include "net/families/service/errors.hpp"

#include <boost/json/serialize.hpp>

namespace countersign::net::service {

import_report::result import_report::result_of(store::import_status status) {
    switch (status) {
    case store::import_status::created:
        return {created_, "created", {}, {}};
    case store::import_status::unchanged:
        return {unchanged_, "unchanged", {}, {}};
    case store::import_status::differs:
        return {rejected_, "rejected", "subject_differs",
                "the subject is there already, with another address or without a device of this "
                "line; imports change nothing"};
    case store::import_status::email_taken:
        break;
    }
    return {rejected_, "rejected", "email_taken", "another account has this e-mail address"};
}

void import_report::add(std::uint64_t line, core::import_line_error why) {
    write(line, {}, {rejected_, "rejected", to_string(why), describe(why)});
}

void import_report::add(std::uint64_t line, std::string_view subject, store::import_status status) {
    write(line, subject, result_of(status));
}

void import_report::add(std::uint64_t line, std::string_view subject, store::store_error why) {
    const bool unreadable = why == store::store_error::corrupt;
    write(line, subject,
          {failed_, "failed",
           to_string(unreadable ? error_code::account_unreadable : error_code::store_unavailable),
           unreadable ? "the account is stored in a form that cannot be read"
                      : "the store is away; send the import again"});
}

void import_report::stop_at(std::uint64_t line) {
    stopped_at_ = line;
}

void import_report::write(std::uint64_t line, std::string_view subject, const result& result) {
    ++result.count;
    boost::json::object row;
    row["line"] = line;
    if (!subject.empty()) row["subject"] = subject;
    row["status"] = result.status;
    if (!result.code.empty()) row["code"] = result.code;
    if (!result.detail.empty()) row["detail"] = result.detail;
    out_.append(boost::json::serialize(row) + '\n');
}

boost::json::object import_report::summary() const {
    boost::json::object counts{{"lines", created_ + unchanged_ + rejected_ + failed_},
                               {"created", created_},
                               {"unchanged", unchanged_},
                               {"rejected", rejected_},
                               {"failed", failed_},
                               {"stopped", stopped()}};
    if (stopped_at_) counts["stoppedAtLine"] = *stopped_at_;
    return counts;
}

std::unique_ptr<reply_stream> import_report::finish() {
    out_.append(boost::json::serialize(boost::json::object{{"summary", summary()}}) + '\n');
    return out_.finish();
}

} // namespace countersign::net::service
