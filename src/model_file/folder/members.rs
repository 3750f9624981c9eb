//! What is in a folder, looked at before anything of it is read or copied.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::model_file::ModelFileError;
use crate::model_file::output::Stamp;
use crate::text::shown;

/// A file, or a folder that nothing is in.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    /// Its path in the folder.
    pub name: String,
    /// It is a folder.
    pub is_folder: bool,
    stamp: Stamp,
}

impl Member {
    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.stamp.size()
    }
}

/// Lists the files in the folder at `place`, in the order of their names; messages call it `path`.
pub(super) fn read(path: &Path, place: &Path) -> Result<Vec<Member>, ModelFileError> {
    let mut members = Vec::new();
    let mut todo = vec![String::new()];
    while let Some(folder) = todo.pop() {
        let at = |error: io::Error| ModelFileError::io(&path.join(&folder), &error);
        let mut is_empty = true;
        for entry in fs::read_dir(place.join(&folder)).map_err(at)? {
            let entry = entry.map_err(at)?;
            is_empty = false;
            let name = name(path, &folder, &entry.file_name())?;
            let meta = entry.metadata().map_err(|error| ModelFileError::io(&path.join(&name), &error))?;
            if meta.is_dir() {
                todo.push(name);
            } else if meta.is_file() {
                members.push(Member { name, is_folder: false, stamp: Stamp::of(&meta) });
            } else {
                let what = if meta.is_symlink() { "a link" } else { "a device, a pipe or a socket" };
                return Err(refused(path, format!("its member '{}' is {what}, not a file", shown(&name))));
            }
        }
        if is_empty && !folder.is_empty() {
            let meta = fs::symlink_metadata(place.join(&folder)).map_err(at)?;
            members.push(Member { name: folder, is_folder: true, stamp: Stamp::of(&meta) });
        }
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(members)
}

fn name(path: &Path, folder: &str, name: &std::ffi::OsStr) -> Result<String, ModelFileError> {
    let inside: PathBuf = Path::new(folder).join(name);
    match inside.to_str() {
        Some(name) => Ok(name.to_owned()),
        None => {
            Err(refused(path, format!("the name of its member '{}' is not UTF-8", shown(&inside.to_string_lossy()))))
        }
    }
}

fn refused(path: &Path, why: String) -> ModelFileError {
    ModelFileError::Refused { path: path.to_owned(), why }
}

/// Opens a file for reading; what has become a link, a device or a pipe since it was looked at is not followed and not waited for.
pub(super) fn open(place: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(place)?;
    match file.metadata().as_ref().is_ok_and(Metadata::is_file) {
        true => Ok(file),
        false => Err(io::Error::other("is a device or a pipe, not a file")),
    }
}
