//! How the library is built: modules import one way, and none knows the command line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules inside others that stand on a step of their own, and the step: that of the module named beside.
const APART: [(&str, &str); 1] = [("keras::simulator", "json")];

/// All source files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The files of the library, each with its module's path and its lines without comments and unit tests.
fn library() -> Vec<(Vec<String>, String)> {
    let sources = files(Path::new("src"));
    let is_library = |path: &PathBuf| !path.starts_with("src/bin") && !path.ends_with("lib.rs");
    let is_test = |path: &PathBuf| ["tests.rs", "testing.rs"].iter().any(|name| path.ends_with(name));
    let read = |path: PathBuf| {
        let module = path.with_extension("");
        let module = module.components().skip(1).map(|part| part.as_os_str().to_str().unwrap().to_owned()).collect();
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        (module, code.join("\n"))
    };
    sources.into_iter().filter(is_library).filter(|path| !is_test(path)).map(read).collect()
}

/// The module that a path belongs to: a top one, or one that stands apart.
fn home(path: &str) -> String {
    let apart = APART.iter().map(|(module, _)| *module);
    match apart.into_iter().find(|&module| path == module || path.starts_with(&format!("{module}::"))) {
        Some(module) => module.to_owned(),
        None => path.split("::").next().unwrap().to_owned(),
    }
}

/// The paths behind `crate::` in some code.
fn imports(code: &str) -> Vec<&str> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let behind = code.match_indices("crate::").map(|(at, word)| &code[at + word.len()..]);
    behind.map(|rest| &rest[..rest.find(|c| !is_path(c)).unwrap_or(rest.len())]).collect()
}

/// The steps that lib.rs shows, from the lowest: each module with the number of its step.
fn steps() -> BTreeMap<String, usize> {
    let text = fs::read_to_string("src/lib.rs").unwrap();
    let mut steps = BTreeMap::new();
    for (step, group) in text.split("\n\n").enumerate() {
        for line in group.lines() {
            if let Some(module) = line.strip_prefix("pub mod ") {
                steps.insert(module.trim_end_matches(';').to_owned(), step);
            }
        }
    }
    for (module, beside) in APART {
        steps.insert(module.to_owned(), steps[beside]);
    }
    steps
}

#[test]
fn modules_import_what_lib_rs_shows_above_them_and_never_in_a_circle() {
    let steps = steps();
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut wrong = BTreeSet::new();
    for (path, code) in library() {
        let name = path.join("::");
        // What is reached from the crate's root by way of `super` would be seen by nobody here.
        let supers = "super::".repeat(path.len());
        assert!(!code.contains(&supers), "{name} climbs out of its module: name it by crate::");
        let from = home(&name);
        for import in imports(&code) {
            assert!(!import.is_empty(), "{name} imports several modules at once: one line for each");
            let to = home(import);
            if from == to {
                continue;
            }
            let (below, above) = (steps[&to], steps[&from]);
            if below > above {
                wrong.insert(format!("{from} -> {to}"));
            }
            arrows.entry(from.clone()).or_default().insert(to);
        }
    }
    assert!(wrong.is_empty(), "arrows to what comes later in lib.rs: {wrong:?}");
    // Of a module without arrows nobody can be part of a circle, nor of one whose arrows all lead to such.
    let mut done: BTreeSet<String> = steps.keys().filter(|module| !arrows.contains_key(*module)).cloned().collect();
    while let Some(module) = arrows.iter().find(|(_, to)| to.is_subset(&done)).map(|(module, _)| module.clone()) {
        arrows.remove(&module);
        done.insert(module);
    }
    assert!(arrows.is_empty(), "a circle among these: {arrows:?}");
}

#[test]
fn the_binaries_alone_know_the_command_line() {
    for (path, code) in library().into_iter().filter(|(path, _)| path[0] != "cli") {
        let name = path.join("::");
        assert!(!imports(&code).iter().any(|import| home(import) == "cli"), "{name} imports cli");
        for word in ["clap::", "ExitCode", "std::process::exit"] {
            assert!(!code.contains(word), "{name} has {word}");
        }
        // In a text for people, a flag is two hyphens and a letter.
        let mut flags = code.match_indices("--").filter(|(at, _)| {
            code[at + 2..].starts_with(|c: char| c.is_ascii_lowercase()) && code[..*at].ends_with([' ', '"', '(', '\''])
        });
        assert!(flags.next().is_none(), "{name} names a flag");
    }
}

#[test]
fn the_dialects_of_configs_and_the_two_kerases_are_told_apart_in_one_place_each() {
    let readers =
        ["config", "config/functional", "config/sequential", "config/keras2", "config/keras3", "config/write"];
    for (path, code) in library() {
        let name = path.join("/");
        assert!(
            readers.contains(&name.as_str()) || name == "graph" || !code.contains("Dialect::"),
            "{name} asks which dialect: say what differs in graph.rs"
        );
        let asks = ["Keras::Two", "Keras::Three"].iter().any(|keras| code.contains(keras));
        assert!(
            !asks || ["config", "keras/version"].contains(&name.as_str()),
            "{name} asks which Keras: say what differs in keras/version.rs"
        );
    }
}
