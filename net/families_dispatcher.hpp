// Brings requests to the families: one router over all their routes, the health pages beside them.
#pragma once

#include "net/admission.hpp"
#include "net/counters.hpp"
#include "net/dispatcher.hpp"
#include "net/family.hpp"
#include "net/router.hpp"
#include "store/event_loop.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace countersign::net {

// A page that app hands in (health, the development mailbox); net does not know what it shows.
struct page {
    route_key key;
    std::function<reply(const request&)> show;
};

class families_dispatcher final : public dispatcher {
public:
    // A route that several families have is the first one's. The first family also answers paths
    // that are nobody's. `on_stop` ends what the thread's services keep running. The requests of
    // `counted` are not open yet, and it outlives the dispatcher.
    families_dispatcher(std::vector<std::unique_ptr<family>> families, std::vector<page> pages,
                        std::function<awaitable<void>()> on_stop, thread_counters& counted);

    [[nodiscard]] awaitable<reply> dispatch(const request& value) override;
    [[nodiscard]] reply problem(transport_problem problem, std::string_view method,
                                std::string_view target, std::string_view detail) override;
    [[nodiscard]] body_plan accept_head(request& head) override;
    [[nodiscard]] awaitable<void> stop() override;

private:
    // Where a row of the router leads: a family's route, or a page.
    struct destination {
        family* to_family = nullptr;
        std::size_t index = 0;
        body_plan body;
    };
    void add(const route_key& key, destination where);
    [[nodiscard]] reply answer_without_route(const request& value);
    [[nodiscard]] std::size_t family_of(std::string_view path) const; // index into families_
    // The row of request_counters for what no route of the family answered.
    [[nodiscard]] std::size_t row_without_route(std::size_t family) const noexcept {
        return keys_.size() + family;
    }
    [[nodiscard]] request_counters::table table_of_routes() const;

    std::vector<page> pages_;
    std::function<awaitable<void>()> on_stop_;
    // Destroyed before the others, which keep the services that they use.
    std::vector<std::unique_ptr<family>> families_;
    std::vector<route_key> keys_;
    std::vector<destination> destinations_;
    std::unique_ptr<router> router_;
    request_counters& counted_;
    admission admission_;
};

} // namespace countersign::net
