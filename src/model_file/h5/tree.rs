//! Weights in groups, as archives have them: read, and moved about.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use flate2::Crc;
use serde::{Deserialize, Serialize};

use super::child::{self, ChildError};
use super::image::Image;
use super::read::Reason;
use super::strings::{self, Attribute};
use super::write::ENABLED;
use super::{first_line, words};
use crate::model_file::{ModelFileError, SavedGroup, SavedTree, TreePlan};
use crate::text::shown;

/// The group below each layer's that holds its variables.
const VARS: &str = "vars";
/// More objects no model has.
const MOST_OBJECTS: usize = 1 << 22;
/// What a changed file may grow by, in bytes: new names, and modes.
const MOST_GROWTH: u64 = 64 << 20;
/// What is written at once, in bytes.
const PIECE: usize = 1 << 20;

/// A changed file: its length and its checksum.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Changed {
    /// In bytes.
    pub length: u64,
    /// CRC-32.
    pub crc: u32,
}

/// Why the child has not done what it should.
#[derive(Debug, Serialize, Deserialize)]
enum Failure {
    /// What is read is at fault.
    Read(String),
    /// The system does not let the file be written, by its error number, where it has one.
    Write(Option<i32>, String),
}

impl From<hdf5::Error> for Failure {
    fn from(error: hdf5::Error) -> Self {
        Failure::Read(words(&error))
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NotOpened(why) | Reason::Damaged(why) => Failure::Read(why),
            _ => Failure::Read("HDF5 has another form than Keras writes".to_owned()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Read(error.to_string())
    }
}

/// Reads the groups of the HDF5 file that `part` of `file` is; messages call it `path`.
pub fn tree(path: &Path, file: &File, part: &Range<u64>) -> Result<SavedTree, ModelFileError> {
    let work = || Ok(read(&Image::map(file, part, 0)?.open(false)?)?);
    in_child(part.end - part.start, work).map_err(|failure| failed(path, path, failure))
}

/// Writes to `to`, where it stands, the HDF5 file that `part` of `file` is, with its groups where `plan` says. It must have the
/// checksum `crc`, where there is one. Messages call the one `path`, the other `out`.
pub fn change(
    [path, out]: [&Path; 2],
    (file, part, crc): (&File, &Range<u64>, Option<u32>),
    to: &File,
    plan: &TreePlan,
) -> Result<Changed, ModelFileError> {
    let work = || {
        let image = Image::map(file, part, MOST_GROWTH)?;
        if crc.is_some_and(|crc| checksum(image.bytes()) != crc) {
            return Err(Failure::Read("the checksum is wrong".to_owned()));
        }
        let before = {
            let file = image.open(true)?;
            let before = read(&file)?;
            make(&file, plan)?;
            file.flush()?;
            file.close()?;
            before
        };
        // In a file that is damaged where nobody looks, HDF5 writes one thing over another without a word.
        if read(&image.open(false)?)? != planned(before, plan) {
            return Err(Failure::Read("HDF5 does not find again what it moved".to_owned()));
        }
        let bytes = image.bytes();
        let mut to = to;
        for piece in bytes.chunks(PIECE) {
            to.write_all(piece).map_err(|error| Failure::Write(error.raw_os_error(), error.to_string()))?;
        }
        Ok(Changed { length: bytes.len() as u64, crc: checksum(bytes) })
    };
    in_child(part.end - part.start, work).map_err(|failure| failed(path, out, failure))
}

/// The most bytes that a file of so many can have after a change.
pub fn most_after(length: u64) -> u64 {
    length + MOST_GROWTH
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    bytes.chunks(PIECE).for_each(|piece| crc.update(piece));
    crc.sum()
}

fn in_child<T: Serialize + serde::de::DeserializeOwned>(
    size: u64,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Result<Failure, ChildError>> {
    let (value, _) = child::run(size, || (work(), Vec::new())).map_err(Err)?;
    value.map_err(Ok)
}

fn failed(path: &Path, out: &Path, failure: Result<Failure, ChildError>) -> ModelFileError {
    let damaged = |why: String| ModelFileError::Damaged { path: path.to_owned(), why: format!("its weights: {why}") };
    match failure {
        Err(ChildError::NotStarted(why)) => ModelFileError::Io { path: path.to_owned(), why },
        Err(ChildError::Died(why)) => damaged(why),
        Ok(Failure::Read(why)) => damaged(first_line(&why)),
        Ok(Failure::Write(Some(number), _)) => ModelFileError::io(out, &io::Error::from_raw_os_error(number)),
        Ok(Failure::Write(None, why)) => ModelFileError::Io { path: out.to_owned(), why },
    }
}

/// Reads all groups, each with its variables.
fn read(file: &hdf5::File) -> Result<SavedTree, Reason> {
    let mut groups = Vec::new();
    let mut objects = 0;
    let mut todo = vec![(String::new(), file.group("/")?)];
    while let Some((path, group)) = todo.pop() {
        let mut of_group = SavedGroup { path: path.clone(), ..SavedGroup::default() };
        for name in group.member_names()? {
            objects += 1;
            if objects > MOST_OBJECTS || path.len() > usize::from(u16::MAX) {
                return Err(Reason::Damaged("there are more groups than any model has".to_owned()));
            }
            let inner = match group.group(&name) {
                Ok(inner) => inner,
                // Not a group; what it is nobody knows, and it stays where it is.
                Err(_) if group.dataset(&name).is_ok() => continue,
                Err(error) => {
                    let why = format!("the group '{}' of '{}': {}", shown(&name), shown(&path), words(&error));
                    return Err(Reason::Damaged(why));
                }
            };
            if name == VARS {
                read_variables(&inner, &mut of_group)?;
            } else {
                todo.push((if path.is_empty() { name } else { format!("{path}/{name}") }, inner));
            }
        }
        groups.push(of_group);
    }
    groups.sort();
    Ok(SavedTree { groups, assets: Vec::new() })
}

fn read_variables(vars: &hdf5::Group, of_group: &mut SavedGroup) -> Result<(), Reason> {
    for key in vars.member_names()? {
        let dataset = vars.dataset(&key).map_err(|error| {
            let (key, path) = (shown(&key), shown(&of_group.path));
            Reason::Damaged(format!("the variable '{key}' of '{path}': {}", words(&error)))
        })?;
        of_group.variables.push((key, dataset.shape()));
    }
    // `2` comes before `10`.
    of_group.variables.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    of_group.name = match strings::read(vars.id(), "name")? {
        Attribute::Text(mut strings) => strings.values.pop().and_then(|name| String::from_utf8(name).ok()),
        Attribute::Missing | Attribute::Other(_) => None,
    };
    Ok(())
}

fn make(file: &hdf5::File, plan: &TreePlan) -> hdf5::Result<()> {
    for path in &plan.removed {
        file.unlink(path)?;
    }
    for renames in &plan.renames {
        let group = file.group(&renames.group)?;
        // Two may change places, so all get out of the way first.
        let passing = |index: usize| format!("classes-h5 {index}");
        for (index, (from, _)) in renames.names.iter().enumerate() {
            group.relink(from, &passing(index))?;
        }
        for (index, (_, to)) in renames.names.iter().enumerate() {
            group.relink(&passing(index), to)?;
        }
    }
    for path in &plan.modes {
        let mut group = file.group("/")?;
        for part in path.split('/').chain([VARS]) {
            group = if group.link_exists(part) { group.group(part)? } else { group.create_group(part)? };
        }
        let mode = group.new_dataset::<i32>().shape([1, 1]).obj_track_times(false).create("0")?;
        mode.write_raw(&[ENABLED])?;
    }
    Ok(())
}

/// The groups as they shall be.
fn planned(before: SavedTree, plan: &TreePlan) -> SavedTree {
    let mut groups = before.groups;
    groups.retain(|group| !plan.removed.iter().any(|top| group.is_below(top)));
    for renames in &plan.renames {
        let vars = renames.group.strip_suffix(VARS).map(|group| group.trim_end_matches('/'));
        let renamed = |name: &str| renames.names.iter().find(|(from, _)| from == name).map(|(_, to)| to.clone());
        for group in &mut groups {
            if vars == Some(group.path.as_str()) {
                for (key, _) in &mut group.variables {
                    *key = renamed(key).unwrap_or_else(|| key.clone());
                }
                group.variables.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
            } else if let Some(below) = group.path.strip_prefix(&format!("{}/", renames.group)) {
                let (name, rest) = below.split_at(below.find('/').unwrap_or(below.len()));
                if let Some(to) = renamed(name) {
                    group.path = format!("{}/{to}{rest}", renames.group);
                }
            }
        }
    }
    for path in &plan.modes {
        let starts: Vec<usize> = path.match_indices('/').map(|(at, _)| at).chain([path.len()]).collect();
        for end in starts {
            if !groups.iter().any(|group| group.path == path[..end]) {
                groups.push(SavedGroup { path: path[..end].to_owned(), ..SavedGroup::default() });
            }
        }
        if let Some(group) = groups.iter_mut().find(|group| group.path == *path) {
            group.variables.push(("0".to_owned(), vec![1, 1]));
        }
    }
    groups.sort();
    SavedTree { groups, assets: Vec::new() }
}
