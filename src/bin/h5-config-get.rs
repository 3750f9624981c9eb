//! `h5-config-get`: the config of a saved Keras model, as JSON.

#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::builder::NonEmptyStringValueParser;
use classes_h5::cli::classes_config::ClassesConfig;
use classes_h5::cli::{self, EXIT_CODES, Failure, Speaker};
use classes_h5::config;
use classes_h5::input::Input;
use classes_h5::json::{self, Arrays, Printable};
use classes_h5::keras::version::Keras;
use classes_h5::model_file::{CONFIG, ModelFile};
use classes_h5::progress::Doing;
use classes_h5::text::shown;
use classes_h5::whole::signals::Guard;

const TOOL: &str = "h5-config-get";

/// Print the config of a saved Keras model (.h5, .keras or a folder) as JSON
#[derive(Parser)]
#[command(version, after_help = format!("\
In the pipe:
  model.h5 -> [h5-config-get] -> classes-patch -> h5-config-set -> faulty.h5

Examples:
  h5-config-get model.h5 > config.json
  h5-config-get model.h5 | jq -r '.config.layers[].config.name'

{EXIT_CODES}"))]
struct Args {
    /// The model, a file or Keras' folder (zipped=False); - is stdin
    #[arg(required_unless_present = "classes_config")]
    model: Option<PathBuf>,
    /// Print on one line
    #[arg(long, conflicts_with = "raw")]
    compact: bool,
    /// Print the attribute's bytes as they are
    #[arg(long)]
    raw: bool,
    /// Print another attribute of the file's root, such as training_config or keras_version
    #[arg(long, value_name = "NAME", default_value = CONFIG, value_parser = NonEmptyStringValueParser::new())]
    attr: String,
    /// Print which Keras loads the file, 2 or 3: the one that wrote it
    #[arg(long, conflicts_with_all = ["compact", "raw", "attr"])]
    keras: bool,
    /// Take MODEL from CLASSES' own config.json, where it is not given
    #[arg(long, value_name = "FILE")]
    classes_config: Option<PathBuf>,
}

fn main() -> ExitCode {
    cli::run(TOOL, get)
}

fn get(args: &Args, speaker: Speaker) -> Result<(), Failure> {
    let path = match (&args.model, &args.classes_config) {
        (Some(model), _) => Some(model.clone()),
        (None, Some(file)) => ClassesConfig::read(file, &["model"])?.model,
        (None, None) => None,
    };
    let progress = speaker.progress(Doing::Step("reading the config".to_owned()));
    let input = Input::from_arg(path.as_deref());
    let (_guard, mut spool);
    let model = match &input {
        Input::Path(path) => ModelFile::open(path)?,
        Input::Stdin => {
            // HDF5 reads here and there in a file, which no pipe allows.
            spool = tempfile::NamedTempFile::new().map_err(|error| Failure::io("temporary file", &error))?;
            _guard = Guard::new(spool.path()).map_err(|error| Failure::io("temporary file", &error))?;
            let copied = io::copy(&mut input.open("a model file")?, &mut spool);
            copied.and_then(|_| spool.flush()).map_err(|error| Failure::io("stdin", &error))?;
            ModelFile::open_as(spool.path(), "stdin".as_ref())?
        }
    };
    if args.keras {
        let keras = written_by(&model)?;
        drop(progress);
        return cli::to_stdout(|out| writeln!(out, "{}", keras.number()));
    }
    let bytes = model.attribute(&args.attr)?;
    if args.raw {
        drop(progress);
        return cli::to_stdout(|out| out.write_all(&bytes));
    }
    let text = String::from_utf8(bytes).map_err(|_| not_json(&model, &args.attr, "is not UTF-8"))?;
    let mut arrays = Arrays::default();
    let printable = match Printable::read(&text, &mut arrays) {
        Ok(printable) => printable,
        // Versions and names are plain text; as JSON they are strings.
        Err(_) if args.attr != CONFIG && !text.trim_start().starts_with(['{', '[']) => {
            Printable::Value(text.as_str().into())
        }
        Err(error) => return Err(not_json(&model, &args.attr, &error.to_string())),
    };
    drop(progress);
    cli::to_stdout(|out| match args.compact {
        true => printable.write_compact(&arrays, out),
        false => printable.write_pretty(&arrays, out),
    })
}

fn written_by(model: &ModelFile) -> Result<Keras, Failure> {
    let text = model.config()?;
    let mut arrays = Arrays::default();
    let document = json::parse_wanted(&text, config::wanted, &mut arrays)
        .map_err(|error| not_json(model, CONFIG, &error.to_string()))?;
    let graph = config::read(&document.value)
        .map_err(|error| Failure::content(format!("{}: its config {error}", model.name())))?;
    Ok(config::writer(model.keras_version().as_deref(), &graph))
}

fn not_json(model: &ModelFile, attribute: &str, why: &str) -> Failure {
    let what = format!("{}: the attribute '{}' {why}", model.name(), shown(attribute));
    Failure::content(what).with_hint("--raw prints it as it is")
}
