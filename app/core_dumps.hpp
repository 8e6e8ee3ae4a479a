// Core dumps hold every secret of the process.
#pragma once

namespace countersign::app {

// From here on neither this process nor its children leave core dumps, and no process of the same
// user may look into this one (prctl(2), PR_SET_DUMPABLE).
void forbid_core_dumps();

} // namespace countersign::app
