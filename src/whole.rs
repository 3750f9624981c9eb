//! Files, and folders ([`WholeFolder`]), that appear whole or not at all.
//!
//! A file is written beside its place under the name `.NAME.XXXXXX.classes-h5.partial` and renamed when it is complete.
//! Whatever ends the program takes the partial file along ([`signals`]), but for SIGKILL and power cuts: what those leave
//! is cleared by the next run that writes into the folder. A lock tells it from the file of a run that is still at work.

mod copy;
mod folder;
pub mod signals;

pub use folder::WholeFolder;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileType, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tempfile::NamedTempFile;

const SUFFIX: &str = ".classes-h5.partial";

/// A file name has 255 bytes at most, and ours has 27 beside NAME.
const MOST_OF_NAME: usize = 200;

/// A file on its way. Dropped before it appears, it is gone.
pub struct Whole {
    path: PathBuf,
    file: NamedTempFile,
    _guard: signals::Guard,
}

impl Whole {
    /// Starts the file that shall appear at `path`, in a folder that is there. As any new file it may be read and
    /// written by whom the process' umask lets.
    ///
    /// # Errors
    /// The folder takes no files.
    pub fn create(path: &Path) -> io::Result<Whole> {
        let folder = folder_of(path);
        clear_abandoned(folder);
        let prefix = prefix(path);
        loop {
            let mut guard = None;
            let file = tempfile::Builder::new().prefix(&prefix).suffix(SUFFIX).make_in(folder, |partial| {
                guard = Some(signals::Guard::new(partial)?);
                OpenOptions::new().read(true).write(true).create_new(true).mode(0o666).open(partial)
            })?;
            // A shared lock tells that we live and lets others read. Where the file system has no locks, nothing is
            // cleared either.
            let _ = flock(&file, FlockOperation::LockShared);
            // Another run may have found the file before it was locked, and cleared it.
            if let (Some(guard), true) = (guard, file.path().try_exists()?) {
                return Ok(Whole { path: path.to_owned(), file, _guard: guard });
            }
        }
    }

    /// Where it shall appear.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is written.
    pub fn partial(&self) -> &Path {
        self.file.path()
    }

    /// The file itself.
    pub fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Fills the file with a copy of `source`, sharing its very blocks where the file system can.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn copy_from(&mut self, mut source: File) -> io::Result<()> {
        copy::copy(&mut source, self.file())
    }

    /// Gives the file its name. Without `replaces` a file that is there stays, even one that has appeared just now; with
    /// `sync` all is on the disk before the name is there.
    ///
    /// # Errors
    /// Among them [`io::ErrorKind::AlreadyExists`].
    pub fn appear(self, replaces: bool, sync: bool) -> io::Result<()> {
        if sync {
            self.file.as_file().sync_all()?;
        }
        let done = if replaces { self.file.persist(&self.path) } else { self.file.persist_noclobber(&self.path) };
        done.map_err(|error| error.error)?;
        if sync { File::open(folder_of(&self.path))?.sync_all() } else { Ok(()) }
    }
}

/// The folder that a path is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// What the name of a partial file begins with.
fn prefix(path: &Path) -> OsString {
    let name = path.file_name().unwrap_or_default().as_bytes();
    OsString::from_vec([b".", &name[..name.len().min(MOST_OF_NAME)], b"."].concat())
}

/// Removes what runs have left that were killed: partial files and folders whose lock nobody holds. What cannot be removed stays.
fn clear_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (name, kind) = (entry.file_name(), entry.file_type());
        let is = |wanted: fn(&FileType) -> bool| kind.as_ref().is_ok_and(wanted);
        let path = entry.path();
        let opened = match is_partial(&name) {
            // Some file systems give a lock of one's own only on what one may write.
            true if is(FileType::is_file) => OpenOptions::new().read(true).write(true).open(&path),
            true if is(FileType::is_dir) && folder::is_partial(&name) => File::open(&path),
            _ => continue,
        };
        if let Ok(opened) = opened
            && flock(&opened, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            folder::remove(&path);
        }
    }
}

fn is_partial(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b".") && name.ends_with(SUFFIX.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// What is in a folder.
    pub fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_when_it_is_told_to_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut whole = Whole::create(&path).unwrap();
        whole.file().write_all(b"all of it").unwrap();
        assert!(!path.exists());
        assert!(
            names(folder.path())[0].starts_with(".out.") && names(folder.path())[0].ends_with(".classes-h5.partial")
        );
        whole.appear(false, true).unwrap();
        assert_eq!(names(folder.path()), ["out"]);

        let late = Whole::create(&path).unwrap().appear(false, false).unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::AlreadyExists);
        drop(Whole::create(&path).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"all of it");
        assert_eq!(names(folder.path()), ["out"]);
        Whole::create(&path).unwrap().appear(true, false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn only_partial_files_that_nobody_holds_are_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        for name in [
            ".out.aaaaaa.classes-h5.partial",
            ".other.bbbbbb.classes-h5.partial",
            ".mine.partial",
            "a.classes-h5.partial",
        ] {
            fs::write(file(name), "left").unwrap();
        }
        fs::create_dir(file(".folder.classes-h5.partial")).unwrap();
        std::os::unix::fs::symlink("a.classes-h5.partial", file(".link.classes-h5.partial")).unwrap();
        let alive = Whole::create(&file("out")).unwrap();
        let also_alive = Whole::create(&file("out")).unwrap();
        let mut expected =
            [".folder.classes-h5.partial", ".link.classes-h5.partial", ".mine.partial", "a.classes-h5.partial"]
                .map(str::to_owned)
                .to_vec();
        for whole in [&alive, &also_alive] {
            expected.push(whole.partial().file_name().unwrap().to_str().unwrap().to_owned());
        }
        expected.sort();
        assert_eq!(names(folder.path()), expected);
    }

    #[test]
    fn a_long_name_leaves_room_for_the_partial_one() {
        let folder = tempfile::tempdir().unwrap();
        let name = "n".repeat(255);
        Whole::create(&folder.path().join(&name)).unwrap().appear(false, false).unwrap();
        assert_eq!(names(folder.path()), [name]);
    }
}
