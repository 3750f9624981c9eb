//! Reading a model file.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::strings::{self, Attribute, Strings};
use super::{H5Error, MODEL_CONFIG, MODEL_WEIGHTS, words};
use crate::cli::shown_path;
use crate::text::{io_words, shown};

/// An open model file.
#[derive(Debug)]
pub struct Model {
    path: PathBuf,
    file: hdf5::File,
}

/// A layer's entry among the saved weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedLayer {
    /// The layer.
    pub name: String,
    /// Its weights, in the order in which Keras reads them: paths below the layer's group.
    pub weights: Vec<String>,
}

impl Model {
    /// Opens a model file for reading.
    pub fn open(path: &Path) -> Result<Self, H5Error> {
        Self::open_as(path, path)
    }

    /// Opens the file at `place`; messages call it `name`.
    pub fn open_as(place: &Path, name: &Path) -> Result<Self, H5Error> {
        let path = name.to_owned();
        let io_error = |error: io::Error| H5Error::Io { path: path.clone(), why: io_words(&error) };
        let meta = fs::metadata(place).map_err(io_error)?;
        if meta.is_dir() {
            return Err(H5Error::Io { path, why: "is a directory".to_owned() });
        }
        let mut head = Vec::new();
        fs::File::open(place).and_then(|file| file.take(8).read_to_end(&mut head)).map_err(io_error)?;
        if head.starts_with(b"PK\x03\x04") {
            return Err(H5Error::KerasArchive { path });
        }
        match hdf5::File::open(place) {
            Ok(file) => Ok(Model { path, file }),
            Err(error) if head.starts_with(b"\x89HDF\r\n\x1a\n") => Err(H5Error::Damaged { path, why: words(&error) }),
            Err(_) => Err(H5Error::NotHdf5 { path }),
        }
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name that messages use.
    pub fn name(&self) -> String {
        shown_path(&self.path)
    }

    /// The bytes of a root attribute.
    pub fn attribute(&self, name: &str) -> Result<Vec<u8>, H5Error> {
        match strings::read(self.file.id(), name).map_err(|error| self.damaged(&error))? {
            Attribute::Text(Strings { mut values, is_scalar, .. }) if is_scalar || values.len() == 1 => {
                Ok(values.pop().unwrap_or_default())
            }
            Attribute::Text(_) => Err(self.not_text(name, "it is a list of strings")),
            Attribute::Other(why) => Err(self.not_text(name, why)),
            Attribute::Missing if name == MODEL_CONFIG && self.holds_weights() => {
                Err(H5Error::WeightsOnly { path: self.path.clone() })
            }
            Attribute::Missing => Err(H5Error::NoAttribute {
                path: self.path.clone(),
                name: name.to_owned(),
                there: self.file.attr_names().unwrap_or_default(),
            }),
        }
    }

    /// A root attribute as text.
    pub fn text(&self, name: &str) -> Result<String, H5Error> {
        String::from_utf8(self.attribute(name)?).map_err(|_| self.not_text(name, "it is not UTF-8"))
    }

    /// The version of the Keras that wrote the file, where it says so.
    pub fn keras_version(&self) -> Option<String> {
        self.text("keras_version").ok()
    }

    /// The saved layers in the order of the file. Empty where the file has no weights.
    pub fn saved_layers(&self) -> Result<Vec<SavedLayer>, H5Error> {
        let Ok(weights) = self.file.group(MODEL_WEIGHTS) else { return Ok(Vec::new()) };
        let names = self.list(weights.id(), "layer_names")?;
        let saved = |name: String| {
            let group = weights.group(&name).map_err(|error| H5Error::Damaged {
                path: self.path.clone(),
                why: format!("no weights of the layer '{}': {}", crate::text::shown(&name), words(&error)),
            })?;
            let weights = self.list(group.id(), "weight_names")?;
            match weights.iter().find(|weight| group.dataset(weight).is_err()) {
                None => Ok(SavedLayer { weights, name }),
                Some(weight) => Err(H5Error::Damaged {
                    path: self.path.clone(),
                    why: format!("the weight '{}' of the layer '{}' is missing", shown(weight), shown(&name)),
                }),
            }
        };
        names.into_iter().map(saved).collect()
    }

    /// A list of names. Keras writes the empty list as an array of no numbers.
    fn list(&self, object: i64, name: &str) -> Result<Vec<String>, H5Error> {
        match strings::read_list(object, name).map_err(|error| self.damaged(&error))? {
            Attribute::Text(strings) => strings
                .values
                .into_iter()
                .map(|value| String::from_utf8(value).map_err(|_| self.not_text(name, "it is not UTF-8")))
                .collect(),
            Attribute::Missing | Attribute::Other("it is empty") => Ok(Vec::new()),
            Attribute::Other(why) => Err(self.not_text(name, why)),
        }
    }

    fn holds_weights(&self) -> bool {
        self.file.link_exists(MODEL_WEIGHTS)
            || !matches!(strings::read_list(self.file.id(), "layer_names"), Ok(Attribute::Missing) | Err(_))
    }

    fn damaged(&self, error: &hdf5::Error) -> H5Error {
        H5Error::Damaged { path: self.path.clone(), why: words(error) }
    }

    fn not_text(&self, name: &str, why: &str) -> H5Error {
        H5Error::NotText { path: self.path.clone(), name: name.to_owned(), why: why.to_owned() }
    }
}
