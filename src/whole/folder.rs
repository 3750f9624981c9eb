//! Folders that appear whole or not at all, as files do: filled under the name of a partial file, then renamed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::signals::{self, Guard};
use super::{SUFFIX, copy, folder_of, prefix};

/// A folder on its way. Dropped before it appears, it is gone.
pub struct WholeFolder {
    path: PathBuf,
    partial: PathBuf,
    sync: bool,
    /// Itself and the folders in it.
    folders: BTreeSet<PathBuf>,
    guards: Vec<Guard>,
    _lock: File,
}

impl WholeFolder {
    /// Starts the folder that shall appear at `path`, in a folder that is there. With `sync` all is on the disk before the name is
    /// there.
    ///
    /// # Errors
    /// The folder takes none.
    pub fn create(path: &Path, sync: bool) -> io::Result<WholeFolder> {
        // A slash at the end is no part of the name.
        let path: PathBuf = path.components().collect();
        let folder = folder_of(&path);
        super::clear_abandoned(folder);
        let prefix = prefix(&path);
        loop {
            let mut guard = None;
            let made = tempfile::Builder::new().prefix(&prefix).suffix(SUFFIX).make_in(folder, |partial| {
                guard = Some(Guard::of_folder(partial)?);
                fs::create_dir(partial)
            })?;
            let partial = made.into_temp_path().keep()?;
            // As with a file: it is ours once it is locked and still there.
            let lock = match File::open(&partial) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            let _ = flock(&lock, FlockOperation::LockShared);
            if let (Some(guard), true) = (guard, partial.try_exists()?) {
                let folders = BTreeSet::from([partial.clone()]);
                return Ok(WholeFolder { path, partial, sync, folders, guards: vec![guard], _lock: lock });
            }
        }
    }

    /// Where it shall appear.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a folder in it, and those around that.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn make_folder(&mut self, inside: &Path) -> io::Result<()> {
        let mut at = self.partial.clone();
        for part in inside.components() {
            at.push(part);
            if self.folders.contains(&at) {
                continue;
            }
            self.guards.push(Guard::of_folder(&at)?);
            fs::create_dir(&at)?;
            self.folders.insert(at.clone());
        }
        Ok(())
    }

    /// Makes a file in it, and the folders around that. Nobody else may read it before it is [finished](Self::finish).
    ///
    /// # Errors
    /// The disk refuses.
    pub fn make_file(&mut self, inside: &Path) -> io::Result<File> {
        self.make_folder(inside.parent().unwrap_or(Path::new("")))?;
        let place = self.partial.join(inside);
        self.guards.push(Guard::new(&place)?);
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(place)
    }

    /// Fills a file with a copy of `source`, sharing its very blocks where the file system can.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn copy(&self, mut source: File, to: &mut File) -> io::Result<()> {
        copy::copy(&mut source, to)
    }

    /// Gives a file that is filled its permissions.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn finish(&self, file: &File, permissions: fs::Permissions) -> io::Result<()> {
        file.set_permissions(permissions)?;
        if self.sync { file.sync_all() } else { Ok(()) }
    }

    /// Gives the folder its name. Without `replaces` what is there stays, even what has appeared just now.
    ///
    /// # Errors
    /// Among them [`io::ErrorKind::AlreadyExists`].
    pub fn appear(self, replaces: bool) -> io::Result<()> {
        if self.sync {
            self.folders.iter().rev().try_for_each(|folder| File::open(folder)?.sync_all())?;
        }
        // What it takes the place of is gone before any signal is heard.
        signals::postponed(|| {
            self.rename(replaces)?;
            remove(&self.partial);
            io::Result::Ok(())
        })?;
        if self.sync { File::open(folder_of(&self.path))?.sync_all() } else { Ok(()) }
    }

    /// Renames it, in one step; what was there bears the partial name then.
    fn rename(&self, replaces: bool) -> io::Result<()> {
        loop {
            match rename_as(Rename::New, &self.partial, &self.path) {
                Err(Errno::EXIST) if replaces => {}
                Err(error) if is_not_known(error) => match fs::symlink_metadata(&self.path) {
                    Ok(_) if replaces => {}
                    Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
                    // Should something appear just now, this replaces nothing but an empty folder.
                    Err(_) => return fs::rename(&self.partial, &self.path),
                },
                done => return Ok(done?),
            }
            match rename_as(Rename::Exchange, &self.partial, &self.path) {
                // It has gone just now.
                Err(Errno::NOENT) => {}
                Err(error) if is_not_known(error) => {
                    return Err(io::Error::other("this file system lets no folder take the place of another"));
                }
                done => return Ok(done?),
            }
        }
    }
}

