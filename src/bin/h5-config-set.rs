//! `h5-config-set`: a model, a patch (or a config) and sites in, the model that misbehaves out.

#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use classes_h5::cli::classes_config::ClassesConfig;
use classes_h5::cli::site_flags::SiteFlags;
use classes_h5::cli::{self, EXIT_CODES, Failure, Speaker, notes};
use classes_h5::input::Input;
use classes_h5::keras::version::Keras;
use classes_h5::layout::DataFormat;
use classes_h5::progress::Doing;
use classes_h5::rewrite::{self, RewriteOptions};
use classes_h5::weights::Stated;

const TOOL: &str = "h5-config-set";

/// Write a Keras model (.h5, .keras or a folder) with a patched or edited config, its simulators filled with sites
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
    /// The file to write, a folder where MODEL is one; it appears whole or not at all
    #[arg(required_unless_present = "classes_config")]
    out: Option<PathBuf>,
    /// The patch (a JSON array) or the config (a JSON object) [default: stdin]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    #[command(flatten)]
    sites: SiteFlags,
    /// Write the corrupted cells only, for the layer in classes_h5
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
    let options = RewriteOptions {
        model,
        out,
        sites: args.sites.sources(args.input.as_deref())?,
        keras: match args.keras {
            KerasArg::Auto => None,
            KerasArg::Two => Keras::numbered(2),
            KerasArg::Three => Keras::numbered(3),
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
    notes::rewritten(&options, &report).iter().for_each(|words| speaker.say(words));
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
