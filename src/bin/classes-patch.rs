//! `classes-patch`: a Keras config in, a JSON Patch out that inserts (or removes) error simulators and clips.

#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use classes_h5::cli::patch_args::Args;
use classes_h5::cli::{self, Failure, Speaker, notes};
use classes_h5::config;
use classes_h5::edit;
use classes_h5::harden;
use classes_h5::input::Input;
use classes_h5::json::{self, Arrays};
use classes_h5::list::{self, Style};
use classes_h5::progress::Doing;
use classes_h5::target::Targets;
use classes_h5::{dot, patch};

const TOOL: &str = "classes-patch";

fn main() -> ExitCode {
    cli::run(TOOL, patch_config)
}

fn patch_config(args: &Args, speaker: Speaker) -> Result<(), Failure> {
    let requests = args.placements()?;
    let input = Input::from_arg(args.config.as_deref());
    let progress = speaker.progress(Doing::Step("reading the config".to_owned()));
    let text = input.read_text("a model config")?;
    let mut arrays = Arrays::default();
    let mut document = match args.apply {
        true => cli::parse_json(&input, &text, &mut arrays)?,
        false => cli::parse_wanted(&input, &text, config::wanted, &mut arrays)?,
    };
    let graph = config::read(&document).map_err(|error| Failure::in_input(&input, error))?;
    drop(progress);
    if args.list {
        let style = match (args.json, io::stdout().is_terminal()) {
            (true, _) => Style::JsonLines,
            (false, true) => Style::Table,
            (false, false) => Style::Tsv,
        };
        return cli::to_stdout(|out| list::write(&Targets::new(&graph).all(), style, out));
    }
    let changes = match &args.clip {
        _ if !args.remove.is_empty() => edit::remove(&graph, &args.remove)?,
        Some(file) => {
            let file = Input::from_arg(Some(file));
            if file == Input::Stdin && input == Input::Stdin {
                return Err(Failure::usage("--clip - and the config cannot both come from stdin"));
            }
            let text = file.read_text("a file of golden ranges")?;
            let ranges = cli::parse_json(&file, &text, &mut Arrays::default())?;
            let hardened = harden::harden(&graph, &Targets::new(&graph), &ranges, &args.hardening())
                .map_err(|error| if error.is_in_ranges() { Failure::in_input(&file, error) } else { error.into() })?;
            speaker.say(&notes::hardened(&hardened));
            hardened.changes
        }
        None => {
            let insertion = edit::insert(&graph, &Targets::new(&graph), &requests)?;
            insertion.simulators.iter().flat_map(notes::inserted).for_each(|words| speaker.say(&words));
            insertion.changes
        }
    };
    let patch = patch::build(&changes);
    if args.apply || args.dot {
        patch::apply(&mut document, &patch, &arrays)?;
    }
    if args.dot {
        let graph = config::read(&document).map_err(|error| Failure::in_input(&input, error))?;
        return cli::to_stdout(|out| dot::write(&graph, out));
    }
    if args.apply {
        return cli::to_stdout(|out| json::write_pretty(&document, &arrays, out));
    }
    let patch = serde_json::to_value(patch).map_err(|error| Failure::content(error.to_string()))?;
    cli::to_stdout(|out| json::write_pretty(&patch, &arrays, out))
}
