// What one trip to one Redis server brought back: for the connection and the cluster that is made
// of such connections.
#pragma once

#include "store/connection.hpp"
#include "store/counters.hpp"
#include "store/error.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <string_view>

namespace countersign::store {

struct answer {
    reply_value value;
    // Of an error reply its first word, e.g. WRONGTYPE, as the rest may quote us; of a redirection
    // (MOVED, ASK), which quotes nothing, all of it. Empty: no error.
    std::string error;
};

// An answer as callers see it: an error reply is counted, logged now and then, and a value.
class answer_judge {
public:
    // `counted` outlives it.
    explicit answer_judge(redis_counters& counted) : counted_(counted) {}
    // `what` was asked: a command's name or a script's hash.
    boost::system::result<reply_value, store_error> operator()(answer received,
                                                               std::string_view what);

private:
    redis_counters& counted_;
    steady_time next_error_line_{};
};

} // namespace countersign::store
