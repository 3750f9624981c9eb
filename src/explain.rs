//! What every error of the library can tell a user beside its one line.

/// An error of the library, told to a user: one line, and a hint where one helps.
pub trait Explain: std::error::Error {
    /// What to try next.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Whether a flag or its value is at fault (exit code 2) rather than some content (1).
    fn is_usage(&self) -> bool {
        false
    }
}
