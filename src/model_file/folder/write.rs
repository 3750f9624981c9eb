//! A new folder from the files of the old one.

use std::fs::{FileTimes, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Folder;
use super::members::Member;
use crate::model_file::native::{CONFIG_MEMBER, WEIGHTS_MEMBER, new_name};
use crate::model_file::{Edit, ModelFileError, h5};
use crate::whole::WholeFolder;

/// Fills `whole` with the folder, changed as `edit` says. `check` says whether the folder was copied as it was when it was read.
pub fn write(
    folder: &Folder,
    whole: &mut WholeFolder,
    edit: &Edit,
    check: impl FnOnce() -> Result<(), ModelFileError>,
) -> Result<(), ModelFileError> {
    let out = whole.path().to_owned();
    let write_error = |error: io::Error| ModelFileError::io(&out, &error);
    for member in &folder.members {
        // A folder's own files would lie below it.
        let slash = if member.is_folder { "/" } else { "" };
        let Some(new) = new_name(&format!("{}{slash}", member.name), &edit.tree) else { continue };
        let new = new.as_deref().unwrap_or(&member.name).trim_end_matches('/');
        match member.is_folder {
            true => whole.make_folder(Path::new(new)).map_err(write_error)?,
            false => file(folder, member, whole, Path::new(new), edit)?,
        }
    }
    check()
}

/// Writes one file. Its permissions stay; so does its time, where its bytes do.
fn file(
    folder: &Folder,
    member: &Member,
    whole: &mut WholeFolder,
    new: &Path,
    edit: &Edit,
) -> Result<(), ModelFileError> {
    let out = whole.path().to_owned();
    let write_error = |error: io::Error| ModelFileError::io(&out, &error);
    let source = folder.file(&member.name)?;
    let meta = source.metadata().map_err(|error| folder.read_error(&member.name, &error))?;
    let mut to = whole.make_file(new).map_err(write_error)?;
    match member.name.as_str() {
        CONFIG_MEMBER => to.write_all(&edit.config).map_err(write_error)?,
        WEIGHTS_MEMBER if !edit.tree.is_empty() => {
            h5::change([&folder.path, &out], (&source, &(0..meta.len()), None), &to, &edit.tree)?;
        }
        _ => {
            whole.copy(source, &mut to).map_err(write_error)?;
            let modified = meta.modified().map_err(|error| folder.read_error(&member.name, &error))?;
            to.set_times(FileTimes::new().set_modified(modified)).map_err(write_error)?;
        }
    }
    // No more than who may do what: no file runs as its owner.
    whole.finish(&to, Permissions::from_mode(meta.permissions().mode() & 0o777)).map_err(write_error)
}
