//! How far a tool has come: a line on a terminal, drawn anew while the work lasts, and erased at its end.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::text::short;

/// Work that ends sooner shows nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often the line is drawn.
const PERIOD: Duration = Duration::from_millis(250);

/// A line that a terminal breaks in two cannot be drawn anew. In characters, without the tool's name and the time.
const MOST: usize = 50;

/// What is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    /// Something that is not counted, such as "writing faulty.h5".
    Step(String),
    /// So many sites, where it is known how many.
    Sites(Option<u64>),
}

/// Tells how far the work has come until it is dropped.
#[derive(Debug)]
pub struct Progress {
    shared: Arc<Shared>,
    line: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    doing: Mutex<Doing>,
    done: AtomicU64,
    has_ended: Mutex<bool>,
    ended: Condvar,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress {
    /// Shows nothing.
    pub fn silent() -> Self {
        Progress { shared: Arc::new(Shared::new(Doing::Sites(None))), line: None }
    }

    /// Shows on stderr, from two seconds on, what `tool` is doing.
    pub fn shown(tool: &str, doing: Doing) -> Self {
        let shared = Arc::new(Shared::new(doing));
        let (tool, view) = (tool.to_owned(), Arc::clone(&shared));
        // Without a thread there is no line, and the work goes on all the same.
        let line = thread::Builder::new().spawn(move || view.draw(&tool)).ok();
        Progress { shared, line }
    }

    /// Another step has begun.
    pub fn step(&self, words: impl Into<String>) {
        *locked(&self.shared.doing) = Doing::Step(words.into());
    }

    /// So many more are done.
    pub fn add(&self, more: u64) {
        self.shared.done.fetch_add(more, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        *locked(&self.shared.has_ended) = true;
        self.shared.ended.notify_all();
        if let Some(line) = self.line.take() {
            let _ = line.join();
        }
    }
}

impl Shared {
    fn new(doing: Doing) -> Self {
        Shared {
            doing: Mutex::new(doing),
            done: AtomicU64::new(0),
            has_ended: Mutex::new(false),
            ended: Condvar::new(),
        }
    }

    /// Draws the line until the work has ended. A closed stderr is no failure.
    fn draw(&self, tool: &str) {
        let start = Instant::now();
        let mut width = 0;
        let mut pause = PATIENCE;
        let mut has_ended = locked(&self.has_ended);
        while !*has_ended {
            let (guard, waited) = self.ended.wait_timeout(has_ended, pause).unwrap_or_else(PoisonError::into_inner);
            has_ended = guard;
            // A wait may end early for no reason.
            pause = PATIENCE.saturating_sub(start.elapsed()).max(PERIOD);
            if waited.timed_out() && !*has_ended {
                let line = format!("{tool}: {}, {} s", short(&self.words(), MOST), start.elapsed().as_secs());
                // What is left of a longer line before is written over.
                let _ = write!(io::stderr(), "\r{line:width$}");
                width = line.chars().count();
            }
        }
        if width > 0 {
            let _ = write!(io::stderr(), "\r{:width$}\r", "");
        }
    }

    fn words(&self) -> String {
        let done = self.done.load(Ordering::Relaxed);
        match &*locked(&self.doing) {
            Doing::Step(words) => words.clone(),
            Doing::Sites(Some(all)) => format!("{done} of {all} sites"),
            Doing::Sites(None) => format!("{done} sites"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_is_done() {
        let progress = Progress { shared: Arc::new(Shared::new(Doing::Sites(Some(10)))), line: None };
        progress.add(3);
        progress.add(4);
        assert_eq!(progress.shared.words(), "7 of 10 sites");
        progress.step("writing");
        assert_eq!(progress.shared.words(), "writing");
        assert_eq!(Shared::new(Doing::Sites(None)).words(), "0 sites");
    }

    #[test]
    fn an_end_is_not_waited_for() {
        let start = Instant::now();
        drop(Progress::shown("tool", Doing::Sites(None)));
        assert!(start.elapsed() < PATIENCE);
    }
}
