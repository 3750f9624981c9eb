//! Runs of `h5-config-set` that take long enough to be disturbed: megabytes of weights and of sites.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, setrlimit};
use tempfile::TempDir;

pub struct Runs {
    place: TempDir,
    model: Vec<u8>,
    reference: Vec<u8>,
}

impl Runs {
    /// Makes the inputs, and the output of an undisturbed run.
    pub fn new() -> Runs {
        let place = tempfile::tempdir().unwrap();
        // Others may look in: some tests run as another user.
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut runs = Runs { place, model: Vec::new(), reference: Vec::new() };
        fs::create_dir(runs.folder()).unwrap();
        fs::copy("tests/data/digits-keras3.h5", runs.input("model.h5")).unwrap();
        // Without a lock, which processes that other tests start just now would hold on to.
        let options = &mut hdf5::File::with_options();
        let file = options.with_fapl(|access| access.file_locking(false)).open_rw(runs.input("model.h5")).unwrap();
        file.new_dataset_builder().with_data(&vec![1.5_f32; 1 << 19]).create("padding").unwrap();
        file.close().unwrap();
        runs.model = fs::read(runs.input("model.h5")).unwrap();

        let config = stdout(runs.program("h5-config-get").arg(runs.input("model.h5")));
        fs::write(runs.input("config.json"), config).unwrap();
        let patch = stdout(runs.program("classes-patch").args(["--after", "conv2d_1"]).arg(runs.input("config.json")));
        fs::write(runs.input("patch.json"), patch).unwrap();
        let mut sites = runs.program("classes-sites");
        let sites =
            stdout(sites.args(["--shape", "8,8,16", "--operator", "conv_gemm", "--count", "200", "--seed", "7"]));
        fs::write(runs.input("sites.ndjson"), sites).unwrap();

        runs.check("out.h5", &[], false);
        fs::rename(runs.folder().join("out.h5"), runs.reference()).unwrap();
        runs.reference = fs::read(runs.reference()).unwrap();
        assert!(stdout(runs.program("h5-config-get").arg(runs.reference())).len() > 500_000);
        runs
    }

    /// A file of the input.
    pub fn input(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// What the runs write, whole.
    pub fn reference(&self) -> PathBuf {
        self.input("reference.h5")
    }

    /// The folder that the runs write into, and nothing else does.
    pub fn folder(&self) -> PathBuf {
        self.place.path().join("out")
    }

    /// An output, as messages call it.
    pub fn out(&self, name: &str) -> String {
        self.folder().join(name).display().to_string()
    }

    pub fn program(&self, name: &str) -> Command {
        Command::new(Path::new(env!("CARGO_BIN_EXE_h5-config-set")).with_file_name(name))
    }

    pub fn command(&self, out: &str, options: &[&str]) -> Command {
        let mut command = self.program("h5-config-set");
        command.arg(self.input("model.h5")).arg(self.folder().join(out)).arg("--input").arg(self.input("patch.json"));
        command.arg("--sites").arg(self.input("sites.ndjson")).args(options);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// The same for a shell.
    pub fn command_line(&self, out: &str) -> String {
        let command = self.command(out, &[]);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| format!("'{}' ", word.display())).collect()
    }

    pub fn start(&self, out: &str, options: &[&str]) -> Child {
        self.command(out, options).spawn().unwrap()
    }

    /// Runs to the end, which must be good.
    pub fn check(&self, out: &str, options: &[&str], is_whole: bool) {
        let done = self.command(out, options).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert!(!is_whole || self.is_whole(out));
    }

    /// How long an undisturbed run takes.
    pub fn duration(&self) -> Duration {
        let times = (0..5).map(|_| {
            let started = Instant::now();
            self.check("timed.h5", &[], true);
            let time = started.elapsed();
            fs::remove_file(self.folder().join("timed.h5")).unwrap();
            time
        });
        times.min().unwrap()
    }

    /// A file that is being written.
    pub fn partial(&self) -> Option<PathBuf> {
        let name = names(&self.folder()).into_iter().find(|name| name.ends_with(".partial"))?;
        Some(self.folder().join(name))
    }

    /// Waits until the run has begun to write; `false` where it has ended already.
    pub fn wait_for_partial(&self) -> bool {
        let started = Instant::now();
        loop {
            if self.partial().is_some() {
                return true;
            }
            if names(&self.folder()).iter().any(|name| name.ends_with(".h5"))
                || started.elapsed() > Duration::from_secs(10)
            {
                return false;
            }
        }
    }

    /// Whether an output is there; it must be whole then.
    pub fn is_whole(&self, out: &str) -> bool {
        match fs::read(self.folder().join(out)) {
            Ok(bytes) => {
                assert!(bytes == self.reference, "{out} is not what an undisturbed run writes");
                true
            }
            Err(_) => false,
        }
    }

    /// As `is_whole`, and then it goes.
    pub fn take_whole(&self, out: &str) -> bool {
        self.is_whole(out) && fs::remove_file(self.folder().join(out)).is_ok()
    }

    /// The model is what it was.
    pub fn check_input(&self) {
        assert!(fs::read(self.input("model.h5")).unwrap() == self.model);
    }
}

pub fn stdout(command: &mut Command) -> Vec<u8> {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    stdout
}

/// What is in a folder, in order.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub fn signal(child: &Child, signal: Signal) {
    // The child is not waited for yet, so its number is its own.
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Has a command start with a limit.
#[allow(unsafe_code)]
pub fn limit(command: &mut Command, resource: Resource, most: u64) -> &mut Command {
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    // SAFETY: only a system call between fork and exec.
    unsafe { command.pre_exec(move || Ok(setrlimit(resource, limit)?)) }
}
