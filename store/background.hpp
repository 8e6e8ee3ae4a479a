// Loops that run as long as the program: one that ends by an exception is a fault, and is said.
#pragma once

#include "store/event_loop.hpp"

namespace countersign::store {

// `name` is a literal: what the log says has ended.
void run_in_background(const loop_executor& executor, awaitable<void> loop, const char* name);

} // namespace countersign::store
