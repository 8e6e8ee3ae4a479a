#include "net/families_dispatcher.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

namespace countersign::net {
namespace {

using std::chrono::steady_clock;

// What the metrics call the pages, which are of no family.
constexpr const char* name_of_pages = "pages";

body_plan body_of(const family& owner, std::size_t route) {
    if (!owner.streams_body(route)) return {};
    return {.how = body_plan::delivery::streamed};
}

} // namespace

families_dispatcher::families_dispatcher(std::vector<std::unique_ptr<family>> families,
                                         std::vector<page> pages,
                                         std::function<awaitable<void>()> on_stop,
                                         thread_counters& counted)
    : pages_(std::move(pages)), on_stop_(std::move(on_stop)), families_(std::move(families)),
      counted_(counted.requests), admission_({}, counted.admission) {
    for (const auto& family : families_) {
        const auto routes = family->routes();
        for (std::size_t index = 0; index < routes.size(); ++index)
            add(routes[index], {family.get(), index, body_of(*family, index)});
    }
    for (std::size_t index = 0; index < pages_.size(); ++index)
        add(pages_[index].key, {nullptr, index, {}});
    router_ = std::make_unique<router>(keys_);
    counted_.open(table_of_routes());
}

// A row for each of keys_, then row_without_route() of each family.
request_counters::table families_dispatcher::table_of_routes() const {
    request_counters::table table;
    for (const auto& family : families_)
        table.families.emplace_back(family->describe().name);
    table.families.emplace_back(name_of_pages);
    for (std::size_t row = 0; row < keys_.size(); ++row) {
        const auto owner = std::ranges::find(families_, destinations_[row].to_family,
                                             &std::unique_ptr<family>::get);
        table.rows.push_back({.family = static_cast<std::size_t>(owner - families_.begin()),
                              .method = std::string(to_string(keys_[row].method)),
                              .pattern = std::string(keys_[row].pattern)});
    }
    for (std::size_t family = 0; family < families_.size(); ++family)
        table.rows.push_back({.family = family, .method = "none", .pattern = "none"});
    return table;
}

void families_dispatcher::add(const route_key& key, destination where) {
    const bool taken = std::ranges::any_of(keys_, [&](const route_key& other) {
        return other.method == key.method && other.pattern == key.pattern;
    });
    if (taken) return;
    keys_.push_back(key);
    destinations_.push_back(where);
}

std::size_t families_dispatcher::family_of(std::string_view path) const {
    std::size_t closest = 0;
    std::size_t longest = 0;
    for (std::size_t index = 0; index < families_.size(); ++index)
        for (const auto prefix : families_[index]->prefixes())
            if (prefix.size() > longest && path.starts_with(prefix)) {
                longest = prefix.size();
                closest = index;
            }
    return closest;
}

body_plan families_dispatcher::accept_head(request& head) {
    const auto found = router_->find(head.method, head.path);
    const auto* match = std::get_if<router::match>(&found);
    if (match == nullptr || !head.set_path_parameters(match->segments())) return {};
    head.route = match->route;
    return destinations_[match->route].body;
}

awaitable<reply> families_dispatcher::dispatch(const request& value) {
    if (value.route == request::no_route) co_return answer_without_route(value);
    const auto began = steady_clock::now();
    const auto& [to_family, index, body] = destinations_[value.route];
    reply answer;
    if (to_family == nullptr) {
        answer = pages_[index].show(value);
    } else if (body.how == body_plan::delivery::streamed) { // takes its time, and bounds itself
        answer = co_await to_family->handle(index, value);
    } else {
        admission::place mine(admission_);
        if (mine.admitted() || co_await mine.turn())
            answer = co_await to_family->handle(index, value);
        else
            answer = to_family->overloaded(value);
    }
    // What threw is counted by problem().
    counted_.answered(value.route, answer.status);
    counted_.took(value.route, steady_clock::now() - began);
    co_return answer;
}

reply families_dispatcher::answer_without_route(const request& value) {
    const auto index = family_of(value.path);
    const auto found = router_->find(value.method, value.path);
    const auto* wrong_method = std::get_if<router::method_not_allowed>(&found);
    auto answer = wrong_method != nullptr
                      ? families_[index]->method_not_allowed(value, wrong_method->allow)
                      : families_[index]->not_found(value);
    counted_.answered(row_without_route(index), answer.status);
    return answer;
}

reply families_dispatcher::problem(transport_problem problem, std::string_view,
                                   std::string_view target, std::string_view detail) {
    const auto index = family_of(target);
    auto answer = families_[index]->problem(problem, target, detail);
    counted_.answered(row_without_route(index), answer.status);
    return answer;
}

awaitable<void> families_dispatcher::stop() {
    return on_stop_();
}

} // namespace countersign::net
