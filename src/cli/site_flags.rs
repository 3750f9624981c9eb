//! The flags that say where sites come from.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use crate::input::Input;
use crate::rewrite::{SiteFiles, SiteSource};
use crate::text::shown_path;

/// Where the sites of simulators come from.
#[derive(Debug, Args)]
pub struct SiteFlags {
    /// Sites, one a line, for the simulator NAME
    #[arg(long, value_name = "[NAME=]FILE")]
    sites: Vec<String>,
    /// Wrong values as a NumPy array, for the simulator NAME
    #[arg(long, value_name = "[NAME=]FILE.npy")]
    injections: Vec<String>,
    /// Masks as a NumPy array, 0 at a corrupted cell and 1 elsewhere, for the simulator NAME
    #[arg(long, value_name = "[NAME=]FILE.npy")]
    masks: Vec<String>,
}

impl SiteFlags {
    /// The sources in the order of the flags, lines first; the patch comes from `patch`.
    ///
    /// # Errors
    /// Stdin is asked for twice, or one of two arrays is missing.
    pub fn sources(&self, patch: Option<&Path>) -> Result<Vec<SiteSource>, Failure> {
        let mut sources = Vec::new();
        for sites in &self.sites {
            let (simulator, file) = named(sites);
            let input = Input::from_arg(Some(&file));
            if input == Input::Stdin && Input::from_arg(patch) == Input::Stdin {
                return Err(Failure::usage("--sites - and the patch cannot both come from stdin")
                    .with_hint("--input FILE reads the patch from a file"));
            }
            sources.push(SiteSource { simulator, files: SiteFiles::Lines(input) });
        }
        let mut masks: Vec<(Option<String>, PathBuf)> = self.masks.iter().map(|masks| named(masks)).collect();
        for injections in &self.injections {
            let (simulator, injections) = named(injections);
            let Some(at) = masks.iter().position(|(name, _)| *name == simulator) else {
                return Err(Failure::usage(format!(
                    "--injections {} has no --masks beside it",
                    shown_path(&injections)
                )));
            };
            let (_, masks) = masks.remove(at);
            sources.push(SiteSource { simulator, files: SiteFiles::Arrays { injections, masks } });
        }
        match masks.first() {
            Some((_, masks)) => {
                Err(Failure::usage(format!("--masks {} has no --injections beside it", shown_path(masks))))
            }
            None => Ok(sources),
        }
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
