//! `classes-diff`: measured tensors in, sites out.

use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use clap::Parser;
use classes_h5::cli::{self, EXIT_CODES, Failure, Speaker, notes};
use classes_h5::diff::{Comparison, Faulty, Golden, Which};
use classes_h5::input::Input;
use classes_h5::layout::DataFormat;
use classes_h5::progress::Doing;

const TOOL: &str = "classes-diff";

/// Print what is wrong in faulty tensors, compared with a golden one: injection sites, one a line
#[derive(Parser)]
#[command(version, after_help = format!("\
In the pipe:
  tensors -> [classes-diff] -> sites -> classes-fit -> model.json

Examples:
  classes-diff --golden golden.npy faulty-*.npy > measured.ndjson
  ls campaign/*/*.npy | classes-diff --golden-for ../golden.npy > all.ndjson

{EXIT_CODES}"))]
struct Args {
    /// NumPy files of float32 or float64, a tensor each (a batch axis of 1 may stand before its axes), or folders of such
    /// [default: a list of files on stdin, one a line, each with its golden tensor behind a tab where no flag names it]
    faulty: Vec<PathBuf>,
    /// The tensor without faults, for all
    #[arg(long, value_name = "FILE.npy", conflicts_with = "golden_for")]
    golden: Option<PathBuf>,
    /// The tensor without faults, for each at PATH as seen from the folder of the faulty one
    #[arg(long, value_name = "PATH")]
    golden_for: Option<PathBuf>,
    /// Take a cell for wrong from this difference on [default: 0, any bit]
    #[arg(long, value_name = "X", default_value_t = 0.0, hide_default_value = true, allow_negative_numbers = true)]
    epsilon: f32,
    /// The order of the axes in the tensors
    #[arg(long, value_name = "FORMAT", default_value = "channels_last", value_parser = cli::one_of::<DataFormat>(DataFormat::ALL.map(DataFormat::name)))]
    data_format: DataFormat,
    /// How many threads compare [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

fn main() -> ExitCode {
    cli::run(TOOL, diff)
}

fn diff(args: &Args, speaker: Speaker) -> Result<(), Failure> {
    if !(args.epsilon.is_finite() && args.epsilon >= 0.0) {
        return Err(Failure::usage("--epsilon is not a finite number from 0"));
    }
    let which = match (&args.golden, &args.golden_for) {
        (Some(golden), _) => {
            // Said once, before anything is compared with it.
            Golden::read(golden, args.data_format)?;
            Which::One(golden.clone())
        }
        (None, Some(beside)) => Which::Beside(beside.clone()),
        (None, None) if args.faulty.is_empty() => Which::Listed,
        (None, None) => {
            return Err(Failure::usage("--golden or --golden-for is needed: what the tensors are without faults"));
        }
    };
    let failed = Mutex::new(None);
    let faulty: Box<dyn Iterator<Item = Faulty> + Send> = match args.faulty.is_empty() {
        true => Box::new(listed(&failed)?),
        false => Box::new(named(&args.faulty)?.into_iter().map(|path| Faulty { path, golden: None })),
    };
    let jobs = args.jobs.map(usize::from).or_else(|| thread::available_parallelism().ok().map(usize::from));
    let comparison = Comparison { which, format: args.data_format, epsilon: args.epsilon, jobs: jobs.unwrap_or(1) };
    let progress = speaker.progress_of_lines(Doing::Tensors(None));
    let tell = |notice: classes_h5::diff::Notice| match notes::notice(&notice) {
        (words, true) => cli::say(TOOL, &words),
        (words, false) => speaker.say(&words),
    };
    let compared =
        comparison.run(faulty, cli::stdout(), tell, &progress).map_err(|error| Failure::io("stdout", &error))?;
    drop(progress);
    if let Some(failure) = failed.into_inner().unwrap_or_default() {
        return Err(failure);
    }
    match (compared.all(), compared.failed) {
        (0, _) => Err(Failure::content("stdin: no tensors")),
        (_, 0) => Ok(()),
        (all, failed) => Err(Failure::content(format!("{failed} of {all} tensors were not compared"))),
    }?;
    notes::compared(&compared).iter().for_each(|words| speaker.say(words));
    Ok(())
}

/// The files that are named, those in folders by their names.
fn named(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() { files.extend(in_folder(path)?) } else { files.push(path.clone()) }
    }
    Ok(files)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let name = folder.to_string_lossy();
    let failed = |error| Failure::io(&name, &error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "npy") {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(Failure::content(format!("{name}: no NumPy files (*.npy) in this folder")));
    }
    files.sort_unstable();
    Ok(files)
}

/// The files on stdin. Where it cannot be read on, the list ends, and `failed` holds why.
fn listed(failed: &Mutex<Option<Failure>>) -> Result<impl Iterator<Item = Faulty> + Send, Failure> {
    let lines = Input::Stdin.open("a list of files, one a line")?.lines();
    let lines = lines.map_while(|line: io::Result<String>| match line {
        Ok(line) => Some(line),
        Err(error) => {
            *failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Failure::io("stdin", &error));
            None
        }
    });
    Ok(lines.filter(|line| !line.trim().is_empty()).map(|line| match line.split_once('\t') {
        Some((path, golden)) => Faulty { path: path.into(), golden: Some(golden.into()) },
        None => Faulty { path: line.into(), golden: None },
    }))
}
