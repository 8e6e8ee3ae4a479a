#include "app/metrics_server.hpp"

#include "app/metrics_exposition.hpp"
#include "app/setting_values.hpp"
#include "app/system.hpp"

#include <boost/asio/io_context.hpp>
#include <spdlog/spdlog.h>

#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace countersign::app {

namespace {

namespace asio = boost::asio;

constexpr std::string_view path = "/metrics";
constexpr std::string_view plain = "text/plain; charset=utf-8";
// A few that scrape, and somebody who looks.
constexpr std::size_t connections_max = 16;

net::reply refused(unsigned status, std::string sentence) {
    return {.status = status, .body = std::move(sentence) + "\n", .content_type = plain};
}

class metrics_dispatcher final : public net::dispatcher {
public:
    metrics_dispatcher(asio::io_context& context, const store::redis_address& redis,
                       const counted_parts& counted, outbox_figures outbox)
        : redis_(context.get_executor(), {.address = redis, .name = "countersign-metrics"}),
          admin_(redis_, outbox.partitions), counted_(counted), outbox_(std::move(outbox)) {
        redis_.start();
    }

    awaitable<net::reply> dispatch(const net::request& value) override {
        if (value.path != path) co_return refused(404, "There is only /metrics here.");
        if (value.method != boost::beast::http::verb::get) {
            auto answer = refused(405, "The metrics can only be read.");
            answer.headers.emplace_back("Allow", "GET");
            co_return answer;
        }
        auto outbox = outbox_;
        auto status = co_await admin_.summary();
        if (status) outbox.status = *std::move(status);
        co_return net::reply{.body = metrics_text(counted_, outbox, system_clock_now()),
                             .content_type = metrics_exposition::content_type};
    }

    net::reply problem(net::transport_problem problem, std::string_view, std::string_view,
                       std::string_view detail) override {
        return refused(net::status_of(problem), std::string(detail));
    }

    awaitable<void> stop() override {
        redis_.stop();
        co_return;
    }

private:
    store::connection redis_;
    store::outbox_admin admin_;
    const counted_parts& counted_;
    outbox_figures outbox_; // without a status
};

} // namespace

fallible<std::unique_ptr<metrics_server>> metrics_server::start(const settings& all,
                                                                const store::redis_address& redis,
                                                                int partitions,
                                                                const counted_parts& counted) {
    if (!all.metrics.listen) return std::unique_ptr<metrics_server>();
    const auto& listen = *all.metrics.listen;
    net::limits bounds;
    bounds.connections_per_thread_max = connections_max;
    bounds.body_size_max_bytes = 0;
    const outbox_figures outbox{
        .limits = {.codes = all.mail.outbox_codes_max, .alerts = all.mail.outbox_max},
        .partitions = partitions};
    std::unique_ptr<metrics_server> started(new metrics_server(
        {.address = listen.address, .port = listen.port, .threads = 1, .bounds = bounds},
        [redis, outbox, &counted](asio::io_context& context, std::size_t) {
            return std::make_unique<metrics_dispatcher>(context, redis, counted, outbox);
        }));
    try {
        started->server_.start();
    } catch (const std::system_error& error) {
        return problem{"metrics.listen: " + std::string(error.what())};
    }
    spdlog::info("metrics are at http://{}/metrics",
                 to_text({.address = listen.address, .port = started->server_.port()}));
    return started;
}

metrics_server::~metrics_server() = default;

} // namespace countersign::app
