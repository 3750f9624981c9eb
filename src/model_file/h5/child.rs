//! HDF5 at work in a process of its own.
//!
//! The HDF5 library trusts a file more than one from a stranger deserves: there are files that it reads for ever, and
//! nothing keeps it from crashing on others or from taking all memory. So whatever it does with a file it does in a child
//! process with limits, and the parent hears the result through a pipe, or how the child has died.

#![allow(unsafe_code)]

use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use hdf5::sync::sync;
use hdf5_sys::h5l::{H5L_type_t, H5Lunregister};
use rustix::process::{Pid, Resource, WaitOptions, WaitStatus, getrlimit, setrlimit, waitpid};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::whole::signals;

/// The processor time that every child has, in seconds. What is read of a model takes milliseconds.
const SECONDS: u64 = 5;
/// What reads and writes faster than this, in bytes a second, has time enough.
const SLOWEST: u64 = 16 << 20;
/// The memory that every child may take, in bytes.
const MEMORY: u64 = 256 << 20;
/// What a child may take besides, in bytes for each byte at work. HDF5 holds a text up to three times.
const COPIES: u64 = 8;

/// Why there is no answer, in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ChildError {
    /// The system starts no process: nothing is known of the file.
    NotStarted(String),
    /// The child did not come to its end.
    Died(String),
}

/// Calls `work` in a child process and gives back what it returns: a value, and bytes that go as they are. `size` is the
/// number of bytes at work; time and memory are limited by it.
///
/// # Errors
/// There is no child, or it did not come to its end.
pub(super) fn run<T: Serialize + DeserializeOwned>(
    size: u64,
    work: impl FnOnce() -> (T, Vec<u8>),
) -> Result<(T, Vec<u8>), ChildError> {
    let no_child = |error: io::Error| ChildError::NotStarted(format!("no process can be started: {error}"));
    HUSHED.call_once(hush_children);
    let (reader, writer) = io::pipe().map_err(no_child)?;
    match sync(fork).map_err(no_child)? {
        None => {
            drop(reader);
            be_child(size, writer, work)
        }
        Some(child) => {
            drop(writer);
            let answer = read_answer(reader);
            match (answer, wait(child).map_err(no_child)?) {
                (Some(answer), Some(status)) if status.exit_status() == Some(0) => Ok(answer),
                (_, status) => Err(ChildError::Died(how_it_died(status))),
            }
        }
    }
}

/// Whether this process is a child of [`run`].
static IS_CHILD: AtomicBool = AtomicBool::new(false);
static HUSHED: Once = Once::new();

/// Sees to it that panics of children say nothing: another thread of the parent may have held stderr, or the hook, when the
/// child began, and nobody gives them back there. So the hook is set in the parent.
fn hush_children() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !IS_CHILD.load(Ordering::Relaxed) {
            hook(panic);
        }
    }));
}

/// `None` in the child. The C library has to know of it: its allocator is made ready for forks, which a system call made by
/// hand would pass by, and which is why rustix has none.
fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: no other thread is inside HDF5, since the caller holds its lock, and the child has it then. It calls nothing
    // else that another thread may hold but the allocator.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        child => Ok(Pid::from_raw(child)),
    }
}

fn be_child<T: Serialize>(size: u64, writer: PipeWriter, work: impl FnOnce() -> (T, Vec<u8>)) -> ! {
    // Nothing may unwind into what the parent goes on with.
    let answered = panic::catch_unwind(AssertUnwindSafe(|| {
        IS_CHILD.store(true, Ordering::Relaxed);
        signals::leave_to_parent();
        limit(size);
        let (value, bytes) = work();
        write_answer(writer, &value, &bytes).is_ok()
    }));
    // SAFETY: ends this process, without what the parent has arranged for its own end.
    unsafe { libc::_exit(if answered.is_ok_and(|answered| answered) { 0 } else { 1 }) }
}

