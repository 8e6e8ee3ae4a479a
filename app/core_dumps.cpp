#include "app/core_dumps.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace countersign::app {

void forbid_core_dumps() {
    // The limit is what children inherit, but a pipe in core_pattern does not heed it; the other
    // holds for this process alone, whatever the pattern. Neither fails with these arguments.
    const rlimit none{0, 0};
    (void)::setrlimit(RLIMIT_CORE, &none);
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

} // namespace countersign::app
