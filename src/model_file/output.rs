//! The new file: where it shall be, and what keeps it from being there.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::{Container, ModelFile, ModelFileError, native};
use crate::whole::folder_of;

/// Where a new model file shall be.
#[derive(Debug, Clone, Copy)]
pub struct Output<'a> {
    /// Its path.
    pub path: &'a Path,
    /// Make its folder where it is missing.
    pub makes_folder: bool,
    /// Replace a file that is there. Else it stays, even one that appears while this one is written.
    pub force: bool,
    /// The bytes are on the disk before the name is there.
    pub sync: bool,
}

/// What tells a file from what it was before: device, number, size and time of the last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(u64, u64, u64, i64, i64);

impl Stamp {
    pub fn of(meta: &Metadata) -> Stamp {
        Stamp(meta.dev(), meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec())
    }

    pub fn size(self) -> u64 {
        self.2
    }

    fn is_of_same_file(self, meta: &Metadata) -> bool {
        (self.0, self.1) == (meta.dev(), meta.ino())
    }
}

impl Output<'_> {
    /// Refuses an output that is certain to fail, before any work: a name for another container, MODEL itself, a folder,
    /// a file that is there.
    ///
    /// # Errors
    /// It is one.
    pub fn refuse_bad(&self, model: &ModelFile) -> Result<(), ModelFileError> {
        model.refuse_ending(self.path)?;
        let path = || self.path.to_owned();
        if model.is_folder() && is_inside(self.path, &model.place) {
            return Err(ModelFileError::InModel { path: path() });
        }
        let Ok(there) = fs::metadata(self.path) else {
            return match fs::symlink_metadata(self.path) {
                // A link that leads nowhere is still a name that is taken.
                Ok(_) if !self.force => Err(ModelFileError::Exists { path: path() }),
                _ => Ok(()),
            };
        };
        if model.stamp.is_of_same_file(&there) {
            return Err(ModelFileError::SameFile { path: path() });
        }
        if let Container::Folder(folder) = &model.container {
            return self.refuse_bad_folder(model, folder, &there);
        }
        if !there.is_file() {
            let why = if there.is_dir() { "is a directory" } else { "is a device or a pipe, not a file" };
            return Err(ModelFileError::Io { path: path(), why: why.to_owned() });
        }
        if self.force { Ok(()) } else { Err(ModelFileError::Exists { path: path() }) }
    }

    /// The same for what is there already, where the output is a folder: one in which there is anything but a model is not replaced.
    fn refuse_bad_folder(&self, model: &ModelFile, of: &Folder, there: &Metadata) -> Result<(), ModelFileError> {
        let path = || self.path.to_owned();
        if !there.is_dir() {
            return Err(ModelFileError::Io { path: path(), why: "is not a folder, as MODEL is".to_owned() });
        }
        if !self.force {
            return Err(ModelFileError::Exists { path: path() });
        }
        if is_inside(&model.place, self.path) {
            return Err(ModelFileError::SameFile { path: path() });
        }
        let at = |error: io::Error| ModelFileError::io(self.path, &error);
        for entry in fs::read_dir(self.path).map_err(at)? {
            let name = entry.map_err(at)?.file_name().to_string_lossy().into_owned();
            if !native::MEMBERS.contains(&name.as_str()) && !of.has(&name) {
                return Err(ModelFileError::NotReplaced { path: path(), name });
            }
        }
        Ok(())
    }

    pub(super) fn make_folder(&self) -> Result<(), ModelFileError> {
        let folder = folder_of(self.path);
        if self.makes_folder {
            fs::create_dir_all(folder).map_err(|error| ModelFileError::io(folder, &error))?;
        }
        match folder.is_dir() {
            true => Ok(()),
            false => Err(ModelFileError::Io { path: folder.to_owned(), why: "no such folder".to_owned() }),
        }
    }

    /// How it went to give what is written its name.
    pub(super) fn named(&self, done: io::Result<()>) -> Result<(), ModelFileError> {
        done.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => ModelFileError::Exists { path: self.path.to_owned() },
            _ => ModelFileError::io(self.path, &error),
        })
    }
}

/// Whether a path, which may not be there yet, leads into a folder.
fn is_inside(path: &Path, folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    let name = path.components().collect::<PathBuf>();
    let found = folder_of(&name).ancestors().find_map(|above| match above.as_os_str().is_empty() {
        true => Path::new(".").canonicalize().ok(),
        false => above.canonicalize().ok(),
    });
    found.is_some_and(|found| found.starts_with(folder))
}
