// A Redis Cluster as one connection: each call goes to the node that has the slot of its key, and
// follows the slot when it moves. A plain store::connection per node does the rest, so deadlines
// and the bound of calls in flight are each node's own. What happens to slots:
//
// - the map (CLUSTER SLOTS) is learnt at the start from whichever seed answers, and anew once a
//   minute and when a call was sent elsewhere or a node was lost: one request at a time, and at
//   most five a second;
// - MOVED is followed and changes the map; ASK is followed once, with ASKING in the same request;
// - TRYAGAIN, CLUSTERDOWN, MASTERDOWN and LOADING say that the call did not run: it is tried again
//   within its deadline. A lost answer is not, because it may have run.
#pragma once

#include "store/cluster_slots.hpp"
#include "store/connection.hpp"
#include "store/event_loop.hpp"
#include "store/redis_answer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::store {

// Members are as those of store::connection, and called on the executor's thread.
class cluster : public std::enable_shared_from_this<cluster> {
public:
    using reply_result = boost::system::result<reply_value, store_error>;

    cluster(const loop_executor& executor, connection_options options);
    ~cluster();
    cluster(const cluster&) = delete;
    cluster& operator=(const cluster&) = delete;

    void start();
    void stop();
    [[nodiscard]] awaitable<reply_result> command(std::vector<std::string> arguments,
                                                  steady_time until);
    [[nodiscard]] awaitable<reply_result> script(const struct script& code,
                                                 const std::vector<std::string>& keys,
                                                 const std::vector<std::string>& arguments,
                                                 steady_time until);
    [[nodiscard]] awaitable<boost::system::result<std::vector<key_holder>, store_error>> holders();
    [[nodiscard]] awaitable<reply_result>
    command_at(key_holder holder, std::vector<std::string> arguments, steady_time until);
    [[nodiscard]] bool healthy(std::string_view key) const noexcept;
    [[nodiscard]] bool down(std::string_view key) const noexcept;

private:
    struct node;
    using node_pointer = std::shared_ptr<node>;
    using answer_result = boost::system::result<answer, store_error>;

    // The one way to the nodes. No slot: any node.
    awaitable<answer_result> ask(std::optional<int> slot, std::span<const std::string_view> words,
                                 steady_time until);
    // Whether a call that did not run may be tried again after a pause: it was waited for.
    awaitable<boost::system::result<void, store_error>> pause(std::chrono::milliseconds length,
                                                              steady_time until);
    // Until the map was learnt anew or `until`.
    awaitable<boost::system::result<void, store_error>> await_map(steady_time until);

    [[nodiscard]] node_pointer node_at(const redis_endpoint& place);
    [[nodiscard]] std::uint16_t index_at(const redis_endpoint& place);
    [[nodiscard]] node_pointer owner_of(int slot) const;
    [[nodiscard]] node_pointer any_node();
    [[nodiscard]] std::vector<node_pointer> owners() const; // those that have slots

    void want_map();
    static awaitable<void> keep_map(std::shared_ptr<cluster> self);
    awaitable<bool> learn_map();
    awaitable<bool> learn_map_from(node_pointer asked);
    void adopt(const std::vector<slot_range>& ranges);
    void give(int slot, std::uint16_t owner);
    void drop_unused();
    void complain_of_seeds();

    static constexpr std::uint16_t nobody = 0xFFFF;

    loop_executor executor_;
    connection_options node_options_; // its address is each node's
    std::vector<redis_endpoint> seeds_;
    redis_counters uncounted_; // where nobody asks
    redis_counters& counted_;
    answer_judge judge_;
    std::vector<node_pointer> nodes_;                        // null: dropped
    std::array<std::uint16_t, cluster_slot_count> owners_{}; // indices of nodes_
    std::size_t turn_ = 0;                                   // of any_node()
    std::size_t waiting_ = 0;                                // calls that no node has in hand
    bool stopped_ = false;
    bool map_known_ = false, map_wanted_ = true;
    std::uint64_t maps_learnt_ = 0;
    steady_time patience_ends_{}; // while no map is known
    steady_time next_learning_{};
    steady_time refused_since_{}; // CLUSTERDOWN and nothing else; max: not
    steady_time next_complaint_{};
    steady_timer map_timer_; // of keep_map()
    steady_timer map_news_;  // cancelled whenever the map was learnt
};

} // namespace countersign::store
