//! The `keydesk` program.

use std::process::ExitCode;

/// docs/performance.md says what it is good for, beside the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    keydesk::cli::run()
}
