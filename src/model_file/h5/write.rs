//! Writing the new model file: a copy of the old one, changed in place before it gets its name.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use hdf5_sys::h5t::{H5T_CSET_ASCII, H5T_CSET_UTF8};

use super::child::ChildError;
use super::strings::{self, Attribute, Storage, Strings, storage_of};
use super::{H5Error, MODEL_CONFIG, MODEL_WEIGHTS, MOST_TEXT, OPTIMIZER_WEIGHTS, child, first_line, read};
use crate::text::io_words;
use crate::whole::{Whole, folder_of};

/// What changes in the copy; everything else stays byte for byte what it is.
#[derive(Debug, Default)]
pub struct Edit {
    /// Make OUT's folder where it is missing.
    pub makes_folder: bool,
    /// The new config, as ASCII JSON.
    pub config: Vec<u8>,
    /// The new order of the saved layers, where it changes.
    pub layer_names: Option<Vec<String>>,
    /// The new weights of layers whose list changes.
    pub weight_names: Vec<(String, Vec<String>)>,
    /// Simulator modes to add.
    pub modes: Vec<Mode>,
    /// Weights to remove, with the layer they belong to; the group of a layer that `layer_names` leaves out goes with its last.
    pub removed: Vec<(String, String)>,
    /// The new order of the optimizer's state, where it changes.
    pub slots: Option<Vec<String>>,
}

/// The weight `mode` of a simulator, which Keras 2 saves and expects: int32, shape (1, 1), 2 = enabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    /// The layer of the model it is saved under: the simulator, or the nested model that holds it.
    pub layer: String,
    /// Its path below that layer's group.
    pub path: String,
}

/// A simulator that is enabled.
const ENABLED: i32 = 2;

/// What tells a file from what it was before: device, number, size and time of the last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(u64, u64, u64, i64, i64);

impl Stamp {
    /// The stamp of the file that is there now.
    pub fn of(path: &Path) -> Result<Stamp, H5Error> {
        let stamp = |meta: fs::Metadata| Stamp(meta.dev(), meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec());
        fs::metadata(path).map(stamp).map_err(|error| H5Error::Io { path: path.to_owned(), why: io_words(&error) })
    }
}

/// Writes `out`: the file `model`, which must still be what it was at `stamp`, with `edit`. `out` appears whole or not at
/// all.
///
/// Without `force` a file that is there stays, even one that appears while this runs. With `sync` the bytes are on the
/// disk before the name is there.
pub fn write(model: &Path, stamp: Stamp, out: &Path, edit: Edit, force: bool, sync: bool) -> Result<(), H5Error> {
    if edit.config.len() as u64 > MOST_TEXT {
        return Err(H5Error::TooLong { bytes: edit.config.len() as u64 });
    }
    refuse_bad_output(model, out, force)?;
    let at = |path: &Path, error: io::Error| H5Error::Io { path: path.to_owned(), why: io_words(&error) };
    let folder = folder_of(out);
    if edit.makes_folder {
        fs::create_dir_all(folder).map_err(|error| at(folder, error))?;
    }
    if !folder.is_dir() {
        return Err(H5Error::Io { path: folder.to_owned(), why: "no such folder".to_owned() });
    }
    let source = File::open(model).map_err(|error| at(model, error))?;
    let mut whole = Whole::create(out).map_err(|error| at(out, error))?;
    whole.copy_from(source).map_err(|error| at(out, error))?;
    if Stamp::of(model)? != stamp {
        return Err(H5Error::Io { path: model.to_owned(), why: "has changed while it was read".to_owned() });
    }
    let bytes = whole.file().metadata().map_err(|error| at(out, error))?.len() + edit.config.len() as u64;
    let changed = child::run(bytes, || (change_and_check(whole.partial(), edit), Vec::new()));
    let changed = match changed {
        Ok((changed, _)) => changed,
        Err(ChildError::NotStarted(why) | ChildError::Died(why)) => Err(why),
    };
    changed.map_err(|text| match system_error(&text) {
        Some(error) => at(out, error),
        None => H5Error::Write { path: out.to_owned(), why: first_line(&text) },
    })?;
    whole.appear(force, sync).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => H5Error::Exists { path: out.to_owned() },
        _ => at(out, error),
    })
}

/// Refuses an output that is certain to fail, before any work: MODEL itself, a folder, a file that is there.
pub fn refuse_bad_output(model: &Path, out: &Path, force: bool) -> Result<(), H5Error> {
    let path = || out.to_owned();
    let Ok(there) = fs::metadata(out) else {
        return match fs::symlink_metadata(out) {
            // A link that leads nowhere is still a name that is taken.
            Ok(_) if !force => Err(H5Error::Exists { path: path() }),
            _ => Ok(()),
        };
    };
    if let Ok(source) = fs::metadata(model)
        && (source.dev(), source.ino()) == (there.dev(), there.ino())
    {
        return Err(H5Error::SameFile { path: path() });
    }
    if !there.is_file() {
        let why = if there.is_dir() { "is a directory" } else { "is a device or a pipe, not a file" };
        return Err(H5Error::Io { path: path(), why: why.to_owned() });
    }
    if force { Ok(()) } else { Err(H5Error::Exists { path: path() }) }
}

/// What the system said, where it is the system that refused: HDF5 spells its error number somewhere in a long line.
fn system_error(text: &str) -> Option<io::Error> {
    let (_, number) = text.split_once("errno = ")?;
    let digits = number.find(|c: char| !c.is_ascii_digit()).map_or(number, |end| &number[..end]);
    digits.parse().ok().map(io::Error::from_raw_os_error)
}

