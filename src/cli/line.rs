//! How far a tool has come: a line on a terminal, drawn anew while the work lasts, and erased at its end.

use std::io::{self, Write};
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::progress::{Doing, Progress};
use crate::text::short;

/// Work that ends sooner shows nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often the line is drawn.
const PERIOD: Duration = Duration::from_millis(250);

/// A line that a terminal breaks in two cannot be drawn anew. In characters, without the tool's name and the time.
const MOST: usize = 50;

/// Shows how far the work has come until it is dropped.
#[derive(Debug)]
pub struct ProgressLine {
    shared: Arc<Shared>,
    line: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    progress: Progress,
    has_ended: Mutex<bool>,
    ended: Condvar,
}

impl ProgressLine {
    /// Shows nothing.
    pub fn silent() -> Self {
        ProgressLine { shared: Arc::new(Shared::new(Doing::Sites(None))), line: None }
    }

    /// Shows on stderr, from two seconds on, what `tool` is doing.
    pub fn shown(tool: &str, doing: Doing) -> Self {
        let shared = Arc::new(Shared::new(doing));
        let (tool, view) = (tool.to_owned(), Arc::clone(&shared));
        // Without a thread there is no line, and the work goes on all the same.
        let line = thread::Builder::new().spawn(move || view.draw(&tool)).ok();
        ProgressLine { shared, line }
    }
}

impl Deref for ProgressLine {
    type Target = Progress;

    fn deref(&self) -> &Progress {
        &self.shared.progress
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        *self.shared.has_ended() = true;
        self.shared.ended.notify_all();
        if let Some(line) = self.line.take() {
            let _ = line.join();
        }
    }
}

impl Shared {
    fn new(doing: Doing) -> Self {
        Shared { progress: Progress::new(doing), has_ended: Mutex::new(false), ended: Condvar::new() }
    }

    fn has_ended(&self) -> MutexGuard<'_, bool> {
        self.has_ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws the line until the work has ended. A closed stderr is no failure.
    fn draw(&self, tool: &str) {
        let start = Instant::now();
        let mut width = 0;
        let mut pause = PATIENCE;
        let mut has_ended = self.has_ended();
        while !*has_ended {
            let (guard, waited) = self.ended.wait_timeout(has_ended, pause).unwrap_or_else(PoisonError::into_inner);
            has_ended = guard;
            // A wait may end early for no reason.
            pause = PATIENCE.saturating_sub(start.elapsed()).max(PERIOD);
            if waited.timed_out() && !*has_ended {
                let words = self.progress.words();
                let line = format!("{tool}: {}, {} s", short(&words, MOST), start.elapsed().as_secs());
                // What is left of a longer line before is written over.
                let _ = write!(io::stderr(), "\r{line:width$}");
                width = line.chars().count();
            }
        }
        if width > 0 {
            let _ = write!(io::stderr(), "\r{:width$}\r", "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_not_waited_for() {
        let start = Instant::now();
        drop(ProgressLine::shown("tool", Doing::Sites(None)));
        assert!(start.elapsed() < PATIENCE);
    }
}
