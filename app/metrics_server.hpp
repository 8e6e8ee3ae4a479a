// The metrics over HTTP: a listener and a thread of their own, with GET /metrics and nothing else.
#pragma once

#include "app/metrics_text.hpp"
#include "app/problem.hpp"
#include "app/settings.hpp"
#include "net/server.hpp"
#include "store/connection.hpp"

#include <memory>

namespace countersign::app {

class metrics_server {
public:
    // Serves at once, where metrics.listen is set; else there is none (nullptr). `counted` outlives
    // it.
    [[nodiscard]] static fallible<std::unique_ptr<metrics_server>>
    start(const settings& all, const store::redis_address& redis, int partitions,
          const counted_parts& counted);
    ~metrics_server();
    metrics_server(const metrics_server&) = delete;
    metrics_server& operator=(const metrics_server&) = delete;

private:
    explicit metrics_server(net::server_options options, net::dispatcher_factory factory)
        : server_(std::move(options), std::move(factory)) {}
    net::server server_;
};

} // namespace countersign::app
