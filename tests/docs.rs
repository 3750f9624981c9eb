//! The commands of `docs/sites.md` do what the page says: each block of shell commands is run, in one folder and in order,
//! and its output compared with the block that follows.

use std::path::Path;
use std::process::Command;

const PAGE: &str = "docs/sites.md";

#[test]
fn the_page_on_sites_shows_what_its_commands_print() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_classes-sites")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut blocks = page.split("```sh\n");
    blocks.next();
    let mut run = 0;
    for block in blocks {
        let (commands, rest) = block.split_once("```\n").unwrap();
        let shell = Command::new("sh").args(["-euc", commands]).current_dir(folder.path()).env("PATH", &path).output();
        let output = shell.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{commands}{errors}");
        let shown = rest.strip_prefix("```").and_then(|rest| rest.split_once('\n')?.1.split_once("```")).unwrap().0;
        assert_eq!(String::from_utf8_lossy(&output.stdout), shown, "{commands}");
        run += 1;
    }
    assert_eq!(run, 9);
}
