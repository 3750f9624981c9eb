//! Hints are followed: what each says to try is tried, and helps. The table is `tests/hints.txt`, which tells its form.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// One block of the table.
#[derive(Debug, Default)]
struct Case {
    /// The line in the table.
    line: usize,
    of: Vec<String>,
    fails: Option<String>,
    message: String,
    hint: String,
    follows: Vec<String>,
    /// A file and a test in it.
    elsewhere: Option<String>,
}

fn cases() -> Vec<Case> {
    let table = fs::read_to_string("tests/hints.txt").unwrap();
    let mut cases: Vec<Case> = Vec::new();
    let mut is_open = false;
    for (index, line) in table.lines().enumerate() {
        let is_name = !line.is_empty() && line.chars().all(char::is_alphanumeric);
        let is_head = !is_open && (line.contains("::") || line == "with_hint" || is_name) && !line.starts_with(' ');
        if is_head {
            let of = line.split(' ').map(str::to_owned).collect();
            cases.push(Case { line: index + 1, of, ..Case::default() });
        }
        is_open = (is_open || is_head) && !line.is_empty();
        let (true, Some(case)) = (is_open && !is_head, cases.last_mut()) else { continue };
        let (kind, text) = line.split_at(2);
        let text = text.to_owned();
        match kind {
            "- " => case.fails = Some(text),
            "! " => case.message = text,
            "? " => case.hint = text,
            "+ " => case.follows.push(text),
            "= " => case.elsewhere = Some(text),
            _ => panic!("tests/hints.txt:{}: {line}", index + 1),
        }
    }
    cases
}

/// Whether a text is as a pattern says, in which `*` is any text.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return text == pattern };
    let Some(rest) = text.strip_prefix(head) else { return false };
    let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.any(|at| is_like(&rest[at..], tail))
}

/// Each hint that a tool has given, with the line before it, without the tool's name.
fn told(output: &str) -> Vec<(&str, &str)> {
    let lines: Vec<&str> = output.lines().collect();
    let pairs = lines.windows(2).filter_map(|pair| Some((pair[0], pair[1].strip_prefix("hint: ")?)));
    pairs.map(|(message, hint)| (message.split_once(": ").map_or(message, |(_, rest)| rest), hint)).collect()
}

fn shell(line: &str, out: &Path) -> Output {
    let programs = Path::new(env!("CARGO_BIN_EXE_h5-config-get")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), env::var("PATH").unwrap_or_default());
    let folders = [("D", "tests/data".into()), ("F", "tests/data/files".into()), ("OUT", out.as_os_str().to_owned())];
    Command::new("sh").args(["-c", line]).env("PATH", path).env("LC_ALL", "C.UTF-8").envs(folders).output().unwrap()
}

