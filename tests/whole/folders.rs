//! A model that is a folder is whole or not there as well, whatever happens to the run that writes it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Resource, Signal};
use tempfile::TempDir;

use crate::Delays;
use crate::runs::{self, names, stdout};

/// What is in a folder: all files with their bytes, and empty folders.
type Tree = Vec<(PathBuf, Option<Vec<u8>>)>;

fn tree(folder: &Path) -> Option<Tree> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).ok()? {
        let path = entry.unwrap().path();
        match fs::read(&path) {
            Ok(bytes) => found.push((path.file_name().unwrap().into(), Some(bytes))),
            Err(_) => {
                let inner = tree(&path).unwrap();
                let name = Path::new(path.file_name().unwrap());
                found.extend(inner.iter().map(|(inside, bytes)| (name.join(inside), bytes.clone())));
                if inner.is_empty() {
                    found.push((name.to_owned(), None));
                }
            }
        }
    }
    found.sort();
    Some(found)
}

struct Folders {
    place: TempDir,
    model: Tree,
    reference: Tree,
}

impl Folders {
    /// Makes a model of some megabytes with files of its own, and what an undisturbed run writes.
    fn new() -> Folders {
        let place = tempfile::tempdir().unwrap();
        let mut folders = Folders { place, model: Tree::new(), reference: Tree::new() };
        let model = folders.input("model");
        let unpacked = Command::new("python3")
            .args(["-m", "zipfile", "-e", "tests/data/digits-keras3.keras"])
            .arg(&model)
            .status();
        assert!(unpacked.unwrap().success());
        fs::create_dir_all(model.join("mine/empty")).unwrap();
        fs::write(model.join("mine/notes"), vec![7; 4 << 20]).unwrap();
        fs::create_dir(folders.folder()).unwrap();
        folders.model = tree(&model).unwrap();

        let config = stdout(folders.program("h5-config-get").arg(&model));
        fs::write(folders.input("config.json"), config).unwrap();
        let mut patch = folders.program("classes-patch");
        let patch = stdout(patch.args(["--after", "conv2d_1"]).arg(folders.input("config.json")));
        fs::write(folders.input("patch.json"), patch).unwrap();
        let mut sites = folders.program("classes-sites");
        let sites =
            stdout(sites.args(["--shape", "8,8,16", "--operator", "conv_gemm", "--count", "100", "--seed", "7"]));
        fs::write(folders.input("sites.ndjson"), sites).unwrap();
        assert!(folders.command("out", &[]).status().unwrap().success());
        folders.reference = tree(&folders.out("out")).unwrap();
        assert_eq!(folders.reference.len(), folders.model.len());
        fs::remove_dir_all(folders.out("out")).unwrap();
        folders
    }

