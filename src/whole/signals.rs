//! Signals that end the program take its partial files along.
//!
//! A handler removes the files, wherever the program is (in the HDF5 library, say), and then lets the signal do what it
//! does by default: shells see 128 and its number, and a loop in a script ends with what it runs. Handlers are set by the C
//! library, which knows what a handler needs to return; rustix sets none.

#![allow(unsafe_code)]

use std::ffi::{CString, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering};

/// Those that end a program and come from outside it, or from `abort`.
const DEADLY: [c_int; 9] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGALRM,
    libc::SIGXCPU,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGABRT,
];

/// A file or a folder to remove. Never freed, since a handler may be reading it.
struct Entry {
    path: CString,
    is_folder: bool,
    is_partial: AtomicBool,
    /// Set before the entry is published.
    next: AtomicPtr<Entry>,
}

/// All that was ever partial, the newest first: what is in a folder comes before it.
static ENTRIES: AtomicPtr<Entry> = AtomicPtr::new(ptr::null_mut());

/// While it lives, a deadly signal removes the file or the folder.
pub struct Guard(&'static Entry);

impl Guard {
    /// Guards a file before it is there.
    ///
    /// # Errors
    /// The path has a NUL byte.
    pub fn new(path: &Path) -> io::Result<Guard> {
        Guard::publish(path, false)
    }

    /// Guards a folder before it is there. What is in it has guards of its own, or it stays.
    ///
    /// # Errors
    /// The path has a NUL byte.
    pub fn of_folder(path: &Path) -> io::Result<Guard> {
        Guard::publish(path, true)
    }

    fn publish(path: &Path, is_folder: bool) -> io::Result<Guard> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let (is_partial, next) = (AtomicBool::new(true), AtomicPtr::new(ptr::null_mut()));
        let entry = Entry { path, is_folder, is_partial, next };
        let entry = Box::into_raw(Box::new(entry));
        let mut head = ENTRIES.load(Ordering::Acquire);
        loop {
            // SAFETY: the entry is ours until the exchange succeeds.
            unsafe { (*entry).next.store(head, Ordering::Relaxed) };
            match ENTRIES.compare_exchange_weak(head, entry, Ordering::AcqRel, Ordering::Acquire) {
                // SAFETY: the entry is never freed and, from here on, only read.
                Ok(_) => return Ok(Guard(unsafe { &*entry })),
                Err(newer) => head = newer,
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.is_partial.store(false, Ordering::Release);
    }
}

/// Removes all partial files of this process. Safe in a signal handler.
pub fn remove_partials() {
    let mut entry = ENTRIES.load(Ordering::Acquire);
    // SAFETY: entries are never freed, and each `next` was set before the entry was published.
    while let Some(Entry { path, is_folder, is_partial, next }) = unsafe { entry.as_ref() } {
        if is_partial.load(Ordering::Acquire) {
            // May be called in a handler: they are system calls, and nothing is allocated for a C string.
            let _ = match is_folder {
                true => rustix::fs::rmdir(path.as_c_str()),
                false => rustix::fs::unlink(path.as_c_str()),
            };
        }
        entry = next.load(Ordering::Relaxed);
    }
}

/// Whether signals wait, and the last that came meanwhile; 0 is none.
static WAITS: AtomicBool = AtomicBool::new(false);
static PENDING: AtomicI32 = AtomicI32::new(0);

extern "C" fn on_signal(signal: c_int) {
    // Stored first: whoever ends the waiting on another thread looks after it.
    PENDING.store(signal, Ordering::SeqCst);
    if WAITS.load(Ordering::SeqCst) {
        return;
    }
    remove_partials();
    // SAFETY: both may be called in a handler. The default action comes when this one returns.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Makes deadly signals remove partial files; one that is ignored (`nohup`) stays so. A file that grows beyond the
/// process' limit becomes an error of the write, not a signal.
pub fn install() {
    // SAFETY: the structures are initialised before use, and `on_signal` does only what a handler may.
    unsafe {
        for signal in DEADLY {
            let mut old = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
            if libc::sigaction(signal, ptr::null(), &mut old) != 0 || old.sa_sigaction != libc::SIG_DFL {
                continue;
            }
            let mut new = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
            new.sa_sigaction = on_signal as extern "C" fn(c_int) as libc::sighandler_t;
            new.sa_flags = libc::SA_RESTART;
            libc::sigemptyset(&mut new.sa_mask);
            libc::sigaction(signal, &new, ptr::null_mut());
        }
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// In a child process: leaves the partial files to the parent, whatever ends the child.
pub fn leave_to_parent() {
    for signal in DEADLY {
        // SAFETY: sets the default action, and puts back that a signal is ignored.
        unsafe {
            if libc::signal(signal, libc::SIG_DFL) == libc::SIG_IGN {
                libc::signal(signal, libc::SIG_IGN);
            }
        }
    }
}

/// Does something that no signal shall cut in two; one that comes meanwhile acts afterwards.
pub fn postponed<T>(body: impl FnOnce() -> T) -> T {
    WAITS.store(true, Ordering::SeqCst);
    let result = body();
    WAITS.store(false, Ordering::SeqCst);
    match PENDING.swap(0, Ordering::SeqCst) {
        0 => {}
        signal => on_signal(signal),
    }
    result
}
