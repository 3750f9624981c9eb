//! The user's model file, whatever its container: what is in it, and how a changed one is written beside it.
//!
//! A container is a file in this module and a variant here. What is asked of one: the text of the config, of what else it says
//! of the model ([`ModelFile::attribute`]), which weights are saved and how they are named ([`Saved`]), how long a config may be,
//! and to write a copy in which a config, and what a [`WeightsPlan`] or a [`TreePlan`] says, is another.

mod archive;
mod error;
mod folder;
mod h5;
mod native;
mod output;
mod saved;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

pub use error::{Form, ModelFileError};
pub use output::Output;
pub use saved::{Mode, Renames, Saved, SavedGroup, SavedLayer, SavedTree, Slot, TreePlan, WeightsPlan};

use crate::text::{io_words, shown_path};
use crate::whole::{Whole, WholeFolder};
use output::Stamp;

/// What the config is called among the attributes of a model.
pub const CONFIG: &str = "model_config";
/// What the losses, metrics and optimizer are called there.
pub const TRAINING: &str = "training_config";

/// A model file. Not before something is read of it does it turn out whether it is one.
#[derive(Debug)]
pub struct ModelFile {
    /// The name that messages use.
    path: PathBuf,
    /// Where the file is.
    place: PathBuf,
    /// What it was when it was opened.
    stamp: Stamp,
    container: Container,
}

#[derive(Debug)]
enum Container {
    H5(h5::File),
    Archive(archive::Archive),
    Folder(folder::Folder),
}

/// How Keras finds the weights of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// By the layer's position in lists ([`ModelFile::saved`]).
    ByPosition,
    /// By the layer's class and its place among those of its class ([`ModelFile::tree`]).
    ByPlace,
}

/// How long a text can be in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// In bytes.
    pub most: u64,
    /// What holds it, for people: "an HDF5 attribute".
    pub holder: &'static str,
}

/// What is another in a copy; everything else stays byte for byte what it is.
#[derive(Debug, Default)]
pub struct Edit {
    /// The new config, as ASCII JSON.
    pub config: Vec<u8>,
    /// The new training configuration, where it stands beside the config and changes.
    pub training: Option<Vec<u8>>,
    /// What changes among the saved weights, where Keras finds them by position.
    pub weights: WeightsPlan,
    /// What changes among them where Keras finds them by place.
    pub tree: TreePlan,
}

impl ModelFile {
    /// Finds a model file for reading.
    ///
    /// # Errors
    /// There is no such file, it cannot be read, or what it begins with is of no container that is known.
    pub fn open(path: &Path) -> Result<Self, ModelFileError> {
        Self::open_as(path, path)
    }

