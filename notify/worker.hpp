// One thread that renders mails and hands them in, with a transport of its own: submission blocks.
#pragma once

#include "core/event.hpp"
#include "notify/disposition.hpp"
#include "notify/mail.hpp"
#include "notify/transport.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <memory>
#include <string>
#include <vector>

namespace countersign::notify {

// Used by one thread, which never blocks; what is passed by reference outlives it.
class worker {
public:
    worker(const renderer& renderer, const transport_factory& transports);

    // On the worker's thread, one mail after the other; the caller resumes on its own executor. One
    // call at a time. No recipient is begun after `last_start`, so that the entry is settled before
    // another notifier takes it for abandoned.
    [[nodiscard]] awaitable<submission_report> submit(core::event event,
                                                      std::vector<std::string> recipients);

    // Waits for the submission under way.
    void join() { thread_.join(); }

    static constexpr std::chrono::seconds last_start{50};

private:
    static boost::asio::awaitable<submission_report>
    submit_here(worker* self, core::event event, std::vector<std::string> recipients);
    [[nodiscard]] boost::system::result<void, delivery_failure>
    submit_one(const core::event& event, const std::string& recipient);

    const renderer& renderer_;
    const transport_factory& transports_;
    std::unique_ptr<transport> transport_; // made at the first mail, and anew after it threw
    boost::asio::thread_pool thread_{1};   // last: ends before what its thread uses
};

} // namespace countersign::notify
