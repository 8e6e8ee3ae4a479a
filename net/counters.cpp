#include "net/counters.hpp"

#include <utility>

namespace countersign::net {

void request_counters::open(table rows) {
    table_ = std::move(rows);
    counts_ = std::vector<row_counters>(table_.rows.size());
    times_ = std::vector<family_times>(table_.families.size());
    open_.store(true, std::memory_order_release);
}

} // namespace countersign::net
