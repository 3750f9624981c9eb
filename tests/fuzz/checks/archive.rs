//! An archive is opened, read, and written with another config: what it holds beside that stays as it is.

use std::fs;
use std::path::Path;

use classes_h5::model_file::{CONFIG, Edit, ModelFile, ModelFileError, Output};

const OTHER: &[u8] = b"{\"class_name\": \"Functional\"}";
const ASKED: [&str; 4] = ["keras_version", "date_saved", "compile_config", "no such thing"];

pub fn check(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("model.keras"), data).expect("written");
    let Some(model) = told(ModelFile::open(&path("model.keras"))) else { return };
    told(model.attribute(CONFIG));
    for name in ASKED {
        told(model.attribute(name));
    }
    let written = ["a.keras", "b.keras"].map(|name| told(write(&model, &path(name))).map(|()| path(name)));
    let files = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(files, 1 + written.iter().flatten().count(), "whole or not at all, and no other file");
    let [Some(one), Some(two)] = written else { return };
    assert_eq!(fs::read(&one).expect("there"), fs::read(&two).expect("there"), "the same bytes each time");

    let copy = ModelFile::open(&one).expect("what is written is an archive");
    assert_eq!(copy.attribute(CONFIG).expect("its config"), OTHER);
    for name in &ASKED[..2] {
        assert_eq!(copy.attribute(name).ok(), model.attribute(name).ok(), "{name}");
    }
}

fn write(model: &ModelFile, path: &Path) -> Result<(), ModelFileError> {
    let output = Output { path, makes_folder: false, force: false, sync: false };
    model.write(&output, Edit { config: OTHER.to_vec(), ..Edit::default() })
}

/// What there is; what there is not has been told in one line.
fn told<T>(result: Result<T, ModelFileError>) -> Option<T> {
    if let Err(error) = &result {
        let words = error.to_string();
        assert!(!words.is_empty() && !words.contains(char::is_control), "{words:?}");
    }
    result.ok()
}
