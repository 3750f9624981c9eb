//! Model files from strangers: a small one damaged in every place, and what else a file can hold that does harm.
//!
//! `cargo test --test hostile` damages a sample of the places; with `HOSTILE=12000` in the environment, about so many of each kind,
//! and with `HOSTILE=all` every one, which takes hours.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use hdf5::types::VarLenUnicode;

const TINY: &str = "tests/data/files/tiny.h5";
const SITE: &str = r#"{"shape":{"h":4,"w":4,"c":2},"cells":[{"h":0,"w":0,"c":0,"value":1.5}]}"#;

/// A model file to be damaged, with a layer and a site that fits it.
#[derive(Clone, Copy)]
struct Model {
    path: &'static str,
    layer: &'static str,
    site: &'static str,
    suffix: &'static str,
}

const H5: Model = Model { path: TINY, layer: "conv", site: SITE, suffix: "h5" };
const ARCHIVE: Model = Model { path: "tests/data/files/tiny.keras", suffix: "keras", ..H5 };

/// The memory that a tool may take here, in kilobytes; without limits of its own, a damaged file makes it ask for more.
const MEMORY: u32 = 512 << 10;
/// The processor time that a tool may take here, in seconds: less than what the tools give themselves, so that a file
/// which HDF5 reads for ever costs the test no more.
const SECONDS: u32 = 2;
/// How many cases of each kind a sample has, about, unless the environment tells.
const SAMPLE: usize = 120;

/// A folder for one thread's files, with the tools' input in it.
struct Bench {
    of: Model,
    folder: tempfile::TempDir,
    config: Vec<u8>,
}

impl Bench {
    fn new(of: Model) -> Self {
        let bench = Bench { of, folder: tempfile::tempdir().expect("a folder"), config: Vec::new() };
        let config = bench.run("h5-config-get", &[of.path], "/dev/null");
        fs::write(bench.path("config"), config.stdout).expect("written");
        let config = bench.run("classes-patch", &["--after", of.layer, "--apply"], &bench.path("config"));
        fs::write(bench.path("new"), &config.stdout).expect("written");
        fs::write(bench.path("sites"), of.site).expect("written");
        Bench { config: config.stdout, ..bench }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, tool: &str, args: &[&str], input: &str) -> Output {
        let tools = PathBuf::from(env!("CARGO_BIN_EXE_h5-config-get"));
        let script =
            format!(r#"ulimit -v {MEMORY}; ulimit -t {SECONDS}; tool=$1 in=$2; shift 2; exec "$tool" "$@" <"$in""#);
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh"]).arg(tools.with_file_name(tool)).arg(input).args(args);
        command.output().expect("sh runs")
    }

    /// Runs the tools on a file, of which `what` is told when one of them does harm.
    fn try_all(&self, what: &str, bytes: &[u8]) {
        let [model, out] = ["model", "out"].map(|name| self.path(&format!("{name}.{}", self.of.suffix)));
        fs::write(&model, bytes).expect("written");
        self.ends_well(what, "h5-config-get", &[&model], "/dev/null");
        let sites = format!("--sites={}", self.path("sites"));
        let checked = self.ends_well(what, "h5-config-set", &["--check", &sites, &model, &out], &self.path("new"));
        let done = self.ends_well(what, "h5-config-set", &[&sites, &model, &out], &self.path("new"));
        assert_eq!(Path::new(&out).exists(), done, "{what}: whole or not at all");
        assert!(checked || !done, "{what}: what is refused is not written");
        if done {
            let config = self.run("h5-config-get", &[&out], "/dev/null").stdout;
            let kept = String::from_utf8_lossy(&config).contains(r#""masks": ["#);
            assert!(kept && config.len() > self.config.len(), "{what}: what is written can be read");
            fs::remove_file(&out).expect("removed");
        }
        let left = fs::read_dir(self.folder.path()).expect("a folder").count();
        assert_eq!(left, 4, "{what}: no other file is left");
    }

    /// Whether a tool has done what it should; else it must have said, in its one line, why not.
    fn ends_well(&self, what: &str, tool: &str, args: &[&str], input: &str) -> bool {
        let output = self.run(tool, args, input);
        let words = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => true,
            Some(1) => {
                let mut lines = words.lines();
                assert!(lines.next().is_some_and(|line| line.starts_with(&format!("{tool}: "))), "{what}: {words}");
                assert!(lines.all(|line| line.starts_with("hint: ")), "{what}: {words}");
                false
            }
            _ => panic!("{what}: {tool} ends with {}: {words}", output.status),
        }
    }
}

/// Tries a sample of the cases, or all, on two threads.
fn try_cases(of: Model, count: usize, case: impl Fn(usize) -> (String, Vec<u8>) + Sync) {
    let sample = match env::var("HOSTILE").as_deref() {
        Ok("all") => count,
        Ok(number) => number.parse().expect("HOSTILE is a number, or all"),
        Err(_) => SAMPLE,
    };
    // No multiple of what files are made of, so that the sample meets every part of it.
    let step = (count / sample) | 1;
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let bench = Bench::new(of);
                loop {
                    let index = next.fetch_add(step, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    let (what, bytes) = case(index);
                    bench.try_all(&what, &bytes);
                }
            });
        }
    });
}

