#include "app/import_command.hpp"

#include "app/data_directory.hpp"
#include "app/import_source.hpp"
#include "app/logging.hpp"
#include "app/open_keys.hpp"
#include "app/progress.hpp"
#include "app/redis_access.hpp"
#include "app/run_with_redis.hpp"
#include "app/system.hpp"
#include "store/accounts.hpp"
#include "store/email_index.hpp"
#include "store/event_loop.hpp"
#include "store/import_batch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <optional>
#include <ostream>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace countersign::app {

namespace asio = boost::asio;

namespace {

// What is not imported, and why, for the operator.
std::string_view explain(store::import_status status) {
    switch (status) {
    case store::import_status::differs:
        return "the subject is there already, with another address or without a device of this "
               "record; imports do not change it";
    case store::import_status::email_taken:
        return "another account has the e-mail address";
    case store::import_status::created:
    case store::import_status::unchanged:
        break;
    }
    return {};
}

// Whether the process was asked to end while this object lives; a second request of the kind ends
// it at once. A signal that was ignored before (nohup) stays so.
class end_request {
public:
    end_request() {
        received = false;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            ::sigaction(numbers[i], nullptr, &before_[i]);
            struct sigaction noted{};
            noted.sa_handler = [](int) { received = true; };
            noted.sa_flags = static_cast<int>(SA_RESETHAND);
            if (before_[i].sa_handler != SIG_IGN) ::sigaction(numbers[i], &noted, nullptr);
        }
    }
    ~end_request() {
        for (std::size_t i = 0; i < numbers.size(); ++i)
            ::sigaction(numbers[i], &before_[i], nullptr);
    }
    end_request(const end_request&) = delete;
    end_request& operator=(const end_request&) = delete;

    [[nodiscard]] bool came() const noexcept { return received; }

private:
    static constexpr std::array numbers{SIGINT, SIGTERM, SIGHUP};
    static inline std::atomic<bool> received = false;
    static_assert(std::atomic<bool>::is_always_lock_free); // as a signal's handler needs it
    std::array<struct sigaction, numbers.size()> before_{};
};

class import_run {
public:
    import_run(import_source& source, store::import_batch& batch, std::ostream& out)
        : source_(source), batch_(batch), out_(out),
          line_(STDERR_FILENO, progress_line::clock::now()) {}

    awaitable<fallible<void>> run() {
        const auto ended = co_await import_all();
        line_.clear();
        print_summary();
        if (!ended) co_return ended.error();
        if (!out_.flush()) co_return problem{"the report could not be written to the end"};
        if (state_.rejected > 0)
            co_return problem{(state_.rejected == 1
                                   ? "1 record was"
                                   : std::to_string(state_.rejected) + " records were") +
                              std::string(" not imported: the report says why")};
        co_return fallible<void>();
    }

private:
    awaitable<fallible<void>> import_all() {
        for (;;) {
            auto some = co_await asio::co_spawn(reading_, read_some(), asio::deferred);
            for (auto& record : some.records) {
                if (end_.came()) break;
                if (auto done = co_await take(std::move(record)); !done) co_return done;
            }
            if (end_.came())
                co_return problem{"ended before the end of the file: run the import again, what is "
                                  "there stays as it is"};
            if (auto done = co_await finish_batch(); !done) co_return done;
            show_progress();
            if (some.failure) co_return *std::move(some.failure);
            if (some.is_last) co_return fallible<void>();
        }
    }

    struct some_records {
        std::vector<import_record> records;
        bool is_last = false;
        std::optional<problem> failure; // why they are the last, if not for the file's end
    };
    // Runs on a thread of its own: a pipe may keep it waiting, and the connection to Redis goes on.
    asio::awaitable<some_records> read_some() {
        some_records some;
        while (!some.is_last && some.records.size() < store::import_batch::size_max) {
            auto record = source_.next();
            some.is_last = !record || !*record;
            if (!record)
                some.failure = record.error();
            else if (auto& found = *record)
                some.records.push_back(*std::move(found));
            if (end_.came()) break;
        }
        co_return some;
    }

    awaitable<fallible<void>> take(import_record record) {
        if (record.what != import_record::kind::line) {
            // In the order of the file.
            if (auto done = co_await finish_batch(); !done) co_return done;
            if (record.what == import_record::kind::rejected)
                reject(record.number, record.who, record.sentence);
            else
                skip(record);
            co_return fallible<void>();
        }
        store::imported_line line{.number = record.number,
                                  .line = core::parse_import_line(record.line.reveal())};
        if (batch_.must_run_before(line))
            if (auto done = co_await finish_batch(); !done) co_return done;
        names_.push_back(std::move(record.who));
        batch_.add(std::move(line));
        co_return fallible<void>();
    }

