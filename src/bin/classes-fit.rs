//! `classes-fit`: sites in, the error model that they follow out.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use classes_h5::cli::{self, EXIT_CODES, Failure, Speaker, notes};
use classes_h5::estimate::{Estimator, Outcomes, Remarks, Sites};
use classes_h5::input::Input;
use classes_h5::progress::Doing;

const TOOL: &str = "classes-fit";

/// Fit an error model to sites: how often each spatial class, value mix and parameter set is among them
#[derive(Parser)]
#[command(version, after_help = format!("\
In the pipe:
  tensors -> classes-diff -> sites -> [classes-fit] -> model.json -> classes-sites --models

Examples:
  classes-fit sites.ndjson > models/mine/conv_gemm.json
  classes-fit --masked 9000 --crashed 12 sites.ndjson > model.json

{EXIT_CODES}"))]
struct Args {
    /// The sites, one a line, measured, drawn or edited [default: stdin]
    sites: Option<PathBuf>,
    /// What computed the tensors, for the model's remarks
    #[arg(long, value_name = "OP")]
    operator: Option<String>,
    /// Where the sites come from, for the model's remarks
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// How many faults left the output as it was: with the sites they make P(SDC)
    #[arg(long, value_name = "N")]
    masked: Option<u64>,
    /// How many faults led to a crash or a hang
    #[arg(long, value_name = "N", requires = "masked", default_value_t = 0)]
    crashed: u64,
    /// The smallest value without faults, for lines that tell neither classes nor a golden range
    #[arg(long, value_name = "X", allow_hyphen_values = true, requires = "range_max")]
    range_min: Option<f32>,
    /// The largest value without faults, likewise
    #[arg(long, value_name = "X", allow_hyphen_values = true, requires = "range_min")]
    range_max: Option<f32>,
    /// Count as cnn-error-classifier does, its slips included, to compare with models made by it
    #[arg(long)]
    conform: bool,
}

fn main() -> ExitCode {
    cli::run(TOOL, fit)
}

fn fit(args: &Args, speaker: Speaker) -> Result<(), Failure> {
    let range = args.range_min.zip(args.range_max);
    if range.is_some_and(|(min, max)| !(min.is_finite() && max.is_finite() && min <= max)) {
        return Err(Failure::usage("--range-min and --range-max are not two finite numbers, the smaller first"));
    }
    let input = Input::from_arg(args.sites.as_deref());
    let mut sites = Sites::new(input.open("sites, one a line")?, range);
    let progress = speaker.progress(Doing::Sites(None));
    let mut estimator = Estimator::new(args.conform);
    while let Some((shape, cells)) = sites.next().map_err(|error| Failure::in_input(&input, error))? {
        estimator.add(shape, cells);
        progress.add(1);
    }
    let fitted = estimator.model().map_err(|error| Failure::in_input(&input, error))?;
    drop(progress);
    notes::fitted(&estimator, &fitted).iter().for_each(|words| speaker.say(words));
    let outcomes = args.masked.map(|masked| Outcomes {
        masked: masked + estimator.masked(),
        sdc: estimator.count(),
        crashed: args.crashed,
    });
    let remarks = Remarks { source: args.source.clone(), operator: args.operator.clone(), outcomes };
    cli::to_stdout(|out| fitted.write(&remarks, out))
}