enum Rename {
    /// To a name that is not taken.
    New,
    /// The two change places.
    Exchange,
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_as(how: Rename, from: &Path, to: &Path) -> Result<(), Errno> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    let flags = match how {
        Rename::New => RenameFlags::NOREPLACE,
        Rename::Exchange => RenameFlags::EXCHANGE,
    };
    renameat_with(CWD, from, CWD, to, flags)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_as(_: Rename, _: &Path, _: &Path) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

/// Whether the system, or the file system, knows no such rename.
fn is_not_known(error: Errno) -> bool {
    [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP].contains(&error)
}

impl Drop for WholeFolder {
    fn drop(&mut self) {
        remove(&self.partial);
    }
}

/// Removes a folder and what is in it, or a file or a link; what cannot be removed stays.
pub(super) fn remove(path: &Path) {
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) {
        let _ = fs::remove_dir_all(path);
    } else {
        let _ = fs::remove_file(path);
    }
}

/// Whether a folder of that name was made here: `.NAME.XXXXXX` and the suffix.
pub(super) fn is_partial(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let inner = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(SUFFIX));
    let random = inner.and_then(|inner| inner.rsplit_once('.'));
    random.is_some_and(|(_, random)| random.len() == 6 && random.chars().all(|c| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::whole::tests::names;

    fn filled(path: &Path, text: &str) -> WholeFolder {
        let mut whole = WholeFolder::create(path, true).unwrap();
        let mut file = whole.make_file(Path::new("a/b/file")).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        whole.finish(&file, fs::Permissions::from_mode(0o640)).unwrap();
        whole.make_folder(Path::new("a/empty")).unwrap();
        whole
    }

    #[test]
    fn a_folder_appears_when_it_is_told_to_and_leaves_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("out");
        let whole = filled(&path.join(""), "first");
        assert!(names(place.path())[0].starts_with(".out.") && !path.exists());
        whole.appear(false).unwrap();
        assert_eq!(names(place.path()), ["out"]);
        assert_eq!(names(&path.join("a")), ["b", "empty"]);

        let late = filled(&path, "second").appear(false).unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::AlreadyExists);
        drop(filled(&path, "third"));
        assert_eq!(fs::read(path.join("a/b/file")).unwrap(), b"first");
        fs::write(path.join("more"), "").unwrap();
        filled(&path, "fourth").appear(true).unwrap();
        assert_eq!(fs::read(path.join("a/b/file")).unwrap(), b"fourth");
        assert_eq!((names(place.path()), names(&path)), (vec!["out".to_owned()], vec!["a".to_owned()]));
    }

    #[test]
    fn a_link_gives_its_place_and_what_it_leads_to_stays() {
        let place = tempfile::tempdir().unwrap();
        let (path, other) = (place.path().join("out"), place.path().join("other"));
        filled(&other, "kept").appear(false).unwrap();
        std::os::unix::fs::symlink("other", &path).unwrap();
        assert_eq!(filled(&path, "new").appear(false).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        filled(&path, "new").appear(true).unwrap();
        assert_eq!(fs::read(other.join("a/b/file")).unwrap(), b"kept");
        assert!(!path.is_symlink() && names(place.path()) == ["other", "out"]);
    }

    #[test]
    fn only_partial_folders_that_nobody_holds_are_cleared() {
        let place = tempfile::tempdir().unwrap();
        let alive = filled(&place.path().join("out"), "alive");
        let left = place.path().join(".out.aaaaaa.classes-h5.partial/inside");
        fs::create_dir_all(&left).unwrap();
        fs::create_dir(place.path().join(".mine.classes-h5.partial")).unwrap();
        drop(filled(&place.path().join("other"), ""));
        let partial = alive.partial.file_name().unwrap().to_str().unwrap().to_owned();
        let mut expected = [".mine.classes-h5.partial".to_owned(), partial];
        expected.sort();
        assert_eq!(names(place.path()), expected);
    }
}
