//! The programs as a shell calls them: each file in `tests/cli` is a transcript, pipes, exit codes and messages included.
//!
//! A case runs in the repository's root. `$OUT` is a folder of its own for what the case writes. After a wanted change
//! of words, `TRYCMD=overwrite cargo test --test cli` writes the transcripts anew.

use std::env;
use std::path::{Path, PathBuf};

#[test]
fn transcripts() {
    let programs = PathBuf::from(env!("CARGO_BIN_EXE_h5-config-get"));
    let programs = programs.parent().expect("a folder");
    let path = format!("{}:{}", programs.display(), env::var("PATH").unwrap_or_default());
    let out = tempfile::tempdir().expect("a folder for output");
    trycmd::TestCases::new()
        .case("tests/cli/*.trycmd")
        .register_bin("sh", Path::new("/bin/sh"))
        .env("PATH", path)
        .env("OUT", out.path().display().to_string())
        .env("D", "tests/data")
        .env("F", "tests/data/files")
        .env("LC_ALL", "C.UTF-8")
        .insert_var("[OUT]", out.path().display().to_string())
        .expect("a variable");
}
