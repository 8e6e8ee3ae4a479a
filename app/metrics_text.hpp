// The metrics of this process as one page: what its threads counted, summed up now, and how the
// outbox stands. docs/operations.md says what each is; no label comes from a client.
#pragma once

#include "app/clock_watch.hpp"
#include "app/mail_pipeline.hpp"
#include "app/settings.hpp"
#include "core/types.hpp"
#include "net/counters.hpp"
#include "net/password_pool.hpp"
#include "store/accounts.hpp"
#include "store/outbox_admin.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace countersign::app {

// Whatever this process has of them. They outlive those who count.
struct counted_parts {
    std::vector<std::unique_ptr<net::thread_counters>> threads; // that serve requests
    const net::password_counters* passwords = nullptr;
    std::unique_ptr<mail_pipeline_counters> mails;
    std::unique_ptr<clock_counters> clock;

    [[nodiscard]] std::vector<net::connection_counters*> connections() const;
};

// How the outbox stands, and what it may hold.
struct outbox_figures {
    std::optional<store::outbox_status> status; // nullopt: Redis did not say
    store::outbox_limits limits;
    int partitions = 1;
};

[[nodiscard]] std::string metrics_text(const counted_parts& counted, const outbox_figures& outbox,
                                       core::unix_time now);

} // namespace countersign::app