#[test]
fn a_flipped_bit_anywhere_does_no_harm() {
    for of in [H5, ARCHIVE] {
        let whole = fs::read(of.path).expect("the file");
        try_cases(of, whole.len() * 8, |index| {
            let mut bytes = whole.clone();
            bytes[index / 8] ^= 1 << (index % 8);
            (format!("bit {} of byte {} flipped", index % 8, index / 8), bytes)
        });
    }
}

#[test]
fn a_foreign_number_anywhere_does_no_harm() {
    for of in [H5, ARCHIVE] {
        let whole = fs::read(of.path).expect("the file");
        let numbers = [0, 1, 0xffff, 0x4000_0000, u64::from(u32::MAX), 1 << 40, u64::MAX, whole.len() as u64];
        try_cases(of, (whole.len() - 8) * numbers.len(), |index| {
            let (place, number) = (index / numbers.len(), numbers[index % numbers.len()]);
            let mut bytes = whole.clone();
            bytes[place..place + 8].copy_from_slice(&number.to_le_bytes());
            (format!("{number} at byte {place}"), bytes)
        });
    }
}

#[test]
fn a_file_that_ends_anywhere_does_no_harm() {
    for of in [H5, ARCHIVE] {
        let whole = fs::read(of.path).expect("the file");
        try_cases(of, whole.len(), |length| (format!("cut after {length} bytes"), whole[..length].to_vec()));
    }
}

#[test]
fn a_file_that_hdf5_reads_for_ever_is_given_up() {
    let mut bytes = fs::read(TINY).expect("the file");
    bytes[2569..2577].copy_from_slice(&0x4000_0000_u64.to_le_bytes());
    let bench = Bench::new(H5);
    let model = bench.path("model.h5");
    fs::write(&model, bytes).expect("written");
    let output = bench.run("h5-config-get", &[&model], "/dev/null");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        words,
        format!(
            "h5-config-get: {model}: is damaged or not readable: the HDF5 library was killed at it, out of time or memory\n"
        )
    );
    assert_eq!(output.status.code(), Some(1));
}

/// The width of the tree nodes is wrong: HDF5 reads the file, writes over half of it, and says nothing.
#[test]
fn a_file_in_which_hdf5_writes_one_thing_over_another_is_given_up() {
    let mut bytes = fs::read(TINY).expect("the file");
    bytes[18] ^= 1 << 5;
    let bench = Bench::new(H5);
    let [model, out] = ["model.h5", "out.h5"].map(|name| bench.path(name));
    fs::write(&model, bytes).expect("written");
    let sites = format!("--sites={}", bench.path("sites"));
    let output = bench.run("h5-config-set", &["--keras=2", "-q", &sites, &model, &out], &bench.path("new"));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!("h5-config-set: {out}: cannot be written: MODEL is damaged: HDF5 does not find again what it wrote\n")
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(!Path::new(&out).exists());
}

#[test]
fn an_array_that_is_larger_than_the_memory_is_refused_with_its_size() {
    let bench = Bench::new(H5);
    for order in ["False", "True"] {
        let text = format!("{{'descr': '<f4', 'fortran_order': {order}, 'shape': (1, 60000, 60000, 1)}}\n");
        let mut header = b"\x93NUMPY\x01\x00".to_vec();
        header.extend((text.len() as u16).to_le_bytes());
        header.extend(text.as_bytes());
        let path = bench.path("large.npy");
        fs::write(&path, &header).expect("written");
        // All zeros, of which the disk holds none.
        let file = fs::OpenOptions::new().write(true).open(&path).expect("open");
        file.set_len(header.len() as u64 + 4 * 60_000 * 60_000).expect("a sparse file");
        let (out, injections, masks) =
            (bench.path("out.h5"), format!("--injections={path}"), format!("--masks={path}"));
        let done = bench.run("h5-config-set", &[&injections, &masks, TINY, &out], &bench.path("new"));
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        let expected = format!("h5-config-set: {path}: there is not enough memory for 14400000000 bytes\n");
        assert_eq!((told, done.status.code()), (expected, Some(1)), "fortran_order {order}");
    }
}

/// HDF5 follows a link into another file by itself, and writes there.
#[test]
fn a_link_into_another_file_is_not_followed() {
    let bench = Bench::new(H5);
    let [model, out, victim] = ["model.h5", "out.h5", "victim.h5"].map(|name| bench.path(name));
    fs::copy(TINY, &victim).expect("copied");
    let config = fs::read_to_string(bench.path("config")).expect("read");
    {
        // Programs that other tests start meanwhile would inherit a lock.
        let file = hdf5::File::with_options().with_fapl(|access| access.file_locking(false)).create(&model);
        let file = file.expect("a file");
        let attribute = file.new_attr::<VarLenUnicode>().create("model_config").expect("an attribute");
        attribute.write_scalar(&config.parse::<VarLenUnicode>().expect("text")).expect("written");
        file.link_external(&victim, "/model_weights", "model_weights").expect("a link");
    }
    let before = fs::read(&victim).expect("read");
    let sites = format!("--sites={}", bench.path("sites"));
    let output = bench.run("h5-config-set", &["--keras=2", &sites, &model, &out], &bench.path("new"));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!(
            "h5-config-set: {model}: is damaged or not readable: no weights: a link into another file is not followed\n"
        )
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(fs::read(&victim).expect("read") == before, "the other file is as it was");
}
