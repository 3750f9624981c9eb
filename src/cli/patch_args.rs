//! The command line of `classes-patch`.

use std::path::PathBuf;

use clap::{ArgGroup, Parser};

use super::{EXIT_CODES, Failure};
use crate::edit::{Calls, Placement};
use crate::harden::Options;
use crate::keras::clip::{Nan, Outside};
use crate::text::shown;

/// Print the RFC 6902 patch that inserts CLASSES' ErrorSimulator behind a layer of a Keras model, or hardens its layers
#[derive(Parser)]
#[command(version, after_help = format!("\
In the pipe:
  model.h5 -> h5-config-get -> [classes-patch] -> h5-config-set -> faulty.h5

Examples:
  h5-config-get model.h5 | classes-patch --list
  h5-config-get model.h5 | classes-patch --after conv2d_1 > conv2d_1.patch.json

{EXIT_CODES}"))]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["after", "clip", "remove", "list", "dot"])))]
pub struct Args {
    /// The model's config, as h5-config-get prints it [default: stdin]
    pub config: Option<PathBuf>,
    /// Insert a simulator behind LAYER; again for more. A nested layer is outer/inner
    #[arg(long, value_name = "LAYER")]
    pub after: Vec<String>,
    /// Name the simulator (once for each --after); a taken name gets a suffix [default: simulator]
    #[arg(long, value_name = "NAME", requires = "after")]
    pub name: Vec<String>,
    /// Corrupt what LAYER computes before its own activation: the activation becomes a layer behind the simulator
    #[arg(long, requires = "after")]
    pub split_activation: bool,
    /// Which call of a LAYER that is called more than once: 0, 1, ... or all
    #[arg(long, value_name = "N|all", value_parser = parse_calls, allow_hyphen_values = true, requires = "after")]
    pub node: Option<Calls>,
    /// Which output of a LAYER that has several
    #[arg(long, value_name = "N", requires = "after")]
    pub tensor: Option<usize>,
    /// Clip what layers put out to the golden ranges in FILE, as python -m classes_h5.ranges writes them
    #[arg(long, value_name = "FILE", conflicts_with = "after")]
    pub clip: Option<PathBuf>,
    /// Clip LAYER alone; again for more [default: all that compute something]
    #[arg(long, value_name = "LAYER", requires = "clip")]
    pub only: Vec<String>,
    /// What a clip makes of NaN: NaN, as Keras' own layers do, or 0 [default: keep]
    #[arg(long, value_name = "NAN", value_parser = ["keep", "zero"], requires = "clip")]
    pub nan: Option<String>,
    /// What a clip makes of a value outside the range: the end that it has passed, or 0 [default: saturate]
    #[arg(long, value_name = "OUTSIDE", value_parser = ["saturate", "zero"], requires = "clip")]
    pub outside: Option<String>,
    /// Take the simulator or clip NAME out again; again for more
    #[arg(long, value_name = "NAME", conflicts_with_all = ["after", "clip"])]
    pub remove: Vec<String>,
    /// Print the patched config instead of the patch
    #[arg(long, conflicts_with_all = ["list", "dot"])]
    pub apply: bool,
    /// Print what can be injected: name, class, output shape, operator, consumers; a table on a terminal, TSV in a pipe
    #[arg(long, conflicts_with_all = ["after", "clip", "remove", "dot"])]
    pub list: bool,
    /// Print the list as JSON, one object a line
    #[arg(long, requires = "list")]
    pub json: bool,
    /// Print the graph for Graphviz; with --after, --clip or --remove the patched one, the simulators marked
    #[arg(long)]
    pub dot: bool,
}

impl Args {
    /// How layers are clipped.
    pub fn hardening(&self) -> Options {
        let is_zero = |choice: &Option<String>| choice.as_deref() == Some("zero");
        let nan = if is_zero(&self.nan) { Nan::Zero } else { Nan::Keep };
        let outside = if is_zero(&self.outside) { Outside::Zero } else { Outside::Saturate };
        Options { only: self.only.clone(), nan, outside }
    }

    /// The simulators that are asked for.
    ///
    /// # Errors
    /// Flags that do not go together.
    pub fn placements(&self) -> Result<Vec<Placement>, Failure> {
        let is_insertion =
            !self.name.is_empty() || self.split_activation || self.node.is_some() || self.tensor.is_some();
        if self.after.is_empty() && is_insertion {
            return Err(Failure::usage("--name, --split-activation, --node and --tensor go with --after"));
        }
        if self.clip.is_none() && (!self.only.is_empty() || self.nan.is_some() || self.outside.is_some()) {
            return Err(Failure::usage("--only, --nan and --outside go with --clip"));
        }
        if self.json && !self.list {
            return Err(Failure::usage("--json goes with --list"));
        }
        // Keras keeps a layer's variables under its name, as a path.
        if let Some(name) = self.name.iter().find(|name| name.is_empty() || name.contains('/')) {
            return Err(Failure::usage(format!("'{}' is no name for a layer: it is empty or has a '/'", shown(name))));
        }
        if self.name.len() > self.after.len() {
            return Err(Failure::usage(format!(
                "--name is given {} times, --after {}",
                self.name.len(),
                self.after.len()
            )));
        }
        if self.after.len() > 1 && (self.node.is_some() || self.tensor.is_some()) {
            return Err(Failure::usage("--node and --tensor go with a single --after")
                .with_hint("chain: classes-patch --apply --after A --node 0 | classes-patch --after B"));
        }
        let request = |(index, after): (usize, &String)| Placement {
            after: after.clone(),
            name: self.name.get(index).cloned(),
            calls: self.node.unwrap_or_default(),
            tensor: self.tensor,
            split_activation: self.split_activation,
        };
        Ok(self.after.iter().enumerate().map(request).collect())
    }
}

fn parse_calls(text: &str) -> Result<Calls, String> {
    match text {
        "all" => Ok(Calls::All),
        _ => text.parse().map(Calls::One).map_err(|_| "a number (from 0) or 'all' is expected".to_owned()),
    }
}
