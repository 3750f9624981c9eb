//! `classes-plot`: injection sites in, a picture of them out.

#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use classes_h5::cli::{self, EXIT_CODES, Failure, Speaker};
use classes_h5::input::Input;
use classes_h5::plot::{Sheet, SheetOptions};
use classes_h5::progress::Doing;

const TOOL: &str = "classes-plot";

/// Draw injection sites as a contact sheet (SVG): the corrupted channels of each, their cells coloured by kind of value
#[derive(Parser)]
#[command(version, after_help = format!("\
In the pipe:
  h5-config-get -> classes-sites -> sites -> [classes-plot] -> sites.svg

Examples:
  classes-plot sites.ndjson > sites.svg
  head -n 20 sites.ndjson | classes-plot --columns 5 > first.svg

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
}

fn main() -> ExitCode {
    cli::run(TOOL, plot)
}

fn plot(args: &Args, speaker: Speaker) -> Result<(), Failure> {
    let options =
        SheetOptions { most: args.most, channels: args.channels.get(), columns: args.columns.map(NonZeroUsize::get) };
    let input = Input::from_arg(args.sites.as_deref());
    let lines = input.open_text("sites, one a line")?;
    let progress = speaker.progress(Doing::Sites(None));
    let sheet = Sheet::read(lines, options, &progress).map_err(|error| Failure::in_input(&input, error))?;
    drop(progress);
    cli::to_stdout(|out| sheet.write(out))
}
