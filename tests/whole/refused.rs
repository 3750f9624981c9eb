//! Places that cannot be written, inputs that cannot be read, and what a new file looks like.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use rustix::process::{Resource, geteuid};

use crate::runs::{self, Runs, names};

/// A user without rights, where this one is root, whom nothing is refused.
fn without_rights(command: &mut Command) -> &mut Command {
    if geteuid().is_root() { command.uid(65_534).gid(65_534) } else { command }
}

fn failure(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let told = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{told}");
    told
}

/// The program where any user may run it.
fn for_all(runs: &Runs, command: &Command) -> Command {
    let program = runs.input(Path::new(command.get_program()).file_name().and_then(OsStr::to_str).unwrap());
    // By another process: what other tests start while this one had the copy open for writing would keep it open, and
    // such a file cannot be run.
    assert!(Command::new("cp").arg(command.get_program()).arg(&program).status().unwrap().success());
    let mut copy = Command::new(program);
    copy.args(command.get_args()).stdin(Stdio::null());
    copy
}

#[test]
fn a_folder_that_takes_no_files_is_an_error() {
    let runs = Runs::new();
    let mut command = for_all(&runs, &runs.command("out.h5", &[]));
    fs::set_permissions(runs.folder(), Permissions::from_mode(0o555)).unwrap();
    assert_eq!(
        failure(without_rights(&mut command)),
        format!("h5-config-set: {}: permission denied\n", runs.out("out.h5"))
    );
    assert!(names(&runs.folder()).is_empty());
    fs::set_permissions(runs.folder(), Permissions::from_mode(0o777)).unwrap();
    assert!(without_rights(&mut command).status().unwrap().success());
    assert!(runs.take_whole("out.h5"));
    runs.check_input();
}

