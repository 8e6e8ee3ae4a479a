// The notifier with what it needs: a thread, connections of its own, the transport that mail.url
// names. Part of `serve`, or all of `notify`.
#pragma once

#include "app/problem.hpp"
#include "app/settings.hpp"
#include "notify/counters.hpp"
#include "notify/mail.hpp"
#include "notify/smtp_options.hpp"
#include "store/connection.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace countersign::app {

class keys_keeper;

struct mail_pipeline_counters {
    notify::notifier_counters notifier;
    store::redis_counters redis;
    store::account_counters accounts;
};

struct mail_pipeline_options {
    store::redis_address redis;
    int partitions = 0;
    std::string consumer;            // stable over restarts, and of no other notifier that runs
    mail_pipeline_counters& counted; // outlives it
};

class mail_pipeline {
public:
    // Starts at once, and takes new keys from `keys`, which outlives it and does not keep() yet.
    // The settings' mail.url was validated.
    [[nodiscard]] static fallible<std::unique_ptr<mail_pipeline>>
    start(const settings& all, mail_pipeline_options options, keys_keeper& keys,
          notify::mail_theme theme);
    // Finishes and settles what is being submitted, if the relay answers within ten seconds; else
    // it is sent again at the next start.
    ~mail_pipeline();
    mail_pipeline(const mail_pipeline&) = delete;
    mail_pipeline& operator=(const mail_pipeline&) = delete;

private:
    struct impl;
    explicit mail_pipeline(std::unique_ptr<impl> started);
    std::unique_ptr<impl> impl_;
};

// How mails are handed in where mail.url is set.
[[nodiscard]] fallible<notify::smtp_options> smtp_options_of(const settings& all);
[[nodiscard]] notify::mail_identity identity_of(const settings& all);
// Where mails go when mail.url is not set.
[[nodiscard]] std::filesystem::path mailbox_directory(const settings& all);

} // namespace countersign::app