fn limit(size: u64) {
    let seconds = SECONDS + size / SLOWEST;
    lower(Resource::Cpu, seconds);
    // Where the signal of that limit is ignored, there would be none.
    // SAFETY: sets the default action.
    unsafe { libc::signal(libc::SIGXCPU, libc::SIG_DFL) };
    lower(Resource::Core, 0);
    if let Some(taken) = memory_taken() {
        lower(Resource::Data, taken.saturating_add(MEMORY).saturating_add(size.saturating_mul(COPIES)));
    }
    // The words of a dying child are none for the user.
    if let Ok(null) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stderr(null);
    }
    // An external link would have HDF5 open a file that nobody has named, and write to it.
    // SAFETY: links of other types are not touched; where the type is not there, nothing happens.
    sync(|| unsafe { H5Lunregister(H5L_type_t::H5L_TYPE_EXTERNAL) });
}

/// Lowers a limit of this process; one that is lower already stays.
fn lower(resource: Resource, most: u64) {
    let mut limit = getrlimit(resource);
    limit.current = Some(limit.current.map_or(most, |current| current.min(most)));
    let _ = setrlimit(resource, limit);
}

/// How much memory of its own this process has, in bytes, where the system tells.
fn memory_taken() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    pages.split(' ').nth(5)?.parse::<u64>().ok()?.checked_mul(rustix::param::page_size() as u64)
}

/// One line of JSON, the number of bytes, the bytes.
fn write_answer(mut writer: PipeWriter, value: &impl Serialize, bytes: &[u8]) -> io::Result<()> {
    let mut head = serde_json::to_vec(value)?;
    head.push(b'\n');
    head.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    writer.write_all(&head)?;
    writer.write_all(bytes)
}

/// `None` where the answer is not whole.
fn read_answer<T: DeserializeOwned>(reader: PipeReader) -> Option<(T, Vec<u8>)> {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).ok()?;
    let value = serde_json::from_slice(&line).ok()?;
    let mut length = [0; 8];
    reader.read_exact(&mut length).ok()?;
    let length = u64::from_le_bytes(length);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length.try_into().ok()?).ok()?;
    reader.take(length).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == length).then_some((value, bytes))
}

fn wait(child: Pid) -> io::Result<Option<WaitStatus>> {
    let status = rustix::io::retry_on_intr(|| waitpid(Some(child), WaitOptions::empty()))?;
    Ok(status.map(|(_, status)| status))
}

fn how_it_died(status: Option<WaitStatus>) -> String {
    match status.and_then(WaitStatus::terminating_signal) {
        Some(libc::SIGXCPU) => "the HDF5 library comes to no end with it".to_owned(),
        Some(libc::SIGKILL) => "the HDF5 library was killed at it, out of time or memory".to_owned(),
        Some(signal) => format!("the HDF5 library crashes on it (signal {signal})"),
        None => "the HDF5 library fails on it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_back_with_bytes_of_any_size() {
        for size in [0, 1, 1 << 20] {
            let bytes: Vec<u8> = (0..size).map(|i| i as u8).collect();
            let answer = run(0, || (vec!["a\nb".to_owned()], bytes.clone()));
            assert_eq!(answer, Ok((vec!["a\nb".to_owned()], bytes)));
        }
    }

    #[test]
    fn a_death_is_told_in_words() {
        let died = |work: fn()| match run(0, || (work(), Vec::new())) {
            Err(ChildError::Died(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(died(|| std::process::abort()), "the HDF5 library crashes on it (signal 6)");
        assert_eq!(died(|| panic!("none of this is shown")), "the HDF5 library fails on it");
        // SAFETY: ends the child, without an answer.
        assert_eq!(died(|| unsafe { libc::_exit(0) }), "the HDF5 library fails on it");
        assert_eq!(
            died(|| {
                // SAFETY: a signal to this process alone.
                unsafe { libc::raise(libc::SIGXCPU) };
            }),
            "the HDF5 library comes to no end with it"
        );
    }

    #[test]
    fn memory_and_time_are_limited() {
        let soft = |resource| run(1 << 30, || (getrlimit(resource).current, Vec::new())).expect("an answer").0;
        assert_eq!(soft(Resource::Cpu), Some(5 + 64));
        assert!(soft(Resource::Data).is_some_and(|bytes| (8 << 30..11 << 30).contains(&bytes)));
    }
}
