//! How far some work has come: told by the one who does it, read by the one who shows it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    /// Something that is not counted, such as "writing faulty.h5".
    Step(String),
    /// So many sites, where it is known how many.
    Sites(Option<u64>),
    /// So many tensors, where it is known how many.
    Tensors(Option<u64>),
}

/// What is under way, and how much of it is done.
#[derive(Debug)]
pub struct Progress {
    doing: Mutex<Doing>,
    done: AtomicU64,
}

impl Progress {
    /// Nothing is done yet.
    pub fn new(doing: Doing) -> Self {
        Progress { doing: Mutex::new(doing), done: AtomicU64::new(0) }
    }

    /// Of work that nobody watches.
    pub fn silent() -> Self {
        Progress::new(Doing::Sites(None))
    }

    /// Another step has begun.
    pub fn step(&self, words: impl Into<String>) {
        *self.doing() = Doing::Step(words.into());
    }

    /// So many more are done.
    pub fn add(&self, more: u64) {
        self.done.fetch_add(more, Ordering::Relaxed);
    }

    /// How far it has come, in words.
    pub fn words(&self) -> String {
        let done = self.done.load(Ordering::Relaxed);
        match &*self.doing() {
            Doing::Step(words) => words.clone(),
            Doing::Sites(Some(all)) => format!("{done} of {all} sites"),
            Doing::Sites(None) => format!("{done} sites"),
            Doing::Tensors(Some(all)) => format!("{done} of {all} tensors"),
            Doing::Tensors(None) => format!("{done} tensors"),
        }
    }

    fn doing(&self) -> MutexGuard<'_, Doing> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_is_done() {
        let progress = Progress::new(Doing::Sites(Some(10)));
        progress.add(3);
        progress.add(4);
        assert_eq!(progress.words(), "7 of 10 sites");
        progress.step("writing");
        assert_eq!(progress.words(), "writing");
        assert_eq!(Progress::new(Doing::Sites(None)).words(), "0 sites");
    }
}