/// A longer config is not read back, in bytes: that would take as long as to write it.
const MOST_READ_BACK: usize = 64 << 20;

/// Changes the copy, and looks whether the change is there: in a file that is damaged where nobody looks, HDF5 writes one thing
/// over another without a word.
fn change_and_check(copy: &Path, edit: Edit) -> Result<(), String> {
    let config = Some(&edit.config).filter(|config| config.len() <= MOST_READ_BACK).cloned();
    change(copy, edit).map_err(|error| error.to_string())?;
    let file = hdf5::File::with_options().with_fapl(|access| access.file_locking(false)).open(copy);
    let is_there = file.is_ok_and(|file| {
        let config_is_there = match config {
            Some(config) => read::attribute(&file, MODEL_CONFIG).is_ok_and(|found| found == config),
            None => file.attr(MODEL_CONFIG).is_ok(),
        };
        config_is_there && read::saved(&file).is_ok()
    });
    if is_there { Ok(()) } else { Err("MODEL is damaged: HDF5 does not find again what it wrote".to_owned()) }
}

fn change(copy: &Path, edit: Edit) -> hdf5::Result<()> {
    // New objects in the oldest form that holds them: every HDF5 reads it, and it bears no times, which would make the
    // bytes of two runs differ. HDF5's own lock would be refused beside ours, and nobody else knows the file.
    let file =
        hdf5::File::with_options().with_fapl(|access| access.libver_earliest().file_locking(false)).open_rw(copy)?;
    write_config(&file, edit.config)?;
    if let Ok(weights) = file.group(MODEL_WEIGHTS) {
        let names_storage = storage_of(weights.id(), "layer_names").unwrap_or(Storage::Variable(H5T_CSET_UTF8));
        let weights_storage = edit
            .weight_names
            .iter()
            .find_map(|(layer, _)| storage_of(weights.group(layer).ok()?.id(), "weight_names"))
            .unwrap_or(names_storage);
        for (layer, path) in &edit.removed {
            let stays = edit.layer_names.as_ref().is_none_or(|names| names.contains(layer));
            remove_weight(&weights, layer, path, stays)?;
        }
        for mode in &edit.modes {
            let group = match weights.group(&mode.layer) {
                Ok(group) => group,
                Err(_) => weights.create_group(&mode.layer)?,
            };
            let dataset = group.new_dataset::<i32>().shape([1, 1]).obj_track_times(false).create(mode.path.as_str())?;
            dataset.write_raw(&[ENABLED])?;
        }
        for (layer, names) in &edit.weight_names {
            if let Ok(group) = weights.group(layer) {
                let storage = storage_of(group.id(), "weight_names").unwrap_or(weights_storage);
                if names.is_empty() {
                    write_no_names(&group)?;
                } else {
                    write_names(group.id(), "weight_names", names, storage)?;
                }
            }
        }
        if let Some(names) = &edit.layer_names {
            write_names(weights.id(), "layer_names", names, names_storage)?;
        }
    }
    if let Some(names) = &edit.slots {
        let slots = file.group(OPTIMIZER_WEIGHTS)?;
        let storage = storage_of(slots.id(), "weight_names").unwrap_or(Storage::Variable(H5T_CSET_UTF8));
        write_names(slots.id(), "weight_names", names, storage)?;
    }
    file.flush()?;
    file.close()
}

/// A text that outgrows a fixed length goes to the heap; else the file's own storage stays.
fn write_config(file: &hdf5::File, config: Vec<u8>) -> hdf5::Result<()> {
    let variable = |charset| Storage::Variable(charset);
    let storage = match strings::read(file.id(), MODEL_CONFIG)? {
        Attribute::Text(Strings { storage: Storage::Fixed(size, padding, charset), .. }) => {
            if config.len() < size {
                Storage::Fixed(size, padding, charset)
            } else {
                variable(charset)
            }
        }
        Attribute::Text(Strings { storage, .. }) => storage,
        _ => variable(H5T_CSET_ASCII),
    };
    strings::write(file.id(), MODEL_CONFIG, Strings { values: vec![config], storage, is_scalar: true })
}

fn write_names(object: i64, attribute: &str, names: &[String], storage: Storage) -> hdf5::Result<()> {
    // Fixed-length names take the length of the longest, as Keras' own do.
    let storage = match storage {
        Storage::Fixed(_, padding, charset) => Storage::Fixed(1, padding, charset),
        variable => variable,
    };
    let values = names.iter().map(|name| name.clone().into_bytes()).collect();
    strings::write_list(object, attribute, &Strings { values, storage, is_scalar: false })
}

/// The list of a layer without weights, as Keras writes it: an array of no numbers.
fn write_no_names(group: &hdf5::Group) -> hdf5::Result<()> {
    strings::remove_list(group.id(), "weight_names")?;
    group.new_attr::<f64>().shape(0).create("weight_names")?;
    Ok(())
}

/// Removes a saved weight, and the groups that it leaves empty; that of the layer itself only where the layer does not stay.
fn remove_weight(weights: &hdf5::Group, layer: &str, path: &str, layer_stays: bool) -> hdf5::Result<()> {
    let mut path = format!("{layer}/{path}");
    loop {
        weights.unlink(&path)?;
        match path.rfind('/') {
            Some(slash) if layer_stays && slash == layer.len() => return Ok(()),
            Some(slash) if weights.group(&path[..slash])?.is_empty() => path.truncate(slash),
            _ => return Ok(()),
        }
    }
}
