//! Everything that can go wrong in this crate.

/// Why capture could not start or go on. `Display` is one line that says what
/// is wrong and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The privileges or the kernel do not suffice (exit code 77).
    #[error("{missing}; {remedy}")]
    Unsupported {
        /// What is missing.
        missing: String,
        /// What the user can do about it.
        remedy: String,
    },
    /// A kernel program or map could not be loaded or attached.
    #[error("{what}: {why}")]
    Kernel {
        /// What was attempted.
        what: String,
        /// The kernel's answer.
        why: String,
    },
    /// A recording is not one, or is of an unknown version.
    #[error("not a recording that this version reads: {0}")]
    Recording(String),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
