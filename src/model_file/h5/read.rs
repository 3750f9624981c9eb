//! Reading a model file.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::child::ChildError;
use super::strings::{self, Attribute, Strings};
use super::{MODEL_WEIGHTS, OPTIMIZER_WEIGHTS, child, words};
use crate::model_file::{CONFIG, ModelFileError, Saved, SavedLayer, Slot};
use crate::text::shown;

/// An HDF5 file. It is opened anew, in a child process, for whatever is read of it; not before then does it turn out
/// whether it is one.
#[derive(Debug)]
pub struct File {
    /// The name that messages use.
    path: PathBuf,
    /// Where the file is.
    place: PathBuf,
    /// In bytes.
    size: u64,
    /// Whether it begins as HDF5 files do.
    has_mark: bool,
}

/// Why something cannot be read, as a child process says it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reason {
    NotOpened(String),
    Damaged(String),
    WeightsOnly,
    NoAttribute(String, Vec<String>),
    NotText(String, String),
}

impl From<hdf5::Error> for Reason {
    fn from(error: hdf5::Error) -> Self {
        Reason::Damaged(words(&error))
    }
}

fn not_text(name: &str, why: &str) -> Reason {
    Reason::NotText(name.to_owned(), why.to_owned())
}

impl File {
    /// The file at `place`, of `size` bytes, that begins with `head`; messages call it `path`.
    pub fn new(path: &Path, place: &Path, size: u64, head: &[u8]) -> Self {
        let has_mark = head.starts_with(b"\x89HDF\r\n\x1a\n");
        File { path: path.to_owned(), place: place.to_owned(), size, has_mark }
    }

    /// The bytes of a root attribute.
    pub fn attribute(&self, name: &str) -> Result<Vec<u8>, ModelFileError> {
        let ((), bytes) = self.in_child(|file| Ok(((), attribute(file, name)?)))?;
        Ok(bytes)
    }

    /// The saved layers and the optimizer's state in the order of the file. Empty where the file has no weights.
    pub fn saved(&self) -> Result<Saved, ModelFileError> {
        let (saved, _) = self.in_child(|file| Ok((saved(file)?, Vec::new())))?;
        Ok(saved)
    }

    /// Opens the file in a child process and reads something of it there.
    fn in_child<T: Serialize + DeserializeOwned>(
        &self,
        read: impl FnOnce(&hdf5::File) -> Result<(T, Vec<u8>), Reason>,
    ) -> Result<(T, Vec<u8>), ModelFileError> {
        let work = || {
            let file = hdf5::File::open(&self.place).map_err(|error| Reason::NotOpened(words(&error)));
            match file.and_then(|file| read(&file)) {
                Ok((value, bytes)) => (Ok(value), bytes),
                Err(reason) => (Err(reason), Vec::new()),
            }
        };
        let (value, bytes) = child::run(self.size, work).map_err(|error| match error {
            ChildError::NotStarted(why) => ModelFileError::Io { path: self.path.clone(), why },
            ChildError::Died(why) => self.error(Reason::Damaged(why)),
        })?;
        Ok((value.map_err(|reason| self.error(reason))?, bytes))
    }

    fn error(&self, reason: Reason) -> ModelFileError {
        let path = self.path.clone();
        match reason {
            // HDF5 may begin further on in a file, so only HDF5 knows; but what has no mark is likelier none.
            Reason::NotOpened(_) if !self.has_mark => ModelFileError::NotHdf5 { path },
            Reason::NotOpened(why) | Reason::Damaged(why) => ModelFileError::Damaged { path, why },
            Reason::WeightsOnly => ModelFileError::WeightsOnly { path, missing: format!("no attribute {CONFIG}") },
            Reason::NoAttribute(name, there) => ModelFileError::NoAttribute { path, name, there },
            Reason::NotText(name, why) => ModelFileError::NotText { path, name, why },
        }
    }
}

pub(super) fn attribute(file: &hdf5::File, name: &str) -> Result<Vec<u8>, Reason> {
    match strings::read(file.id(), name)? {
        Attribute::Text(Strings { mut values, is_scalar, .. }) if is_scalar || values.len() == 1 => {
            Ok(values.pop().unwrap_or_default())
        }
        Attribute::Text(_) => Err(not_text(name, "it is a list of strings")),
        Attribute::Other(why) => Err(not_text(name, why)),
        Attribute::Missing if name == CONFIG && holds_weights(file) => Err(Reason::WeightsOnly),
        Attribute::Missing => Err(Reason::NoAttribute(name.to_owned(), file.attr_names().unwrap_or_default())),
    }
}

pub(super) fn saved(file: &hdf5::File) -> Result<Saved, Reason> {
    Ok(Saved { layers: saved_layers(file)?, slots: slots(file) })
}

/// The optimizer's state, as far as it can be read: without it a model is whole, too.
fn slots(file: &hdf5::File) -> Vec<Slot> {
    let Ok(group) = file.group(OPTIMIZER_WEIGHTS) else { return Vec::new() };
    let names = list(group.id(), "weight_names").unwrap_or_default();
    let is_scalar = |name: &str| group.dataset(name).is_ok_and(|slot| slot.ndim() == 0);
    names.into_iter().map(|name| Slot { is_scalar: is_scalar(&name), name }).collect()
}

fn saved_layers(file: &hdf5::File) -> Result<Vec<SavedLayer>, Reason> {
    if !file.link_exists(MODEL_WEIGHTS) {
        return Ok(Vec::new());
    }
    let none = |of: &str, error: &hdf5::Error| Reason::Damaged(format!("no weights{of}: {}", link_words(error)));
    let weights = file.group(MODEL_WEIGHTS).map_err(|error| none("", &error))?;
    let saved = |name: String| {
        let of = format!(" of the layer '{}'", shown(&name));
        let group = weights.group(&name).map_err(|error| none(&of, &error))?;
        let weights = list(group.id(), "weight_names")?;
        match weights.iter().find(|weight| group.dataset(weight).is_err()) {
            None => Ok(SavedLayer { weights, name }),
            Some(weight) => {
                let (weight, layer) = (shown(weight), shown(&name));
                Err(Reason::Damaged(format!("the weight '{weight}' of the layer '{layer}' is missing")))
            }
        }
    };
    list(weights.id(), "layer_names")?.into_iter().map(saved).collect()
}

/// Why a link cannot be followed.
fn link_words(error: &hdf5::Error) -> String {
    match words(error) {
        // What HDF5 says of the links that the child process has switched off.
        words if words.contains("unable to find link class") => "a link into another file is not followed".to_owned(),
        words => words,
    }
}

/// A list of names. Keras writes the empty list as an array of no numbers.
fn list(object: i64, name: &str) -> Result<Vec<String>, Reason> {
    match strings::read_list(object, name)? {
        Attribute::Text(strings) => strings
            .values
            .into_iter()
            .map(|value| String::from_utf8(value).map_err(|_| not_text(name, "it is not UTF-8")))
            .collect(),
        Attribute::Missing | Attribute::Other("it is empty") => Ok(Vec::new()),
        Attribute::Other(why) => Err(not_text(name, why)),
    }
}

/// Whether a file without a config has weights: of a whole model, as `save_weights` wrote them, or as it does today.
fn holds_weights(file: &hdf5::File) -> bool {
    [MODEL_WEIGHTS, "layers", "_layer_checkpoint_dependencies"].iter().any(|group| file.link_exists(group))
        || !matches!(strings::read_list(file.id(), "layer_names"), Ok(Attribute::Missing) | Err(_))
}