    fn input(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn folder(&self) -> PathBuf {
        self.input("written")
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    fn program(&self, name: &str) -> Command {
        Command::new(Path::new(env!("CARGO_BIN_EXE_h5-config-set")).with_file_name(name))
    }

    fn command(&self, out: &str, options: &[&str]) -> Command {
        let mut command = self.program("h5-config-set");
        command.arg(self.input("model")).arg(self.out(out)).arg("--input").arg(self.input("patch.json"));
        command.arg("--sites").arg(self.input("sites.ndjson")).args(options);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn start(&self, out: &str, options: &[&str]) -> Child {
        self.command(out, options).spawn().unwrap()
    }

    /// The one line of a run that fails.
    fn told(&self, command: &mut Command) -> String {
        let done = command.output().unwrap();
        let told = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{told}");
        told
    }

    /// Whether an output is there; it must be whole then.
    fn is_whole(&self, out: &str) -> bool {
        let found = tree(&self.out(out));
        assert!(found.as_ref().is_none_or(|found| *found == self.reference), "{out} is not whole");
        found.is_some()
    }

    fn take_whole(&self, out: &str) -> bool {
        self.is_whole(out) && fs::remove_dir_all(self.out(out)).is_ok()
    }

    fn duration(&self) -> Duration {
        let started = Instant::now();
        assert!(self.command("timed", &[]).status().unwrap().success() && self.take_whole("timed"));
        started.elapsed()
    }

    fn check_input(&self) {
        assert!(tree(&self.input("model")).unwrap() == self.model);
    }
}

#[test]
fn kill_9_at_any_moment_leaves_a_folder_whole_or_absent() {
    let folders = Folders::new();
    let most = folders.duration().mul_f64(1.5);
    let mut delays = Delays(4);
    let (mut whole, mut strays) = (0, 0);
    for round in 0..60 {
        let mut child = folders.start("out", &[]);
        let started = Instant::now();
        // Every other run has begun to write.
        while round % 2 == 0 && names(&folders.folder()).is_empty() && started.elapsed() < Duration::from_secs(10) {}
        std::thread::sleep(delays.next(if round % 2 == 0 { most / 20 } else { most }));
        child.kill().unwrap();
        child.wait().unwrap();
        whole += u32::from(folders.take_whole("out"));
        strays += names(&folders.folder()).len();
    }
    assert!((1..60).contains(&whole) && strays > 0, "{whole} whole, {strays} strays");
    assert!(folders.command("other", &[]).status().unwrap().success());
    assert_eq!(names(&folders.folder()), ["other"], "the next run clears what is left");
    folders.check_input();
}

#[test]
fn while_a_folder_takes_the_place_of_another_one_of_the_two_is_there() {
    let folders = Folders::new();
    let most = folders.duration().mul_f64(1.5);
    let mut delays = Delays(5);
    let old = folders.out("out/config.json");
    let mut replaced = 0;
    for round in 0..40 {
        fs::create_dir_all(folders.out("out")).unwrap();
        fs::write(&old, "old").unwrap();
        let mut child = folders.start("out", &["--force"]);
        std::thread::sleep(delays.next(most));
        runs::signal(&child, if round % 2 == 0 { Signal::KILL } else { Signal::TERM });
        child.wait().unwrap();
        if fs::read(&old).unwrap() != b"old" {
            replaced += 1;
            assert!(folders.take_whole("out"));
        }
    }
    assert!((2..38).contains(&replaced), "{replaced} replaced");
    assert!(folders.command("out", &["--force"]).status().unwrap().success());
    assert!(folders.is_whole("out"));
    assert_eq!(names(&folders.folder()), ["out"]);
    folders.check_input();
}

#[test]
fn an_interrupted_run_leaves_nothing_of_a_folder() {
    let folders = Folders::new();
    let most = folders.duration();
    let mut delays = Delays(6);
    let mut interrupted = 0;
    for _ in 0..15 {
        for signal in [Signal::INT, Signal::TERM] {
            let child = folders.start("out", &[]);
            std::thread::sleep(delays.next(most));
            runs::signal(&child, signal);
            let status = child.wait_with_output().unwrap().status;
            let is_whole = folders.take_whole("out");
            match status.signal() {
                Some(found) => assert_eq!(found, signal.as_raw()),
                None => assert!(status.success() && is_whole, "{status}"),
            }
            interrupted += u32::from(!is_whole);
            assert!(names(&folders.folder()).is_empty(), "{:?}", names(&folders.folder()));
        }
    }
    assert!(interrupted > 5, "{interrupted} of 30 were interrupted");
    folders.check_input();
}

#[test]
fn of_many_runs_at_once_to_one_folder_one_wins_or_with_force_each_is_whole() {
    let folders = Folders::new();
    let children: Vec<_> = (0..12).map(|_| folders.start("out", &[])).collect();
    let mut winners = 0;
    for child in children {
        let done = child.wait_with_output().unwrap();
        match done.status.code() {
            Some(0) => winners += 1,
            _ => assert_eq!(
                String::from_utf8(done.stderr).unwrap(),
                format!("h5-config-set: {}: exists\nhint: --force replaces it\n", folders.out("out").display())
            ),
        }
    }
    assert_eq!(winners, 1);
    let children: Vec<_> = (0..12).map(|_| folders.start("out", &["--force"])).collect();
    for child in children {
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    assert!(folders.is_whole("out"));
    assert_eq!(names(&folders.folder()), ["out"]);
    folders.check_input();
}

#[test]
fn a_limit_on_files_and_a_full_disk_leave_nothing_of_a_folder() {
    let folders = Folders::new();
    let out = folders.out("out").display().to_string();
    for bytes in [0, 50, 1000, 50_000, 1 << 20, (4 << 20) - 1] {
        let mut command = folders.command("out", &[]);
        let told = folders.told(runs::limit(&mut command, Resource::Fsize, bytes));
        assert_eq!(told, format!("h5-config-set: {out}: larger than a file may be here\n"), "{bytes}");
        assert!(names(&folders.folder()).is_empty(), "{bytes}: {:?}", names(&folders.folder()));
    }
    let command = folders.command("out", &[]);
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line: String = words.map(|word| format!("'{}' ", word.display())).collect();
    for bytes in [4096, 65_536, 1 << 20, 4 << 20] {
        let folder = folders.folder();
        let shell =
            format!("mount -t tmpfs -o size={bytes} none {0} || exit 77; {line}; echo $?; ls -A {0}", folder.display());
        let done = Command::new("unshare").args(["--map-root-user", "--mount", "sh", "-c", &shell]).output().unwrap();
        if done.status.code() == Some(77) {
            eprintln!("no small disk can be mounted here");
            break;
        }
        let told = String::from_utf8(done.stderr).unwrap();
        assert_eq!(String::from_utf8(done.stdout).unwrap(), "1\n", "{bytes}: {told}");
        assert_eq!(told, format!("h5-config-set: {out}: no space left on the disk\n"), "{bytes}");
    }
    folders.check_input();
}

#[test]
fn files_that_no_edit_changes_keep_their_time_and_all_their_permissions() {
    let folders = Folders::new();
    let old = SystemTime::UNIX_EPOCH + Duration::new(946_684_799, 123_456_789);
    let model = folders.input("model");
    for (name, mode) in [("mine/notes", 0o4751), ("config.json", 0o640), ("model.weights.h5", 0o400)] {
        let path = model.join(name);
        fs::File::open(&path).unwrap().set_modified(old).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    assert!(folders.command("out", &["--sync"]).status().unwrap().success());
    let meta = |name: &str| fs::metadata(folders.out("out").join(name)).unwrap();
    let modes = ["mine/notes", "config.json", "model.weights.h5"].map(|name| meta(name).mode() & 0o7777);
    assert_eq!(modes, [0o751, 0o640, 0o400]);
    assert_eq!(meta("mine/notes").modified().unwrap(), old);
    assert_eq!(meta("model.weights.h5").modified().unwrap(), old);
    assert!(meta("config.json").modified().unwrap() > old);
    assert!(folders.is_whole("out"));
}

#[test]
fn a_folder_is_neither_written_into_itself_nor_over_what_is_no_model() {
    let folders = Folders::new();
    let run = |out: &Path, options: &[&str]| {
        let mut command = folders.program("h5-config-set");
        command.arg(folders.input("model")).arg(out).arg("--input").arg(folders.input("config.json")).args(options);
        folders.told(&mut command)
    };
    let name = |path: &Path| path.display().to_string();
    symlink("model", folders.input("link")).unwrap();
    for inside in ["model/mine/new", "link/new", "model/./new"] {
        let out = folders.input(inside);
        let told = format!("h5-config-set: {}: is in MODEL, which is never written to\n", name(&out));
        assert_eq!(run(&out, &["--force"]), told);
    }
    // What holds MODEL is not replaced by a copy of it.
    let told = format!("h5-config-set: {}: is MODEL itself, which is never written to\n", name(folders.place.path()));
    assert_eq!(run(folders.place.path(), &["--force"]), told);
    for out in ["model", "link"].map(|out| folders.input(out)) {
        let told = format!("h5-config-set: {}: is MODEL itself, which is never written to\n", name(&out));
        assert_eq!(run(&out, &["--force"]), told);
    }
    let other = folders.out("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("thesis.tex"), "").unwrap();
    assert_eq!(run(&other, &[]), format!("h5-config-set: {}: exists\nhint: --force replaces it\n", name(&other)));
    let told = format!(
        "h5-config-set: {}: is not replaced: there is 'thesis.tex' in it, which is of no model\n",
        name(&other)
    );
    assert_eq!(run(&other, &["--force"]), told);
    let file = folders.out("file");
    fs::write(&file, "").unwrap();
    let told = format!("h5-config-set: {}: is not a folder, as MODEL is\n", name(&file));
    assert_eq!(run(&file, &["--force"]), told);
    assert_eq!(names(&folders.folder()), ["file", "other"]);
    folders.check_input();
}

#[test]
fn links_devices_and_names_that_cannot_be_told_are_refused() {
    let folders = Folders::new();
    let model = folders.input("model");
    let refused = |what: &str| {
        let told = folders.told(&mut folders.command("out", &[]));
        assert_eq!(told, format!("h5-config-set: {}: is not read: {what}\n", model.display()));
        assert!(names(&folders.folder()).is_empty());
    };
    symlink("/etc/hostname", model.join("mine/link")).unwrap();
    refused("its member 'mine/link' is a link, not a file");
    fs::remove_file(model.join("mine/link")).unwrap();
    symlink("mine", model.join("assets")).unwrap();
    refused("its member 'assets' is a link, not a file");
    fs::remove_file(model.join("assets")).unwrap();
    assert!(Command::new("mkfifo").arg(model.join("pipe")).status().unwrap().success());
    refused("its member 'pipe' is a device, a pipe or a socket, not a file");
    fs::remove_file(model.join("pipe")).unwrap();
    let odd = model.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"caf\xe9"));
    fs::write(&odd, "").unwrap();
    refused("the name of its member 'caf\u{fffd}' is not UTF-8");
    fs::remove_file(odd).unwrap();
    folders.check_input();
}
