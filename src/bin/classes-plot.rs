//! `classes-plot`: injection sites in, a picture of them out; or a picture of error models side by side.

#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::Parser;
use classes_h5::cli::{self, EXIT_CODES, Failure, Speaker};
use classes_h5::error_model::{Models, Wanted};
use classes_h5::input::Input;
use classes_h5::plot::compare::{self, Comparison};
use classes_h5::plot::{Sheet, SheetOptions};
use classes_h5::progress::Doing;

const TOOL: &str = "classes-plot";

/// Draw injection sites as a contact sheet (SVG): the corrupted channels of each, their cells coloured by kind of value; or
/// error models side by side
#[derive(Parser)]
#[command(version, after_help = format!("\
In the pipe:
  h5-config-get -> classes-sites -> sites -> [classes-plot] -> sites.svg

Examples:
  classes-plot sites.ndjson > sites.svg
  classes-plot --compare gpu-warp/conv_gemm gpu-thread/conv_gemm > two.svg

{EXIT_CODES}"))]
struct Args {
    /// The sites, one a line, as classes-sites prints them [default: stdin]
    sites: Option<PathBuf>,
    /// Draw the first N sites, and count the rest
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    most: u64,
    /// Draw the first N corrupted channels of a site, and count the rest
    #[arg(long, value_name = "N", default_value = "16")]
    channels: NonZeroUsize,
    /// Sites side by side [default: about as many as one below the other, at most 6]
    #[arg(long, value_name = "N")]
    columns: Option<NonZeroUsize>,
    /// Instead, draw two to four error models side by side: the share of each spatial class, with its interval. A model is a set
    /// (or a folder) and an operator
    #[arg(long, value_name = "SET/OPERATOR", num_args = 2..=compare::MOST, conflicts_with_all = ["sites", "most", "channels", "columns"])]
    compare: Vec<ModelName>,
}

/// A model as the user names it: a set that is built in or a folder, and an operator of it.
#[derive(Clone)]
struct ModelName {
    set: PathBuf,
    operator: String,
}

impl FromStr for ModelName {
    type Err = &'static str;

    /// A file of a folder can be named as it is.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_suffix(".json").unwrap_or(text).rsplit_once('/') {
            Some((set, operator)) if !set.is_empty() && !operator.is_empty() => {
                Ok(ModelName { set: set.into(), operator: operator.to_owned() })
            }
            _ => Err("a set and an operator of it are needed, as in gpu-warp/conv_gemm"),
        }
    }
}

fn main() -> ExitCode {
    cli::run(TOOL, plot)
}

fn plot(args: &Args, speaker: Speaker) -> Result<(), Failure> {
    if !args.compare.is_empty() {
        let profile = |ModelName { set, operator }: &ModelName| Models::new(set).profile(operator, &Wanted::default());
        let profiles = args.compare.iter().map(profile).collect::<Result<_, _>>()?;
        return cli::to_stdout(|out| Comparison::new(profiles).write(out));
    }
    let options =
        SheetOptions { most: args.most, channels: args.channels.get(), columns: args.columns.map(NonZeroUsize::get) };
    let input = Input::from_arg(args.sites.as_deref());
    let lines = input.open_text("sites, one a line")?;
    let progress = speaker.progress(Doing::Sites(None));
    let sheet = Sheet::read(lines, options, &progress).map_err(|error| Failure::in_input(&input, error))?;
    drop(progress);
    cli::to_stdout(|out| sheet.write(out))
}