    /// Finds the file at `place`; messages call it `name`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_as(place: &Path, name: &Path) -> Result<Self, ModelFileError> {
        let path = name.to_owned();
        let io_error = |error| ModelFileError::io(&path, &error);
        let meta = fs::metadata(place).map_err(io_error)?;
        if meta.is_dir() && folder::Folder::is_one(place) {
            let container = Container::Folder(folder::Folder::open(&path, place)?);
            return Ok(ModelFile { path, place: place.to_owned(), stamp: Stamp::of(&meta), container });
        }
        if meta.is_dir() && place.join("saved_model.pb").is_file() {
            return Err(ModelFileError::SavedModel { path });
        }
        if !meta.is_file() {
            let why = if meta.is_dir() { "is a directory" } else { "is a device or a pipe, not a file" };
            return Err(ModelFileError::Io { path, why: why.to_owned() });
        }
        let mut head = Vec::new();
        fs::File::open(place).and_then(|file| file.take(8).read_to_end(&mut head)).map_err(io_error)?;
        // An empty archive begins with its end.
        let container = match head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            true => Container::Archive(archive::Archive::open(&path, place)?),
            false => Container::H5(h5::File::new(&path, place, meta.len(), &head)),
        };
        Ok(ModelFile { path, place: place.to_owned(), stamp: Stamp::of(&meta), container })
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name that messages use.
    pub fn name(&self) -> String {
        shown_path(&self.path)
    }

    /// The bytes of a text that the file keeps beside the weights: [`CONFIG`], `training_config`, `keras_version`, ...
    ///
    /// # Errors
    /// There is none of that name, or it is no text; or the file is damaged, or no model.
    pub fn attribute(&self, name: &str) -> Result<Vec<u8>, ModelFileError> {
        match &self.container {
            Container::H5(file) => file.attribute(name),
            Container::Archive(archive) => archive.attribute(name),
            Container::Folder(folder) => folder.attribute(name),
        }
    }

    /// The config, as text.
    ///
    /// # Errors
    /// As [`attribute`](Self::attribute).
    pub fn config(&self) -> Result<String, ModelFileError> {
        self.text(CONFIG)
    }

    /// The version of the Keras that wrote the file, where it says so.
    pub fn keras_version(&self) -> Option<String> {
        self.text("keras_version").ok()
    }

    fn text(&self, name: &str) -> Result<String, ModelFileError> {
        String::from_utf8(self.attribute(name)?).map_err(|_| ModelFileError::NotText {
            path: self.path.clone(),
            name: name.to_owned(),
            why: "it is not UTF-8".to_owned(),
        })
    }

    /// How Keras finds the weights of this model.
    pub fn matching(&self) -> Matching {
        match &self.container {
            Container::H5(_) => Matching::ByPosition,
            Container::Archive(_) | Container::Folder(_) => Matching::ByPlace,
        }
    }

    /// The saved layers and the optimizer's state in the order of the file. Empty where the file has no such lists.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn saved(&self) -> Result<Saved, ModelFileError> {
        match &self.container {
            Container::H5(file) => file.saved(),
            Container::Archive(_) | Container::Folder(_) => Ok(Saved::default()),
        }
    }

    /// The groups of saved variables. Empty where the file has none that are found by place.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn tree(&self) -> Result<SavedTree, ModelFileError> {
        match &self.container {
            Container::H5(_) => Ok(SavedTree::default()),
            Container::Archive(archive) => archive.tree(),
            Container::Folder(folder) => folder.tree(),
        }
    }

    /// How long the config may be.
    pub fn config_limit(&self) -> Limit {
        match &self.container {
            Container::H5(_) => h5::LIMIT,
            Container::Archive(_) | Container::Folder(_) => native::LIMIT,
        }
    }

    /// Writes a copy with `edit`; it appears whole or not at all. The file must still be what it was when it was opened.
    ///
    /// # Errors
    /// The output is refused ([`Output::refuse_bad`]), the disk is full, the file has changed or is damaged.
    pub fn write(&self, output: &Output, edit: Edit) -> Result<(), ModelFileError> {
        let (bytes, limit) = (edit.config.len() as u64, self.config_limit());
        if bytes > limit.most {
            return Err(ModelFileError::TooLong { bytes, limit });
        }
        output.refuse_bad(self)?;
        output.make_folder()?;
        let write_error = |error| ModelFileError::io(output.path, &error);
        if let Container::Folder(folder) = &self.container {
            let mut whole = WholeFolder::create(output.path, output.sync).map_err(write_error)?;
            folder::write(folder, &mut whole, &edit, || self.refuse_changed())?;
            return output.named(whole.appear(output.force));
        }
        let source = fs::File::open(&self.place).map_err(|error| ModelFileError::io(&self.path, &error))?;
        let mut whole = Whole::create(output.path).map_err(write_error)?;
        match &self.container {
            Container::Archive(archive) => archive::write(archive, &mut whole, &edit, || self.refuse_changed())?,
            _ => h5::write(source, &mut whole, edit, || self.refuse_changed())?,
        }
        output.named(whole.appear(output.force, output.sync))
    }

    /// Whether it is a folder, as Keras 3 saves with `zipped=False`.
    pub fn is_folder(&self) -> bool {
        matches!(self.container, Container::Folder(_))
    }

    /// Refuses a name by which Keras would take a copy for a file of another container.
    fn refuse_ending(&self, out: &Path) -> Result<(), ModelFileError> {
        // A slash at the end is no part of the name.
        let name = out.file_name().unwrap_or_default();
        let ends = |endings: &[&str]| endings.iter().any(|end| name.as_encoded_bytes().ends_with(end.as_bytes()));
        let (form, is_wrong) = match self.container {
            Container::H5(_) => (Form::H5, ends(&[".keras"])),
            Container::Archive(_) => (Form::Archive, !ends(&[".keras"])),
            Container::Folder(_) => (Form::Folder, ends(&[".keras", ".h5", ".hdf5"])),
        };
        if is_wrong { Err(ModelFileError::Ending { path: out.to_owned(), form }) } else { Ok(()) }
    }

    /// Refuses a file that is not any more what it was when it was opened.
    fn refuse_changed(&self) -> Result<(), ModelFileError> {
        match fs::metadata(&self.place) {
            Ok(meta) if Stamp::of(&meta) == self.stamp => match &self.container {
                Container::Folder(folder) => folder.refuse_changed(),
                _ => Ok(()),
            },
            Ok(_) => {
                Err(ModelFileError::Io { path: self.path.clone(), why: "has changed while it was read".to_owned() })
            }
            Err(error) => Err(ModelFileError::Io { path: self.path.clone(), why: io_words(&error) }),
        }
    }
}
