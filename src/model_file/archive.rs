//! Keras' own archives (`.keras`): a zip of a config, what else is to be said of the model, and the weights as HDF5.
//!
//! | member | what |
//! | --- | --- |
//! | `metadata.json` | the version of Keras that wrote it, and when |
//! | `config.json` | the graph, and how the model was compiled |
//! | `model.weights.h5` | the weights: a group for each layer, found by class and place |
//! | `assets/...` | files of layers, such as vocabularies, in folders of the same names |
//!
//! A changed archive is put together from the bytes of the old one: what does not change is never unpacked.

mod headers;
mod members;
mod write;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::members::{Member, Members};
pub(super) use self::write::write;
use super::h5;
use super::{CONFIG, Limit, ModelFileError, SavedTree};
use crate::json::{self, Arrays, Reading, Spelling};
use crate::text::shown;

/// The member that holds the config.
pub(super) const CONFIG_MEMBER: &str = "config.json";
/// The member that says who wrote the model.
const METADATA_MEMBER: &str = "metadata.json";
/// The member that holds the weights.
const WEIGHTS_MEMBER: &str = "model.weights.h5";
/// The folder of files that belong to layers.
const ASSETS: &str = "assets";

/// Other forms of weights, which Keras writes and does not load with a model.
const OTHER_WEIGHTS: [(&str, &str); 2] =
    [("model.weights.npz", "NumPy's form (.npz)"), ("model.weights.json", "shards (model.weights.json)")];

/// The parts of the config that stand beside the graph.
const PARTS: [&str; 4] = ["compile_config", "build_config", "module", "registered_name"];
/// The most bytes of a `metadata.json`; Keras' has a hundred.
const MOST_METADATA: u64 = 1 << 20;
/// The most bytes of a config that is packed: it is unpacked into memory.
const MOST_PACKED_CONFIG: u64 = u32::MAX as u64;

/// The longest config: as that of an `.h5` file, since all is read by what bounds texts.
pub(super) const LIMIT: Limit = Limit { most: u32::MAX as u64, holder: "a config.json" };

/// What is read of a config beside the graph: the parts, and what is in them.
fn part(key: &str) -> Reading {
    if PARTS.contains(&key) { Reading::Whole } else { Reading::Nothing }
}

/// An archive whose members have been looked at and found in order.
#[derive(Debug)]
pub(super) struct Archive {
    /// The name that messages use.
    path: PathBuf,
    /// Where the file is.
    place: PathBuf,
    members: Members,
}

impl Archive {
    /// The archive at `place`; messages call it `path`.
    pub fn open(path: &Path, place: &Path) -> Result<Self, ModelFileError> {
        let file = File::open(place).map_err(|error| ModelFileError::io(path, &error))?;
        let members = members::read(path, file)?;
        let archive = Archive { path: path.to_owned(), place: place.to_owned(), members };
        let has = |name: &str| archive.member(name).is_some();
        let other_weights = OTHER_WEIGHTS.into_iter().find(|(name, _)| has(name));
        match (has(CONFIG_MEMBER), has(WEIGHTS_MEMBER), other_weights) {
            (true, true, _) => Ok(archive),
            (true, false, other) => {
                Err(ModelFileError::NoWeights { path: archive.path, form: other.map(|(_, form)| form) })
            }
            (false, false, None) => Err(ModelFileError::OtherZip { path: archive.path }),
            (false, ..) => {
                Err(ModelFileError::WeightsOnly { path: archive.path, missing: format!("no {CONFIG_MEMBER}") })
            }
        }
    }

    /// The member of that name.
    fn member(&self, name: &str) -> Option<&Member> {
        self.members.all.iter().find(|member| member.name == name)
    }

