//! `classes-patch`: a Keras config in, a JSON Patch out that inserts (or removes) an error simulator.

#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Parser};
use classes_h5::cli::{self, EXIT_CODES, Failure, Speaker, notes};
use classes_h5::config;
use classes_h5::edit::{self, Calls, Placement};
use classes_h5::input::Input;
use classes_h5::json::{self, Arrays};
use classes_h5::list::{self, Style};
use classes_h5::progress::Doing;
use classes_h5::target::Targets;
use classes_h5::text::shown;
use classes_h5::{dot, patch};

const TOOL: &str = "classes-patch";

/// Print the RFC 6902 patch that inserts CLASSES' ErrorSimulator behind a layer of a Keras model
#[derive(Parser)]
#[command(version, after_help = format!("\
In the pipe:
  model.h5 -> h5-config-get -> [classes-patch] -> h5-config-set -> faulty.h5

Examples:
  h5-config-get model.h5 | classes-patch --list
  h5-config-get model.h5 | classes-patch --after conv2d_1 > conv2d_1.patch.json

{EXIT_CODES}"))]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["after", "remove", "list", "dot"])))]
struct Args {
    /// The model's config, as h5-config-get prints it [default: stdin]
    config: Option<PathBuf>,
    /// Insert a simulator behind LAYER; again for more. A nested layer is outer/inner
    #[arg(long, value_name = "LAYER")]
    after: Vec<String>,
    /// Name the simulator (once for each --after); a taken name gets a suffix [default: simulator]
    #[arg(long, value_name = "NAME", requires = "after")]
    name: Vec<String>,
    /// Corrupt what LAYER computes before its own activation: the activation becomes a layer behind the simulator
    #[arg(long, requires = "after")]
    split_activation: bool,
    /// Which call of a LAYER that is called more than once: 0, 1, ... or all
    #[arg(long, value_name = "N|all", value_parser = parse_calls, allow_hyphen_values = true, requires = "after")]
    node: Option<Calls>,
    /// Which output of a LAYER that has several
    #[arg(long, value_name = "N", requires = "after")]
    tensor: Option<usize>,
    /// Take the simulator NAME out again
    #[arg(long, value_name = "NAME", conflicts_with = "after")]
    remove: Option<String>,
    /// Print the patched config instead of the patch
    #[arg(long, conflicts_with_all = ["list", "dot"])]
    apply: bool,
    /// Print what can be injected: name, class, output shape, operator, consumers; a table on a terminal, TSV in a pipe
    #[arg(long, conflicts_with_all = ["after", "remove", "dot"])]
    list: bool,
    /// Print the list as JSON, one object a line
    #[arg(long, requires = "list")]
    json: bool,
    /// Print the graph for Graphviz; with --after or --remove the patched one, the simulators marked
    #[arg(long)]
    dot: bool,
}

fn parse_calls(text: &str) -> Result<Calls, String> {
    match text {
        "all" => Ok(Calls::All),
        _ => text.parse().map(Calls::One).map_err(|_| "a number (from 0) or 'all' is expected".to_owned()),
    }
}

fn main() -> ExitCode {
    cli::run(TOOL, patch_config)
}

fn patch_config(args: &Args, speaker: Speaker) -> Result<(), Failure> {
    let requests = requests(args)?;
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
    let changes = match &args.remove {
        Some(name) => edit::remove(&graph, name)?,
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

fn requests(args: &Args) -> Result<Vec<Placement>, Failure> {
    let is_insertion = !args.name.is_empty() || args.split_activation || args.node.is_some() || args.tensor.is_some();
    if args.after.is_empty() && is_insertion {
        return Err(Failure::usage("--name, --split-activation, --node and --tensor go with --after"));
    }
    if args.json && !args.list {
        return Err(Failure::usage("--json goes with --list"));
    }
    // Keras keeps a layer's variables under its name, as a path.
    if let Some(name) = args.name.iter().find(|name| name.is_empty() || name.contains('/')) {
        return Err(Failure::usage(format!("'{}' is no name for a layer: it is empty or has a '/'", shown(name))));
    }
    if args.name.len() > args.after.len() {
        return Err(Failure::usage(format!("--name is given {} times, --after {}", args.name.len(), args.after.len())));
    }
    if args.after.len() > 1 && (args.node.is_some() || args.tensor.is_some()) {
        return Err(Failure::usage("--node and --tensor go with a single --after")
            .with_hint("chain: classes-patch --apply --after A --node 0 | classes-patch --after B"));
    }
    let request = |(index, after): (usize, &String)| Placement {
        after: after.clone(),
        name: args.name.get(index).cloned(),
        calls: args.node.unwrap_or_default(),
        tensor: args.tensor,
        split_activation: args.split_activation,
    };
    Ok(args.after.iter().enumerate().map(request).collect())
}
