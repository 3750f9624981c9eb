//! What fuzzing has found worth keeping, checked again. tests/fuzz fuzzes.

#[path = "fuzz/checks/archive.rs"]
mod archive;
#[path = "fuzz/checks/config.rs"]
mod config;
#[path = "fuzz/checks/lines.rs"]
mod lines;
#[path = "fuzz/checks/model.rs"]
mod model;
#[path = "fuzz/checks/npy.rs"]
mod npy;

use std::fs;
use std::path::{Path, PathBuf};

/// Checks each input of a target; what a check panics over, it shows by its file's name.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new("tests/fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(files.len() > 20, "{} has {} files", folder.display(), files.len());
    for file in files {
        println!("{}", file.display());
        check(&fs::read(&file).expect("an input"));
    }
}

#[test]
fn archives_hold_what_the_checks_demand() {
    replay("archive", archive::check);
}

#[test]
fn configs_hold_what_the_checks_demand() {
    replay("config", config::check);
}

#[test]
fn models_hold_what_the_checks_demand() {
    replay("model", model::check);
}

#[test]
fn lines_hold_what_the_checks_demand() {
    replay("lines", lines::check);
}

#[test]
fn numpy_files_hold_what_the_checks_demand() {
    replay("npy", npy::check);
}