    // An error: the store is away.
    awaitable<fallible<void>> finish_batch() {
        const auto tried = co_await batch_.run();
        const auto names = std::exchange(names_, {});
        std::optional<problem> stopped;
        for (std::size_t i = 0; i < tried.size(); ++i) {
            const auto& one = tried[i];
            if (one.line.has_error())
                reject(one.number, names[i], core::describe(one.line.error()));
            else if (one.status.has_value())
                count(one, names[i]);
            else if (one.status.error() == store::store_error::corrupt)
                reject(one.number, name_of(one, names[i]),
                       "what is stored of it cannot be read: the log on the standard error says "
                       "where");
            else if (!stopped)
                stopped = problem{"stopped at record " + std::to_string(one.number) +
                                  ": Redis: " + std::string(store::to_string(one.status.error())) +
                                  "; run the import again, what is there stays as it is"};
        }
        if (stopped) co_return *std::move(stopped);
        co_return fallible<void>();
    }

    void count(const store::imported_line& one, const std::string& name) {
        switch (*one.status) {
        case store::import_status::created:
            ++state_.created;
            return;
        case store::import_status::unchanged:
            ++state_.unchanged;
            return;
        case store::import_status::differs:
        case store::import_status::email_taken:
            reject(one.number, name_of(one, name), explain(*one.status));
            return;
        }
    }

    static const std::string& name_of(const store::imported_line& one, const std::string& name) {
        return name.empty() ? one.line->subject : name;
    }

    void reject(std::uint64_t number, std::string_view name, std::string_view sentence) {
        ++state_.rejected;
        print(number, name, "rejected", sentence);
    }

    void skip(const import_record& record) {
        ++skipped_;
        print(record.number, record.who, "skipped", record.sentence);
    }

    void print(std::uint64_t number, std::string_view name, std::string_view what,
               std::string_view sentence) {
        line_.clear();
        out_ << "record " << number;
        if (!name.empty()) out_ << " (" << name << ")";
        out_ << ": " << what << ": " << sentence << '\n';
    }

    void show_progress() {
        state_.bytes_done = source_.bytes_done();
        state_.bytes_total = source_.bytes_total();
        line_.update(state_, progress_line::clock::now());
    }

    void print_summary() {
        out_ << "created " << state_.created << ", unchanged " << state_.unchanged << ", rejected "
             << state_.rejected << ", skipped " << skipped_ << '\n';
        if (const auto left_out = source_.users_left_out(); left_out > 0)
            out_ << "left out for having no authenticator app: " << left_out << '\n';
    }

    import_source& source_;
    store::import_batch& batch_;
    std::ostream& out_;
    end_request end_;
    progress_line line_;
    progress state_;
    std::uint64_t skipped_ = 0;
    std::vector<std::string> names_; // of the batch's lines, as the file has them
    asio::thread_pool reading_{1};
};

awaitable<fallible<void>> perform(store::connection& redis, const settings& all,
                                  import_source& source, std::ostream& out) {
    system_random system;
    buffered_random random(system);
    const auto opened = co_await open_keys(all.data_dir, redis, system, all.token_algorithm);
    if (!opened) co_return opened.error();
    const auto ring = opened->keys.encryption_keys();
    const auto codes = opened->keys.code_hasher();
    store::accounts accounts(redis, random, opened->data.partitions);
    store::email_index emails(redis, accounts, codes);
    const core::context context{.rules = all.policy, .keys = ring, .codes = codes};
    store::import_batch batch(accounts, emails, context, random, system_clock_now);
    import_run run(source, batch, out);
    co_return co_await run.run();
}

} // namespace

fallible<void> run_import_command(const invocation& call, const settings& all, std::ostream& out) {
    auto source = import_source::open(call.import_file, call.import);
    if (!source) return source.error();
    // Its standard output is the report, and its standard error for what needs attention.
    const logging log({std::max(all.log.level, log_level::warn), all.log.format});
    if (auto prepared = prepare_data_directory(all.data_dir); !prepared) return prepared;
    const auto redis = reach_redis(all, when_running::join);
    if (!redis) return redis.error();
    return run_with_redis(redis->address, "countersign-import", [&](store::connection& connection) {
        return perform(connection, all, *source, out);
    });
}

} // namespace countersign::app
