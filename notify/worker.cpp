#include "notify/worker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>

#include <chrono>
#include <exception>
#include <utility>

namespace countersign::notify {

worker::worker(const renderer& renderer, const transport_factory& transports)
    : renderer_(renderer), transports_(transports) {}

boost::system::result<void, delivery_failure> worker::submit_one(const core::event& event,
                                                                 const std::string& recipient) {
    auto rendered = renderer_.render(event, recipient);
    if (!rendered) {
        return delivery_failure{failure_kind::permanent_recipient,
                                "not rendered: " + std::string(to_string(rendered.error()))};
    }
    try {
        if (!transport_) {
            transport_ = transports_();
        }
        auto outcome = transport_->submit(*rendered);
        core::wipe(rendered->mime);
        return outcome;
    } catch (const std::exception& error) {
        core::wipe(rendered->mime);
        transport_.reset();
        return delivery_failure{failure_kind::relay, error.what()};
    }
}

boost::asio::awaitable<submission_report> worker::submit_here(worker* self, core::event event,
                                                              std::vector<std::string> recipients) {
    const auto started = std::chrono::steady_clock::now();
    submission_report report;
    for (auto& recipient : recipients) {
        if (std::chrono::steady_clock::now() - started > last_start) {
            report.failed.push_back(
                {std::move(recipient), {failure_kind::transient, "not tried yet"}});
            continue;
        }
        auto outcome = self->submit_one(event, recipient);
        if (outcome) {
            ++report.delivered;
        } else {
            report.failed.push_back({std::move(recipient), outcome.error()});
        }
    }
    co_return report;
}

awaitable<submission_report> worker::submit(core::event event,
                                            std::vector<std::string> recipients) {
    co_return co_await boost::asio::co_spawn(
        thread_.get_executor(), submit_here(this, std::move(event), std::move(recipients)),
        boost::asio::deferred);
}

} // namespace countersign::notify