#[test]
fn a_model_that_may_not_be_read_is_an_error() {
    let runs = Runs::new();
    let mut command = for_all(&runs, &runs.command("out.h5", &[]));
    fs::set_permissions(runs.folder(), Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(runs.input("model.h5"), Permissions::from_mode(0o000)).unwrap();
    assert_eq!(
        failure(without_rights(&mut command)),
        format!("h5-config-set: {}: permission denied\n", runs.input("model.h5").display())
    );
    // Whose file it is does not matter: what may be read can be the input.
    fs::set_permissions(runs.input("model.h5"), Permissions::from_mode(0o444)).unwrap();
    assert!(without_rights(&mut command).status().unwrap().success());
    runs.check_input();
}

#[test]
fn without_another_thread_one_does_the_work_and_without_a_process_there_is_an_error() {
    let runs = Runs::new();
    // A user has at least the one process.
    let alone = |command: &mut Command| without_rights(runs::limit(command, Resource::Nproc, 1)).output().unwrap();
    let mut sites = runs.program("classes-sites");
    sites.args(["--shape", "4,4,8", "--operator", "conv_gemm", "--count", "50", "--seed", "1", "--jobs", "8"]);
    let expected = sites.output().unwrap().stdout;
    let found = alone(&mut for_all(&runs, &sites));
    assert!(found.status.success() && found.stdout == expected && !expected.is_empty());

    let mut get = runs.program("h5-config-get");
    get.arg(runs.input("model.h5"));
    let refused = alone(&mut for_all(&runs, &get));
    assert_eq!(
        String::from_utf8(refused.stderr).unwrap(),
        format!(
            "h5-config-get: {}: no process can be started: Resource temporarily unavailable (os error 11)\n",
            runs.input("model.h5").display()
        )
    );
}

#[test]
fn a_read_only_disk_is_an_error() {
    let runs = Runs::new();
    let shell =
        format!("mount -t tmpfs -o ro none {} || exit 77; {}", runs.folder().display(), runs.command_line("out.h5"));
    let done = Command::new("unshare").args(["--map-root-user", "--mount", "sh", "-c", &shell]).output().unwrap();
    if done.status.code() == Some(77) {
        eprintln!("nothing can be mounted here; a folder without permission is refused the same way");
        return;
    }
    let told = String::from_utf8(done.stderr).unwrap();
    assert_eq!(told, format!("h5-config-set: {}: the disk is read-only\n", runs.out("out.h5")));
}

#[test]
fn a_model_that_vanishes_or_changes_meanwhile_is_an_error() {
    let runs = Runs::new();
    let model = runs.input("model.h5").display().to_string();
    let whole = fs::read(runs.input("model.h5")).unwrap();
    for (what, disturb) in [
        ("no such file", &(|path: &Path| fs::remove_file(path).unwrap()) as &dyn Fn(&Path)),
        ("has changed while it was read", &|path| {
            fs::remove_file(path).unwrap();
            fs::copy("tests/data/digits-keras2.h5", path).unwrap();
        }),
    ] {
        // The model has been read when the program asks for the sites.
        let mut command = runs.program("h5-config-set");
        command.args([&model, &runs.out("out.h5"), "--sites", "-"]).arg("--input").arg(runs.input("patch.json"));
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let sites = fs::read(runs.input("sites.ndjson")).unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // More than a pipe holds: when all is written, the program has begun to read.
        stdin.write_all(&sites).unwrap();
        disturb(runs.input("model.h5").as_path());
        drop(stdin);
        let done = child.wait_with_output().unwrap();
        assert_eq!(done.status.code(), Some(1));
        assert_eq!(String::from_utf8(done.stderr).unwrap(), format!("h5-config-set: {model}: {what}\n"));
        assert!(names(&runs.folder()).is_empty());
        fs::write(&model, &whole).unwrap();
    }
}

#[test]
fn words_that_nobody_hears_are_no_failure() {
    let runs = Runs::new();
    for closing in ["2>&-", "2>&1 | true", ">&- 2>&-"] {
        let shell = format!("{} {closing}", runs.command_line("out.h5"));
        Command::new("sh").args(["-c", &shell]).stderr(Stdio::null()).status().unwrap();
        // A pipe's end may be waited for before the program's.
        let is_there = || names(&runs.folder()) == ["out.h5"];
        for _ in 0..1000 {
            if is_there() {
                break;
            }
            sleep(Duration::from_millis(10));
        }
        assert!(runs.take_whole("out.h5"), "{closing}");
    }
}

#[test]
fn the_output_is_a_new_file_like_any_other() {
    let runs = Runs::new();
    let before = SystemTime::now() - Duration::from_secs(2);
    fs::set_permissions(runs.input("model.h5"), Permissions::from_mode(0o400)).unwrap();
    let out = runs.folder().join("out.h5");
    let mode = || fs::metadata(&out).unwrap().mode() & 0o7777;
    let with_umask = |umask: &str, options: &str| {
        let shell = format!("umask {umask}; {} {options}", runs.command_line("out.h5"));
        assert!(Command::new("sh").args(["-c", &shell]).stderr(Stdio::null()).status().unwrap().success());
        assert!(runs.is_whole("out.h5"));
    };
    with_umask("027", "");
    assert_eq!(mode(), 0o640);
    assert!(fs::metadata(&out).unwrap().modified().unwrap() > before);

    // With --force as well: it takes the place of the old file, whose other names keep what they had.
    fs::set_permissions(&out, Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(&out, runs.folder().join("kept")).unwrap();
    with_umask("022", "--force");
    assert_eq!(mode(), 0o644);
    assert_eq!(fs::metadata(runs.folder().join("kept")).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn a_link_at_the_output_is_replaced_and_a_link_to_the_model_is_followed() {
    let runs = Runs::new();
    fs::write(runs.input("else"), "kept").unwrap();
    symlink(runs.input("else"), runs.folder().join("out.h5")).unwrap();
    assert!(failure(&mut runs.command("out.h5", &[])).ends_with("out.h5: exists\nhint: --force replaces it\n"));
    runs.check("out.h5", &["--force"], true);
    assert!(!runs.folder().join("out.h5").is_symlink());
    assert_eq!(fs::read(runs.input("else")).unwrap(), b"kept");

    symlink("model.h5", runs.input("link.h5")).unwrap();
    let run = |model: &str, out: &Path| {
        let mut command = runs.program("h5-config-set");
        command.arg(runs.input(model)).arg(out).arg("--force").arg("--input").arg(runs.input("patch.json"));
        command.arg("--sites").arg(runs.input("sites.ndjson"));
        command.output().unwrap()
    };
    assert!(run("link.h5", &runs.folder().join("linked.h5")).status.success());
    assert!(runs.is_whole("linked.h5"));
    for (model, out) in [("link.h5", "model.h5"), ("model.h5", "link.h5")] {
        let told = String::from_utf8(run(model, &runs.input(out)).stderr).unwrap();
        assert!(told.ends_with(&format!("/{out}: is MODEL itself, which is never written to\n")), "{told}");
    }
    runs.check_input();
}