#[test]
fn what_a_hint_says_is_tried_and_helps() {
    let out = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for case in cases() {
        if let Some(line) = &case.fails {
            let stderr = shell(line, out.path()).stderr;
            let stderr = String::from_utf8_lossy(&stderr);
            let is_told = |(message, hint): &(&str, &str)| is_like(message, &case.message) && is_like(hint, &case.hint);
            if !told(&stderr).iter().any(is_told) {
                wrong.push(format!("tests/hints.txt:{}: the hint is not given, but\n{stderr}", case.line));
            }
        }
        for line in &case.follows {
            let done = shell(line, out.path());
            if !done.status.success() {
                let stderr = String::from_utf8_lossy(&done.stderr);
                wrong.push(format!("tests/hints.txt:{}: the hint leads to\n{stderr}", case.line));
            }
        }
        match &case.elsewhere {
            Some(test) => {
                let (file, name) = test.split_once(' ').unwrap();
                let text = fs::read_to_string(file).unwrap_or_default();
                if !text.contains(&format!("fn {name}(")) && !text.contains(&format!("def {name}(")) {
                    wrong.push(format!("tests/hints.txt:{}: there is no test {test}", case.line));
                }
            }
            None if case.follows.is_empty() => wrong.push(format!("tests/hints.txt:{}: nothing is tried", case.line)),
            None => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_hint_in_the_transcripts_is_followed() {
    let cases = cases();
    let mut missing = Vec::new();
    for entry in fs::read_dir("tests/cli").unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for (message, hint) in told(&text) {
            if !cases.iter().any(|case| is_like(message, &case.message) && is_like(hint, &case.hint)) {
                missing.push(format!("{}: {message}\nhint: {hint}", path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "tests/hints.txt lacks\n{}", missing.join("\n"));
}

/// The variants of errors for which a piece of code has hints, once for each arm that gives one.
fn hinting(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for block in code.split("\nimpl Explain for ").skip(1) {
        let name = block.split(' ').next().unwrap();
        let Some((_, body)) = block.split_once("fn hint(&self)") else { continue };
        let body = body.split("\n    }\n").next().unwrap();
        if !body.contains("match self {") {
            found.push(name.to_owned());
            continue;
        }
        // An arm begins on a line of its own, twelve spaces in.
        let is_start = |line: &str| line.starts_with("            ") && !line[12..].starts_with([' ', '}', ')', '|']);
        let mut arms: Vec<String> = Vec::new();
        for line in body.lines().filter(|line| !line.trim_start().starts_with("//")) {
            match arms.last_mut() {
                _ if is_start(line) => arms.push(line.trim().to_owned()),
                Some(arm) => *arm = format!("{arm} {}", line.trim()),
                None => {}
            }
        }
        for arm in arms {
            let (variants, value) = arm.split_once("=>").unwrap();
            let gives_none = ["None", "error.hint()"].iter().any(|none| value.trim().starts_with(none));
            let paths = variants.split(|c: char| !c.is_alphanumeric() && c != ':');
            if !gives_none {
                found.extend(paths.filter(|path| path.contains("Error::")).map(str::to_owned));
            }
        }
    }
    found
}

#[test]
fn every_hint_in_the_source_is_followed() {
    let cases = cases();
    let code = fs::read_to_string("src/cli/hints.rs").unwrap();
    let hinting = hinting(&code);
    assert!(hinting.len() > 30, "{hinting:?}");
    let followed = |name: &str| cases.iter().filter(|case| case.of.iter().any(|of| of == name)).count();
    for name in &hinting {
        let arms = hinting.iter().filter(|other| *other == name).count();
        assert!(followed(name) >= arms, "tests/hints.txt has fewer cases of {name} than src/cli/hints.rs has arms");
    }
    for name in cases.iter().flat_map(|case| &case.of).filter(|name| name.contains("Error::")) {
        let is_wildcard = ["PatchError::TestFailed", "PatchError::Impossible"].contains(&name.as_str());
        assert!(is_wildcard || hinting.contains(name), "tests/hints.txt has a case of {name}, which gives no hint");
    }
    // Hints that stand elsewhere.
    for file in ["src/cli/site_flags.rs", "src/bin/h5-config-get.rs", "src/cli/patch_args.rs"] {
        let code = fs::read_to_string(file).unwrap();
        for (at, _) in code.match_indices(".with_hint(\"") {
            let words = code[at..].split('"').nth(1).unwrap();
            let is_followed = |case: &Case| case.of == ["with_hint"] && is_like(words, &case.hint);
            assert!(cases.iter().any(is_followed), "{file}: {words}");
        }
    }
}

#[test]
fn hints_stand_where_they_are_looked_for() {
    let known = ["src/cli/site_flags.rs", "src/bin/h5-config-get.rs", "src/cli/patch_args.rs", "src/cli/failure.rs"];
    let mut folders = vec![Path::new("src").to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let has_hint = fs::read_to_string(&path).unwrap().contains("with_hint(");
                assert!(!has_hint || known.iter().any(|known| path.ends_with(known)), "{}", path.display());
            }
        }
    }
}
