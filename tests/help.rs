//! What people look at first: each tool's help, whose examples are run; its man page and completions; its progress on a
//! terminal.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const TOOLS: [&str; 7] =
    ["h5-config-get", "classes-patch", "classes-sites", "h5-config-set", "classes-plot", "classes-diff", "classes-fit"];

fn programs() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_classes-plot")).parent().unwrap().to_owned()
}

/// Runs a line of shell in `folder`, with the tools on the path.
fn run(line: &str, folder: &Path) -> Output {
    let path = format!("{}:{}", programs().display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", line]).current_dir(folder).env("PATH", path).env("COLUMNS", "80");
    bash.output().unwrap()
}

fn text(output: Output, line: &str) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A folder with what the examples start from.
fn prepared() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy("tests/data/digits-keras3.h5", folder.path().join("model.h5")).unwrap();
    let lines = "h5-config-get model.h5 > config.json
        classes-patch --after conv2d_1 config.json > conv2d_1.patch.json
        classes-sites --layer conv2d_1 --count 100 --seed 7 config.json > sites.ndjson
        mkdir -p models/mine campaign/faulty
        drawn='classes-sites --shape 5,5,4 --models gpu-thread --operator relu --spatial-class single --npy drawn'
        $drawn --value-class zero --seed 1
        mv drawn/injections.npy golden.npy
        for seed in 1 2 3 4 5; do
            $drawn --value-class in_range --seed $seed
            mv drawn/injections.npy faulty-$seed.npy
        done
        cp faulty-*.npy campaign/faulty
        cp golden.npy campaign";
    text(run(lines, folder.path()), lines);
    folder
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn the_two_examples_of_each_help_run() {
    for tool in TOOLS {
        let folder = prepared();
        let help = text(run(&format!("{tool} --help"), folder.path()), tool);
        let examples = help.split_once("\nExamples:\n").unwrap().1.split_once("\n\n").unwrap().0;
        let examples: Vec<&str> = examples.lines().collect();
        assert_eq!(examples.len(), 2, "{tool}: {examples:?}");
        for example in examples {
            assert!(example.contains(tool), "{example}");
            let printed = text(run(example, folder.path()), example);
            if let Some((_, file)) = example.rsplit_once(" > ") {
                assert!(!std::fs::read(folder.path().join(file)).unwrap().is_empty(), "{example}");
                assert_eq!(printed, "", "{example}");
            }
        }
        let place = help.split_once("\nIn the pipe:\n").unwrap().1.lines().next().unwrap();
        assert!(place.contains(&format!("[{tool}]")), "{place}");
    }
}

#[test]
fn each_tool_gives_its_man_page() {
    let folder = tempfile::tempdir().unwrap();
    for tool in TOOLS {
        let page = text(run(&format!("{tool} --generate man"), folder.path()), tool);
        assert!(page.contains(&format!(".TH {tool} 1")), "{page}");
        for word in [r"\-\-quiet", ".SH IN THE PIPE\n", ".SH EXAMPLES\n", ".SH EXIT CODES\n"] {
            assert!(page.contains(word), "{tool}: {word}");
        }
        if has("man") {
            let line = format!("{tool} --generate man > page.1; MANWIDTH=90 man -l page.1 | cat");
            let shown = text(run(&line, folder.path()), &line);
            assert!(shown.contains(&format!("[{tool}]")) && shown.contains("--quiet"), "{shown}");
        }
    }
}

#[test]
fn completions_load_in_the_shells_there_are() {
    let folder = tempfile::tempdir().unwrap();
    for tool in TOOLS {
        // Bash completes from what the script registers: the flags that begin with --qu.
        let line = format!(
            r#"source <({tool} --generate bash)
            function=$(complete -p {tool} | sed 's/.*-F \([^ ]*\).*/\1/')
            COMP_WORDS=({tool} --qu) COMP_CWORD=1
            "$function" {tool} --qu {tool} || true
            echo "${{COMPREPLY[@]}}""#
        );
        assert_eq!(text(run(&line, folder.path()), &line), "--quiet\n", "{tool}");
        for shell in ["zsh", "fish"] {
            let script = text(run(&format!("{tool} --generate {shell}"), folder.path()), tool);
            assert!(script.contains(tool) && script.contains("quiet"), "{tool}, {shell}");
            if has(shell) {
                let line = format!("{tool} --generate {shell} > script; {shell} -n script");
                text(run(&line, folder.path()), &line);
            }
        }
    }
}

#[test]
fn completions_know_the_values_of_flags() {
    let folder = tempfile::tempdir().unwrap();
    for (tool, value) in [
        ("classes-sites", "shattered_channel"),
        ("classes-sites", "channels_first"),
        ("h5-config-set", "channels_first"),
    ] {
        for shell in ["bash", "zsh", "fish"] {
            let script = text(run(&format!("{tool} --generate {shell}"), folder.path()), tool);
            assert!(script.contains(value), "{tool}, {shell}: {value}");
        }
    }
}

/// Runs a line of shell with a terminal as its stdin, stdout and stderr; gives what the terminal got.
fn on_a_terminal(line: &str, folder: &Path) -> String {
    std::fs::write(folder.join("line"), line).unwrap();
    let spawn = r#"python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(["sh", "line"])))' < /dev/null"#;
    text(run(spawn, folder), line)
}

#[test]
fn progress_shows_on_a_terminal_after_a_while_and_is_erased() {
    let folder = prepared();
    // The last line comes late, so that nothing depends on how fast this machine is.
    let slow = "(head -n 3 sites.ndjson; sleep 3; tail -n 1 sites.ndjson)";
    let seen = |line: String| on_a_terminal(&line, folder.path());
    let shown = seen(format!("{slow} | classes-plot > sites.svg"));
    assert!(shown.starts_with("\rclasses-plot: 3 sites, 2 s"), "{shown:?}");
    assert!(shown.ends_with(" \r"), "{shown:?}");
    let shown = seen(format!("{slow} | classes-sites --read - --npy arrays"));
    assert!(shown.contains("\rclasses-sites: 3 sites, 2 s"), "{shown:?}");
    let shown =
        seen("(sleep 3; cat conv2d_1.patch.json) | h5-config-set model.h5 faulty.h5 --sites sites.ndjson".to_owned());
    assert!(shown.starts_with("\rh5-config-set: reading the patch, 2 s"), "{shown:?}");
    assert!(shown.contains(" \rh5-config-set: 'simulator' plays 100 sites"), "{shown:?}");
}

#[test]
fn a_terminal_as_stdin_is_refused_with_what_was_expected() {
    let folder = prepared();
    for (tool, what, call) in [
        ("classes-patch", "a model config", "classes-patch --list"),
        ("classes-sites", "sites, one a line", "classes-sites --read -"),
        ("classes-plot", "sites, one a line", "classes-plot"),
        ("h5-config-get", "a model file", "h5-config-get -"),
        ("h5-config-set", "a patch or a config", "h5-config-set model.h5 faulty.h5"),
        ("h5-config-set", "sites", "h5-config-set model.h5 faulty.h5 --input conv2d_1.patch.json --sites -"),
    ] {
        let seen = on_a_terminal(&format!("{call}; echo exit $?"), folder.path()).replace('\r', "");
        let expected = format!(
            "{tool}: stdin: {what} is expected here, and stdin is a terminal\n\
             hint: pipe something in, or name a file; --help shows an example\nexit 2\n"
        );
        assert_eq!(seen, expected, "{call}");
    }
    assert!(!folder.path().join("faulty.h5").exists());
}

#[test]
fn progress_shows_in_no_pipe_and_to_none_who_wants_quiet() {
    let folder = prepared();
    let slow = "(head -n 3 sites.ndjson; sleep 3)";
    let line = format!("{slow} | classes-plot -q > a.svg & {slow} | classes-sites --read - | cat > b & wait");
    assert_eq!(on_a_terminal(&line, folder.path()), "");
    let line = format!("{slow} | classes-plot > a.svg");
    let output = run(&line, folder.path());
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