    /// What an `.h5` file has as an attribute: [`CONFIG`] is the whole `config.json`, some names are parts of it, all else is
    /// looked for in `metadata.json`.
    pub fn attribute(&self, name: &str) -> Result<Vec<u8>, ModelFileError> {
        if name == CONFIG {
            return self.read(CONFIG_MEMBER, MOST_PACKED_CONFIG);
        }
        let is_part = PARTS.contains(&name);
        let (member, most) =
            if is_part { (CONFIG_MEMBER, MOST_PACKED_CONFIG) } else { (METADATA_MEMBER, MOST_METADATA) };
        let damaged = |why: String| self.damaged(format!("its {member} {why}"));
        let text = match self.member(member) {
            Some(_) => self.read(member, most)?,
            None => b"{}".to_vec(),
        };
        let text = String::from_utf8(text).map_err(|_| damaged("is not UTF-8 text".to_owned()))?;
        // The layers may be gigabytes.
        let wanted = if is_part { part } else { |_: &str| Reading::Whole };
        let mut arrays = Arrays::default();
        let document = json::parse_wanted(&text, wanted, &mut arrays).map_err(|error| damaged(error.to_string()))?;
        let Value::Object(mut fields) = document.value else { return Err(damaged("is not an object".to_owned())) };
        match fields.remove(name) {
            Some(Value::String(text)) => Ok(text.into_bytes()),
            Some(value) if !value.is_null() => {
                let mut text = Vec::new();
                let spelt =
                    json::write_python(&value, &|index, out| arrays.write(index, Spelling::Bare, out), &mut text);
                spelt.map(|()| text).map_err(|error| damaged(error.to_string()))
            }
            _ => {
                let metadata = if is_part { Vec::new() } else { fields.into_iter().map(|(key, _)| key).collect() };
                let there = [CONFIG].into_iter().chain(PARTS).map(str::to_owned).chain(metadata).collect();
                Err(ModelFileError::NoAttribute { path: self.path.clone(), name: name.to_owned(), there })
            }
        }
    }

    /// The groups of the saved weights.
    pub fn tree(&self) -> Result<SavedTree, ModelFileError> {
        let Some(member) = self.member(WEIGHTS_MEMBER) else { return Ok(SavedTree::default()) };
        let tree = if member.is_stored() {
            h5::tree(&self.path, &self.open_again()?, &member.data)?
        } else {
            let unpacked = tempfile::tempfile().map_err(|error| ModelFileError::io(&self.path, &error))?;
            self.unpack(member, &unpacked)?;
            h5::tree(&self.path, &unpacked, &(0..member.size))?
        };
        let names = self.members.all.iter().filter(|member| !member.name.ends_with('/'));
        let assets = names.filter_map(|member| member.name.strip_prefix(ASSETS)?.strip_prefix('/'));
        Ok(SavedTree { assets: assets.map(str::to_owned).collect(), ..tree })
    }

    fn open_again(&self) -> Result<File, ModelFileError> {
        File::open(&self.place).map_err(|error| ModelFileError::io(&self.path, &error))
    }

    /// Writes the bytes of a member to a file.
    fn unpack(&self, member: &Member, mut to: &File) -> Result<(), ModelFileError> {
        let copied = self.members.reader(member).and_then(|mut reader| io::copy(&mut reader, &mut to));
        copied.map(drop).map_err(|error| self.unreadable(&member.name, &error))
    }

    /// All bytes of a member, which are checked; those of one that is packed are at most so many.
    fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, ModelFileError> {
        let Some(member) = self.member(name) else { return Ok(Vec::new()) };
        if member.size > most && !member.is_stored() {
            return Err(self.damaged(format!("its member '{}' has more than {most} bytes", shown(name))));
        }
        let mut bytes = Vec::new();
        if usize::try_from(member.size).ok().is_none_or(|size| bytes.try_reserve_exact(size).is_err()) {
            return Err(self.damaged(format!("no memory for the {} bytes of '{}'", member.size, shown(name))));
        }
        let read = self.members.reader(member).and_then(|mut reader| reader.read_to_end(&mut bytes));
        read.map(|_| bytes).map_err(|error| self.unreadable(name, &error))
    }

    fn unreadable(&self, name: &str, error: &io::Error) -> ModelFileError {
        self.damaged(format!("its member '{}': {}", shown(name), members::words(error)))
    }

    fn damaged(&self, why: String) -> ModelFileError {
        ModelFileError::Damaged { path: self.path.clone(), why }
    }
}
