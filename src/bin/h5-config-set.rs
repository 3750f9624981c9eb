//! `h5-config-set`: a model, a patch (or a config) and sites in, the model that misbehaves out.

#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use classes_h5::cli::classes_config::ClassesConfig;
use classes_h5::cli::{self, EXIT_CODES, Failure, Speaker};
use classes_h5::graph::Keras;
use classes_h5::input::Input;
use classes_h5::layout::DataFormat;
use classes_h5::progress::Doing;
use classes_h5::rewrite::{self, Options, Report, SiteFiles, SiteSource};
use classes_h5::text::{shown, shown_path};
use classes_h5::weights::Stated;

const TOOL: &str = "h5-config-set";

/// Write a Keras model (.h5) with a patched or edited config, its simulators filled with sites
#[derive(Parser)]
#[command(version, after_help = format!("\
In the pipe:
  model.h5 -> h5-config-get -> classes-patch -> [h5-config-set] -> faulty.h5

Examples:
  h5-config-set model.h5 faulty.h5 --sites sites.ndjson < conv2d_1.patch.json
  jq '.config.name = \"other\"' config.json | h5-config-set model.h5 other.h5

{EXIT_CODES}"))]
struct Args {
    /// The model that everything is taken from; it is never written to
    #[arg(required_unless_present = "classes_config")]
    model: Option<PathBuf>,
    /// The file to write; it appears whole or not at all
    #[arg(required_unless_present = "classes_config")]
    out: Option<PathBuf>,
    /// The patch (a JSON array) or the config (a JSON object) [default: stdin]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Sites, one a line, for the simulator NAME
    #[arg(long, value_name = "[NAME=]FILE")]
    sites: Vec<String>,
    /// Wrong values as a NumPy array, for the simulator NAME
    #[arg(long, value_name = "[NAME=]FILE.npy")]
    injections: Vec<String>,
    /// Masks as a NumPy array, 0 at a corrupted cell and 1 elsewhere, for the simulator NAME
    #[arg(long, value_name = "[NAME=]FILE.npy")]
    masks: Vec<String>,
    /// Write the corrupted cells only, for the layer in docs/keras
    #[arg(long)]
    sparse: bool,
    /// The Keras that will load the file; auto is the one that wrote MODEL
    #[arg(long, value_enum, default_value_t = KerasArg::Auto)]
    keras: KerasArg,
    /// A weight that training leaves alone, or a layer, where its class does not tell
    #[arg(long, value_name = "NAME")]
    non_trainable: Vec<String>,
    /// A weight that trains, or a layer, where its class does not tell
    #[arg(long, value_name = "NAME")]
    trainable: Vec<String>,
    /// The order of the arrays' axes [default: that of the layers before]
    #[arg(long, value_name = "FORMAT", value_parser = cli::one_of::<DataFormat>(DataFormat::ALL.map(DataFormat::name)))]
    data_format: Option<DataFormat>,
    /// Do everything but write
    #[arg(long)]
    check: bool,
    /// Replace OUT if it exists
    #[arg(long)]
    force: bool,
    /// Wait until OUT is on the disk
    #[arg(long)]
    sync: bool,
    /// Take MODEL and OUT from CLASSES' own config.json, where they are not given
    #[arg(long, value_name = "FILE")]
    classes_config: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum KerasArg {
    Auto,
    #[value(name = "2")]
    Two,
    #[value(name = "3")]
    Three,
}

fn main() -> ExitCode {
    cli::run(TOOL, set_config)
}

fn set_config(args: &Args, speaker: Speaker) -> Result<(), Failure> {
    let (model, out) = model_and_out(args)?;
    let options = Options {
        model,
        out,
        sites: site_sources(args)?,
        keras: match args.keras {
            KerasArg::Auto => None,
            KerasArg::Two => Some(Keras::Two),
            KerasArg::Three => Some(Keras::Three),
        },
        stated: Stated { trainable: args.trainable.clone(), non_trainable: args.non_trainable.clone() },
        data_format: args.data_format,
        sparse: args.sparse,
        makes_folder: args.out.is_none(),
        check: args.check,
        force: args.force,
        sync: args.sync,
    };
    let progress = speaker.progress(Doing::Step("reading the patch".to_owned()));
    let input = Input::from_arg(args.input.as_deref()).read_text("a patch or a config")?;
    let report = rewrite::run(input, &options, &progress)?;
    drop(progress);
    tell(args, &options, &report, speaker);
    Ok(())
}

/// The two files, from the command line, else from CLASSES' config.json.
fn model_and_out(args: &Args) -> Result<(PathBuf, PathBuf), Failure> {
    let (model, out) = match (&args.model, &args.out, &args.classes_config) {
        (Some(model), Some(out), _) => (Some(model.clone()), Some(out.clone())),
        (model, out, Some(file)) => {
            let wanted = [("model", model.is_none()), ("new_model", out.is_none())];
            let needed: Vec<&str> = wanted.iter().filter(|(_, is_needed)| *is_needed).map(|(key, _)| *key).collect();
            let config = ClassesConfig::read(file, &needed)?;
            let new_model = config.new_model_file();
            (model.clone().or(config.model), out.clone().or(new_model))
        }
        _ => (None, None),
    };
    match (model, out) {
        (Some(model), Some(out)) if model.as_os_str() != "-" && out.as_os_str() != "-" => Ok((model, out)),
        (Some(_), Some(_)) => Err(Failure::usage("MODEL and OUT are files, neither can be '-'")),
        _ => Err(Failure::usage("MODEL and OUT are both needed")),
    }
}

fn site_sources(args: &Args) -> Result<Vec<SiteSource>, Failure> {
    let mut sources = Vec::new();
    for sites in &args.sites {
        let (simulator, file) = named(sites);
        let input = Input::from_arg(Some(&file));
        if input == Input::Stdin && matches!(Input::from_arg(args.input.as_deref()), Input::Stdin) {
            return Err(Failure::usage("--sites - and the patch cannot both come from stdin")
                .with_hint("--input FILE reads the patch from a file"));
        }
        sources.push(SiteSource { simulator, files: SiteFiles::Lines(input) });
    }
    let mut masks: Vec<(Option<String>, PathBuf)> = args.masks.iter().map(|masks| named(masks)).collect();
    for injections in &args.injections {
        let (simulator, injections) = named(injections);
        let Some(at) = masks.iter().position(|(name, _)| *name == simulator) else {
            return Err(Failure::usage(format!("--injections {} has no --masks beside it", shown_path(&injections))));
        };
        let (_, masks) = masks.remove(at);
        sources.push(SiteSource { simulator, files: SiteFiles::Arrays { injections, masks } });
    }
    match masks.first() {
        Some((_, masks)) => Err(Failure::usage(format!("--masks {} has no --injections beside it", shown_path(masks)))),
        None => Ok(sources),
    }
}

/// Splits NAME=FILE. Names and files may have a `=` themselves: a file that is there decides, else the first `=`.
fn named(text: &str) -> (Option<String>, PathBuf) {
    let whole = PathBuf::from(text);
    if whole.exists() {
        return (None, whole);
    }
    let splits = || text.match_indices('=').map(|(at, _)| (&text[..at], Path::new(&text[at + 1..])));
    match splits().find(|(_, file)| file.exists()).or_else(|| splits().next()) {
        Some((name, file)) => (Some(name.to_owned()), file.to_owned()),
        None => (None, whole),
    }
}

fn tell(args: &Args, options: &Options, report: &Report, speaker: Speaker) {
    if report.bare_placeholders {
        speaker.say("placeholders without quotes were taken as if they had some");
    }
    for (simulator, count) in &report.filled {
        let plural = if *count == 1 { "" } else { "s" };
        speaker.say(&format!("'{}' plays {count} site{plural}", shown(simulator)));
    }
    // Only a simulator makes a difference between the two.
    if report.simulators > 0 {
        let (this, other) = match report.keras {
            Keras::Two => (2, 3),
            Keras::Three => (3, 2),
        };
        let why = match (&report.written_by, args.keras) {
            (Some(version), _) => format!(" (MODEL was written by {}; --keras {other} for the other)", shown(version)),
            (None, KerasArg::Auto) => format!(" (MODEL does not say who wrote it; --keras {other} for the other)"),
            _ => String::new(),
        };
        let is = if options.check { "would be" } else { "is" };
        speaker.say(&format!("{} {is} for Keras {this}{why}", shown_path(&options.out)));
    }
}
