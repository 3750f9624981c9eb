//! Writing: a copy of the file, changed in place before it gets its name.

use std::fs;
use std::io;
use std::path::Path;

use hdf5_sys::h5t::{H5T_CSET_ASCII, H5T_CSET_UTF8};

use super::child::ChildError;
use super::strings::{self, Attribute, Storage, Strings, storage_of};
use super::{MODEL_WEIGHTS, OPTIMIZER_WEIGHTS, child, first_line, read};
use crate::model_file::{CONFIG, Edit, ModelFileError, TRAINING};
use crate::whole::Whole;

/// A simulator that is enabled.
pub(super) const ENABLED: i32 = 2;

/// Fills `whole` with what is in `source`, and changes that. `check` says whether the source was copied as it was when it was
/// read.
pub fn write(
    source: fs::File,
    whole: &mut Whole,
    edit: Edit,
    check: impl FnOnce() -> Result<(), ModelFileError>,
) -> Result<(), ModelFileError> {
    let out = whole.path().to_owned();
    let at = |error: &io::Error| ModelFileError::io(&out, error);
    whole.copy_from(source).map_err(|error| at(&error))?;
    check()?;
    let bytes = whole.file().metadata().map_err(|error| at(&error))?.len() + edit.config.len() as u64;
    let changed = match child::run(bytes, || (change_and_check(whole.partial(), edit), Vec::new())) {
        Ok((changed, _)) => changed,
        Err(ChildError::NotStarted(why) | ChildError::Died(why)) => Err(why),
    };
    changed.map_err(|text| match system_error(&text) {
        Some(error) => at(&error),
        None => ModelFileError::Write { path: out.clone(), why: first_line(&text) },
    })
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
    let training = edit.training.clone();
    change(copy, edit).map_err(|error| error.to_string())?;
    let file = hdf5::File::with_options().with_fapl(|access| access.file_locking(false)).open(copy);
    let is_there = file.is_ok_and(|file| {
        let config_is_there = match config {
            Some(config) => read::attribute(&file, CONFIG).is_ok_and(|found| found == config),
            None => file.attr(CONFIG).is_ok(),
        };
        let is_as_written = |text: Vec<u8>| read::attribute(&file, TRAINING).is_ok_and(|found| found == text);
        config_is_there && training.is_none_or(is_as_written) && read::saved(&file).is_ok()
    });
    if is_there { Ok(()) } else { Err("MODEL is damaged: HDF5 does not find again what it wrote".to_owned()) }
}

fn change(copy: &Path, edit: Edit) -> hdf5::Result<()> {
    // New objects in the oldest form that holds them: every HDF5 reads it, and it bears no times, which would make the
    // bytes of two runs differ. HDF5's own lock would be refused beside ours, and nobody else knows the file.
    let file =
        hdf5::File::with_options().with_fapl(|access| access.libver_earliest().file_locking(false)).open_rw(copy)?;
    let Edit { config, training, weights: plan, .. } = edit;
    write_text(&file, CONFIG, config)?;
    if let Some(training) = training {
        write_text(&file, TRAINING, training)?;
    }
    if let Ok(weights) = file.group(MODEL_WEIGHTS) {
        let names_storage = storage_of(weights.id(), "layer_names").unwrap_or(Storage::Variable(H5T_CSET_UTF8));
        let weights_storage = plan
            .weight_names
            .iter()
            .find_map(|(layer, _)| storage_of(weights.group(layer).ok()?.id(), "weight_names"))
            .unwrap_or(names_storage);
        for (layer, path) in &plan.removed {
            let stays = plan.layer_names.as_ref().is_none_or(|names| names.contains(layer));
            remove_weight(&weights, layer, path, stays)?;
        }
        for mode in &plan.modes {
            let group = match weights.group(&mode.layer) {
                Ok(group) => group,
                Err(_) => weights.create_group(&mode.layer)?,
            };
            let dataset = group.new_dataset::<i32>().shape([1, 1]).obj_track_times(false).create(mode.path.as_str())?;
            dataset.write_raw(&[ENABLED])?;
        }
        for (layer, names) in &plan.weight_names {
            if let Ok(group) = weights.group(layer) {
                let storage = storage_of(group.id(), "weight_names").unwrap_or(weights_storage);
                if names.is_empty() {
                    write_no_names(&group)?;
                } else {
                    write_names(group.id(), "weight_names", names, storage)?;
                }
            }
        }
        if let Some(names) = &plan.layer_names {
            write_names(weights.id(), "layer_names", names, names_storage)?;
        }
    }
    if let Some(names) = &plan.slots {
        let slots = file.group(OPTIMIZER_WEIGHTS)?;
        let storage = storage_of(slots.id(), "weight_names").unwrap_or(Storage::Variable(H5T_CSET_UTF8));
        write_names(slots.id(), "weight_names", names, storage)?;
    }
    file.flush()?;
    file.close()
}

/// A text that outgrows a fixed length goes to the heap; else the file's own storage stays.
fn write_text(file: &hdf5::File, name: &str, text: Vec<u8>) -> hdf5::Result<()> {
    let variable = |charset| Storage::Variable(charset);
    let storage = match strings::read(file.id(), name)? {
        Attribute::Text(Strings { storage: Storage::Fixed(size, padding, charset), .. }) => {
            if text.len() < size {
                Storage::Fixed(size, padding, charset)
            } else {
                variable(charset)
            }
        }
        Attribute::Text(Strings { storage, .. }) => storage,
        _ => variable(H5T_CSET_ASCII),
    };
    strings::write(file.id(), name, Strings { values: vec![text], storage, is_scalar: true })
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
